#!/usr/bin/env bash
# Build the wheel, install it into an empty environment, and use its commands in another folder.
#
#     tests/wheel.sh [PYTHON ...]
#
# For each Python, by default that of .venv. Nothing of the checkout is on its path.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- "$root/.venv/bin/python"
unset PYTHONPATH
small=(--set problem.dimension=1 'network={name="FourierSeries", modes=8}' time.end=0.02
    time.num_saves=3 method.integrator.rtol=1e-2 'method.fit=[{name="LastLayer", num_points=100}]')

for python in "$@"; do
    rm -rf "$work"/*
    cd "$work"
    "$python" -m venv env
    env/bin/pip wheel -q --disable-pip-version-check --no-deps -w dist "$root"
    env/bin/pip install -q --disable-pip-version-check -c "$root/constraints.txt" dist/*.whl
    # A checker that finds the types, the version of the metadata, and a module outside the checkout.
    env/bin/python - "$root" <<'END'
import importlib.metadata, pathlib, sys
import neural_ivp
folder = pathlib.Path(neural_ivp.__file__).parent
assert pathlib.Path(sys.argv[1]) not in folder.parents, folder
assert (folder / "py.typed").is_file()
assert neural_ivp.__version__ == importlib.metadata.version("neural-ivp")
END
    mkdir elsewhere && cd elsewhere
    run() {
        echo "$ neural-ivp $*"
        ../env/bin/neural-ivp "$@" >out.txt 2>&1 || { cat out.txt; exit 1; }
    }
    run --version
    run --help
    run list
    grep -q burgers_1d out.txt
    run describe Burgers
    run describe burgers_sine__sharp
    run describe advection_2d__paper # extends another config
    run completion bash
    run init heat_2d
    run run heat_2d.toml --quiet --out mine "${small[@]}"
    run run heat_2d --quiet "${small[@]}"
    test -s runs/heat_2d/solution.nivp -a -s mine/figure.png
    run plot mine
    run evaluate mine --grid x0=5 --reference --out u.csv
    test "$(wc -l <u.csv)" = 16
    run animate mine --frames 3
    test -s mine/animation.gif
    cat >mine.py <<'END'
import jax
import jax.numpy as jnp
import neural_ivp as nivp

problem = nivp.Problem(
    domain=nivp.Torus((1.0,)),
    initial=lambda x: jnp.sin(2 * jnp.pi * x),
    rhs=lambda u, t, x: 0.1 * nivp.laplacian(u)(x),
)
ts, rtol = [0, 0.01], 1e-2
network = nivp.FourierSeries(problem.domain, 1, modes=2, key=jax.random.key(0))
END
    run run mine.py --quiet
    run plot runs/mine
    cmp mine.py runs/mine/script.py
    echo "the wheel works on $("$python" --version)"
done
