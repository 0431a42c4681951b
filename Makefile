# make run    set up what is missing, then watch objects learn (about a minute)
# make test   set up what is missing, then every check and test
# make fuzz   the long random searches, which make test leaves out (minutes)
# They are quick and quiet when nothing changed.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.PHONY: run test check unit fuzz fresh clean

run: $(VENV)/.base
	@$(BIN)/batos mind pull >/dev/null
	@$(BIN)/batos tour

test: check unit $(if $(IN_FRESH_CLONE),,fresh)

check: $(VENV)/.test
	@$(BIN)/ruff format --check -q
	@$(BIN)/ruff check -q
	@$(BIN)/mypy
	@$(BIN)/lint-imports

unit: $(VENV)/.test
	@tests/postgres.sh
	@$(BIN)/batos mind pull >/dev/null
	@$(BIN)/pytest -m "not fresh and not fuzz"

fuzz: $(VENV)/.test
	@$(BIN)/pytest -m fuzz -s

# Clones the project and runs the two commands there, as a new user would.
fresh: $(VENV)/.test
	@$(BIN)/pytest -m fresh

# Debian's venv without ensurepip leaves a Python and no pip: only with pip it is whole.
$(BIN)/pip:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null || { \
	  echo "$(PYTHON) is not Python 3.11 or later; name one: make run PYTHON=python3.12" >&2; \
	  exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null || { \
	  echo "$(PYTHON) cannot make $(VENV); on Debian and Ubuntu install python3-venv." >&2; \
	  exit 1; }

$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/pip
	@$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/pip
	@$(PIP) install -c constraints.txt -e ".[test]"
	@touch $@ $(VENV)/.base

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
