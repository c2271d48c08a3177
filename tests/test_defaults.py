"""What the library chooses for a problem and a network."""

import jax
import pytest

import neural_ivp as nivp
from neural_ivp.defaults import _defaults

from .helpers import trap_in_box

KEY = jax.random.key(0)
HEAT, ADVECTION = nivp.problems.Heat(1), nivp.problems.Advection(1)


def chosen(problem, **options):
    """The default method for the default network of a problem."""
    return nivp.default_method(problem, nivp.default_network(problem, key=KEY, **options))


def test_small_networks_move_in_a_subspace():
    velocity = chosen(ADVECTION).velocity_solver
    assert isinstance(velocity, nivp.LandmarkSubspace) and velocity.rank is None
    velocity = chosen(ADVECTION, dtype="float32").velocity_solver
    assert isinstance(velocity, nivp.RandomSubset)
    assert isinstance(velocity.inner, nivp.LeastSquares)


def test_one_tolerance_sets_the_others():
    network = nivp.default_network(ADVECTION, key=KEY)
    for rtol in (1e-4, 1e-6):
        method = nivp.default_method(ADVECTION, network, rtol=rtol)
        assert method.integrator.rtol == rtol and method.integrator.atol == rtol / 100
        assert method.velocity_solver.damping == pytest.approx(rtol**2)
    with pytest.raises(nivp.InputError, match="`rtol` is that of the default method"):
        nivp.solve(ADVECTION, network, method, ts=[0, 1], key=KEY, rtol=1e-4)


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


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_diffusion_takes_implicit_steps(dtype):
    method = chosen(HEAT, dtype=dtype)
    assert isinstance(method.integrator.solver, nivp.Rodas4)
    assert isinstance(method.velocity_solver, nivp.LandmarkSubspace)


@pytest.mark.parametrize(
    ("problem", "options"),
    [
        (HEAT, {"width": 150}),
        (ADVECTION, {}),
        (nivp.problems.Wave(1), {}),
        (trap_in_box(2), {}),
    ],
    ids=["large", "advection", "wave", "fokker_planck"],
)
def test_other_steps_are_explicit(problem, options):
    assert not chosen(problem, **options).integrator.scheme.implicit
