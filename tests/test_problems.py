"""The problems of the catalogue where their references do not look, and what is no problem."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neural_ivp as nivp

from .helpers import KEY, refused, small_network


@pytest.mark.parametrize("width", [0.15, 0.4, 1.0])
def test_a_bump_on_a_torus_is_smooth_across_the_periods(width):
    """Poisson's sum: the Fourier coefficients of all images together are a Gaussian's."""
    length, velocity, t = 2.0, 0.7, 3.3
    torus = nivp.Torus((length,), lower=(-1.0,))
    problem = nivp.problems.Advection(domain=torus, width=width, velocity=[velocity])
    x = np.linspace(-1, 1, 41)
    waves = 2 * np.pi / length * np.arange(1, 60)
    phases = np.cos(np.outer(x - velocity * t, waves)) @ np.exp(-((waves * width) ** 2) / 2)
    wanted = width * np.sqrt(2 * np.pi) / length * (1 + 2 * phases) / (60 * np.pi * width**2)
    got = jax.vmap(lambda x: problem.exact(t, x))(jnp.asarray(x)[:, None])[:, 0]
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)


BOX, LINE = nivp.Box((0.0,), (1.0,)), nivp.Torus((2.0,))
FREE = nivp.Free()


def heat(rate=1.0, domain=LINE, phase=0.0):
    return nivp.Problem(
        domain=domain,
        initial=lambda x: jnp.sin(jnp.pi * x + phase),
        rhs=lambda u, t, x: rate * nivp.laplacian(u)(x),
    )


def test_a_large_initial_value_sets_the_scales():
    """So that u in other units is solved as well as in those in which it is of size one."""

    def wave(size, velocity):
        return nivp.SecondOrderProblem(
            domain=LINE,
            initial=lambda x: size * jnp.sin(jnp.pi * x),
            initial_velocity=lambda x: velocity * jnp.cos(jnp.pi * x),
            acceleration=lambda u, v, t, x: nivp.laplacian(u)(x),
            time_scale=0.5,
        )

    def rod(size, **more):
        return nivp.Problem(
            domain=LINE,
            initial=lambda x: size * jnp.stack([jnp.sin(x[0]), 0 * x[0]]),
            rhs=lambda u, t, x: nivp.laplacian(u)(x),
            **more,
        )

    def scales(problem):
        return np.asarray(problem.norm.scales).tolist()

    assert scales(rod(3.0)) == scales(rod(1e-9)) == scales(rod(0.0)) == [1, 1]
    assert scales(rod(2e5)) == [1e5, 1e5]
    assert scales(rod(2e5, norm=nivp.L2((7.0, 1.0)))) == [7, 1]
    assert scales(wave(1.0, 0.0)) == [1, 2] and scales(wave(0.0, 2e3)) == [1e3, 2e3]
    # Where the size is traced, as in a derivative with respect to it, it is not known.
    assert float(jax.grad(lambda a: rod(a).initial(jnp.ones(1))[0])(1e3)) == pytest.approx(
        np.sin(1.0)
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: heat(domain=(0, 1)), r"`domain` must be a domain, such as .* got \(0, 1\)"),
        (
            lambda: nivp.Problem(domain=LINE, initial=jnp.cos, rhs=lambda u, x: u(x)),
            r"`rhs` must be a function of \(u, t, x\), got one of \(u, x\): write `lambda u, t, x",
        ),
        (
            lambda: nivp.Problem(domain=LINE, initial=jnp.cos, rhs=2.0),
            r"`rhs` must be a function of \(u, t, x\), got 2.0",
        ),
        (
            lambda: nivp.Problem(
                domain=LINE,
                initial=jnp.cos,
                rhs=lambda u, t, x: u(x),
                invariants={"mass": lambda u: u},
            ),
            r"the density 'mass' of `invariants` must be a function of \(u, x\), got one of \(u\)",
        ),
        (lambda: heat(0.5j), "`rhs` is complex: make real and imaginary part two components"),
        (
            lambda: nivp.Problem(
                domain=LINE, initial=lambda x: jnp.exp(1j * jnp.pi * x), rhs=lambda u, t, x: u(x)
            ),
            "`initial` is complex",
        ),
        *[
            (
                lambda boundary=boundary: nivp.Problem(
                    domain=BOX, initial=lambda x: x, rhs=lambda u, t, x: u(x), boundary=boundary
                ),
                words,
            )
            for boundary, words in (
                (None, r"`boundary` is missing: the domain has the faces x0-, x0\+"),
                ("neumann", "`boundary` at 'x0.' is 'neumann', not a condition: give `Dirichlet"),
                (True, "`boundary` at 'x0.' is True, not a condition"),
                ({"x0-": FREE, "y+": FREE}, r"`boundary` names 'y\+', no face of the domain"),
                ({"x0-": FREE}, r"`boundary` has no condition at x0\+"),
                ((FREE, FREE), r"2 conditions at 'x0.' and the problem 1 component\(s\)"),
            )
        ],
    ],
)
def test_what_cannot_be_said_is_refused(make, words):
    with refused(words):
        make()


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (heat(domain=nivp.Torus((2.5,))), "domain"),
        (heat(rate=1.1), "rhs"),
        (heat(phase=0.1), "initial"),
        (
            nivp.Problem(
                domain=LINE, initial=lambda x: jnp.stack([x[0], x[0]]), rhs=lambda u, t, x: u(x)
            ),
            "components",
        ),
    ],
)
def test_a_file_is_not_loaded_with_another_problem(other, what, tmp_path):
    problem = heat()
    method = nivp.NeuralIVP(
        sampler=nivp.Uniform(60), velocity_solver=nivp.RidgeCholesky(), fit=(nivp.LastLayer(),)
    )
    network = small_network(problem, width=12, depth=1)
    solution = nivp.solve(problem, network, method, ts=[0.0, 1e-4], key=KEY)
    solution.save(tmp_path / "u.nivp")
    assert nivp.load(tmp_path / "u.nivp", problem=heat()).problem is not problem
    with refused(f"`problem` has another `{what}` than the one that was solved"):
        nivp.load(tmp_path / "u.nivp", problem=other)
