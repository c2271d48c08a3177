"""Reference solutions ("oracles") to which the solver is compared.

They use numpy and scipy in float64, share no code with the solver and never import JAX. Arrays
are ``np.ndarray``; points are always ``[n, d]``.

==============================  ==================================================================
``SineSeries``                  wave and heat equations on a box, zero Dirichlet values
``fokker_planck_moments``       mean and covariance of the linear-drift Fokker-Planck equation
``gaussian_density``            normal density at given points
``fokker_planck_solution``      the density with these moments: a callable ``u(t, points)``
``linear_moments``              mean and covariance for any linear drift and diffusion matrix
``GaussianDensity``             normal log-density and entropy
``LineDensity``                 Fokker-Planck equations on the line (finite volumes)
``PlaneDensity``                the same in the plane, with the drift of a potential
``RotatedProduct``              independent blocks of these in rotated coordinates, any d
``FourierReference``            semilinear scalar equations on a torus, d <= 2 (ETDRK4)
``SemilinearReference``         semilinear systems on a torus, d <= 2 (ETDRK4), which keeps states
``SplitStepReference``          the cubic Schroedinger equation on a circle (split steps)
``allen_cahn``, ...             equations of the catalogue by these two
``burgers_sine``                Burgers' equation between walls (Cole-Hopf)
``vlasov_pendulum``             the Vlasov equation in a cosine potential (characteristics)
==============================  ==================================================================
"""

from ._cole_hopf import burgers_sine
from ._densities import LineDensity, PlaneDensity, RotatedProduct
from ._equations import (
    allen_cahn,
    burgers,
    cahn_hilliard,
    gray_scott,
    heat,
    reaction_diffusion,
)
from ._fourier import FourierReference
from ._gaussian import fokker_planck_moments, fokker_planck_solution, gaussian_density
from ._linear_drift import GaussianDensity, linear_moments
from ._semilinear import SemilinearReference
from ._sine_series import SineSeries
from ._split_step import SplitStepReference, nonlinear_schroedinger
from ._vlasov import vlasov_pendulum

__all__ = [
    "FourierReference",
    "GaussianDensity",
    "LineDensity",
    "PlaneDensity",
    "RotatedProduct",
    "SemilinearReference",
    "SineSeries",
    "SplitStepReference",
    "allen_cahn",
    "burgers",
    "burgers_sine",
    "cahn_hilliard",
    "fokker_planck_moments",
    "fokker_planck_solution",
    "gaussian_density",
    "gray_scott",
    "heat",
    "linear_moments",
    "nonlinear_schroedinger",
    "reaction_diffusion",
    "vlasov_pendulum",
]
