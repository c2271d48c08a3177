"""The conditions of a problem by face and component, from what its user wrote."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp

from ..errors import InputError, check_shape, suggestion
from ..types import Point, Time, Value
from ._conditions import Absorbing, AbstractCondition

# One condition for all components, or one for each.
FaceSpec: TypeAlias = AbstractCondition | Sequence[AbstractCondition]
# For all faces, or by the name of the face; None on a domain without faces.
BoundarySpec: TypeAlias = FaceSpec | Mapping[str, FaceSpec] | None

VALUES_AND_SLOPES = (
    "`Dirichlet(value)`, `Neumann(slope)` (0 for a wall without flux), `Robin(a, b, value)`"
)
CHOICES = f"{VALUES_AND_SLOPES}, or `Free()` where nothing is imposed (outflow)"
SECOND_ORDER_CHOICES = (
    f"{VALUES_AND_SLOPES}, `Absorbing(speed)` where waves leave, or `Free()` where nothing is "
    "imposed"
)


class BoundaryConditions(eqx.Module):
    """The condition of each component on each face, `by_face[face][component]`."""

    by_face: dict[str, tuple[AbstractCondition, ...]]

    def at(self, face: str, component: int) -> AbstractCondition:
        return self.by_face[face][component]

    def residual(self, face: str, value: Value, slope: Value, t: Time, x: Point) -> Value:
        """The residuals of the components at a point of a face, shape (c,)."""
        conditions = self.by_face[face]
        if all(condition is conditions[0] for condition in conditions):
            return conditions[0].residual(value, slope, t, x)
        rows = [b.residual(value, slope, t, x)[k] for k, b in enumerate(conditions)]
        return jnp.stack(rows)


def resolve_boundary(
    faces: Sequence[str],
    dimension: int,
    components: int,
    boundary: BoundarySpec,
    *,
    choices: str = CHOICES,
) -> BoundaryConditions:
    """The conditions that a user wrote, by face of the domain and component; messages offer
    `choices`.

    **Raises:** `InputError` for a face without a condition, an unknown face, or something that is
    not a condition.
    """
    if not faces:
        if boundary is not None:
            raise InputError(
                f"`boundary` is {boundary!r}, and the domain has no boundary: leave it out, or "
                "make an axis an interval (`Box`, `ProductDomain`)"
            )
        return BoundaryConditions({})
    if isinstance(boundary, Mapping):
        given = dict(boundary)
        for face in given:
            if face not in faces:
                hint = suggestion(str(face), faces)
                raise InputError(f"`boundary` names {face!r}, no face of the domain.{hint}")
        missing = [face for face in faces if face not in given]
        if missing:
            raise InputError(f"`boundary` has no condition at {', '.join(missing)}: give {choices}")
    elif boundary is None:
        raise InputError(
            f"`boundary` is missing: the domain has the faces {', '.join(faces)}, and the "
            f"equation does not say what holds there. Give {choices}; one for all faces, or a dict "
            "by the name of the face"
        )
    else:
        given = dict.fromkeys(faces, boundary)
    by_face = {face: _by_component(face, given[face], components, choices) for face in faces}
    # Sorted, as JAX sorts a dict that goes through a compiled function.
    conditions = BoundaryConditions(dict(sorted(by_face.items())))
    _check_shapes(dimension, components, conditions)
    return conditions


def _by_component(
    face: str, given: Any, components: int, choices: str
) -> tuple[AbstractCondition, ...]:
    if isinstance(given, AbstractCondition):
        return (given,) * components
    if isinstance(given, tuple | list) and all(isinstance(b, AbstractCondition) for b in given):
        if len(given) != components:
            raise InputError(
                f"`boundary` has {len(given)} conditions at {face!r} and the problem {components} "
                "component(s): give one for each, or one for all of them"
            )
        return tuple(given)
    raise InputError(f"`boundary` at {face!r} is {given!r}, not a condition: give {choices}")


def _check_shapes(dimension: int, components: int, conditions: BoundaryConditions) -> None:
    dtype = jnp.result_type(float)
    value, t = jax.ShapeDtypeStruct((components,), dtype), jax.ShapeDtypeStruct((), dtype)
    x = jax.ShapeDtypeStruct((dimension,), dtype)
    for face, by_component in conditions.by_face.items():
        for condition in by_component:
            for field in dataclasses.fields(condition):
                value_of = getattr(condition, field.name)
                if isinstance(value_of, tuple) and len(value_of) != components:
                    raise InputError(
                        f"`{field.name}` of {type(condition).__name__} at {face!r} has "
                        f"{len(value_of)} numbers and the problem {components} component(s): give "
                        "one number, or one for each"
                    )
            if isinstance(condition, Absorbing):
                continue  # its values are those of u and u_t
            subject = f"the residual of {type(condition).__name__} at {face!r}"
            try:
                residual = jax.eval_shape(condition.residual, value, value, t, x)
            except InputError:
                raise
            except Exception as error:  # whatever a function of the user raises
                raise InputError(
                    f"{subject} cannot be evaluated: values are numbers, one per component, or "
                    "functions of (t, x) that return either, written with jax.numpy "
                    f"({type(error).__name__}: {str(error).splitlines()[0]})"
                ) from error
            fix = "values are numbers, or one per component, also those that functions return"
            check_shape(subject, residual.shape, (components,), fix)
