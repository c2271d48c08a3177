"""Figures of arrays and labels by matplotlib objects, without pyplot or global state."""

from ._data import ErrorData, FieldData, FitData, FitHistory, MarchData, PlaneData, cells
from ._figures import fit_figure, solution_figure
from ._movie import check_movie, write_movie
from ._slice import field_points, field_times, space_time_grid
from ._style import component_names, parameter_count_label, plain, scientific
