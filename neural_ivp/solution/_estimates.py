"""Integrals of a density: with weights on draws from its frame, or over particles."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ..networks import GaussianFrame
from ..precision import compiled
from ..types import Points

# Parts of scipy are imported in the functions, since they take long.

# A standard error is from the scatter of so many batches.
BATCHES = 20
# Tail index of the weights from which on their variance is infinite, and the scatter too small.
HEAVY_TAIL = 0.5
# Relative standard error of a mass above which the conserved one is taken instead.
POOR_MASS = 0.01


@dataclass(frozen=True, eq=False, repr=False)
class Estimate:
    """A number or an array with its standard error.

    `float(estimate)` and `np.asarray(estimate)` are of the value.

    **Arguments:**

    - `value`: of any shape.
    - `standard_error`: of the same shape.

    ```python
    def differs(estimate, value):
        return np.abs(estimate.value - value) > 3 * estimate.standard_error
    ```
    """

    value: np.ndarray
    standard_error: np.ndarray

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.value, dtype=dtype, copy=True if copy is None else copy)

    def __float__(self) -> float:
        return self.value.item()

    def __repr__(self) -> str:
        if self.value.ndim == 0:
            return f"Estimate({self.value:.6g} +- {self.standard_error:.1e})"
        largest = np.max(self.standard_error, initial=0.0)
        return f"Estimate(shape {self.value.shape}, standard error up to {largest:.1e})"


def in_batches(statistic: Callable[..., Any], *arrays: np.ndarray) -> Estimate:
    """A statistic of all rows, with the standard error from its scatter over the batches."""
    batches = zip(*(np.split(array, BATCHES) for array in arrays), strict=True)
    parts = np.stack([statistic(*batch) for batch in batches])
    error = parts.std(axis=0, ddof=1) / math.sqrt(BATCHES)
    return Estimate(np.asarray(statistic(*arrays)), np.asarray(error))


def smaller(first: Estimate, second: Estimate) -> Estimate:
    """The one with the smaller standard error, the second where that of the first is no number."""
    sizes = [float(np.sum(estimate.standard_error**2)) for estimate in (first, second)]
    return first if sizes[0] <= sizes[1] or math.isnan(sizes[1]) else second


@dataclass(frozen=True)
class FrameSample:
    r"""Draws from the normalised mixture q of a `GaussianFrame`, with the weights w = u / q.

    With $r = w / \bar w$ an integral over u / mass is a mean of r f. The same mean with r = 1, an
    integral over q, is known and serves as a control variate where that helps: the estimates are
    exact for u = q.

    - `points`: shape (n, d), n a multiple of `BATCHES`.
    - `log_u`, `log_weights`: shape (n,).
    - `centre`, `factor`: the mean of q, and a lower triangular root of its covariance.

    Sources: Owen, "Monte Carlo theory, methods and examples", 2013, chapters 8, 9, 17; Vehtari et
    al., "Pareto smoothed importance sampling", 2024.
    """

    points: np.ndarray
    log_u: np.ndarray
    log_weights: np.ndarray
    centre: np.ndarray
    factor: np.ndarray

    @property
    def usable(self) -> bool:
        """Whether the weights have a tail so light that the standard errors hold."""
        largest = np.sort(self.log_weights)[-math.ceil(3 * math.sqrt(len(self.log_weights))) :]
        # Hill's estimate of the tail index from the largest weights.
        return bool(np.mean(largest[1:] - largest[0]) < HEAVY_TAIL)  # False for NaN

    def mass(self) -> Estimate:
        mass = in_batches(lambda w: np.exp(_log_mean(w)), self.log_weights)
        return mass if self.usable else Estimate(mass.value, np.asarray(np.inf))

    def mean(self) -> Estimate:
        def statistic(share, y, w):
            return self.centre + (_ratio(w) - share) @ y / len(y)

        return _with_or_without(statistic, self.points - self.centre, self.log_weights)

    def covariance(self) -> Estimate:
        def statistic(share, y, w):
            more = (_ratio(w) - share)[:, None] * y / len(y)
            shift = np.sum(more, axis=0)
            return share * self.factor @ self.factor.T + more.T @ y - np.outer(shift, shift)

        return _with_or_without(statistic, self.points - self.centre, self.log_weights)

    def entropy(self) -> Estimate:
        """The control variate is log N(x; mean and covariance of q), of known mean."""
        from scipy.linalg import solve_triangular

        z = solve_triangular(self.factor, (self.points - self.centre).T, lower=True)
        d = len(self.centre)
        constant = np.sum(np.log(np.diagonal(self.factor))) + d / 2 * math.log(2 * math.pi)
        normal, exact = constant + np.sum(z**2, axis=0) / 2, constant + d / 2

        def statistic(share, log_u, w, control):
            minus_log, ratio = _log_mean(w) - log_u, _ratio(w)
            raw = np.mean(ratio * minus_log)
            # The effect of one draw on the estimate, and its regression on the control.
            influence = ratio * (minus_log - raw + 1) - 1
            off = control - np.mean(control)
            slope = share * (influence @ off) / (off @ off)
            return raw - slope * (np.mean(control) - exact)

        return _with_or_without(statistic, self.log_u, self.log_weights, normal)


def _with_or_without(statistic: Callable[..., Any], *arrays: np.ndarray) -> Estimate:
    """The better of the estimates with a control variate, a share of 1, and without, 0.

    On a line even points integrate u to more digits than the control, which reaches further.
    """
    first, second = (in_batches(partial(statistic, share), *arrays) for share in (1.0, 0.0))
    return smaller(first, second)


def frame_sample(network: GaussianFrame, count: int, key: PRNGKeyArray) -> FrameSample:
    """At least `count` draws from the mixture of a network.

    Each batch is a Sobol sequence with a random shift of its own. The batches are independent, so
    that their scatter is that of integrals with more even points than random ones.
    """
    from scipy.stats.qmc import Sobol

    parts, d = network.means.shape
    power = math.ceil(math.log2(count / BATCHES))
    unit = Sobol(d if parts == 1 else d + 1, scramble=False).random_base2(power)
    arrays = _draw(network, jnp.asarray(unit, network.means.dtype), key)
    return FrameSample(*(np.asarray(array, float) for array in arrays))


@compiled
def _draw(network: GaussianFrame, unit: Points, key: PRNGKeyArray) -> tuple[Array, ...]:
    d, dtype = network.means.shape[1], unit.dtype
    shifts = jax.random.uniform(key, (BATCHES, 1, unit.shape[1]), dtype)
    tiny = jnp.finfo(dtype).eps / 2
    shifted = jnp.clip((unit[None] + shifts) % 1, tiny, 1 - tiny)
    mass = jax.scipy.special.logsumexp(network.log_weights)
    below = jnp.cumsum(jnp.exp(network.log_weights[:-1] - mass))

    def draw(z):
        part = jnp.sum(z[-1] > below)
        normal = jax.scipy.special.ndtri(z[:d])
        x = network.means[part] + network.factors[part] @ normal
        value = network(x)[0]
        return x, value, value - network.frame(x) + mass

    points, log_u, log_weights = jax.lax.map(jax.vmap(draw), shifted)
    return points.reshape(-1, d), log_u.reshape(-1), log_weights.reshape(-1), *network.moments()


@compiled
def log_values(network: GaussianFrame, points: Points) -> Float[Array, " n"]:
    """log u at points, as many as a multiple of `BATCHES`."""
    batches = points.reshape(BATCHES, -1, points.shape[1])
    return jax.lax.map(jax.vmap(network), batches).reshape(-1)


def particle_estimate(
    statistic: Callable[[np.ndarray], Any], values: np.ndarray, moved: np.ndarray
) -> Estimate:
    """A statistic of the rows of `values`; `moved` are these rows as `Walk` moves them."""
    estimate = in_batches(statistic, values)
    change = statistic(moved) - estimate.value
    return Estimate(estimate.value, np.hypot(estimate.standard_error, change))


def particle_entropy(
    log_u: np.ndarray, moved: np.ndarray, frame: FrameSample, conserved: float
) -> Estimate:
    """Minus the mean of log p over particles, from log u and that at the points moved by `Walk`."""
    mass = frame.mass()
    value, relative = float(mass.value), float(mass.standard_error / mass.value)
    if not relative <= POOR_MASS:
        value, relative = conserved, 0.0
    plain = particle_estimate(lambda log_u: -np.mean(log_u), log_u, moved)
    error = np.hypot(plain.standard_error, relative)
    return Estimate(np.asarray(plain.value + math.log(value)), np.asarray(error))


def sample_covariance(points: np.ndarray) -> np.ndarray:
    off = points - points.mean(axis=0)
    return off.T @ off / (len(points) - 1)


def _log_mean(logs: np.ndarray) -> np.ndarray:
    from scipy.special import logsumexp

    return logsumexp(logs) - math.log(len(logs))


def _ratio(log_weights: np.ndarray) -> np.ndarray:
    """r, of mean 1."""
    return np.exp(log_weights - _log_mean(log_weights))
