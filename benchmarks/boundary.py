"""Problems with conditions at the boundary, by default methods, against independent references.

    python benchmarks/boundary.py [name ...] [--seeds 3] [--json FILE]

`boundary_references.py` has the equations and the references.
"""

import boundary_references as references
import jax
import jax.numpy as jnp
import numpy as np
from records import Clock, Records, parser

import neural_ivp as nivp

jax.config.update("jax_enable_x64", True)


def heat(u, t, x):
    return nivp.laplacian(u)(x)


def robin_slab():
    """Incompatible at t = 0: the error counts from 0.05 on."""
    return nivp.Problem(
        domain=nivp.Box((0.0,), (1.0,)),
        boundary={"x0-": nivp.Neumann(0.0), "x0+": nivp.Robin(2.0, 1.0)},
        initial=jnp.ones_like,
        rhs=heat,
        reference=references.robin_slab(),
    ), np.array([0.0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0])


def reflected_walk():
    return nivp.Problem(
        domain=nivp.Box((-1.0,), (1.0,)),
        boundary=nivp.Neumann(0.0),
        initial=lambda x: 0.5 + 0.3 * jnp.sin(jnp.pi * x / 2),
        rhs=lambda u, t, x: nivp.laplacian(u)(x) / 2,
        invariants={"mass": lambda u, x: u(x)[0]},
        reference=references.reflected_walk(),
    ), np.linspace(0, 2, 9)


def _fisher(left, reference):
    return nivp.Problem(
        domain=nivp.Box((0.0,), (1.0,)),
        boundary={
            "x0-": nivp.Dirichlet(left),
            "x0+": nivp.Dirichlet(lambda t, x: (1 + jnp.exp(1 - 5 * t)) ** -2),
        },
        initial=lambda x: (1 + jnp.exp(x)) ** -2,
        rhs=lambda u, t, x: nivp.laplacian(u)(x) + 6 * u(x) * (1 - u(x)),
        reference=reference,
    ), np.linspace(0, 1, 6)


def fisher_front():
    return _fisher(lambda t, x: (1 + jnp.exp(-5 * t)) ** -2, references.fisher_front())


def fisher_mistake():
    """The sign of t is wrong in the left value."""
    return _fisher(lambda t, x: (1 + jnp.exp(5 * t)) ** -2, references.fisher_mistake())


def inlet():
    def rhs(u, t, x):
        exchange = u(x)[1] - u(x)[0]
        return jnp.stack([-nivp.partial(u, 0)(x)[0] + exchange, -exchange])

    inflow = nivp.Dirichlet(lambda t, x: 1 + jnp.sin(t) ** 2)
    return nivp.Problem(
        domain=nivp.Box((0.0,), (4.0,)),
        boundary={"x0-": (inflow, nivp.Free()), "x0+": nivp.Free()},
        initial=lambda x: jnp.ones(2, x.dtype),
        rhs=rhs,
        component_names=("F", "S"),
        reference=references.inlet(),
    ), np.linspace(0, 1, 6)


def moving_dirichlet():
    def exact(t, x):
        return (jnp.exp(-2 * t) * jnp.prod(jnp.sin(x + 1)))[None]

    return nivp.Problem(
        domain=nivp.Box((0.0, 0.0), (1.0, 1.0)),
        boundary=nivp.Dirichlet(exact),
        initial=lambda x: exact(0.0, x),
        rhs=heat,
        reference=references.moving_dirichlet(),
    ), np.linspace(0, 1, 6)


def channel():
    def rhs(u, t, x):
        return 0.05 * nivp.laplacian(u)(x) - 4 * x[1] * (1 - x[1]) * nivp.partial(u, 0)(x)

    axes = nivp.Periodic(2 * np.pi), nivp.Interval(0.0, 1.0)
    return nivp.Problem(
        domain=nivp.ProductDomain(axes),
        boundary=nivp.Dirichlet(0.0),
        initial=lambda x: (jnp.sin(jnp.pi * x[1]) * jnp.exp(jnp.cos(x[0]) - 1))[None],
        rhs=rhs,
        reference=references.channel(),
    ), np.linspace(0, 1, 6)


