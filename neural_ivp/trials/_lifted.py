"""Trial functions that have the values of Dirichlet conditions, and the choice of one."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..boundary import BoundaryConditions, Dirichlet, Neumann, constant_value, evaluated
from ..domains import AbstractDomain
from ..errors import InputError
from ..networks import AbstractNetwork
from ..problems import AbstractDensityProblem, AbstractProblem
from ..types import Field, Point, Scalar, Time, Value
from ._state import check_state
from ._trial import AbstractTrial, Direct, LogDensity


class Lifted(AbstractTrial):
    r"""$u = g(t, x) + m(x) N(x)$ with a lift g of the boundary values and a mask m, 0 on the faces.

    g interpolates the values of the `Dirichlet` conditions between their faces, evaluated at the
    nearest points of the faces of a product of axes, and at x itself in other domains. Where
    constants of faces that meet along two axes differ, it turns from one to the other with the
    angle. The unknown
    is $w = m N$, and $w_t = L[u] - g_t$. Each component has its own mask and lift.

    **Arguments:**

    - `domain`: the domain.
    - `conditions`: those of a problem, `problem.conditions`.
    - `faces`: for each component the names of the faces with a Dirichlet condition.
    - `masked`: for each component those of `faces` at which the network is not zero by itself.
    - `even`: names of the faces with a homogeneous Neumann condition that the network satisfies.

    Source: Lagaris, Likas & Fotiadis, "Artificial neural networks for solving ordinary and partial
    differential equations", 1998; Gordon & Hall, "Transfinite element methods", 1973, for the lift.

    ```python
    trial = nivp.trials.trial_for(problem, network)
    print(trial.field(network, 0.0)(jnp.array([0.3])))
    ```
    """

    domain: AbstractDomain
    conditions: BoundaryConditions
    faces: tuple[tuple[str, ...], ...] = eqx.field(static=True)
    masked: tuple[tuple[str, ...], ...] = eqx.field(static=True)
    even: tuple[str, ...] = eqx.field(static=True)

    def field(self, network: Field, t: Time) -> Field:
        return _LiftedField(self, network, jnp.asarray(t))  # pyright: ignore[reportCallIssue]

    def unknown(self, network: Field) -> Field:
        return lambda x: self.mask(x) * network(x)

    def unknown_of(self, u: Field, t: Time) -> Field:
        return lambda x: u(x) - self.lift(t, x)

    def unknown_rate(self, rate: Field, t: Time) -> Field:
        if not self._moves:
            return rate

        def unknown(x):
            time = jnp.asarray(t, x.dtype)
            lift_rate = jax.jvp(lambda t: self.lift(t, x), (time,), (jnp.ones_like(time),))[1]
            return rate(x) - lift_rate

        return unknown

    def holds(self, face: str, component: int) -> bool:
        return face in self.faces[component] or face in self.even

    def mask(self, x: Point) -> Value:
        """m for each component, shape (c,)."""
        if len(set(self.masked)) == 1:
            return jnp.broadcast_to(self._vanishing(self.masked[0], x), (len(self.masked),))
        return jnp.stack([self._vanishing(faces, x) for faces in self.masked])

    def _vanishing(self, faces: tuple[str, ...], x: Point) -> Scalar:
        return self.domain.vanishing(faces, self.even, x) if faces else jnp.ones((), x.dtype)

    def lift(self, t: Time, x: Point) -> Value:
        """g for each component, shape (c,)."""
        time = jnp.asarray(t, x.dtype)
        return jnp.stack([self._lift(k, time, x) for k in range(len(self.faces))])

    def _lift(self, component: int, t: Time, x: Point) -> Scalar:
        values = {face: self._value(face, component) for face in self.faces[component]}
        constants = {constant_value(value, component) for value in values.values()}
        if len(constants) < 2 and None not in constants:
            return jnp.asarray(constants.pop() if constants else 0.0, x.dtype)

        jumps = _jumps(self.domain, self.conditions, self.faces[component], component)

        def steps(x, at: str = "") -> Array:
            """Of the jumps; on a face they are known, at its edges too."""
            total = jnp.zeros((), x.dtype)
            for faces, jump in jumps.items():
                known = faces.index(at) if at in faces else None
                total += jump * (self.domain.angle(*faces, x) if known is None else known)
            return total

        def rest_on(face, value):
            def rest(x) -> Array:
                entries = evaluated(value, t, x)
                return (entries[component] if entries.ndim else entries) - steps(x, face)

            return rest

        rest = self.domain.interpolate({f: rest_on(f, value) for f, value in values.items()}, x)
        return rest + steps(x)

    def _value(self, face: str, component: int):
        condition = self.conditions.at(face, component)
        assert isinstance(condition, Dirichlet)
        return condition.value

    @property
    def _moves(self) -> bool:
        """Whether the lift may depend on time."""
        values = [self._value(f, k) for k, faces in enumerate(self.faces) for f in faces]
        return any(callable(value) for value in values)


def _jumps(
    domain: AbstractDomain, conditions: BoundaryConditions, faces: tuple[str, ...], component: int
) -> dict[tuple[str, str], float]:
    """The jumps of a Dirichlet value, constant on each face, between faces that meet."""
    numbers = {}
    for face in faces:
        condition = conditions.at(face, component)
        assert isinstance(condition, Dirichlet)
        numbers[face] = constant_value(condition.value, component)
    constant = [face for face, number in numbers.items() if number is not None]
    if any(
        all(domain.adjacent(*pair) for pair in itertools.combinations(corner, 2))
        for corner in itertools.combinations(faces, 3)
    ):
        return {}  # at a corner of three faces the angles of two of them have no limit
    return {
        (face, other): numbers[other] - numbers[face]
        for face, other in itertools.combinations(constant, 2)
        if numbers[other] != numbers[face] and domain.adjacent(face, other)
    }


class _LiftedField(eqx.Module):
    """u(t, .), a tree of arrays: functions are not compiled anew for other parameters or times."""

    trial: Lifted
    network: Field
    t: Time

    def __call__(self, x: Point) -> Value:
        return self.trial.lift(self.t, x) + self.trial.mask(x) * self.network(x)


def trial_for(problem: AbstractProblem, network: AbstractNetwork) -> AbstractTrial:
    """The trial function for a problem and a network.

    `Dirichlet` conditions hold by a mask and a lift (`Lifted`). Homogeneous `Neumann` conditions
    hold at the faces `network.even_at`. u is the exponential of a network that is a logarithm
    (`GaussianFrame`). All others are left to the least squares of the steps.

    **Arguments:**

    - `problem`: its domain and conditions.
    - `network`: its faces `even_at` and `zero_at`.

    **Returns:** `Direct`, `Lifted` or `LogDensity`.

    **Raises:** `InputError` for a network that contradicts a condition, or one of u alone where
    the state is (u, u_t).

    ```python
    trial = nivp.trials.trial_for(problem, network)
    print(trial.field(network, 0.0)(jnp.array([0.3])))
    ```
    """
    check_state(problem, network)
    if network.log_density:
        if not isinstance(problem, AbstractDensityProblem):
            raise InputError(
                "`network` is the logarithm of a density, and the problem is no `FokkerPlanck`: "
                "take another network"
            )
        return LogDensity()
    conditions, components = problem.conditions, range(problem.components)
    faces = tuple(
        tuple(face for face in conditions.by_face if _is_dirichlet(problem, face, k))
        for k in components
    )
    _check_network(problem, network, faces)
    hard = hard_neumann_faces(problem)
    even = tuple(face for face in network.even_at if face in hard)
    if not any(faces) and not even:
        return Direct()
    masked = tuple(tuple(face for face in own if face not in network.zero_at) for own in faces)
    return Lifted(problem.domain, conditions, faces, masked, even)


def hard_neumann_faces(problem: AbstractProblem) -> tuple[str, ...]:
    """Faces at which all components have a zero normal derivative that an even embedding can give.

    They are ends of axes, and no lift of other faces, which may have a slope there, varies.
    """
    conditions = problem.conditions
    for k in range(problem.components):
        faces = tuple(face for face in conditions.by_face if _is_dirichlet(problem, face, k))
        values = [conditions.at(face, k).value for face in faces]  # pyright: ignore[reportAttributeAccessIssue]
        if None in [constant_value(value, k) for value in values]:
            return ()
        if _jumps(problem.domain, conditions, faces, k):
            return ()
    ends = [f"x{i}{side}" for i in range(problem.domain.dimension) for side in "-+"]
    return tuple(
        face
        for face, by_component in conditions.by_face.items()
        if face in ends
        and all(
            isinstance(condition, Neumann) and constant_value(condition.slope, k) == 0
            for k, condition in enumerate(by_component)
        )
    )


def _is_dirichlet(problem: AbstractProblem, face: str, component: int) -> bool:
    return isinstance(problem.conditions.at(face, component), Dirichlet)


def _check_network(
    problem: AbstractProblem, network: AbstractNetwork, faces: tuple[tuple[str, ...], ...]
) -> None:
    for face in network.zero_at:
        if not all(face in own for own in faces):
            raise InputError(
                f"`network` is zero at {face!r}, whatever its parameters, and the problem has no "
                "Dirichlet condition there: take a `SinusoidalMLP`"
            )
    for face in network.even_at:
        if face not in hard_neumann_faces(problem):
            raise InputError(
                f"`network` has a zero normal derivative at {face!r}, whatever its parameters, and "
                "the condition of the problem there is another one: leave the face out of `even_at`"
            )
