"""Animations of solutions."""

import dataclasses
import itertools

import numpy as np
import pytest
from matplotlib.animation import FFMpegWriter
from PIL import Image, ImageSequence

import neural_ivp as nivp

from .figures import LENGTH, drawn, half, made, plane, words
from .helpers import refused


@pytest.fixture(scope="module")
def heat():
    return made(nivp.problems.Heat(dimension=1, domain=nivp.Torus((LENGTH,))))


def motion(path):
    """Frames of a GIF in RGB, shape (frames, rows, columns, 3), and their durations in ms."""
    with Image.open(path) as image:
        frames = [
            (np.asarray(frame.convert("RGB")), frame.info["duration"])
            for frame in ImageSequence.Iterator(image)
        ]
    return np.stack([pixels for pixels, _ in frames]), [duration for _, duration in frames]


def test_an_animation_has_the_frames_asked_for(heat, tmp_path):
    path = heat.animate(tmp_path / "heat.GIF", num_frames=4, seconds=0.8)
    assert path == tmp_path / "heat.GIF" and [*tmp_path.iterdir()] == [path]
    frames, durations = motion(path)
    assert len(frames) == 4 and durations == [200] * 4
    assert all(np.any(a != b) for a, b in itertools.pairwise(frames))


@pytest.mark.skipif(not FFMpegWriter.isAvailable(), reason="ffmpeg is not installed")
def test_an_mp4(heat, tmp_path):
    path = heat.animate(tmp_path / "heat.mp4", num_frames=3, seconds=0.3)
    assert path.read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize("reference", [None, half])
def test_an_animation_of_maps_has_one_scale(tmp_path, reference):
    """The colour bar and the axes are the same in every frame; the maps and the title are not."""
    growing = plane(growth=2.0)
    frames, _ = motion(
        growing.animate(tmp_path / "u.gif", num_frames=3, seconds=1.0, reference=reference)
    )
    changed = np.any(np.ptp(frames.astype(int), axis=0) > 40, axis=2)  # beyond dithering
    assert changed[:60].any() and changed[60:].any()
    columns = np.flatnonzero(changed[60:].any(axis=0))
    assert columns[-1] < 0.9 * changed.shape[1]  # where the colour bar begins


def test_animations_that_cannot_be_made_are_refused(heat, tmp_path, monkeypatch):
    monkeypatch.setattr(FFMpegWriter, "isAvailable", lambda: False)
    still = dataclasses.replace(heat, ts=heat.ts[:1], segments=[_start(heat)])
    for solution, name, options, message in (
        (heat, "u.png", {}, "`path` must end in .gif or .mp4"),
        (heat, "u.mp4", {}, "ffmpeg, which is not installed.*ends in .gif"),
        (heat, "no/u.gif", {}, "there is no folder"),
        (heat, "u.gif", {"num_frames": 1}, "`num_frames` must be an integer of at least 2"),
        (heat, "u.gif", {"num_frames": 10**9}, "`num_frames` must be at most"),
        (heat, "u.gif", {"seconds": 0.0}, "`seconds` must be"),
        (heat, "u.gif", {"num_frames": 100, "seconds": 1.0}, "at most 50 frames a second"),
        (heat, "u.gif", {"axes": (0, 1)}, "`axes` must be None in one dimension"),
        (still, "u.gif", {}, "no step was accepted"),
    ):
        with refused(message):
            solution.animate(tmp_path / name, **options)
    assert not [*tmp_path.iterdir()]


def test_a_solution_that_is_known_at_the_saved_times_alone(heat, tmp_path):
    heat.save(tmp_path / "heat.nivp", dense=False)
    sparse = nivp.load(tmp_path / "heat.nivp")
    figure = drawn(sparse)
    assert not [axes for axes in figure.axes if axes.get_images()]
    assert "only the saved times are known" in words(figure)
    with refused("saved with `dense=True`"):
        sparse.animate(tmp_path / "u.gif")


def _start(solution):
    first = solution.segments[0]
    return nivp.evolution.Segment(first.ts[:1], first.theta[:1], first.left[:0], first.right[:0])
