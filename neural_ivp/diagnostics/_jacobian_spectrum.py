"""Stiffness of the ODE of the parameters: eigenvalues of its Jacobian by Arnoldi's method."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Inexact, PRNGKeyArray

from ..errors import InputError, check_count, check_key, check_kind
from ..evolution import Explicit, ExplicitRungeKutta, NeuralIVP, explicit_tableau, step_equation
from ..networks import AbstractNetwork, flatten
from ..precision import compiled
from ..problems import AbstractProblem
from ..trials import trial_for
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

    v is the velocity of the parameters. Arnoldi's method needs only products with its Jacobian,
    each a forward derivative at the cost of about two velocities. `max_stable_step` is the longest
    explicit step for these eigenvalues.

    **Arguments:**

    - `problem`, `network`, `method`: the equation, u, and the method of the velocities.
    - `t`: the time, in time units.
    - `key`: of the points, the solver's random choices and the first vector.
    - `num_products`: Arnoldi steps, at least 1. Good values: 10 to 30.

    **Returns:** Ritz values, shape (k,) with k at most `num_products`, the largest first; the
    outermost ones are the most accurate.

    **Raises:** `InputError` for an argument of the wrong kind, a count below one, or a vector field
    that is not finite.

    Source: Hairer & Wanner, "Solving ordinary differential equations II", IV.2; Saad, "Numerical
    methods for large eigenvalue problems", 2011, chapter 6.

    ```python
    key = jax.random.key(0)
    print(nivp.jacobian_spectrum(problem, network, method, 0.0, key=key, num_products=5))
    ```
    """
    check_kind("problem", problem, AbstractProblem)
    check_kind("network", network, AbstractNetwork)
    check_kind("method", method, NeuralIVP)
    check_key(key)
    check_count("num_products", num_products)
    theta, _ = flatten(network)
    count = min(num_products, theta.size)
    hessenberg = _arnoldi(problem, network, method, jnp.asarray(t, theta.dtype), key, count)
    if not np.all(np.isfinite(hessenberg)):
        raise InputError(f"the velocity of `network` at t = {float(t):g} has no finite derivative")
    values = np.linalg.eigvals(np.asarray(hessenberg)).astype(complex)
    return values[np.argsort(-np.abs(values))]


@compiled
def _arnoldi(problem, network, method: NeuralIVP, t, key, count: int) -> Float[Array, "k k"]:
    theta, _ = flatten(network)
    draw_key, solver_key, start_key = jax.random.split(key, 3)
    sampler_state = method.sampler.init(problem.domain, theta.dtype, draw_key)
    field = trial_for(problem, network).field(network, t)
    sample, _ = method.sampler.draw(sampler_state, problem.domain, field, draw_key)
    # Without a term that pulls back, and without a contradiction of the initial value.
    dt, ramp = jnp.full_like(t, jnp.inf), (t - 1, jnp.ones_like(t))
    equation = step_equation(problem, network, method, sample, solver_key, dt, ramp)
    zeros = jnp.zeros_like(theta)
    setup = equation.setup(equation.velocity_problem(theta, t)[0], zeros)

    def velocity(theta: Theta) -> Theta:
        linearisation, f = equation.velocity_problem(theta, t)
        return equation.solver.solve(linearisation, f, zeros, setup).value

    _, product = jax.linearize(velocity, theta)

    def extend(basis, k):
        w, h = product(basis[k]), jnp.zeros(count + 1, theta.dtype)
        for _ in range(2):  # Gram-Schmidt twice, for orthogonality to rounding
            coefficients = basis @ w
            w, h = w - basis.T @ coefficients, h + coefficients
        size = jnp.linalg.norm(w)
        h = h.at[k + 1].set(size)
        return basis.at[k + 1].set(w / jnp.where(size == 0, 1, size)), h

    start = jax.random.normal(start_key, theta.shape, theta.dtype)
    basis = jnp.zeros((count + 1, theta.size), theta.dtype)
    basis = basis.at[0].set(start / jnp.linalg.norm(start))
    _, rows = jax.lax.scan(extend, basis, jnp.arange(count))
    return rows.T[:count]


def max_stable_step(
    solver: Explicit,
    eigenvalues: Inexact[Array, " k"] | Inexact[np.ndarray, " k"] | Sequence[complex],
) -> float:
    r"""The longest stable step of an explicit scheme, in time units.

    That is the largest dt with $|R(dt \lambda)| \le 1$ for the eigenvalues of negative real part,
    R being the stability polynomial: $2 / |\lambda|$ for `diffrax.Euler()` and a real $\lambda$.

    **Arguments:**

    - `solver`: a diffrax solver, as for `ExplicitRungeKutta`.
    - `eigenvalues`: shape (k,), in 1 / time, as of `jacobian_spectrum`.

    **Returns:** the step; infinite without eigenvalues of negative real part.

    **Raises:** `InputError` for a solver without an explicit tableau, or eigenvalues that are not
    finite.

    ```python
    print(nivp.max_stable_step(method.integrator.solver, jnp.array([-100.0 + 0j])))
    ```
    """
    ExplicitRungeKutta(solver)
    if not np.all(np.isfinite(eigenvalues)):
        raise InputError(f"`eigenvalues` must be finite, got {eigenvalues!r}")
    a, b, _, _ = explicit_tableau(solver)
    damped = np.asarray(eigenvalues)[np.real(eigenvalues) < 0]
    if damped.size == 0:
        return float("inf")
    vectors = [np.ones(len(b))]
    for _ in range(len(b) - 1):
        vectors.append(a @ vectors[-1])
    polynomial = np.array([*(b @ vector for vector in reversed(vectors)), 1.0])

    def stable(dt: float) -> bool:
        return bool(np.all(np.abs(np.polyval(polynomial, dt * damped)) <= 1 + 1e-9))

    # The first unstable step of a fine grid, then bisection: the set of stable steps may have gaps.
    unit = 1 / np.abs(damped).max()
    steps = unit * np.linspace(0.01, 20, 2_000)
    unstable = next((k for k, dt in enumerate(steps) if not stable(dt)), len(steps) - 1)
    low, high = (steps[unstable - 1] if unstable else 0.0), steps[unstable]
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if stable(middle) else (low, middle)
    return float(low)
