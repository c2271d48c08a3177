"""Densities of Fokker-Planck equations p_t = -div(b p) + D Lap p on all of R^d, by quadrature.

`LineDensity` (d = 1, any drift) and `PlaneDensity` (d = 2, the drift of a potential) are solved by
finite volumes on a box that holds all but a negligible mass; the scheme is in `_finite_volumes`.

`RotatedProduct` makes densities in any d of them. If x = Q y with Q orthogonal and the blocks of y
are independent, then p_x(x) = prod_k p_k(blocks of Q^T x), the entropies add up, and x solves the
equation with the drift Q b(Q^T x): for a potential, -grad V(Q^T x), with the same D.

Source: Risken, *The Fokker-Planck Equation*, chapters 5 and 6.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.interpolate import RectBivariateSpline

from ._finite_volumes import LogSpline, TwoGrids, draw
from ._sine_series import as_points


class LineDensity:
    """The solution of p_t = -(b p)_y + D p_yy on the line; y is an array of any shape.

    Args:
        drift: b, callable of an array; it does not depend on the time.
        diffusion: D > 0.
        initial: callable of an array, the density at t = 0.
        lower, upper: ends of an interval that holds all the mass up to about 1e-14.
        cells: intervals of the finer of the two grids; even. The error falls as cells^-4.

    Raises:
        ValueError: bad arguments, or an interval that is too narrow for the density.
    """

    dimension = 1

    def __init__(
        self,
        drift: Callable[[np.ndarray], np.ndarray],
        diffusion: float,
        initial: Callable[[np.ndarray], np.ndarray],
        lower: float | int,
        upper: float | int,
        *,
        cells: int = 1600,
    ) -> None:
        def drops(axes: list[np.ndarray]) -> list[np.ndarray]:
            nodes, weights = np.polynomial.legendre.leggauss(4)
            half = 0.5 * (axes[0][1] - axes[0][0])
            between = axes[0][:-1, None] + half * (1.0 + nodes)
            return [half / diffusion * (np.broadcast_to(drift(between), between.shape) @ weights)]

        self._grids = TwoGrids([float(lower)], [float(upper)], cells, diffusion, drops, initial)

    def log_density(self, t: float, y: np.ndarray) -> np.ndarray:
        """log p at y, a cubic spline; beyond the ends, where nothing is, it goes on linearly."""
        return self._spline(t)(y)

    def density(self, t: float, y: np.ndarray) -> np.ndarray:
        """p at y."""
        return np.exp(self.log_density(t, y))

    def sample(self, t: float, n: int, rng: np.random.Generator) -> np.ndarray:
        """Independent draws [n], by the inverse distribution function."""
        fine = self._grids.finer_axes(8)
        return draw(fine, self.density(t, fine[0]), n, rng)[:, 0]

    def entropy(self, t: float) -> float:
        """-int p log p."""
        return self._grids.entropy(t)

    def mean(self, t: float) -> float:
        """int y p."""
        return float(self._grids.masses(t) @ self._grids.axes[0])

    def variance(self, t: float) -> float:
        """int (y - mean)^2 p."""
        return float(self._grids.masses(t) @ (self._grids.axes[0] - self.mean(t)) ** 2)

    def _spline(self, t: float) -> LogSpline:
        return LogSpline(self._grids.axes[0], self._grids.log_density(t))


class PlaneDensity:
    """The solution of p_t = div(p grad V) + D Lap p in the plane; y is an array [n, 2].

    Args:
        potential: V, callable of two arrays of the same shape.
        diffusion: D > 0.
        initial: callable of two arrays, the density at t = 0.
        lower, upper: corners [2] of a box that holds all the mass up to about 1e-10.
        cells: intervals per axis of the finer of the two grids; even. The error falls as cells^-4.

    Raises:
        ValueError: bad arguments, or a box that is too narrow for the density.
    """

    dimension = 2

    def __init__(
        self,
        potential: Callable[[np.ndarray, np.ndarray], np.ndarray],
        diffusion: float,
        initial: Callable[[np.ndarray, np.ndarray], np.ndarray],
        lower: Sequence[float],
        upper: Sequence[float],
        *,
        cells: int = 300,
    ) -> None:
        if np.shape(lower) != (2,) or np.shape(upper) != (2,):
            raise ValueError("lower and upper must have shape [2].")

        def drops(axes: list[np.ndarray]) -> list[np.ndarray]:
            values = potential(*np.meshgrid(*axes, indexing="ij"))
            return [-np.diff(values, axis=axis) / diffusion for axis in (0, 1)]

        self._grids = TwoGrids(lower, upper, cells, diffusion, drops, initial)
        self._spline_of: tuple[float, RectBivariateSpline] | None = None

    def log_density(self, t: float, y: np.ndarray) -> np.ndarray:
        """log p [n] at y [n, 2], a bicubic spline that goes on linearly outside the box."""
        y, axes, spline = as_points(y, 2), self._grids.axes, self._spline(t)
        first, second = (np.clip(y[:, k], *axes[k][[0, -1]]) for k in (0, 1))
        value = spline.ev(first, second)
        if np.any(y[:, 0] != first) or np.any(y[:, 1] != second):
            value = value + spline.ev(first, second, dx=1) * (y[:, 0] - first)
            value = value + spline.ev(first, second, dy=1) * (y[:, 1] - second)
        return value

    def density(self, t: float, y: np.ndarray) -> np.ndarray:
        """p [n] at y [n, 2]."""
        return np.exp(self.log_density(t, y))

    def sample(self, t: float, n: int, rng: np.random.Generator) -> np.ndarray:
        """Independent draws [n, 2]: a cell, then one coordinate, then the other given it."""
        fine = self._grids.finer_axes(4)
        return draw(fine, np.exp(self._spline(t)(*fine)), n, rng)

    def entropy(self, t: float) -> float:
        """-int p log p."""
        return self._grids.entropy(t)

    def marginal(self, t: float, axis: int, grid: np.ndarray) -> np.ndarray:
        """The density of the coordinate y_axis at an array of its values."""
        nodes = self._grids.axes[axis]
        masses = self._grids.masses(t).sum(axis=1 - axis)
        return np.exp(LogSpline(nodes, np.log(masses / (nodes[1] - nodes[0])))(grid))

    def _spline(self, t: float) -> RectBivariateSpline:
        if self._spline_of is None or self._spline_of[0] != t:
            logs = self._grids.log_density(t)
            self._spline_of = t, RectBivariateSpline(*self._grids.axes, logs)
        return self._spline_of[1]


class RotatedProduct:
    """The density of x = Q y, where the blocks of y are independent.

    Args:
        factors: the densities of the blocks.
        rotation: Q [d, d], orthogonal.
        blocks: for each factor the numbers of its coordinates y_k: one for a `LineDensity`, two for
            a `PlaneDensity`; together 0, ..., d - 1, each once.

    Raises:
        ValueError: blocks that do not fit the factors, or a Q that is not orthogonal.
    """

    def __init__(
        self,
        factors: Sequence[LineDensity | PlaneDensity],
        rotation: np.ndarray,
        blocks: Sequence[Sequence[int]],
    ) -> None:
        self.factors, self.rotation = list(factors), np.asarray(rotation, float)
        self.blocks = [list(block) for block in blocks]
        if [len(block) for block in self.blocks] != [f.dimension for f in self.factors]:
            raise ValueError(
                "Each factor must have one block, with as many entries as it has axes."
            )
        numbers = sorted(k for block in self.blocks for k in block)
        self.dimension = len(numbers)
        if numbers != list(range(self.dimension)):
            raise ValueError("blocks must hold each of 0, ..., d - 1 once.")
        if self.rotation.shape != (self.dimension,) * 2 or not np.allclose(
            self.rotation @ self.rotation.T, np.eye(self.dimension), rtol=0.0, atol=1e-10
        ):
            raise ValueError(f"rotation must be an orthogonal matrix of order {self.dimension}.")

    def log_density(self, t: float, x: np.ndarray) -> np.ndarray:
        """log p [n] at x [n, d]."""
        y = as_points(x, self.dimension) @ self.rotation
        total = np.zeros(len(y))
        for factor, block in zip(self.factors, self.blocks, strict=True):
            total += factor.log_density(t, y[:, block[0]] if len(block) == 1 else y[:, block])
        return total

    def sample(self, t: float, n: int, rng: np.random.Generator) -> np.ndarray:
        """Independent draws x [n, d]."""
        y = np.empty((n, self.dimension))
        for factor, block in zip(self.factors, self.blocks, strict=True):
            y[:, block] = factor.sample(t, n, rng).reshape(n, -1)
        return y @ self.rotation.T

    def entropy(self, t: float) -> float:
        """-int p log p."""
        return sum(factor.entropy(t) for factor in self.factors)

    def marginal(self, t: float, k: int, grid: np.ndarray) -> np.ndarray:
        """The density of the hidden coordinate y_k = (Q^T x)_k at an array of its values."""
        for factor, block in zip(self.factors, self.blocks, strict=True):
            if k in block and isinstance(factor, PlaneDensity):
                return factor.marginal(t, block.index(k), grid)
            if k in block:
                return factor.density(t, grid)
        raise ValueError(f"There is no coordinate {k}.")
