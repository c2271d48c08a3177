"""What problems from plain functions share: their words, densities and reference."""

from collections.abc import Mapping

import equinox as eqx

from ..types import Reference
from ._base import AbstractProblem, Density


class AbstractGivenProblem(AbstractProblem):
    """A problem whose names, invariants and reference are arguments of its constructor."""

    densities: Mapping[str, Density]
    reference_function: Reference | None = eqx.field(static=True)
    words: tuple[str, tuple[str, ...]] = eqx.field(static=True)  # name, component_names

    @property
    def name(self) -> str:
        return self.words[0]

    @property
    def component_names(self) -> tuple[str, ...]:
        return self.words[1]

    @property
    def invariants(self) -> Mapping[str, Density]:
        return self.densities

    def reference(self, t0: float) -> Reference | None:
        del t0
        return self.reference_function
