"""The library on an accelerator: products, memory, sizes that fit, several devices, and solves, in
both precisions.

    python benchmarks/gpu.py [--only STEP] [--dtype float32] [--small] [--json FILE]

Needs the repository and JAX with CUDA. Without `--only` each step runs in a process of its own, for
at most eight minutes, in float64 and in float32, and the solves once more on the CPU. `--small`
takes sizes for a machine without an accelerator.
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import jax
from gpu_steps import SMALL_SOLVE, SOLVES, memory, product, scaling, sizes, solve
from records import Records, parser

MOST_SECONDS = 480
STEPS = {"product": product, "memory": memory, "sizes": sizes, "scaling": scaling}
STEPS |= {name: functools.partial(solve, name) for name in SOLVES}


def run(step: str, dtype: str, small: bool, json_file: Path | None) -> None:
    """One step in this process."""
    jax.config.update("jax_enable_x64", dtype == "float64")
    captions = {name: part for name, part in STEPS.items() if name not in SOLVES}
    records = Records(json_file, captions | {"solve": solve})
    device, table = jax.devices()[0].device_kind, "solve" if step in SOLVES else step
    for row in STEPS[step](small, dtype):
        records.add(table, device=device, dtype=dtype, **row)
    print(records.table())


def run_all(small: bool, json_file: Path | None) -> list[str]:
    """Each step in a process of its own, in both precisions; the solves on the CPU too.

    **Returns:** the steps that did not end.
    """
    lines: list[str] = []
    failed: list[str] = []
    # Asked in another process: this one must not hold the memory of the device.
    ask = [sys.executable, "-c", "import jax; print(jax.default_backend())"]
    accelerated = subprocess.check_output(ask, text=True).strip() != "cpu"
    steps = [step for step in STEPS if not small or step not in SOLVES or step == SMALL_SOLVE]
    for step in steps:
        for dtype in ("float64", "float32"):
            for platform in ("", "cpu") if accelerated and step in SOLVES else ("",):
                with tempfile.TemporaryDirectory() as folder:
                    own = Path(folder) / "rows.jsonl"
                    command = [sys.executable, __file__, "--only", step, "--dtype", dtype]
                    command += ["--json", str(own), *(["--small"] if small else [])]
                    environment = os.environ | ({"JAX_PLATFORMS": platform} if platform else {})
                    try:
                        subprocess.run(command, env=environment, timeout=MOST_SECONDS, check=True)
                    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
                        failed.append(f"{step} in {dtype}")
                        print(f"{failed[-1]} did not end: {error}", file=sys.stderr)
                    if own.exists():
                        rows = own.read_text().splitlines()
                        lines += rows if not lines else rows[1:]
    if json_file is not None and lines:
        command = f"python benchmarks/gpu.py{' --small' if small else ''}"
        lines[0] = json.dumps(json.loads(lines[0]) | {"command": command})
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text("\n".join(lines) + "\n")
    return failed


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--only", choices=STEPS, help="one step, in this process")
    arguments.add_argument("--dtype", choices=["float64", "float32"], help="of that step")
    arguments.add_argument("--small", action="store_true", help="sizes for a CPU")
    given = arguments.parse_args()
    file = None if given.json is None else Path(given.json)
    if given.only:
        run(given.only, given.dtype or "float64", given.small, file)
    elif given.dtype:
        arguments.error("--dtype is that of a step: name it by --only; without it both are run")
    elif failed := run_all(given.small, file):
        sys.exit(f"these did not end: {', '.join(failed)}")


if __name__ == "__main__":
    main()
