"""The residual w - h w_t of an implicit stage, linearised in the parameters."""

from jaxtyping import Array, Float

from ...calculus import AbstractInnerProduct
from ...linear import AbstractLinearisation, linearise_generic, linearise_in_chunks
from ...networks import AbstractNetwork
from ...problems import AbstractProblem
from ...trials import AbstractTrial
from ...types import Field, Point, Scalar, Theta, Value, WeightedPoints


class _Residual(AbstractInnerProduct):
    """w - h w_t in place of w. It is not linear: only a generic linearisation can use it."""

    norm: AbstractInnerProduct
    problem: AbstractProblem
    trial: AbstractTrial
    t: Scalar
    h: Scalar

    @property
    def scales(self) -> Value:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.norm.scales

    def __call__(self, u: Field, x: Point) -> Float[Array, " q"]:
        # Called with the network.
        unknown = self.trial.unknown(u)  # pyright: ignore[reportArgumentType]
        rate = self.trial.target(self.problem, u, self.t)  # pyright: ignore[reportArgumentType]

        def field(x):
            return unknown(x) - self.h * rate(x).astype(x.dtype)

        return self.norm(field, x)


def linearise_residual(
    problem: AbstractProblem,
    trial: AbstractTrial,
    template: AbstractNetwork,
    theta: Theta,
    sample: WeightedPoints,
    t: Scalar,
    h: Scalar,
    chunk_size: int | None,
) -> AbstractLinearisation:
    """The linearisation of w - h w_t, whose `values` are w - h w_t."""
    residual = _Residual(problem.norm, problem, trial, t, h)  # pyright: ignore[reportCallIssue]
    parts = template, theta, sample, residual
    if chunk_size is None or chunk_size >= len(sample.points):
        return linearise_generic(*parts)
    return linearise_in_chunks(linearise_generic, *parts, chunk_size)
