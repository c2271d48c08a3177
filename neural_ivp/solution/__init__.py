"""The solution: a function of time and space with its errors, report, picture and file."""

from ._estimates import Estimate
from ._plot_fit import plot_fit
from ._solution import Solution, load
