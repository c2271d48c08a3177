"""Differential operators on fields, and inner products of them."""

from ._inner_products import H1, L2, AbstractInnerProduct, WaveEnergy
from ._operators import divergence, grad, hessian, laplacian, partial, second_along
