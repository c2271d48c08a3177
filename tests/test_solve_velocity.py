"""The functions around the velocity solvers: arguments, held-out points, the chooser."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp

from .helpers import KEY, PROBLEMS, TORUS, dense_parts, linearised, refused, sampled, small_network
from .velocity_solvers import ITERATIVE, SOLVERS, Indefinite, solve


@pytest.mark.parametrize(
    ("p", "rows", "dtype", "memory", "name", "words"),
    [
        (500, 4000, "float64", 2e9, "RidgeCholesky", "exact"),
        (100_000, 3000, "float64", 2e9, "RidgeDual", "exact"),
        (500, 4000, "float32", 2e9, "LeastSquares", "exact"),
        (100_000, 3000, "float64", 1e8, "RidgeDualCG", "GB of the 0.1 GB allowed"),
        (100_000, 300_000, "float64", 1e13, "RidgeDualCG", "times 1000 products"),
        (50_000, 50_000, "float32", 1e10, "RidgeCG", "GB of the 10 GB allowed"),
    ],
)
def test_the_chooser_says_what_it_chose_and_why(p, rows, dtype, memory, name, words):
    solver, why = nivp.linear.choose_velocity_solver(p, rows, dtype, memory=memory)
    assert type(solver).__name__ == name
    assert why.startswith(f"{name} for {p} parameters, {rows} rows, {dtype}") and words in why


def test_a_march_refuses_steps_without_a_velocity():
    """Else v = 0 would have a step error of 0, and the march would end where it began."""
    problem = nivp.problems.Advection(1, width=0.25)
    method = nivp.NeuralIVP(
        sampler=nivp.Uniform(50),
        velocity_solver=nivp.RidgeCG(preconditioner=Indefinite(-1.0)),
        integrator=nivp.AdaptiveStep(rtol=1e-2, atol=1e-3, dtmin=1e-3),
        fit=(nivp.LastLayer(num_points=100),),
    )
    network = small_network(problem)
    solution = nivp.solve(problem, network, method, ts=[0, 0.1], key=KEY, throw=False)
    assert solution.result == "step_not_solved" and "no velocity was found" in solution.message
    assert solution.ts[-1] == 0


def test_a_jacobian_that_is_not_finite_is_found_whatever_the_damping():
    problem = PROBLEMS["advection_1d"]
    lin, target = linearised(problem, small_network(problem), num_points=20)
    broken = eqx.tree_at(lambda lin: lin.signals[0], lin, lin.signals[0].at[..., 0].set(jnp.nan))
    for name in ("cg_nystrom", "dual_cg", "cholesky", "dual", "least_squares"):
        solver = SOLVERS[name].with_damping(nivp.Damping(1e-3, relative=False))
        assert solve(solver, broken, target).result == nivp.RESULTS.nonfinite_jacobian, name
    anchored = nivp.ProximalDamping(nivp.RidgeCholesky())
    for lin_, f, result in (
        (broken, target, nivp.RESULTS.nonfinite_jacobian),
        (lin, target.at[3].set(jnp.nan), nivp.RESULTS.nonfinite_target),
    ):
        velocity = nivp.solve_velocity(
            anchored, lin_, f, key=KEY, initial_velocity=jnp.ones_like(lin.zeros)
        )
        assert velocity.result == result and not np.any(velocity.value)


def test_residual_on_points_not_seen():
    problem = PROBLEMS["advection_1d"]
    network = small_network(problem)
    seen, other = (
        eqx.filter_jit(nivp.velocity_problem)(problem, network, 0.0, sampled(problem, network, n))
        for n in (30, 90)
    )
    solve = eqx.filter_jit(nivp.solve_velocity)
    velocity = solve(nivp.LeastSquares(), *seen, key=KEY, held_out=other)
    jacobian, root = dense_parts(other[0])
    right = np.ravel(root * np.asarray(other[1]))
    wanted = np.linalg.norm(jacobian @ velocity.value - right) / np.linalg.norm(right)
    np.testing.assert_allclose(velocity.info.held_out_residual, wanted)
    assert velocity.info.held_out_residual > 10 * velocity.info.projection_residual
    for wrong in (other[0], (other[0], seen[1])):
        with refused("`held_out"):
            nivp.solve_velocity(nivp.LeastSquares(), *seen, key=KEY, held_out=wrong)


NETWORK = small_network(PROBLEMS["advection_1d"])


SAMPLE = sampled(PROBLEMS["advection_1d"], NETWORK, 7)


LINEARISED = (NETWORK, nivp.networks.flatten(NETWORK)[0], SAMPLE)


def tangent(t=0.0, problem=PROBLEMS["advection_1d"]):
    return nivp.velocity_problem(problem, NETWORK, t, SAMPLE)


def solved(target=None, velocity=None):
    J = nivp.linear.linearise(*LINEARISED)
    target = J.values if target is None else target
    return nivp.solve_velocity(nivp.RidgeCholesky(), J, target, key=KEY, initial_velocity=velocity)


def test_whole_numbers_are_a_target():
    ones = [solved(np.ones((7, 1), kind)).value for kind in (int, float)]
    np.testing.assert_array_equal(*ones)


@pytest.mark.parametrize(
    ("points", "weights", "words"),
    [
        (jnp.ones((7, 2)), jnp.ones(7), "`sample.points`"),
        (jnp.ones((7, 1), "float32"), jnp.ones(7, "float32"), "are float32 and the network is"),
        (jnp.ones((7, 1)), -jnp.ones(7), "`sample.weights` must be finite and non-negative"),
        (jnp.ones((7, 1)), jnp.ones(7), "must sum to 1, those of a mean, got 7 over 7 points"),
        (jnp.ones((0, 1)), jnp.ones(0), "must sum to 1, those of a mean, got 0 over 0 points"),
    ],
)
def test_samples_that_do_not_fit(points, weights, words):
    with refused(words):
        sample = nivp.WeightedPoints(points, weights)
        nivp.velocity_problem(PROBLEMS["advection_1d"], NETWORK, 0.0, sample)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nivp.RidgeCG(damping=-1.0), "`damping` must be finite and positive, got -1.0"),
        (lambda: nivp.RidgeCG(rebuild="never"), "`rebuild`"),
        (lambda: nivp.RidgeCG(precision="half"), "`precision`"),
        (lambda: nivp.Damping(0.0), "`value`"),
        (lambda: nivp.RidgeCG(rtol=2.0), "`rtol` must lie between 0 and 1, got 2.0"),
        (lambda: nivp.FourierSeries(nivp.Torus((1.0,)), 1, modes=2, key=0), "`key` must be one"),
        (lambda: nivp.Nystrom(0), "`rank`"),
        (lambda: nivp.Damping(1.0, relative=1), "`relative` must be True or False"),
        (lambda: nivp.AutoVelocitySolver(memory=-1.0), "`memory`"),
        (lambda: nivp.Damping(jnp.ones(2)), "`value` must be one positive number"),
        (lambda: nivp.linear.linearise(*LINEARISED, chunk_size=0), "`chunk_size`"),
        (
            lambda: nivp.linear.choose_velocity_solver(0, 10, "float64"),
            "`p` must be an integer of at least 1",
        ),
        (
            lambda: nivp.linear.choose_velocity_solver(9, 10, "flt"),
            '`dtype` must be "float64" or "float32"',
        ),
        (lambda: nivp.linear.choose_velocity_solver(9, 10, int), "`dtype`"),
        (
            lambda: nivp.linear.linearise(LINEARISED[0], jnp.ones(3), LINEARISED[2]),
            "`theta` has shape",
        ),
        (lambda: nivp.FourierSeries(TORUS, 1, modes=2, key=np.zeros(5, "uint32")), "`key` must"),
        (lambda: tangent(t=jnp.nan), "`t` must be one finite number"),
        (lambda: solved(target=1j * jnp.ones((7, 1))), "`target` is complex128 and J is float64"),
        (lambda: solved(target=jnp.ones(7)), "`target` has shape"),
        (
            lambda: solved(velocity=jnp.ones(79, "float32")),
            "`initial_velocity` is float32 and J is float64",
        ),
        (lambda: tangent(problem=PROBLEMS["wave_1d"]), "has 1 component\\(s\\) and `problem` 2"),
        (lambda: nivp.RidgeCG(rtol=np.array([1e-3, 1e-4])), "`rtol` must be one positive number"),
        (lambda: nivp.RandomSubset(nivp.RidgeCholesky(), 0), "`size`"),
        (lambda: nivp.linear.PCG(rtol=0.0), "`rtol`"),
        (lambda: nivp.Landmarks(0), "`rank`"),
    ],
)
def test_bad_input(make, words):
    with refused(words):
        make()


WRAPPED = {
    "subset": nivp.RandomSubset(nivp.RidgeCholesky(), 30),
    "anchored": nivp.ProximalDamping(nivp.RidgeCholesky()),
}


OFTEN = ("cg_nystrom", "cholesky", "least_squares", "dual", "dual_cg", "subset")


RARELY = ("cg_whole", "cg_plain", "cg_shared", "auto", "anchored")


@pytest.mark.parametrize(
    "name", [*OFTEN, *(pytest.param(n, marks=pytest.mark.slow) for n in RARELY)]
)
def test_gradients_agree_with_finite_differences(name):
    """Of a functional of v, along a direction of theta; the damping is a constant."""
    problem = PROBLEMS["advection_1d"]
    network = small_network(problem)
    theta, rebuild = nivp.networks.flatten(network)
    sample = sampled(problem, network, 100)
    solver = (SOLVERS | WRAPPED)[name].with_damping(nivp.Damping(1e-3, relative=False))
    if name in ITERATIVE:
        solver = eqx.tree_at(lambda s: s.rtol, solver, 1e-13)

    @jax.jit
    def functional(theta):
        lin, target = nivp.velocity_problem(problem, rebuild(theta), 0.0, sample)
        v = nivp.solve_velocity(solver, lin, target, key=KEY).value
        return jnp.vdot(jnp.cos(jnp.arange(v.size)), v)

    slope = jax.jit(jax.grad(functional))(theta)
    for seed in (1, 2):
        along = jax.random.normal(jax.random.key(seed), theta.shape)
        step = 1e-5
        rise, fall = functional(theta + step * along), functional(theta - step * along)
        np.testing.assert_allclose(slope @ along, (rise - fall) / (2 * step), rtol=1e-6)
