"""What the library chooses for a problem and a network."""

import jax
import pytest

import neural_ivp as nivp
from neural_ivp.defaults import _defaults

KEY = jax.random.key(0)
HEAT, ADVECTION = nivp.problems.Heat(1), nivp.problems.Advection(1)


def chosen(problem, **options):
    """The default method for the default network of a problem."""
    return nivp.default_method(problem, nivp.default_network(problem, key=KEY, **options))


@pytest.mark.parametrize(
    ("dtype", "inner"), [("float64", nivp.RidgeCholesky), ("float32", nivp.LeastSquares)]
)
def test_small_networks_move_a_subset(dtype, inner):
    velocity = chosen(ADVECTION, dtype=dtype).velocity_solver
    assert isinstance(velocity, nivp.RandomSubset) and isinstance(velocity.inner, inner)


@pytest.mark.parametrize(
    ("dtype", "kind"), [("float64", nivp.RidgeDualCG), ("float32", nivp.RidgeCG)]
)
def test_large_networks_iterate(dtype, kind):
    wide = nivp.default_network(ADVECTION, key=KEY, width=150, dtype=dtype)
    assert nivp.networks.flatten(wide)[0].size > _defaults.DENSE_LIMIT
    velocity = nivp.default_method(ADVECTION, wide).velocity_solver
    assert isinstance(velocity, kind)
    if dtype == "float32":
        assert isinstance(velocity.preconditioner, nivp.Nystrom)


def test_diffusion_takes_implicit_steps_of_all_parameters():
    for options, velocity in (({}, nivp.RidgeDual), ({"width": 5}, nivp.RidgeCholesky)):
        method = chosen(HEAT, **options)
        assert isinstance(method.integrator.solver, nivp.SDIRK4)
        assert isinstance(method.velocity_solver, velocity)


@pytest.mark.parametrize(
    ("problem", "options"),
    [
        (HEAT, {"dtype": "float32"}),
        (HEAT, {"width": 150}),
        (ADVECTION, {}),
        (nivp.problems.Wave(1), {}),
        (nivp.problems.FokkerPlanck(2), {}),
    ],
    ids=["float32", "large", "advection", "wave", "fokker_planck"],
)
def test_other_steps_are_explicit(problem, options):
    assert not chosen(problem, **options).integrator.scheme.implicit
