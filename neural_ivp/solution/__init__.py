"""L5. The solution: a function of time and space, its errors, its report, its file."""

from ._catalogue import build as build
from ._catalogue import describe as describe
from ._catalogue import register as register
from ._errors import ErrorReport as ErrorReport
from ._errors import measure as measure
from ._file import load as load
from ._plot_fit import plot_fit as plot_fit
from ._report import fit_remark as fit_remark
from ._solution import Solution as Solution
from ._trajectory import Segment as Segment
