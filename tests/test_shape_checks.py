"""`--shapes` reaches the library, and checks shapes alone."""

import jax.numpy as jnp
import jaxtyping
import pytest

from neural_ivp.linear.solvers._subspace import gram

from .shape_checks import shape_checked


def test_only_shapes_are_checked():
    @jaxtyping.jaxtyped(typechecker=shape_checked)
    def doubled(x: jaxtyping.Float[jaxtyping.Array, "n"], name: str) -> jaxtyping.Array:
        return 2 * x

    assert doubled(jnp.ones(2), 3).shape == (2,)
    with pytest.raises(jaxtyping.TypeCheckError):
        doubled(jnp.ones((2, 2)), "name")


def test_they_reach_the_library(request):
    if not request.config.getoption("--shapes"):
        pytest.skip("`make shapes`")
    with pytest.raises(jaxtyping.TypeCheckError):
        gram(jnp.ones(3))
