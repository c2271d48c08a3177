"""Figures of arrays and labels by matplotlib objects, without pyplot or global state."""

from ._data import ErrorData, FieldData, FitData, FitHistory, MarchData
from ._figures import fit_figure, solution_figure
from ._slice import field_points, field_times, space_time_grid
from ._style import component_names, parameter_count_label, scientific
