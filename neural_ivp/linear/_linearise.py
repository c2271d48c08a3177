"""J as a map: linearised once at given points, multiplied often.

J is the derivative of the network's values at n points in its p parameters, shape (n, c, p).
It is never formed here except by `dense`, for the oracle and for small networks.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, Int

from .._types import Field, Theta, Values, Weights
from ..networks import AbstractNetwork, flatten
from ..samplers import Sample


class Linearisation(eqx.Module):
    """The network at `theta`, linear in the parameters, at weighted points.

    - `values`: u_theta at the points.
    - `push(v)`: J v, the change of the values with the parameters moving along v.
    - `pull(w)`: J^T w.
    """

    template: AbstractNetwork
    theta: Theta
    sample: Sample
    values: Values
    push: Callable[[Theta], Values]
    indices: Int[Array, " s"] | None = None

    @property
    def num_parameters(self) -> int:
        """Length of the velocities: p, or s after `restrict`."""
        return self.theta.size if self.indices is None else self.indices.size

    @property
    def zeros(self) -> Theta:
        """The velocity 0."""
        return jnp.zeros((self.num_parameters,), self.theta.dtype)

    def restrict(self, indices: Int[Array, " s"]) -> "Linearisation":
        """The same map for velocities that move only the parameters of these indices."""

        def push(v):
            return self.push(jnp.zeros_like(self.theta).at[indices].set(v, unique_indices=True))

        return eqx.tree_at(
            lambda lin: (lin.push, lin.indices),
            self,
            (jax.tree_util.Partial(push), indices),
            is_leaf=lambda leaf: leaf is None,
        )

    @property
    def weights(self) -> Weights:
        return self.sample.weights

    def pull(self, w: Values) -> Theta:
        return jax.linear_transpose(self.push, self.zeros)(w)[0]

    def gram(self, v: Theta) -> Theta:
        """M v with M = J^T W J: one product forward, one transposed."""
        return self.project(self.push(v))

    def project(self, f: Values) -> Theta:
        """F = J^T W f."""
        return self.pull(self.weights[:, None] * f)

    def operator(self, damping: Float[Array, ""]) -> lx.AbstractLinearOperator:
        """M + mu I as a lineax operator that is only ever multiplied."""
        structure = jax.eval_shape(lambda: self.zeros)

        def product(v):
            return self.gram(v) + damping * v

        return lx.FunctionLinearOperator(product, structure, lx.positive_semidefinite_tag)

    def mean_square(self, f: Values) -> Float[Array, " c"]:
        """Weighted mean of f^2 over the points, of each component."""
        return self.weights @ f**2

    def dense(self) -> Float[Array, "n c p"]:
        """J as an array, one reverse pass a point: for small n p only."""
        _, rebuild = flatten(self.template)

        def value(theta, x):
            return rebuild(theta)(x)

        jacobian = jax.vmap(jax.jacrev(value), in_axes=(None, 0))(self.theta, self.sample.points)
        return jacobian if self.indices is None else jacobian[..., self.indices]

    def weighted_rows(self, f: Values) -> tuple[Float[Array, "m p"], Float[Array, " m"]]:
        """sqrt(W) J as a matrix and sqrt(W) f as a vector, m = n c: the least squares, dense."""
        root = jnp.sqrt(self.weights)[:, None]
        jacobian = self.dense()
        rows = (root[:, :, None] * jacobian).reshape(-1, jacobian.shape[-1])
        return rows, jnp.ravel(root * f)


def linearise(template: AbstractNetwork, theta: Theta, sample: Sample) -> Linearisation:
    """Linearise the network with parameters `theta` at the points of `sample`.

    `template` gives the architecture; its own parameters are not used.
    """
    _, rebuild = flatten(template)

    def values(theta):
        return jax.vmap(rebuild(theta))(sample.points)

    at_theta, push = jax.linearize(values, theta)
    return Linearisation(template, theta, sample, at_theta, push)


def on_points(field: Field, sample: Sample) -> Values:
    """A field at the points of a sample."""
    return jax.vmap(field)(sample.points)


def power_iteration(
    product: Callable[[Theta], Theta], start: Theta, num_products: int = 12
) -> Float[Array, ""]:
    """Largest eigenvalue of a positive semi-definite operator, from below.

    The damping is relative to it, so a few per cent are enough; `start` should be random.
    """

    def body(carry, _):
        v, _ = carry
        w = product(v / jnp.linalg.norm(v))
        return (w, jnp.linalg.norm(w)), None

    (_, largest), _ = jax.lax.scan(body, (start, jnp.zeros((), start.dtype)), length=num_products)
    return largest
