"""Solutions that are made, and what their figures are looked at with."""

import io

import jax
import jax.numpy as jnp
import numpy as np

import neural_ivp as nivp

LENGTH = 2 * np.pi


RESTARTS = (0.25, 0.75)  # of the solutions that are made


def made(problem, growth=1.1, iterations=7, network=None):
    """A solution from random weights: every shape and field of a real one, no solve."""
    if network is None:
        size = {"width": 4, "depth": 1, "key": jax.random.key(2)}
        network = nivp.SinusoidalMLP(problem.domain, problem.components, **size)
    ts = np.linspace(0, 1, 5)
    theta = np.asarray(nivp.networks.flatten(network)[0])
    thetas = np.stack([theta * growth**k for k in range(len(ts))])
    still = np.zeros((len(ts) - 1, theta.size), theta.dtype)
    start = np.insert(ts[:-1], 2, ts[2])  # the third attempt is rejected
    end = np.insert(ts[1:], 2, 0.9)
    some = np.linspace(0.01, 0.02, len(start))
    record = {
        "t0": start,
        "t1": end,
        "accepted": np.arange(len(start)) != 2,
        "iterations": np.full(len(start), iterations),
        "projection_residual": some,
    }
    segment = nivp.evolution.Segment(ts, thetas, still, still)
    fits = [{"t": t, "relative_l2_error": 1e-3, "steps": 1} for t in (0.0, *RESTARTS)]
    return nivp.Solution(problem, network, ts, [segment], record, "successful", "", fits)


def plane(**options):
    problem = nivp.Problem(
        domain=nivp.Box((0.0, -1.0), (3.0, 1.0)),
        initial=lambda x: jnp.stack([x[0], x[1]]),
        rhs=lambda u, t, x: u(x),
        boundary=nivp.Free(),
    )
    return made(problem, **options)


def half(t, points):
    """A reference of two components that changes sign, for the solutions of `plane`."""
    return np.stack([np.sin(points[:, 0] + t), points[:, 1]], axis=1)


def drawn(solution, reference=None, finite=True, axes=None):
    """The figure, after it was really drawn: layout and ticks warn only then."""
    return checked(solution.plot(reference, axes=axes), finite)


def checked(figure, finite=True):
    figure.savefig(io.BytesIO(), dpi=40)
    for axes in figure.axes if finite else ():
        for line in axes.get_lines():
            assert np.any(np.isfinite(line.get_ydata())), (axes.get_title(), line.get_label())
        for image in axes.get_images():
            assert np.all(np.isfinite(image.get_array())), axes.get_title()
    return figure


def words(figure):
    texts = "\n".join(part.get_suptitle() for part in (figure, *figure.subfigs))
    return texts.replace("\N{NO-BREAK SPACE}", " ")


def titled(figure, title):
    return next(axes for axes in figure.axes if axes.get_title().startswith(title))


def labelled(axes, label):
    return next(line for line in axes.get_lines() if line.get_label() == label)
