"""Velocity solvers in small sizes, and the dense velocity they are compared with."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import neural_ivp as nivp
from neural_ivp.linear.preconditioners import AbstractGramApproximation

from .helpers import KEY, dense_parts

ITERATIVE = {
    "cg_nystrom": nivp.RidgeCG(
        damping=1e-6,
        rtol=1e-10,
        max_steps=500,
        preconditioner=nivp.Nystrom(40),
    ),
    "cg_whole": nivp.RidgeCG(damping=1e-6, rtol=1e-10, preconditioner=nivp.Nystrom(79)),
    "cg_shared": nivp.RidgeCG(
        damping=1e-6, rtol=1e-10, preconditioner=nivp.Nystrom(40), rebuild="step"
    ),
    "cg_landmarks": nivp.RidgeCG(
        damping=1e-6, rtol=1e-10, preconditioner=nivp.Landmarks(60, 20), rebuild="step"
    ),
    "cg_plain": nivp.RidgeCG(
        damping=1e-4, rtol=1e-8, max_steps=2000, preconditioner=nivp.linear.NoPreconditioner()
    ),
    "cg_mixed": nivp.RidgeCG(
        damping=1e-4, rtol=1e-5, preconditioner=nivp.Nystrom(40), precision="mixed"
    ),
    "dual_cg": nivp.RidgeDualCG(damping=1e-6, rtol=1e-10, rank=60, block=20),
}


DIRECT = {
    "cholesky": nivp.RidgeCholesky(damping=1e-6),
    "least_squares": nivp.LeastSquares(damping=1e-6),
    "dual": nivp.RidgeDual(damping=1e-6),
    "auto": nivp.AutoVelocitySolver(damping=1e-6),
    "landmarks_of_all": nivp.LandmarkSubspace(10**6, damping=1e-6),
    "subset_of_all": nivp.RandomSubset(nivp.RidgeCholesky(damping=1e-6), 10**6),
}


SOLVERS = ITERATIVE | DIRECT


@eqx.filter_jit
def solve(solver, lin, target, key=KEY):
    return nivp.solve_velocity(solver, lin, target, key=key)


def reference(lin, target, mu):
    """J v of the damped least squares by numpy's SVD, sqrt(W) J, sqrt(W) f and its eigenvalues."""
    jacobian, root = dense_parts(lin)
    right = np.ravel(root * np.asarray(target))
    u, sigma, _ = np.linalg.svd(jacobian, full_matrices=False)
    return u @ (sigma**2 / (sigma**2 + mu) * (u.T @ right)), jacobian, right, sigma**2


class SignedFactors(AbstractGramApproximation):
    """A diagonal that is negative in one place."""

    diagonal: jax.Array
    largest: jax.Array
    products: jax.Array

    def inverse(self, damping):
        return lambda v: v / self.diagonal

    def effective_rank(self, damping):
        return None


class Indefinite(nivp.linear.AbstractPreconditioner):
    """Positive along all coordinates but one, or along none of the others."""

    others: float = 1.0

    def build(self, linearisation, damping_of, key):
        plain = nivp.linear.NoPreconditioner().build(linearisation, damping_of, key)
        signs = jnp.full_like(linearisation.zeros, self.others).at[3].set(-1e-3)
        return SignedFactors(signs, plain.largest, plain.products)
