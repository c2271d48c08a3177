"""The methods of a `Solution` that is a probability density."""

import abc
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..errors import InputError, check_count, check_key, check_shape, finite_array
from ..networks import AbstractNetwork, GaussianFrame
from ..problems import AbstractDensityProblem, AbstractProblem
from ..types import Points
from ._estimates import (
    BATCHES,
    Estimate,
    FrameSample,
    frame_sample,
    log_values,
    particle_entropy,
    particle_estimate,
    sample_covariance,
    smaller,
)
from ._marginal import direction_of, marginal_estimate
from ._walks import Walk, Walks

# Euler-Maruyama steps for each step of the march, and at least so many.
SUBSTEPS, LEAST_STEPS = 8, 200
# Samples for which batches have a scatter.
LEAST_SAMPLES = 10 * BATCHES


class AbstractDensityMethods(abc.ABC):
    """Moments, entropy, marginals and samples of p = u / mass, for a `Solution` to inherit."""

    problem: AbstractProblem
    ts: np.ndarray
    record: dict[str, np.ndarray]

    @abc.abstractmethod
    def network(self, t: ArrayLike) -> AbstractNetwork:
        """The network at time t."""

    def mass(
        self, t: float, *, num_samples: int = 20_000, key: PRNGKeyArray | None = None
    ) -> Estimate:
        r"""$\int u \, dx$ of the solution at time t. The equation conserves it.

        It is $E_q[u / q]$ with the mixture q of normal densities in the network. The standard error
        is infinite where q falls off so much faster than u that the variance is.

        **Arguments:**

        - `t`: the time.
        - `num_samples`: the least number of draws.
        - `key`: of the draws, `jax.random.key(0)` if not given; the same gives the same result.

        **Returns:** an `Estimate`.

        **Raises:** `InputError` for a solution that is no density in R^d, or a time outside the
        interval.

        Source: Owen, "Monte Carlo theory, methods and examples", 2013, chapter 9.

        ```python
        def change_of_mass(solution, t):
            return solution.mass(t).value / solution.mass(0.0).value - 1
        ```
        """
        return self._frame(t, num_samples, key).mass()

    def mean(
        self, t: float, *, num_samples: int = 20_000, key: PRNGKeyArray | None = None
    ) -> Estimate:
        r"""$m = \int x \, p \, dx$ at time t, with p = u / mass; length, shape (d,).

        The better of two estimates by their standard errors: from u, with weights on draws from
        the mixture of normal densities in the network, or from `sample`. The standard error of the
        second has the error of its steps in it.

        **Arguments:**, **Returns:** and **Raises:** as for `mass`.

        ```python
        def path_of_the_mean(solution):
            return [solution.mean(t).value for t in solution.ts]
        ```
        """
        frame, pair = self._samples(t, num_samples, key)
        particles = particle_estimate(lambda x: x.mean(axis=0), *pair)
        return smaller(frame.mean(), particles) if frame.usable else particles

    def covariance(
        self, t: float, *, num_samples: int = 20_000, key: PRNGKeyArray | None = None
    ) -> Estimate:
        r"""$\int (x - m) (x - m)^T p \, dx$ at time t, length^2, shape (d, d); m is the mean.

        The better of two estimates, as for `mean`.

        **Arguments:**, **Returns:** and **Raises:** as for `mass`.

        ```python
        def spread(solution, t):
            return np.sqrt(np.diag(solution.covariance(t).value))
        ```
        """
        frame, pair = self._samples(t, num_samples, key)
        particles = particle_estimate(sample_covariance, *pair)
        return smaller(frame.covariance(), particles) if frame.usable else particles

    def entropy(
        self, t: float, *, num_samples: int = 20_000, key: PRNGKeyArray | None = None
    ) -> Estimate:
        r"""$-\int p \log p \, dx$ at time t, with p = u / mass and x in units of length.

        The better of two estimates, as for `mean`. The second, minus the mean of log p over
        `sample`, takes the conserved mass where that of u has a standard error above one per cent.

        **Arguments:**, **Returns:** and **Raises:** as for `mass`.

        ```python
        def entropy_production(solution, t0, t1):
            return solution.entropy(t1).value - solution.entropy(t0).value
        ```
        """
        frame, pair = self._samples(t, num_samples, key)
        logs, moved = (_logs(self._density(t), points) for points in pair)
        conserved = float(self._problem.process.initial.mass)
        particles = particle_entropy(logs, moved, frame, conserved)
        return smaller(frame.entropy(), particles) if frame.usable else particles

    def sample(self, t: float, n: int, key: PRNGKeyArray) -> Points:
        """Independent points of the stochastic process at time t, by Euler-Maruyama steps.

        They start from the initial density at `ts[0]`, and do not depend on the network. Equal
        steps, eight for each step of the march until t and at least 200, leave a bias of first
        order in their size.

        **Arguments:**

        - `t`: the time.
        - `n`: the number of points.
        - `key`: of the points and of the Wiener processes.

        **Returns:** points of shape (n, d).

        **Raises:** `InputError` as `mass` does, or for a count below one.

        ```python
        def share_in_the_right_well(solution, t, key):
            return jnp.mean(solution.sample(t, 10_000, key)[:, 0] > 0)
        ```
        """
        check_count("n", n)
        check_key(key)
        return self._walk(t, n, key)[0]

    def marginal(
        self,
        t: float,
        axis: int | ArrayLike,
        grid: ArrayLike,
        *,
        num_samples: int = 4_000,
        key: PRNGKeyArray | None = None,
    ) -> Estimate:
        r"""The density of the projection $s = x \cdot a$ at time t; its integral is 1.

        It is the mean over `sample` of the density of s given the rest of x, which is that of u
        along the line through the point: its values at `grid` and its integral by the trapezoidal
        rule. On a line, d = 1, nothing depends on the samples.

        **Arguments:**

        - `t`: the time.
        - `axis`: a: the number of a coordinate, or a vector of shape (d,) of any length.
        - `grid`: values of s, shape (g,).
        - `num_samples`, `key`: the number of lines, and as for `mass`.

        **Returns:** an `Estimate` of shape (g,), 1 / unit of s.

        **Raises:** `InputError` as `mass` does, or for an axis or a grid of another shape.

        Source: Gelfand & Smith, "Sampling-based approaches to marginal densities", 1990.

        ```python
        def first_coordinate(solution, t):
            return solution.marginal(t, 0, jnp.linspace(-2.0, 2.0, 101))
        ```
        """
        network = self._density(t)
        check_count("num_samples", num_samples, minimum=2)
        a, values = direction_of(axis, network.means.shape[1]), finite_array("grid", grid)
        check_shape("`grid`", values.shape, (values.size,), "give the values of s in one row")
        points = self._walk(t, num_samples, _keys(key)[1])[0]
        return marginal_estimate(network, points, a, values)

    @property
    def _problem(self) -> AbstractDensityProblem:
        if not isinstance(self.problem, AbstractDensityProblem):
            given = f"{self.problem.name} is no equation of a probability density"
            raise InputError(f"{given}: give a `FokkerPlanck`")
        return self.problem

    def _density(self, t: float) -> GaussianFrame:
        _ = self._problem
        network = self.network(t)
        if not isinstance(network, GaussianFrame):
            raise InputError(
                "this needs the logarithm of a density in R^d as the network, and that of this "
                f"solution is a {type(network).__name__}: solve with a `GaussianFrame`, the "
                "default for a `FokkerPlanck`"
            )
        return network

    def _frame(self, t: float, num_samples: int, key: PRNGKeyArray | None) -> FrameSample:
        network = self._density(t)
        check_count("num_samples", num_samples, minimum=LEAST_SAMPLES)
        return frame_sample(network, num_samples, _keys(key)[0])

    def _samples(
        self, t: float, num_samples: int, key: PRNGKeyArray | None
    ) -> tuple[FrameSample, tuple[np.ndarray, np.ndarray]]:
        """Draws from the frame, and particles."""
        frame = self._frame(t, num_samples, key)
        points, moved = self._walk(t, -(-num_samples // BATCHES) * BATCHES, _keys(key)[1])
        return frame, (np.asarray(points, float), np.asarray(moved, float))

    _walks = cached_property(lambda self: Walks(self._problem, float(self.ts[0])))

    def _walk(self, t: float, count: int, key: PRNGKeyArray) -> Walk:
        """Particles at t from those at ts[0], and moved by the error of their steps."""
        dtype = self._density(t).means.dtype  # refuses a t that is no time of the interval
        # From the record, which a solution without the whole trajectory has too.
        steps = SUBSTEPS * int(np.sum(self.record["accepted"] & (self.record["t0"] < t)))
        return self._walks(t, count, max(steps, LEAST_STEPS), dtype, key)


def _keys(key: PRNGKeyArray | None) -> Array:
    """The keys of the draws from the frame and of the particles."""
    key = jax.random.key(0) if key is None else key
    check_key(key)
    return jax.random.split(key)


def _logs(network: GaussianFrame, points: np.ndarray) -> np.ndarray:
    """log u."""
    return np.asarray(log_values(network, jnp.asarray(points, network.means.dtype)), float)
