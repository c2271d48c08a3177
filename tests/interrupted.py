"""What interrupts a march, and the comparison of one that went on with one that did not."""

import numpy as np


def assert_same(got, wanted):
    assert got.result == wanted.result and got.fits == wanted.fits
    np.testing.assert_array_equal(got.ts, wanted.ts)
    for a, b in zip(got.segments, wanted.segments, strict=True):
        for part in ("ts", "theta", "left", "right"):
            np.testing.assert_array_equal(getattr(a, part), getattr(b, part))
            assert getattr(a, part).dtype == getattr(b, part).dtype
    assert got.record.keys() == wanted.record.keys()
    for name, values in wanted.record.items():
        np.testing.assert_array_equal(got.record[name], values, err_msg=name)
        assert got.record[name].dtype == values.dtype
    np.testing.assert_array_equal(got.parameters, wanted.parameters)


class Stop:
    """Raises KeyboardInterrupt at the given report of a phase, the one before it compiles not
    counted; used as `progress`."""

    def __init__(self, phase, count):
        self.phase, self.left = phase, count

    def __call__(self, made):
        self.left -= made.phase == self.phase and not made.compiling
        if self.left == 0:
            self.left = -1
            raise KeyboardInterrupt


class Copies:
    """Keeps every checkpoint that was written; used as `progress`."""

    def __init__(self, path):
        self.path, self.found = path, []

    def __call__(self, made):
        if self.path.is_file() and self.path.read_bytes() not in self.found[-1:]:
            self.found.append(self.path.read_bytes())
