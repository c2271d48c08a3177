"""Tableaus of Runge-Kutta schemes: the explicit ones of diffrax and three implicit ones."""

from typing import NamedTuple, TypeAlias

import diffrax as dfx
import numpy as np

Explicit: TypeAlias = dfx.AbstractERK | dfx.Euler


def explicit_tableau(solver: Explicit):
    """a, b, error weights and c of an explicit scheme whose last stage is (t1, theta1).

    That stage is appended to schemes without it, for dense output and the next step.
    """
    if isinstance(solver, dfx.Euler):
        a, b, b_error, c = np.zeros((1, 1)), np.ones(1), np.zeros(1), np.zeros(1)
    else:
        tableau = solver.tableau
        assert isinstance(tableau, dfx.ButcherTableau)
        a = np.zeros((tableau.num_stages, tableau.num_stages))
        for row, entries in enumerate(tableau.a_lower, start=1):
            a[row, : len(entries)] = entries
        c = np.concatenate([[0.0], tableau.c])
        b, b_error = np.asarray(tableau.b_sol), np.asarray(tableau.b_error)
        if tableau.fsal:
            return a, b, b_error, c
    a = np.block([[a, np.zeros((len(c), 1))], [b, np.zeros((1, 1))]])
    return a, np.append(b, 0.0), np.append(b_error, 0.0), np.append(c, 1.0)


class SDIRKTableau(NamedTuple):
    """`a`, with gamma on its diagonal and b as its last row; `error`, `error_start`: weights of the
    stages and of the start in the error estimate."""

    a: np.ndarray
    error: np.ndarray
    error_start: float
    order: int
    error_order: int


_GAMMA = 1 - 0.5**0.5
_TWO = np.array([[_GAMMA, 0.0], [1 - _GAMMA, _GAMMA]])
_FOUR = np.array(
    [
        [1 / 4, 0, 0, 0, 0],
        [1 / 2, 1 / 4, 0, 0, 0],
        [17 / 50, -1 / 25, 1 / 4, 0, 0],
        [371 / 1360, -137 / 2720, 15 / 544, 1 / 4, 0],
        [25 / 24, -49 / 48, 125 / 16, -85 / 12, 1 / 4],
    ]
)
_THIRD_ORDER = np.array([59 / 48, -17 / 96, 225 / 32, -85 / 12, 0.0])

BACKWARD_EULER = SDIRKTableau(np.ones((1, 1)), np.array([0.5]), -0.5, 1, 2)
SDIRK_2 = SDIRKTableau(_TWO, _TWO[1] - np.array([1.0, 0.0]), 0.0, 2, 2)
SDIRK_4 = SDIRKTableau(_FOUR, _FOUR[4] - _THIRD_ORDER, 0.0, 4, 4)
