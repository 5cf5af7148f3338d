# Everything a developer does here, as targets. `make` alone lists them.
#
# The environment lives in .venv and is rebuilt when a dependency list changes. Set PYTHON to choose
# the interpreter it is made from, JOBS to choose how many tests run at once.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= auto

# A Python that is new enough and can make environments: the caller's, else the first that qualifies.
QUALIFIES := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
CANDIDATES := python3 python3.13 python3.12 python3.11 python3.14 python
PYTHON ?= $(shell for p in $(CANDIDATES); do \
	$$p -c '$(QUALIFIES)' >/dev/null 2>&1 && { echo $$p; break; }; done)

.PHONY: help install venv demo test test-all check lint types imports format coverage-ops features conformance programs patterns sweep fuzz bench scan bench-cuda bench-bundle clean

help: ## list the targets
	@echo "usage: make TARGET [PYTHON=python3.12] [JOBS=2]"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## create .venv with slopec, its runtime and the development tools
venv: install ## the same as install

$(STAMP): pyproject.toml runtime/pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "error: slopec needs Python 3.11 or newer with the venv and ensurepip modules;" >&2; \
		echo "  note: looked for $(CANDIDATES) on PATH" >&2; \
		echo "  hint: install one (on Debian also its -venv package), or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; \
		exit 1; \
	fi
	@$(PYTHON) -c '$(QUALIFIES)' || { echo "error: $(PYTHON) is not Python 3.11 or newer with venv and ensurepip" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ./runtime -e '.[dev]'
	@touch $@

demo: $(STAMP) ## train on real digits, compile, load with the thin runtime, compare with the labels
	@$(BIN)/python models/demo.py

test: $(STAMP) ## run the tests, all but the slow ones
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m 'not slow' tests

test-all: $(STAMP) ## run every test
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal tests

check: lint types imports ## lint, strict types and import contracts

lint: $(STAMP) ## style, bugs and missing docstrings (ruff)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(STAMP) ## strict types (mypy)
	@$(BIN)/mypy

imports: $(STAMP) ## which room may import which (import-linter)
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/test_imports.py

format: $(STAMP) ## rewrite the code as `make lint` wants it
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

coverage-ops: $(STAMP) ## print each StableHLO op with what is known about it
	@$(BIN)/python -m tests.coverage_ops

features: $(STAMP) ## write the table of features, with the tests that prove each
	@$(BIN)/python -m tests.features

conformance: $(STAMP) ## run the Array API's suite, a checkout of which SUITE names, on slopec
	@test ! -f "$(SUITE)/requirements.txt" || $(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(SUITE)/requirements.txt
	@JOBS=$(JOBS) $(BIN)/python -m tests.conformance $(SUITE)

programs: $(STAMP) ## differentiate programs exported by JAX and print the errors against it
	@$(BIN)/python -m tests.transforms.programs

patterns: $(STAMP) ## write the table of passes and patterns from their docstrings
	@$(BIN)/python -m slopec.passes.catalogue

sweep: $(STAMP) ## compile and run every op × type × edge value and print what is right
	@$(BIN)/python -m tests.sweep

fuzz: $(STAMP) ## draw programs and compare them with JAX until stopped
	@$(BIN)/python -m tests.fuzz

bench: $(STAMP) ## measure slopec beside JAX, PyTorch and ONNX Runtime on this machine
	@$(BIN)/python -m benchmarks

scan: $(STAMP) ## measure many small programs exported by JAX beside JAX itself, the slowest first
	@$(BIN)/python -m benchmarks.scan

bench-cuda: $(STAMP) ## the same on this machine's CUDA device
	@$(BIN)/python -m benchmarks --device cuda

bench-bundle: $(STAMP) ## compile the benchmark for CUDA and pack it to be run on another machine
	@$(BIN)/python -m benchmarks.bundle --target cuda

clean: ## delete the environment, caches and build outputs
	@rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
