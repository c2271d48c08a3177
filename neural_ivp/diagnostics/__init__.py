"""Diagnostics of a solve: errors, findings in words, the spectrum of the ODE of the parameters."""

from ._errors import ErrorReport, measure_errors
from ._findings import findings
from ._jacobian_spectrum import jacobian_spectrum, max_stable_step
from ._report import fit_remark, report, step_totals
