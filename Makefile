# Every target sets itself up: the first call makes .venv and installs into it, later calls reuse it
# until pyproject.toml or constraints.txt changes.

# What pytest gets: make test PYTEST_XDIST="-n 8 --dist loadfile" PYTEST_ARGS="-k torus"
PYTEST_XDIST ?= -n 2 --dist loadfile
PYTEST_ARGS ?=
# The scripts that `make examples` runs, all if empty.
EXAMPLES ?=

BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt
MADE := .venv/.stamp-made
RUN := .venv/.stamp-run
DEV := .venv/.stamp-dev
DOCS := .venv/.stamp-docs
TUTORIALS := .venv/.stamp-tutorials

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: demo test shapes validate wheel docs bench-linear bench-fits bench-evolution bench-configs bench-boundary bench-zoo bench-densities results examples notebooks lint format clean help

help:  ## Print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

demo: $(RUN)  ## Run the 2-D advection example
	$(BIN)/neural-ivp run configs/advection_2d.toml

test: $(DEV)  ## Run the fast tests, and print the slowest
	$(BIN)/python -m pytest $(PYTEST_XDIST) --durations=15 $(PYTEST_ARGS)

shapes: $(DEV)  ## Run the fast tests with the annotated shapes of arrays checked, a fifth slower
	$(BIN)/python -m pytest $(PYTEST_XDIST) --shapes $(PYTEST_ARGS)

# Without the compiler flags that tests/conftest.py sets where there are none: as users run it.
validate: $(DEV)  ## Run the slow tests, which print the long validation table
	XLA_FLAGS= $(BIN)/python -m pytest -m slow -s $(PYTEST_ARGS)

bench-linear: $(DEV)  ## Measure the linear layer: products, memory, solvers along trajectories
	$(BIN)/python benchmarks/linear.py --json runs/bench/linear.jsonl
	$(BIN)/python benchmarks/trajectories.py --json runs/bench/trajectories.jsonl

bench-fits: $(DEV)  ## Measure fits: time to a goal, against Adam, and refits
	$(BIN)/python benchmarks/fits.py --json runs/bench/fits.jsonl

bench-evolution: $(DEV)  ## Measure time stepping: tolerances, a stiff problem, restarts, kills
	$(BIN)/python benchmarks/evolution.py --json runs/bench/evolution.jsonl
	$(BIN)/python benchmarks/restarts.py --json runs/bench/restarts.jsonl --figure runs/bench/restarts.png
	$(BIN)/python benchmarks/kills.py --json runs/bench/kills.jsonl

bench-configs: $(DEV)  ## Measure what the configs reach, and in which time
	$(BIN)/python benchmarks/configs.py --json runs/bench/configs.jsonl

bench-boundary: $(DEV)  ## Measure problems with conditions at the boundary
	$(BIN)/python benchmarks/boundary.py --json runs/bench/boundary.jsonl

bench-zoo: $(DEV)  ## Measure error against CPU seconds over all problems
	$(BIN)/python benchmarks/zoo.py --rtol 1e-3 1e-4 1e-5 1e-6 --json runs/bench/zoo.jsonl

bench-densities: $(DEV)  ## Measure densities in all of space, and wave maps against finite differences
	$(BIN)/python benchmarks/densities.py --json runs/bench/densities.jsonl
	$(BIN)/python benchmarks/wave_maps.py --json runs/bench/wave_maps.jsonl

results: $(DEV)  ## Write benchmarks/RESULTS.md from benchmarks/results/*.jsonl
	$(BIN)/python benchmarks/results.py

docs: $(DOCS)  ## Build the documentation site, build/site/index.html, and check its links
	$(BIN)/python docs/build.py

wheel: $(MADE)  ## Build the wheel, install it in an empty environment, use its commands
	tests/wheel.sh

# Those that have changed alone: make examples EXAMPLES="wave quickstart"
examples: $(TUTORIALS)  ## Run the examples (ten minutes) and write their pages, docs/examples
	$(BIN)/python docs/render_examples.py $(EXAMPLES)

notebooks: $(TUTORIALS)  ## Write the examples as notebooks, examples/*.ipynb
	$(BIN)/jupytext --quiet --from py:percent --to ipynb examples/*.py

lint: $(DEV)  ## Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

format: $(DEV)  ## Reformat the code and apply the safe lint fixes
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean:  ## Remove .venv, caches and build output, but not runs/
	rm -rf .venv .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -not -path './runs/*' -prune -exec rm -rf {} +

# The first Python >= 3.11 that can make a virtual environment.
$(MADE):
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "Making .venv with $$python ($$("$$python" -c 'import platform; print(platform.python_version())'))"; \
	        "$$python" -m venv --clear .venv && touch $@; \
	        exit; \
	    fi; \
	done; \
	echo "No Python >= 3.11 with the venv module was found; install one, or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1

$(RUN): $(MADE) pyproject.toml constraints.txt
	@echo "Installing neural-ivp into .venv"
	@$(PIP_INSTALL) -e .
	@touch $@

# What this installs includes what $(RUN) would.
$(DEV): $(MADE) pyproject.toml constraints.txt
	@echo "Installing neural-ivp and its test and lint tools into .venv"
	@$(PIP_INSTALL) -e '.[test,lint]'
	@touch $(RUN) $@

# The site is built from the source, without importing it.
$(DOCS): $(MADE) pyproject.toml constraints.txt
	@echo "Installing the documentation tools into .venv"
	@$(PIP_INSTALL) -e '.[docs]'
	@touch $(RUN) $@

$(TUTORIALS): $(MADE) pyproject.toml constraints.txt
	@echo "Installing neural-ivp and the tools of notebooks into .venv"
	@$(PIP_INSTALL) -e '.[examples]'
	@touch $(RUN) $@
