"""Reference solutions of the boundary-value benchmark problems, in numpy and scipy alone.

Each function returns ``reference(t, points)``: the values [n, c] in float64 at the time t (a float)
and the points [n, d]; at t = 0 the initial value. Expensive parts are computed on the first call
and kept. ``python benchmarks/boundary_references.py`` measures accuracies (relative L2 differences
to a finer resolution over random points, the largest of eight times) and CPU times.
"""

import time
from collections.abc import Callable
from functools import cache

import numpy as np
from scipy import special
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.optimize import brentq

Reference = Callable[[float, np.ndarray], np.ndarray]


@cache
def _chebyshev(num_nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Chebyshev nodes [N] on [0, 1], increasing, and the differentiation matrix [N, N]."""
    index = np.arange(num_nodes)
    nodes = np.sin(0.5 * np.pi * index / (num_nodes - 1)) ** 2
    sign = np.where(index % (num_nodes - 1) == 0, 2.0, 1.0) * (-1.0) ** index
    matrix = sign[:, None] / sign / (nodes[:, None] - nodes + np.eye(num_nodes))
    return nodes, matrix - np.diag(matrix.sum(axis=1))


def _interpolation(num_nodes: int, x: np.ndarray) -> np.ndarray:
    """Matrix [n, N] that takes values at the nodes of ``_chebyshev`` to their interpolant at x."""
    vander = np.polynomial.chebyshev.chebvander
    nodes, degree = _chebyshev(num_nodes)[0], num_nodes - 1
    return np.linalg.solve(vander(2 * nodes - 1, degree).T, vander(2 * x - 1, degree).T).T


def robin_slab(num_terms: int = 400) -> Reference:
    """u_t = u_xx on [0, 1], u_x = 0 at x = 0, u_x + 2 u = 0 at x = 1, u = 1 at t = 0.

    Exact: sum of 4 sin(m) / (2 m + sin(2 m)) cos(m x) exp(-m^2 t) over the roots of m tan(m) = 2.
    u(1, 1) = 0.17520. Rounding error for t >= 1e-4; for shorter times more terms are needed.
    """
    roots = np.pi * np.arange(num_terms) + 1.0
    for _ in range(60):  # a contraction: factor 0.4 for the first root, less for the others
        roots = np.pi * np.arange(num_terms) + np.arctan(2.0 / roots)
    weights = 4 * np.sin(roots) / (2 * roots + np.sin(2 * roots))

    def reference(t: float, points: np.ndarray) -> np.ndarray:
        values = np.cos(points * roots) @ (weights * np.exp(-(roots**2) * t))
        return values[:, None] if t > 0.0 else np.ones((len(points), 1))

    return reference


def reflected_walk() -> Reference:
    """u_t = u_xx / 2, u_x = 0 at -1 and 1, u = 1/2 + 0.3 sin(pi x / 2) exp(-pi^2 t / 8)."""
    return lambda t, x: 0.5 + 0.3 * np.sin(0.5 * np.pi * x) * np.exp(-(np.pi**2) * t / 8)


def fisher_front() -> Reference:
    """u_t = u_xx + 6 u (1 - u) on [0, 1], end and initial values of u = (1 + exp(x - 5 t))^-2."""
    return lambda t, x: (1.0 + np.exp(x - 5.0 * t)) ** -2


def fisher_mistake(num_nodes: int = 96, final_time: float = 1.0) -> Reference:
    """As ``fisher_front``, but with the left end value (1 + exp(5 t))^-2, which falls in time.

    The right end value is (1 + exp(1 - 5 t))^-2 and the initial value (1 + exp(x))^-2. At the left
    corner u is continuous and u_t is not. Chebyshev collocation, Radau IIA with dense output. Error
    2e-11; finite volumes (800 on a graded grid, extrapolated) differ by 2e-9, their own error.
    """
    nodes, first = _chebyshev(num_nodes)
    second = first @ first

    def with_ends(t: float, interior: np.ndarray) -> np.ndarray:
        ends = (1 + np.exp([5 * t, 1 - 5 * t])) ** -2.0
        return np.concatenate([ends[:1], interior, ends[1:]])

    def rate(t: float, interior: np.ndarray) -> np.ndarray:
        return second[1:-1] @ with_ends(t, interior) + 6 * interior * (1 - interior)

    @cache
    def solution() -> Callable[[float], np.ndarray]:
        start = (1 + np.exp(nodes[1:-1])) ** -2.0
        settings = {"method": "Radau", "dense_output": True, "rtol": 1e-10, "atol": 1e-12}
        settings["jac"] = lambda t, u: second[1:-1, 1:-1] + np.diag(6 - 12 * u)
        return solve_ivp(rate, (0, final_time), start, **settings).sol

    def reference(t: float, points: np.ndarray) -> np.ndarray:
        if not 0.0 <= t <= final_time:
            raise ValueError(f"t must lie in [0, {final_time}], got {t}.")
        return _interpolation(num_nodes, points[:, 0]) @ with_ends(t, solution()(t))[:, None]

    return reference


def inlet(num_nodes: int = 32) -> Reference:
    """F_t = -F_x + S - F, S_t = F - S on [0, 4], F = 1 + sin(t)^2 at x = 0, F = S = 1 at t = 0.

    Values (F, S), both 1 for x >= t. Laplace transform in t gives, with g = sin^2, r = t - x > 0,

        F - 1 = exp(-x) (g(r) + int_0^r exp(-s) sqrt(x / s) I1(2 sqrt(x s)) g(r - s) ds),
        S - 1 = exp(-x) int_0^r exp(-s) I0(2 sqrt(x s)) g(r - s) ds,

    by Gauss-Legendre quadrature: the integrands are entire, so the error is rounding for t <= 4.
    The trapezoidal rule along characteristics, extrapolated, differs by 2e-13.
    """
    abscissae, weights = np.polynomial.legendre.leggauss(num_nodes)

    def reference(t: float, points: np.ndarray) -> np.ndarray:
        lag = np.maximum(t - points, 0.0)
        s = 0.5 * lag * (1 + abscissae)
        measure = 0.5 * lag * weights * np.exp(-s - points) * np.sin(lag - s) ** 2
        fluid = points * special.hyp0f1(2.0, points * s)  # sqrt(x / s) I1(2 sqrt(x s))
        flow = np.exp(-points[:, 0]) * np.sin(lag[:, 0]) ** 2 + np.sum(measure * fluid, axis=1)
        stored = np.sum(measure * special.hyp0f1(1.0, points * s), axis=1)
        return 1.0 + np.stack([flow, stored], axis=1)

    return reference


def moving_dirichlet() -> Reference:
    """u_t = Lap u on [0, 1]^2, edge and initial values of u = exp(-2 t) sin(x + 1) sin(y + 1)."""
    return lambda t, x: np.exp(-2.0 * t) * np.prod(np.sin(x + 1.0), axis=1, keepdims=True)


def channel_initial(points: np.ndarray) -> np.ndarray:
    """sin(pi y) exp(cos(x) - 1), the initial value of ``channel``: [n, 2] -> [n, 1]."""
    return (np.sin(np.pi * points[:, 1]) * np.exp(np.cos(points[:, 0]) - 1))[:, None]


def channel(num_sines: int = 64, num_waves: int = 16) -> Reference:
    """u_t + 4 y (1 - y) u_x = 0.05 Lap u, x of period 2 pi, y in [0, 1], u = 0 at y = 0 and 1.

    Initial value ``channel_initial``. Fourier in x, sine Galerkin in y (the matrix of 4 y (1 - y)
    is exact), matrix exponential in t for each Fourier mode, for any t >= 0. Error 6e-9.
    """
    j, k = np.arange(1, num_sines + 1), np.arange(num_waves + 1)

    def cosine(m: np.ndarray) -> np.ndarray:  # integral of 4 y (1 - y) cos(m pi y)
        return np.where(m == 0, 2 / 3, -4 * (1 + (-1.0) ** m) / (np.maximum(m, 1) * np.pi) ** 2)

    speed = cosine(abs(j[:, None] - j)) - cosine(j[:, None] + j)
    decay = 0.05 * (k[:, None] ** 2 + (np.pi * j) ** 2)
    generators = -decay[:, None, :] * np.eye(num_sines) - 1j * k[:, None, None] * speed
    weights = special.ive(k, 1.0) * np.where(k == 0, 1, 2)  # of exp(cos(x) - 1)

    def reference(t: float, points: np.ndarray) -> np.ndarray:
        waves = np.exp(1j * points[:, :1] * k) @ (weights[:, None] * expm(t * generators)[:, :, 0])
        return np.sum(waves.real * np.sin(np.pi * points[:, 1:] * j), axis=1, keepdims=True)

    return reference


def disc() -> Reference:
    """u_t = Lap u on the unit disc, u = 0 on the circle, u = J0(z r) at t = 0, z first zero of J0.

    Closed form: exp(-z^2 t) J0(z r), where J0(z r) = sum of (-z^2 r^2 / 4)^m / (m!)^2.
    """
    zero = special.jn_zeros(0, 1)[0]
    return lambda t, x: np.exp(-(zero**2) * t) * special.j0(zero * np.hypot(*x.T))[:, None]


def plume_source(points: np.ndarray) -> np.ndarray:
    """10 exp(-|(x, y) - (1/4, 1/2)|^2 / (2 0.08^2)), the source of ``plume``: [n, 2] -> [n, 1]."""
    squares = np.sum((points - np.array([0.25, 0.5])) ** 2, axis=1, keepdims=True)
    return 10.0 * np.exp(-squares / (2 * 0.08**2))


def plume(num_nodes: int = 64, num_steps: int = 1600, final_time: float = 1.0) -> Reference:
    """u_t + 2 u_x + 3 cos(3 pi t) u_y = 0.05 Lap u + ``plume_source`` on [0, 1]^2.

    u = 0 on the boundary and at t = 0. Chebyshev collocation; the x and y parts commute, so a step
    is a product of two matrix exponentials, with the mean of 3 cos(3 pi t) over the step, plus the
    source by Simpson's rule. A time between two steps is reached by one shorter step. Error 6e-6
    for t >= 0.01, 3e-5 at 0.001; finite differences (128^2, extrapolated) differ by 1e-5 at 0.25.
    """
    nodes, first = _chebyshev(num_nodes)
    slope, diffusion = first[1:-1, 1:-1], 0.05 * (first @ first)[1:-1, 1:-1]
    grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1)[1:-1, 1:-1]
    source = plume_source(grid.reshape(-1, 2)).reshape(grid.shape[:2])

    def advance(state: np.ndarray, t: float, step: float) -> np.ndarray:
        wind = (np.sin(3 * np.pi * (t + step)) - np.sin(3 * np.pi * t)) / (np.pi * step)
        left = expm(0.5 * step * (diffusion - 2.0 * slope))
        right = expm(0.5 * step * (diffusion - wind * slope)).T
        middle = left @ (state + step / 6 * source) @ right + step * 2 / 3 * source
        return left @ middle @ right + step / 6 * source

    @cache
    def states() -> list[np.ndarray]:
        step, found = final_time / num_steps, [np.zeros_like(source)]
        for i in range(num_steps):
            found.append(advance(found[-1], i * step, step))
        return found

    def reference(t: float, points: np.ndarray) -> np.ndarray:
        if not 0.0 <= t <= final_time:
            raise ValueError(f"t must lie in [0, {final_time}], got {t}.")
        before = int(t / final_time * num_steps + 1e-9)
        state, start = states()[before], before * final_time / num_steps
        state = advance(state, start, t - start) if t - start > 1e-12 else state
        to_x, to_y = (_interpolation(num_nodes, x)[:, 1:-1] for x in points.T)
        return np.sum(to_x @ state * to_y, axis=1, keepdims=True)

    return reference


def annulus_mode() -> tuple[float, Callable[[np.ndarray], np.ndarray]]:
    """(k, A): first k > 0 for which A(r) = J0(k r) Y0(k) - Y0(k r) J0(k) vanishes at r = 1/2."""
    j0, y0 = special.j0, special.y0
    k = float(brentq(lambda k: j0(k / 2) * y0(k) - y0(k / 2) * j0(k), 5.0, 7.5, xtol=1e-14))
    return k, lambda r: j0(k * r) * y0(k) - y0(k * r) * j0(k)


def annulus() -> Reference:
    """u_t = Lap u on 1/2 < r < 1 in the plane, u = 1 at r = 1/2, u = 0 at r = 1.

    Initial value log(r) / log(1/2) + A(r), with k and A from ``annulus_mode``. Closed form:
    log(r) / log(1/2) + exp(-k^2 t) A(r).
    """
    k, mode = annulus_mode()
    return lambda t, x: mode(r := np.hypot(*x.T)[:, None]) * np.exp(-(k**2) * t) - np.log2(r)


def main() -> None:
    """Print name, relative L2 difference to a finer resolution, CPU seconds of eight times."""
    square = np.random.default_rng(0).random((2000, 2))
    problems: list[tuple[Callable[..., Reference], tuple, np.ndarray]] = [
        (robin_slab, (1600,), square[:, :1]),
        (fisher_mistake, (160,), square[:, :1]),
        (inlet, (64,), 4 * square[:, :1]),
        (channel, (128, 24), square * [2 * np.pi, 1]),
        (plume, (96, 6400), square),
    ]
    for function, finer, points in problems:
        fine, begin, reference = function(*finer), time.process_time(), function()
        values = {t: reference(t, points) for t in (1e-3, 0.01, 0.033, 0.1, 0.25, 0.5, 0.777, 1.0)}
        spent, exact = time.process_time() - begin, {t: fine(t, points) for t in values}
        norm = np.linalg.norm
        error = max(norm(values[t] - exact[t]) / norm(exact[t]) for t in values)
        print(f"{function.__name__:<16}{error:>10.1e}{spent:>8.2f}")
    print("reflected_walk, fisher_front, moving_dirichlet, disc, annulus: closed forms")


if __name__ == "__main__":
    main()
