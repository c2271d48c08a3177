"""The semilinear equations of the catalogue: initial value, symbols, and sufficient resolution.

Twice the modes, or half of the step, changes the solution at the last time of the source by less
than 1e-8 (relative L2) for the coefficients of the source. Other coefficients may need more modes;
`SemilinearReference` says so. A solution is made once for each set of coefficients, and remembers
the times at which it was evaluated.
"""

import functools

import numpy as np

from ._semilinear import SemilinearReference

_ONE_TURN = 2.0 * np.pi


def _minus_laplacian(k: list[np.ndarray]) -> np.ndarray:
    return np.asarray(sum(wave**2 for wave in k))


def four_peaks(points: np.ndarray) -> np.ndarray:
    """(4 / 100) cosh(3 sin x) sinh(sin y), the start of the source's equations in the plane."""
    x, y = points.T
    return 0.04 * np.cosh(3.0 * np.sin(x)) * np.sinh(np.sin(y))


@functools.lru_cache(maxsize=4)
def heat(diffusivity: float) -> SemilinearReference:
    """u_t = diffusivity Lap u on [0, 2 pi)^2, from `four_peaks`. Any step is exact."""
    return SemilinearReference(
        (_ONE_TURN,) * 2,
        (0.0,) * 2,
        [four_peaks],
        lambda k: -diffusivity * _minus_laplacian(k),
        num_modes=96,
    )


@functools.lru_cache(maxsize=4)
def allen_cahn(dimension: int, diffusivity: float) -> SemilinearReference:
    """u_t = diffusivity Lap u + u - u^3 on [0, 2 pi)^d."""

    def line(points: np.ndarray) -> np.ndarray:
        x = points[:, 0]
        waves = np.tanh(2.0 * np.sin(x)) / 3.0 - np.exp(-23.5 * (x - np.pi / 2) ** 2)
        return waves + np.exp(-27.0 * (x - 4.2) ** 2) + np.exp(-38.0 * (x - 5.4) ** 2)

    return SemilinearReference(
        (_ONE_TURN,) * dimension,
        (0.0,) * dimension,
        [line if dimension == 1 else four_peaks],
        lambda k: -diffusivity * _minus_laplacian(k),
        lambda u: u - u * u * u,
        num_modes=1024 if dimension == 1 else 384,
        step=0.01 if dimension == 1 else 0.02,
    )


@functools.lru_cache(maxsize=4)
def burgers(dimension: int, viscosity: float) -> SemilinearReference:
    """u_t = viscosity Lap u - u sum_i u_i, on [-1, 1) or [0, 2 pi)^2."""

    def line(points: np.ndarray) -> np.ndarray:
        x = points[:, 0]
        return (1.0 - x**2) * np.exp(-30.0 * (x + 0.5) ** 2)

    return SemilinearReference(
        (2.0,) if dimension == 1 else (_ONE_TURN,) * 2,
        (-1.0,) if dimension == 1 else (0.0,) * 2,
        [line if dimension == 1 else four_peaks],
        lambda k: -viscosity * _minus_laplacian(k),
        lambda u: u * u,
        outer=lambda k: -0.5j * np.asarray(sum(k)),
        num_modes=4096 if dimension == 1 else 512,
        step=1e-3 if dimension == 1 else 5e-3,
    )


@functools.lru_cache(maxsize=4)
def cahn_hilliard(mobility: float, thickness: float) -> SemilinearReference:
    """u_t = d_xx(mobility (u^3 - u - thickness^2 u_xx)) on [-1, 1)."""

    def line(points: np.ndarray) -> np.ndarray:
        x = np.pi * points[:, 0]
        return np.cos(x) - np.exp(-4.0 * x**2)

    return SemilinearReference(
        (2.0,),
        (-1.0,),
        [line],
        lambda k: -mobility * thickness**2 * k[0] ** 4,
        lambda u: mobility * (u * u * u - u),
        # Also -u, which makes long waves grow, is treated explicitly: at the wave number where both
        # terms are equal its rate is about 1, which no step here fails to resolve.
        outer=lambda k: -(k[0] ** 2),
        num_modes=512,
        step=1e-3,
    )


@functools.lru_cache(maxsize=4)
def reaction_diffusion(diffusivity: float, rate: float) -> SemilinearReference:
    """u_t = diffusivity u_xx + rate u (1 - u) on [0, 2 pi)."""

    def line(points: np.ndarray) -> np.ndarray:
        return np.exp(-((points[:, 0] - np.pi) ** 2) / (2.0 * (np.pi / 4) ** 2))

    return SemilinearReference(
        (_ONE_TURN,),
        (0.0,),
        [line],
        lambda k: -diffusivity * k[0] ** 2,
        lambda u: rate * u * (1.0 - u),
        num_modes=4096,  # for the kink of the initial value at the seam
        step=2e-3,
    )


@functools.lru_cache(maxsize=4)
def gray_scott(diffusivities: tuple[float, float], feed: float, kill: float) -> SemilinearReference:
    """u_t = D_u u_xx - u v^2 + feed (1 - u), v_t = D_v v_xx + u v^2 - (feed + kill) v on [0, 2)."""

    def bump(points: np.ndarray) -> np.ndarray:
        return np.exp(-80.0 * (points[:, 0] - 1.0) ** 2)

    def reaction(fields: np.ndarray) -> np.ndarray:
        u, v = fields
        exchange = u * v * v
        return np.stack([feed * (1.0 - u) - exchange, exchange - (feed + kill) * v])

    return SemilinearReference(
        (2.0,),
        (0.0,),
        [lambda points: 1.0 - bump(points) / 2.0, lambda points: bump(points) / 4.0],
        lambda k: -np.asarray(diffusivities)[:, None] * k[0] ** 2,
        reaction,
        num_modes=256,
        step=0.05,
    )
