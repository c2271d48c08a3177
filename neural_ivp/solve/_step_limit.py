"""Where the steps of a march end."""

import numpy as np


def step_limit(times: np.ndarray, t: float, stop: float, dtmin: float, dtype: np.dtype) -> float:
    """The time at which the next step from t ends at the latest: the next one to save, or `stop`.

    Within a long step u is less accurate than at its ends.
    """
    # Times closer than this are one, since rounding may make a step between them empty.
    rounding = float(np.finfo(dtype).eps)
    distance = max(dtmin, 8 * rounding * max(abs(float(times[0])), abs(float(times[-1]))))
    return float(min(stop, *times[times > t + distance]))
