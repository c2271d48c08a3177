"""How stiff the parameters' equation is: eigenvalues of its Jacobian by Arnoldi's method."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, PRNGKeyArray

from ..errors import InputError, check_count, check_key, check_kind
from ..evolution import (
    Explicit,
    ExplicitRungeKutta,
    NeuralIVP,
    StepEquation,
    explicit_tableau,
)
from ..networks import AbstractNetwork, field_at, flatten
from ..problems import AbstractProblem
from ..types import Theta, Time


def jacobian_spectrum(
    problem: AbstractProblem,
    network: AbstractNetwork,
    method: NeuralIVP,
    t: Time,
    *,
    key: PRNGKeyArray,
    num_products: int = 20,
) -> Complex[np.ndarray, " k"]:
    r"""The outermost eigenvalues of $\partial v / \partial \theta$, in 1 / time.

    v is the velocity that the method finds for the network at time t, and its derivative is only
    multiplied: each of `num_products` Arnoldi steps is one forward derivative of the vector field,
    which costs about two velocities. An explicit scheme is stable up to `max_stable_step` of the
    eigenvalues; forward Euler up to $2 / |\lambda|$ of a real one.

    **Arguments:**

    - `problem`, `network`, `method`, `t`: the equation, u, how velocities are found, and when.
    - `key`: of the points, the solver's random choices and the first vector.
    - `num_products`: at least 1; k is no more than that. Good values: 10 to 30.

    **Returns:** Ritz values, the largest first; the outermost ones are the best.

    **Raises:** `InputError` for an argument of the wrong kind, a count below one, or where the
    vector field is not finite.

    Source: Hairer & Wanner, "Solving ordinary differential equations II", IV.2; Saad, "Numerical
    methods for large eigenvalue problems", 2011, chapter 6.
    """
    kinds = {"problem": AbstractProblem, "network": AbstractNetwork, "method": NeuralIVP}
    for (name, kind), given in zip(kinds.items(), (problem, network, method), strict=True):
        check_kind(name, given, kind)
    check_key(key)
    check_count("num_products", num_products)
    theta, _ = flatten(network)
    count = min(num_products, theta.size)
    hessenberg = _arnoldi(problem, network, method, jnp.asarray(t, theta.dtype), key, count)
    if not np.all(np.isfinite(hessenberg)):
        raise InputError(f"the velocity of `network` at t = {float(t):g} has no finite derivative")
    values = np.linalg.eigvals(np.asarray(hessenberg))
    return values[np.argsort(-np.abs(values))]


@eqx.filter_jit
def _arnoldi(problem, network, method: NeuralIVP, t, key, count: int) -> Float[Array, "k k"]:
    theta, _ = flatten(network)
    draw_key, solver_key, start_key = jax.random.split(key, 3)
    sampler_state = method.sampler.init(problem.domain, theta.dtype, draw_key)
    field = field_at(network, t)
    sample, _ = method.sampler.draw(sampler_state, problem.domain, field, draw_key)
    equation = StepEquation(
        problem=problem,
        template=network,
        sample=sample,
        solver=method.velocity,
        key=solver_key,
        rtol=0.0,
        atol=0.0,
        chunk_size=method.chunk_size,
    )
    zeros = jnp.zeros_like(theta)
    setup = equation.setup(equation.velocity_problem(theta, t)[0], zeros)

    def velocity(theta: Theta) -> Theta:
        linearisation, f = equation.velocity_problem(theta, t)
        return equation.solver.solve(linearisation, f, zeros, setup).value

    _, product = jax.linearize(velocity, theta)

    def extend(basis, k):
        w, h = product(basis[k]), jnp.zeros(count + 1, theta.dtype)
        for _ in range(2):  # twice is enough
            part = basis @ w
            w, h = w - basis.T @ part, h + part
        size = jnp.linalg.norm(w)
        h = h.at[k + 1].set(size)
        return basis.at[k + 1].set(w / jnp.where(size == 0, 1, size)), h

    start = jax.random.normal(start_key, theta.shape, theta.dtype)
    basis = jnp.zeros((count + 1, theta.size), theta.dtype)
    basis = basis.at[0].set(start / jnp.linalg.norm(start))
    _, rows = jax.lax.scan(extend, basis, jnp.arange(count))
    return rows.T[:count]


def max_stable_step(solver: Explicit, eigenvalues: Complex[np.ndarray, " k"]) -> float:
    """The longest step for which an explicit scheme damps the modes that the equation damps.

    The largest dt with |R(dt lambda)| <= 1 for the eigenvalues of negative real part, R being the
    scheme's stability polynomial: 2 / |lambda| for `diffrax.Euler()` and a real lambda. Infinite if
    there are none.

    **Raises:** `InputError` for a solver without an explicit tableau, or eigenvalues that are not
    finite.
    """
    ExplicitRungeKutta(solver)
    if not np.all(np.isfinite(eigenvalues)):
        raise InputError(f"`eigenvalues` must be finite, got {eigenvalues!r}")
    a, b, _, _ = explicit_tableau(solver)
    damped = np.asarray(eigenvalues)[np.real(eigenvalues) < 0]
    if damped.size == 0:
        return float("inf")
    powers = [b.sum()]
    vector = np.ones(len(b))
    for _ in range(len(b) - 1):
        vector = a @ vector
        powers.append(b @ vector)
    polynomial = np.array([*powers[::-1], 1.0])

    def stable(dt: float) -> bool:
        return bool(np.all(np.abs(np.polyval(polynomial, dt * damped)) <= 1 + 1e-9))

    # From a step that is stable for all, in small strides: the set of stable steps may have gaps.
    unit = 1 / np.abs(damped).max()
    steps = unit * np.linspace(0.01, 20, 2_000)
    unstable = next((k for k, dt in enumerate(steps) if not stable(dt)), len(steps) - 1)
    low, high = (steps[unstable - 1] if unstable else 0.0), steps[unstable]
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if stable(middle) else (low, middle)
    return float(low)
