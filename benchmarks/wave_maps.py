"""The waves around a black hole against finite differences of the same memory.

    python benchmarks/wave_maps.py [--rtol 1e-4] [--seed 0] [--limit 1500] [--json FILE]

`nivp.problems.WaveMaps()` until t = 0.5, by `nivp.solve` and by second-order central differences
with leapfrog steps. The reference is that of two fine grids, extrapolated by Richardson.
"""

import json
import tempfile
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float
from records import Clock, Records, parser
from scipy.ndimage import map_coordinates

import neural_ivp as nivp
from neural_ivp.networks import flatten

jax.config.update("jax_enable_x64", True)

TIMES = np.linspace(0, 0.5, 6)
COMMON, GRIDS = 48, (48, 96, 192)  # errors are those on the nodes of 48 cells
REFERENCE = (96, 192, 384)  # the reference is that of the last two, the order that of all
INNER = (slice(1, -1),) * 3
WIDTH, RADIUS, CENTRE = 0.05, 1.0, (-2.0, 0.0, 0.0)


def acceleration(u: Float[Array, "a a a"], x: Float[Array, " a"], h: ArrayLike) -> Array:
    r"""u_tt at the interior nodes.

    The metric has $\sqrt{-g} = 1$, $g^{tt} = -1 / f$ and $g^{ij} = \delta_{ij} - r_s y_i y_j / r^3$
    with $f = 1 - r_s / r$ and y = x - centre. The divergence of the last is $-r_s y_j / r^3$, so
    that $u_{tt} = f (\Delta u - r_s (y_i y_j u_{ij} + y_j u_j) / r^3)$.
    """
    y = jnp.meshgrid(*[x[1:-1] - centre for centre in CENTRE], indexing="ij", sparse=True)
    r = jnp.sqrt(y[0] ** 2 + y[1] ** 2 + y[2] ** 2)

    def at(shift: np.ndarray) -> Array:
        return u[tuple(slice(1 + k, len(x) - 1 + k) for k in shift)]

    laplacian, along, units = jnp.zeros(()), jnp.zeros(()), np.eye(3, dtype=int)
    for i, e in enumerate(units):
        second = (at(e) - 2 * at(0 * e) + at(-e)) / h**2
        laplacian = laplacian + second
        along = along + y[i] ** 2 * second + y[i] * (at(e) - at(-e)) / (2 * h)
        for j, d in enumerate(units[:i]):
            mixed = (at(e + d) - at(e - d) - at(d - e) + at(-e - d)) / (4 * h**2)
            along = along + 2 * y[i] * y[j] * mixed
    return (1 - RADIUS / r) * (laplacian - RADIUS * along / r**3)


@partial(jax.jit, donate_argnums=0)
def advance(before: Array, now: Array, x: Array, h: ArrayLike, dt: ArrayLike) -> Array:
    """The level after `now`, in the memory of the one before; the zeros on the boundary stay."""
    return before.at[INNER].add(2 * (now - before)[INNER] + dt**2 * acceleration(now, x, h))


