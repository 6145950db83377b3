# One line a thing to do. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory --no-builtin-rules

BIN := .venv/bin
STAMP := .venv/.installed
PYTEST := scripts/without-network $(BIN)/python -m pytest

.PHONY: help setup test lint check-long bench run lock docs wheels clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(STAMP)  ## everything into .venv, from the pinned list; quick when nothing changed
	@scripts/debian-packages

# Nothing is fetched that requirements/dev.txt does not name with its hash: the project itself is built by the pinned
# back end that is already there, and brings no dependencies of its own.
$(STAMP): requirements/dev.txt pyproject.toml scripts/find-python
	@[ -x $(BIN)/python ] || { python=$$(scripts/find-python); "$$python" -m venv .venv; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

lint: $(STAMP)  ## style, types and who may import whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: setup lint  ## everything that must hold before a commit
	$(PYTEST) -n 2 -m "not long"

check-long: setup  ## the tests that take minutes
	$(PYTEST) -n 2 -m long

bench: setup  ## speed and size, as ratios within one run
	@shopt -s nullglob; found=(bench/bench_*.py); \
	[ $${#found[@]} -gt 0 ] || { echo "There is no benchmark yet." >&2; exit 1; }; \
	for file in "$${found[@]}"; do echo "== $$file"; $(BIN)/python "$$file"; done

run: setup  ## a filled example vault, thrown away at the end
	$(BIN)/leeward demo

lock: setup  ## write requirements/*.txt anew from pyproject.toml; UPGRADE=1 takes newer versions
	scripts/lock $(if $(UPGRADE),--upgrade)

docs: setup  ## write the pages that are made from the source
	$(BIN)/python scripts/errorlist.py > docs/errors.md
	$(BIN)/python scripts/commandlist.py > docs/guides/command-line.md

wheels: setup  ## build both distributions into dist/
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .
	$(BIN)/python -m build --wheel --no-isolation --outdir dist packaging/leeward-proof

clean:  ## remove what was built; .venv stays
	rm -rf build dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests scripts bench -name __pycache__ -type d -prune -exec rm -rf {} +