def _bessel_j0(r):
    """The power series, to rounding for r below 3."""
    term = total = jnp.ones_like(r)
    for k in range(1, 25):
        term = -term * (r / 2) ** 2 / k**2
        total = total + term
    return total


def disc():
    return nivp.Problem(
        domain=nivp.Ball((0.0, 0.0), 1.0),
        boundary=nivp.Dirichlet(0.0),
        initial=lambda x: _bessel_j0(2.404825557695773 * jnp.sqrt(x @ x + 1e-300))[None],
        rhs=heat,
        reference=references.disc(),
    ), np.linspace(0, 0.5, 6)


def annulus():
    _, mode = references.annulus_mode()
    series = np.polynomial.Chebyshev.interpolate(mode, 20, domain=[0.5, 1])
    powers = series.convert(kind=np.polynomial.Polynomial).coef

    def initial(x):
        r = jnp.sqrt(x @ x)
        return (jnp.log(r) / jnp.log(0.5) + jnp.polyval(jnp.asarray(powers[::-1]), r))[None]

    return nivp.Problem(
        domain=nivp.Annulus((0.0, 0.0), 0.5, 1.0),
        boundary={"inner": nivp.Dirichlet(1.0), "outer": nivp.Dirichlet(0.0)},
        initial=initial,
        rhs=heat,
        reference=references.annulus(),
    ), np.linspace(0, 0.1, 6)


def plume():
    def rhs(u, t, x):
        source = 10 * jnp.exp(-((x[0] - 0.25) ** 2 + (x[1] - 0.5) ** 2) / (2 * 0.08**2))
        drift = jnp.stack([jnp.full_like(t, 2.0), 3 * jnp.cos(3 * jnp.pi * t)])
        return 0.05 * nivp.laplacian(u)(x) - nivp.grad(u)(x) @ drift + source

    return nivp.Problem(
        domain=nivp.Box((0.0, 0.0), (1.0, 1.0)),
        boundary=nivp.Dirichlet(0.0),
        initial=lambda x: jnp.zeros(1, x.dtype),
        rhs=rhs,
        reference=references.plume(),
    ), np.linspace(0, 1, 6)


PROBLEMS = {
    f.__name__: f
    for f in (
        robin_slab,
        reflected_walk,
        fisher_front,
        fisher_mistake,
        inlet,
        moving_dirichlet,
        channel,
        disc,
        annulus,
        plume,
    )
}


def default_solve(name: str, seed: int) -> dict:
    """Default methods on problems with conditions at the boundary: relative L2 errors, the largest
    over the saved times after the first, the drift of the first invariant relative to its value,
    and the residual of the conditions that do not hold by construction; compiling included."""
    problem, ts = PROBLEMS[name]()
    clock = Clock()
    solution = nivp.solve(problem, ts=ts, key=jax.random.key(seed), throw=False)
    times = clock.row()
    error, record = solution.error(), solution.record
    accepted = record["accepted"]
    drift = None
    if problem.invariants:
        values = record["invariants"][accepted][:, 0]
        drift = float(np.max(np.abs(values - values[0])) / abs(values[0]))
    return {
        "problem": name,
        "seed": seed,
        "result": solution.result,
        "end": float(solution.ts[-1]),
        "overall": error.overall,
        "largest": float(np.max(error.relative_l2[1:])),
        "last": float(error.relative_l2[-1]),
        "fit": solution.fits[0]["relative_l2_error"],
        "steps": int(accepted.sum()),
        "boundary": float(record["boundary_residual"][accepted][-1]),
        "drift": drift,
        **times,
    }


def main() -> None:
    arguments = parser(__doc__, PROBLEMS)
    arguments.add_argument("--seeds", type=int, default=3)
    given = arguments.parse_args()
    records = Records(given.json, {"default_solve": default_solve})
    for name in given.names or PROBLEMS:
        for seed in range(given.seeds):
            records.add("default_solve", **default_solve(name, seed))
    print(records.table())


if __name__ == "__main__":
    main()