def differences(cells: int) -> tuple[list[np.ndarray], int]:
    """u at `TIMES` on the common nodes, and the number of steps."""
    x, h = jnp.linspace(-1, 1, cells + 1), 2 / cells
    factor = jnp.exp(-(x[1:-1] ** 2) / (2 * WIDTH**2))
    now = jnp.pad(factor[:, None, None] * factor[:, None] * factor, 1) / (60 * np.pi * WIDTH**2)
    substeps = -(-cells // 12)  # of 0.6 h at most: waves are slower than 0.84
    dt = TIMES[1] / substeps
    # At rest: the level before the first is that after it.
    before, found = advance(now.copy(), now, x, h, dt / np.sqrt(2)), [at_common_nodes(now)]
    for _ in TIMES[1:]:
        for _ in range(substeps):
            before, now = now, advance(before, now, x, h, dt)
        found.append(at_common_nodes(now))
    return found, substeps * (len(TIMES) - 1)


def at_common_nodes(u: Array) -> np.ndarray:
    """Values at the common nodes, by quintic splines where these are no nodes of the grid."""
    cells = len(u) - 1
    if cells % COMMON == 0:
        return np.asarray(u[(slice(None, None, cells // COMMON),) * 3])
    places = np.mgrid[(slice(0, cells, (COMMON + 1) * 1j),) * 3]
    return map_coordinates(np.asarray(u), places, order=5, mode="nearest")


def distance(u: np.ndarray, v: np.ndarray) -> float:
    """|u - v| / |v|."""
    return float(np.linalg.norm(u - v) / np.linalg.norm(v))


def reference(records: Records) -> list[np.ndarray]:
    """Finite differences on three grids: the order that their differences show at a time, the
    relative L2 difference of the finest grid from the extrapolation of the finer two (the
    reference), and that of the extrapolation of the coarser two from it."""
    coarse, middle, fine = (np.stack(differences(cells)[0]) for cells in REFERENCE)
    other, best = middle + (middle - coarse) / 3, fine + (fine - middle) / 3
    for k in range(1, len(TIMES)):
        ratio = distance(coarse[k], middle[k]) / distance(fine[k], middle[k])
        row = {"t": TIMES[k], "order": np.log2(ratio), "finest": distance(fine[k], best[k])}
        records.add("wave_maps_reference", **row, coarser=distance(other[k], best[k]))
    return list(best)


def grid(cells: int, exact: list[np.ndarray]) -> dict:
    """Relative L2 errors of u at the saved times on the nodes of 48^3 cells, by finite differences
    and by the network. `bytes` of the former: three arrays; of the latter: rows of the linear
    solver at the points of the sampler and the basis of its velocities, as if dense (the library
    stores its factors); `state_bytes`: parameters and velocity. CPU seconds include compiling."""
    jax.clear_caches()
    clock = Clock()
    return _row("differences", *differences(cells), exact, 24 * cells**3, clock) | {"cells": cells}


def network(rtol: float, seed: int, limit: float, exact: list[np.ndarray]) -> dict:
    """The same for the network."""
    clock = Clock()

    def stop_at_the_limit(progress):
        if progress.phase == "evolve" and clock.read()[1] > limit:
            raise KeyboardInterrupt

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "march"
        more = dict(ts=TIMES, key=jax.random.key(seed), rtol=rtol, throw=False)
        more |= dict(progress=stop_at_the_limit, checkpoint=nivp.Checkpoint(file, every=5))
        try:
            solution = nivp.solve(nivp.problems.WaveMaps(), **more)
        except nivp.SolveInterrupted as interrupt:
            solution = interrupt.solution
        # Its first line has the sizes that `solve` chose.
        rank, points = json.loads(file.read_bytes().partition(b"\n")[0])["sizes"]
    nodes = np.moveaxis(np.mgrid[(slice(-1, 1, (COMMON + 1) * 1j),) * 3], 0, -1)
    reached = solution.interval[1]
    found = [np.asarray(solution(t, nodes)[..., 0]) for t in TIMES if t <= reached]
    p, steps = flatten(solution.template)[0].size // 2, int(solution.record["accepted"].sum())
    row = _row("network", found, steps, exact, 8 * rank * (points + p), clock)
    row |= {"state_bytes": 8 * 2 * p, "rank": rank, "points": points, "parameters": p}
    return row | {"rtol": rtol, "seed": seed, "result": solution.result}


def _row(method: str, found: list, steps: int, exact: list, size: int, clock: Clock) -> dict:
    own, missing = map(distance, found, exact), [None] * (len(TIMES) - len(found))
    errors = {f"t={t:.1f}": e for t, e in zip(TIMES, [*own, *missing], strict=True)}
    return {"method": method, "cells": None, "bytes": size, "steps": steps, **clock.row()} | errors


def compare(name: str, size: int, own: dict, other: dict) -> str:
    """A sentence on the errors at equal memory."""
    times = [t for t in own if t.startswith("t=") and own[t] is not None]
    smaller = ", ".join(t for t in times if own[t] < other[t]) or "no time"
    larger = ", ".join(t for t in times if own[t] >= other[t]) or "no time"
    return (
        f"In the memory of the network's {name} ({size} bytes, {other['cells']} cells per axis) "
        f"the network's error is smaller at {smaller} and larger at {larger}."
    )


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--rtol", type=float, default=1e-4)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--limit", type=float, default=1500, help="CPU seconds of the solve")
    given = arguments.parse_args()
    records = Records(given.json, {"wave_maps_reference": reference, "wave_maps": grid})
    exact = reference(records)
    for cells in GRIDS:
        records.add("wave_maps", **grid(cells, exact))
    own, sentences = network(given.rtol, given.seed, given.limit, exact), []
    records.add("wave_maps", **own)
    for name, column in (("state", "state_bytes"), ("linear solver", "bytes")):
        cells = 2 * int((own[column] / 24) ** (1 / 3) / 2 + 0.5)  # even: the bump is at a node
        records.add("wave_maps", **(other := grid(cells, exact)))
        sentences.append(compare(name, own[column], own, other))
    print("\n".join([records.table(), "", *sentences]))


if __name__ == "__main__":
    main()
