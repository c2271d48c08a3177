"""Reference solutions ("oracles") to which the solver is compared.

They use numpy and scipy in float64, share no code with the solver and never import JAX. Arrays
are ``np.ndarray``; points are always ``[n, d]``.

==============================  ==================================================================
``SineSeries``                  wave and heat equations on a box, zero Dirichlet values
``fokker_planck_moments``       mean and covariance of the linear-drift Fokker-Planck equation
``gaussian_density``            normal density at given points
``fokker_planck_solution``      the density with these moments: a callable ``u(t, points)``
``FourierReference``            semilinear scalar equations on a torus, d <= 2 (ETDRK4)
``SemilinearReference``         semilinear systems on a torus, d <= 2 (ETDRK4), which keeps states
``allen_cahn``, ``burgers``,    equations of the catalogue by ``SemilinearReference``
``heat``
==============================  ==================================================================
"""

from ._equations import allen_cahn, burgers, heat
from ._fourier import FourierReference
from ._gaussian import fokker_planck_moments, fokker_planck_solution, gaussian_density
from ._semilinear import SemilinearReference
from ._sine_series import SineSeries

__all__ = [
    "FourierReference",
    "SemilinearReference",
    "SineSeries",
    "allen_cahn",
    "burgers",
    "fokker_planck_moments",
    "fokker_planck_solution",
    "gaussian_density",
    "heat",
]
