# One command for each thing; everything runs from .venv, made from the pinned lock file.
PYTHON ?= python3
BIN := .venv/bin

# Tests use both cores of a small machine; which are in which tier is in tests/tiers.py.
PYTEST := $(BIN)/pytest -n 2 --dist loadgroup

.PHONY: demo quick test check lint rest fix bench lock clean

.venv/ready: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: .venv/ready
	$(BIN)/tmc-console demo

# While writing: a minute. Everything but the pure tests is left out.
quick: lint
	$(PYTEST) -m quick

# Before a commit: some minutes. No kubectl, no real API servers.
test: .venv/ready
	$(PYTEST) -m "quick or usual"

# Before a merge: all of it, each thing once. Real API servers where KUBEBUILDER_ASSETS leads to some.
check: test rest

rest: lint
	$(PYTEST) -m thorough

lint: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready
	$(BIN)/python -m tests.bench

lock:
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	  --output-file requirements-dev.lock

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache
