"""J, the Jacobian of the network's values in its parameters, as a linear map at given points."""

from ._base import AbstractLinearisation
from ._chunked import ChunkedLinearisation, linearise_in_chunks
from ._driven import DrivenLinearisation, linearise_driven
from ._generic import GenericLinearisation, linearise_generic
from ._linearise import linearise
from ._second_order import SecondOrderLinearisation
from ._stacked import DenseLinearisation, StackedLinearisation
from ._structured import (
    StructuredLinearisation,
    is_dense,
    linearise_structured,
    tap,
    trained_layers,
)
