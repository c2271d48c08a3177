"""The residual u - h L[u] of an implicit stage, linearised in the parameters."""

from jaxtyping import Array, Float

from ...calculus import AbstractInnerProduct
from ...linear import AbstractLinearisation, linearise_generic, linearise_in_chunks
from ...networks import AbstractNetwork
from ...problems import AbstractProblem
from ...types import Field, Point, Scalar, Theta, Value, WeightedPoints


class _Residual(AbstractInnerProduct):
    """u - h L[u] in place of u. It is not linear: only a generic linearisation can use it."""

    norm: AbstractInnerProduct
    problem: AbstractProblem
    t: Scalar
    h: Scalar

    @property
    def scales(self) -> Value:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.norm.scales

    def __call__(self, u: Field, x: Point) -> Float[Array, " q"]:
        def field(x):
            return u(x) - self.h * self.problem.rhs(u, self.t, x).astype(x.dtype)

        return self.norm(field, x)


def linearise_residual(
    problem: AbstractProblem,
    template: AbstractNetwork,
    theta: Theta,
    sample: WeightedPoints,
    t: Scalar,
    h: Scalar,
    chunk_size: int | None,
) -> AbstractLinearisation:
    """The linearisation of u - h L[u], whose `values` are u - h L[u]."""
    residual = _Residual(problem.norm, problem, t, h)  # pyright: ignore[reportCallIssue]
    parts = template, theta, sample, residual
    if chunk_size is None or chunk_size >= len(sample.points):
        return linearise_generic(*parts)
    return linearise_in_chunks(linearise_generic, *parts, chunk_size)
