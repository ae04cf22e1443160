PYTHON ?= python3
BIN := .venv/bin
PARALLEL := --numprocesses auto --dist worksteal
# Slow suites, and what they need, are run by `make test-all`.
# Every worker of the tests, and every program that they start, would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-all lint bench loss-table clean

help:  ## what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/.demo  ## see it work: `make demo`, or `make demo LIVE=1` with OPENROUTER_API_KEY
	$(BIN)/spancast demo $(if $(LIVE),--live)

test: lint  ## everything but the slow suites
	$(BIN)/pytest $(PARALLEL) -m "not slow"

test-all: lint  ## everything, with generated examples that are new each time
	$(BIN)/pytest $(PARALLEL) --hypothesis-profile=searching

lint: .venv/.dev  ## formatting, style, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: .venv/.dev  ## the overhead, side by side with the peers
	$(BIN)/python benchmarks/overhead.py

loss-table: .venv/.dev  ## what is lost under faults, side by side with the peers
	$(BIN)/python benchmarks/loss.py

clean:  ## remove what was installed and built
	rm -rf .venv .bench build dist

.venv/.made:
	@echo "Making .venv, once; it takes about a minute."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	@touch $@

.venv/.demo: .venv/.made pyproject.toml
	@echo "Installing Spancast and what the demo calls OpenRouter with."
	$(BIN)/python -m pip install --quiet --editable ".[demo]"
	@touch $@

.venv/.dev: .venv/.made pyproject.toml
	@echo "Installing Spancast and what its tests need."
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@
