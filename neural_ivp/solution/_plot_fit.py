"""The public way to the picture of a fit."""

from typing import TYPE_CHECKING

from .._types import Field
from ..domains import AbstractDomain
from ..fitting import Fitted
from ..targets import Scattered

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_fit(fitted: Fitted, target: Field | Scattered, domain: AbstractDomain) -> "Figure":
    """Target, fit and pointwise error, and the held-out error over the steps of the stages.

    In two dimensions and more these are maps of a plane through the centre of the domain. Of
    several components the first is drawn.

    **Arguments:**

    - `fitted`: what `fit` returned.
    - `target`, `domain`: what was given to `fit`.

    **Raises:** `InputError` for a part of the wrong kind, a target of other components or, if
    scattered, another domain.
    """
    from ..plotting import fit_figure  # matplotlib is imported only when a picture is wanted

    return fit_figure(fitted, target, domain)
