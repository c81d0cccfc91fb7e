# One door: `make` alone says what there is. Only python3 (3.11 or later) and make are needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.stamp
# The tests share a machine with whatever else runs there; more threads make small tensors slower, not faster.
OMP_NUM_THREADS ?= 2
# Waiting threads sleep rather than spin: up to eight times faster where the cores are shared.
OMP_WAIT_POLICY ?= PASSIVE
export OMP_NUM_THREADS OMP_WAIT_POLICY

.DEFAULT_GOAL := help
.PHONY: help setup check test test-slow demo docs bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv here, with everything in it (again after pyproject.toml or constraints.txt change)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Ilk needs Python 3.11 or later, and $(PYTHON) is %s. Try: make setup PYTHON=python3.12" % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-cache-dir -c constraints.txt -e ".[dev]"
	@touch $@

check: $(STAMP) ## formatting, lint, types, and the documentation without a warning
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

test: $(STAMP) ## the quick tests, two files at a time
	$(BIN)/python -m pytest -q -m "not slow" -n 2 --dist loadfile

test-slow: $(STAMP) ## the tests that take minutes
	$(BIN)/python -m pytest -q -m slow

demo: $(STAMP) ## a first result on real digits, without a network connection
	$(BIN)/ilk demo

docs: $(STAMP) ## write the command page and the figures of the networks, and build the pages into docs/_build/html
	$(BIN)/python docs/generate_cli.py
	$(BIN)/python docs/generate_networks.py
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(STAMP) ## list the benchmarks; make bench NAME=neighbors [ARGS="--queries 1000"] runs one
ifdef NAME
	$(BIN)/python benchmarks/$(NAME).py $(ARGS)
else
	@for file in benchmarks/*.py; do [ ! -e "$$file" ] || echo "  make bench NAME=$$(basename "$$file" .py)"; done
endif

clean: ## remove .venv and all that was built; runs/ stays
	rm -rf $(VENV) build dist docs/_build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
