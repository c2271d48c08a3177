"""Time of a right-hand side of a density against the dimension.

python benchmarks/density_scaling.py [--dimensions 10 20 50 100] [--json FILE]
"""

import jax
import numpy as np
from gpu_steps import fastest
from records import Records, parser

import neural_ivp as nivp
from neural_ivp.precision import compiled

jax.config.update("jax_enable_x64", True)

PARTICLES = 2_500


def scaling(dimension: int) -> dict:
    """One velocity of the harmonic trap by the default network and solver, at 2 500 particles:
    seconds of the fastest of five, and the exponent of d since the row before."""
    problem, key = nivp.problems.HarmonicTrap(dimension), jax.random.key(0)
    network = nivp.default_network(problem, key=key)
    solver = nivp.default_method(problem, network).velocity_solver
    draws = problem.process.initial.sample(PARTICLES, key)
    sample = nivp.WeightedPoints.equal(draws)

    @compiled
    def velocity(network, sample):
        J, f = nivp.velocity_problem(problem, network, 0.0, sample)
        return nivp.solve_velocity(solver, J, f, key=key).value

    seconds = fastest(velocity, network, sample)
    p = nivp.networks.flatten(network)[0].size
    return {"dimension": dimension, "parameters": p, "seconds": seconds}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--dimensions", type=int, nargs="+", default=[10, 20, 50, 100])
    given = arguments.parse_args()
    records, last = Records(given.json, {"scaling": scaling}), None
    for dimension in given.dimensions:
        row = scaling(dimension)
        if last is not None:
            growth = np.log(row["seconds"] / last["seconds"])
            row["exponent"] = growth / np.log(dimension / last["dimension"])
        records.add("scaling", **row)
        last = row
    print(records.table())


if __name__ == "__main__":
    main()
