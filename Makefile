# Two commands do everything: `make course` and `make test`. Both make .venv in this folder first, if it is not there.
# Another Python than python3: `make course PYTHON=python3.12`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.requirements-installed

.PHONY: help course test check check-style lab book venv clean

help:
	@echo "make course   run the course's notebooks (profile quick) and show a table of results"
	@echo "make test     run all tests: units, and every notebook at the smoke profile"
	@echo "make lab      open JupyterLab on notebooks/"
	@echo "make book     build the book, a static site, from the stored outputs"
	@echo "make check    format, lint, types, import contract, fast tests"
	@echo "make venv     only set up .venv"
	@echo "make clean    remove .venv (data/ and runs/ stay)"

# Written last, so that an interrupted installation is simply done again.
$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ". Give another one: make course PYTHON=python3.12")'
	@echo "Setting up $(VENV): installing requirements.txt (once; several minutes, 6 to 7 GB with the CUDA build of torch)"
	@test -x $(BIN)/python || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $(READY)

venv: $(READY)

course: $(READY)
	@$(BIN)/python -m course_utils run

# Two processes; a file's tests stay together, since a notebook's cells need one kernel.
test: $(READY)
	@$(BIN)/python -m pytest -n 2 --dist loadfile

lab: $(READY)
	@$(BIN)/jupyter lab notebooks/

check-style: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check: check-style
	@$(BIN)/python -m pytest tests -n 2 --dist loadfile -m "not slow"

book: $(READY)
	@$(BIN)/python docs/book/build.py

clean:
	rm -rf $(VENV)
