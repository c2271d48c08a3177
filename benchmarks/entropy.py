"""Entropy in eight dimensions: the solver against particles, at about equal CPU time.

    python benchmarks/entropy.py [name ...] [--json FILE]

Particles of the stochastic process give the entropy by a kernel density estimate (leave one out,
Scott's width, whitened) and by the normal density of their moments.
"""

from itertools import count

import jax
import jax.numpy as jnp
import numpy as np
from exact_densities import exact_density
from records import Clock, Records, parser

import neural_ivp as nivp

jax.config.update("jax_enable_x64", True)

P = nivp.problems
MADE = {"trap_8d": lambda: (P.HarmonicTrap(8), 8.0), "wells_8d": lambda: (P.DoubleWells(8), 3.0)}
STEPS, FIRST, BLOCK = 400, 1_000, 500


def particles(problem, t: float, n: int) -> np.ndarray:
    """Particles at time t by Euler-Maruyama steps."""
    start_key, key = jax.random.split(jax.random.key(n))
    start = problem.process.initial.sample(n, start_key)
    return np.asarray(problem.process.walk(start, 0.0, t, key, STEPS))


def normal_entropy(x: np.ndarray) -> float:
    """That of the normal density with the moments of the rows."""
    return x.shape[1] / 2 * np.log(2 * np.pi * np.e) + np.linalg.slogdet(np.cov(x.T))[1] / 2


def kernel_entropy(x: np.ndarray) -> float:
    """Minus the mean of the logarithm of a kernel density estimate without the point itself."""
    n, d = x.shape
    factor = np.linalg.cholesky(np.cov(x.T))
    width = n ** (-1 / (d + 4))
    z = np.linalg.solve(factor, (x - x.mean(axis=0)).T).T / width
    squares, logs = np.sum(z**2, axis=1), []
    for k in range(0, n, BLOCK):
        off = squares[k : k + BLOCK, None] + squares[None] - 2 * z[k : k + BLOCK] @ z.T
        kernel = np.exp(-off / 2)
        logs.append(np.log(kernel.sum(axis=1) - 1) - np.log(n - 1))
    scale = np.sum(np.log(np.diagonal(factor))) + d * (np.log(width) + np.log(2 * np.pi) / 2)
    return float(scale - np.mean(np.concatenate(logs)))


def entropy(name: str, records: Records) -> None:
    """Entropies at the last time in nats; CPU seconds with compiling and with the particles."""
    problem, t = MADE[name]()
    exact = exact_density(name, problem, t, 0.0).entropy
    assert exact is not None
    clock = Clock()
    solution = nivp.solve(problem, ts=[0.0, t], key=jax.random.key(0))
    found = solution.entropy(t)
    budget = clock.row()
    row = {"problem": name, "method": "solve", "n": None, "error": float(found) - exact}
    records.add("entropy", **row, standard_error=float(found.standard_error), **budget)
    for method, estimate in {"normal": normal_entropy, "kernel": kernel_entropy}.items():
        for n in (FIRST * 4**k for k in count()):
            clock = Clock()
            value = estimate(particles(problem, t, n))
            times = clock.row()
            row = {"problem": name, "method": method, "n": n, "error": value - exact}
            records.add("entropy", **row, standard_error=None, **times)
            if times["cpu_seconds"] > budget["cpu_seconds"] / 3 or n > 3e6:
                break  # the next one takes four times as long or more


def main() -> None:
    given = parser(__doc__, MADE).parse_args()
    records = Records(given.json, {"entropy": entropy})
    for name in given.names or MADE:
        entropy(name, records)
    print(records.table())


if __name__ == "__main__":
    jnp.zeros(())  # starts JAX before the first clock
    main()
