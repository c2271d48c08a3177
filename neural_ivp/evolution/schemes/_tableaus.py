"""Tableaus: the explicit ones of diffrax, three implicit ones, and one of Rosenbrock's kind."""

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


class RosenbrockTableau(NamedTuple):
    r"""Stage i solves $(I / \gamma \tau - A) U_i = g(t_0 + \alpha_i \tau, \sum_j a_{ij} U_j) +
    \sum_j c_{ij} U_j / \tau + \gamma_i \tau g_t$; the step is $\sum_i m_i U_i$ and its error the
    last U."""

    gamma: float
    a: np.ndarray
    c: np.ndarray
    m: np.ndarray
    alpha: np.ndarray
    gammas: np.ndarray


def _lower(*rows: tuple[float, ...]) -> np.ndarray:
    size = len(rows) + 1
    return np.array([[0.0] * size, *([*row, *[0.0] * (size - len(row))] for row in rows)])


_FIFTH = (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895)
RODAS_4 = RosenbrockTableau(
    gamma=0.25,
    a=_lower(
        (1.544,),
        (0.9466785280815826, 0.2557011698983284),
        (3.314825187068521, 2.896124015972201, 0.9986419139977817),
        _FIFTH,
        (*_FIFTH, 1.0),
    ),
    c=_lower(
        (-5.6688,),
        (-2.430093356833875, -0.2063599157091915),
        (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
        (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.7089089320616),
        (
            8.083246795921522,
            -7.981132988064893,
            -31.52159432874371,
            16.31930543123136,
            -6.058818238834054,
        ),
    ),
    m=np.array([*_FIFTH, 1.0, 1.0]),
    alpha=np.array([0.0, 0.386, 0.21, 0.63, 1.0, 1.0]),
    gammas=np.array([0.25, -0.1043, 0.1035, -0.0362, 0.0, 0.0]),
)
