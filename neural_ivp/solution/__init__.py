"""The solution: a function of time and space, its errors, its report, its file."""

from ._plot_fit import plot_fit
from ._solution import Solution, load
