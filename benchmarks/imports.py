"""CPU seconds of `import neural_ivp` against `import diffrax`.

python benchmarks/imports.py [--repeats 7] [--json FILE]
"""

import os
import statistics
import subprocess
import sys
import tempfile

from records import Records, parser

MODULES = "diffrax", "neural_ivp"
PROGRAM = "import time; t = time.process_time(); import {}; print(time.process_time() - t)"


def imports(module: str, repeats: int, cache: str) -> dict:
    """The median over processes of the CPU seconds of an import from compiled bytecode, which pip
    makes when it installs a package, and the ratio to that of diffrax."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = cache

    def once() -> float:
        command = [sys.executable, "-c", PROGRAM.format(module)]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return float(run.stdout)

    once()  # compiles the bytecode
    return {"module": module, "cpu_seconds": statistics.median(once() for _ in range(repeats))}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--repeats", type=int, default=7)
    given = arguments.parse_args()
    records = Records(given.json, {"imports": imports})
    with tempfile.TemporaryDirectory() as cache:
        rows = [imports(module, given.repeats, cache) for module in MODULES]
    for row in rows:
        records.add("imports", **row, ratio=row["cpu_seconds"] / rows[0]["cpu_seconds"])
    print(records.table())


if __name__ == "__main__":
    main()
