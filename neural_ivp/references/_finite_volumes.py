"""Densities of Fokker-Planck equations on the line and in the plane, by finite volumes.

    p_t = -div(b p) + D Lap p,   D > 0,

on a box so wide that nothing reaches its faces. Between neighbours i, i + 1 of a uniform grid with
spacing h the flux is that of Scharfetter and Gummel,

    F = (D / h) [B(-w) p_i - B(w) p_(i+1)],   B(w) = w / (e^w - 1),   w = int_i^(i+1) b / D dx.

All rates are positive and what leaves a cell enters its neighbour: p stays positive and its mass 1.
For a drift b = -grad V the density exp(-V / D) / Z is stationary on the grid, without error.

The system in time, p' = Q p, is solved exactly by uniformization: with c the largest rate at which
a cell is left, exp(t Q) = sum_k Poisson(k; c t) (I + Q / c)^k. No term is negative, so small values
in the tails keep their relative accuracy. (The eigenvectors of the symmetrised Q were rejected:
with a start wider than exp(-V / (2 D)) the coefficients overflow and cancel.) The error is then
that of the grid, of order h^2 with an expansion in even powers; the logarithms on two grids, with
spacings h and 2 h, are extrapolated to order 4.

Sources: Scharfetter and Gummel, IEEE Trans. Electron Devices 16 (1969) 64-77; Chang and Cooper,
J. Comput. Phys. 6 (1970) 1-16; Stewart, *Introduction to the Numerical Solution of Markov Chains*
(1994), section 8.2, for uniformization.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.sparse import coo_array, eye_array
from scipy.special import exprel, gammaln

from ._kept_states import KeptStates

_SMALLEST = 1e-300  # densities below it are this one, so that every logarithm is finite
_MOST_KEPT = 64
_LEAKAGE = 1e-9


class TwoGrids:
    """log p at the nodes of a box, extrapolated from two grids.

    Args:
        lower, upper: corners, each [d].
        cells: intervals per axis of the finer grid; even.
        diffusion: D.
        drops: callable of the list of d axes -> d arrays, the w between neighbours along each axis.
        initial: callable of d arrays, the density at t = 0.

    Raises:
        ValueError: bad arguments, or a density that is not one on the box or reaches its faces.
    """

    def __init__(
        self,
        lower: Sequence[float],
        upper: Sequence[float],
        cells: int,
        diffusion: float,
        drops: Callable[[list[np.ndarray]], list[np.ndarray]],
        initial: Callable[..., np.ndarray],
    ) -> None:
        corners = np.asarray([lower, upper], float)
        if not np.all(np.isfinite(corners)) or not np.all(corners[0] < corners[1]):
            raise ValueError("lower must be below upper, and both finite.")
        if cells < 16 or cells % 2 or not 0.0 < diffusion < np.inf:
            raise ValueError("cells must be even and at least 16, and diffusion positive.")
        self.axes = [np.linspace(start, stop, cells + 1) for start, stop in corners.T]
        self.volume = np.prod([axis[1] - axis[0] for axis in self.axes])
        self._coarse_axes = [axis[::2] for axis in self.axes]
        self._fine = _Grid(self.axes, diffusion, drops, initial)
        self._coarse = _Grid(self._coarse_axes, diffusion, drops, initial)
        self._kept: dict[float, np.ndarray] = {}

    def log_density(self, t: float, *, extrapolate: bool = True) -> np.ndarray:
        """log p at the nodes of the finer grid; the sum of p times the volume of a cell is 1."""
        if not extrapolate:
            return self._fine.log_density(t)
        if t not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[t] = self._extrapolated(t)
        return self._kept[t]

    def finer_axes(self, parts: int) -> list[np.ndarray]:
        """The axes with every interval divided."""
        return [np.linspace(a[0], a[-1], parts * (a.size - 1) + 1) for a in self.axes]

    def masses(self, t: float) -> np.ndarray:
        """The masses of the cells around the nodes; they add up to 1."""
        return self.volume * np.exp(self.log_density(t))

    def entropy(self, t: float) -> float:
        """-int p log p by the trapezoidal rule, which is exact up to rounding for such p."""
        return -float(np.sum(self.masses(t) * self.log_density(t)))

    def _extrapolated(self, t: float) -> np.ndarray:
        fine = self._fine.log_density(t)
        error = (fine[(slice(None, None, 2),) * fine.ndim] - self._coarse.log_density(t)) / 3.0
        error = np.clip(error, -1.0, 1.0)  # the grids disagree where p is next to nothing
        for number, (coarse, axis) in enumerate(zip(self._coarse_axes, self.axes, strict=True)):
            error = CubicSpline(coarse, error, axis=number)(axis)
        return fine + error - np.log(self.volume * np.sum(np.exp(fine + error)))


class _Grid:
    def __init__(
        self,
        axes: list[np.ndarray],
        diffusion: float,
        drops: Callable[[list[np.ndarray]], list[np.ndarray]],
        initial: Callable[..., np.ndarray],
    ) -> None:
        spacings = [axis[1] - axis[0] for axis in axes]
        self._shape = tuple(axis.size for axis in axes)
        self._volume = np.prod(spacings)
        generator = _generator(self._shape, drops(axes), [diffusion / h**2 for h in spacings])
        self._rate = -generator.diagonal().min()
        self._jump = (eye_array(generator.shape[0]) + generator / self._rate).tocsr()
        values = np.asarray(initial(*np.meshgrid(*axes, indexing="ij")), float)
        if values.shape != self._shape or not np.all(np.isfinite(values) & (values >= 0.0)):
            raise ValueError("initial must return one density, not negative, for each point.")
        mass = self._volume * values.sum()
        if abs(mass - 1.0) > 1e-7:
            raise ValueError(
                f"The mass of initial on the box is {mass:.9g}, not 1: widen it or raise cells."
            )
        self._kept = KeptStates(values.ravel() / mass, self._march, self._check)

    def log_density(self, t: float) -> np.ndarray:
        return np.log(np.maximum(self._kept.at(t), _SMALLEST)).reshape(self._shape)

    def _march(self, state: np.ndarray, duration: float) -> np.ndarray:
        count = int(np.ceil(self._rate * duration / 600.0))  # exp(-600) does not underflow
        mean = self._rate * duration / count
        reach = 10.0 * np.sqrt(mean) + 20.0  # the rest of the weights is below 1e-20
        first, last = max(0, int(mean - reach)), int(mean + reach)
        terms = np.arange(first, last + 1)
        weights = np.exp(terms * np.log(mean) - mean - gammaln(terms + 1.0))
        weights /= weights.sum()
        for _ in range(count):
            for _ in range(first):
                state = self._jump @ state
            total = weights[0] * state
            for weight in weights[1:]:
                state = self._jump @ state
                total += weight * state
            state = np.where(total < _SMALLEST, 0.0, total)  # denormal numbers are slow
        return state / (self._volume * state.sum())

    def _check(self, state: np.ndarray, t: float) -> None:
        density = state.reshape(self._shape)
        faces = [np.take(density, [0, -1], axis=axis).max() for axis in range(density.ndim)]
        if max(faces) * self._volume * state.size > _LEAKAGE:
            raise ValueError(f"The density reaches the ends of the box at t = {t}: widen it.")


def _generator(shape: tuple[int, ...], drops: list[np.ndarray], rates: list[float]):
    """Q, a sparse matrix whose columns sum to zero, from w and D / h^2 along each axis."""
    if not all(np.all(np.isfinite(drop)) for drop in drops):
        raise ValueError("The drift is not finite in the box.")
    indices = np.arange(np.prod(shape)).reshape(shape)
    sources, targets, values = [], [], []
    for axis, (drop, rate) in enumerate(zip(drops, rates, strict=True)):
        left = np.take(indices, np.arange(shape[axis] - 1), axis=axis).ravel()
        right = np.take(indices, np.arange(1, shape[axis]), axis=axis).ravel()
        sources += [left, right]
        targets += [right, left]
        values += [rate / exprel(-drop.ravel()), rate / exprel(drop.ravel())]
    source, target, value = map(np.concatenate, (sources, targets, values))
    rows, columns = np.concatenate([target, source]), np.concatenate([source, source])
    entries = np.concatenate([value, -value])
    return coo_array((entries, (rows, columns)), shape=(indices.size,) * 2).tocsr()


class LogSpline:
    """A cubic spline through logarithms at nodes, continued with its slope at the ends."""

    def __init__(self, nodes: np.ndarray, logs: np.ndarray) -> None:
        self._nodes, self._spline = nodes, CubicSpline(nodes, logs)

    def __call__(self, y: np.ndarray) -> np.ndarray:
        y = np.asarray(y, float)
        inside = np.clip(y, self._nodes[0], self._nodes[-1])
        return self._spline(inside) + self._spline(inside, 1) * (y - inside)


def draw(
    axes: list[np.ndarray], values: np.ndarray, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Draws [n, d] from the density that is linear in each variable between values at nodes."""
    for axis in range(values.ndim):  # corners [2, ..., 2, *cells]
        values = np.stack([np.delete(values, end, axis=axis + axis) for end in (-1, 0)], axis=axis)
    corners = values.reshape(*[2] * len(axes), -1)
    masses = np.cumsum(corners.mean(axis=tuple(range(len(axes)))))
    cell = np.searchsorted(masses, masses[-1] * rng.random(n), side="right")
    corners, places = corners[..., cell], np.unravel_index(cell, [a.size - 1 for a in axes])
    drawn = []
    for axis, place in zip(axes, places, strict=True):
        # The marginal on this axis is linear, from left to right: invert its integral.
        left, right = corners.mean(axis=tuple(range(1, corners.ndim - 1)))
        u = rng.random(n)
        root = np.sqrt((1.0 - u) * left**2 + u * right**2)
        share = u * (left + right) / (left + root)
        drawn.append(axis[place] + share * (axis[place + 1] - axis[place]))
        corners = (1.0 - share) * corners[0] + share * corners[1]
    return np.stack(drawn, axis=1)
