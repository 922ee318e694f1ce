# Works with GNU make 3.81. The work is done by the scripts in tools/; README.md has three lines that need no make.
#
#   HOST, PORT   where `make run` listens (localhost, 8501); beyond this machine it asks for a password, see docs/security.md
#   OPEN         OPEN=1 lets everyone in who can reach it
#   PYTHON       the interpreter for .venv, instead of the first of python3.13, 3.12, 3.11, python3 that fits
#   ARGS         passed on to pytest or to the benchmark: make test ARGS="tests/core -x"
#   JOBS         how many processes run tests at once (2); 0 runs them in one, as a debugger needs it

# "=", not "?=": some shells and package managers set HOST in the environment, and mean something else.
HOST = localhost
PORT = 8501
OPEN =
PYTHON ?=
ARGS =
JOBS = 2
export HOST PORT OPEN PYTHON
python := .venv/bin/python
# A file stays with one process, which makes its costly fixtures once; tests/conftest.py says in which order files are taken.
pytest = $(python) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

.PHONY: help setup run test test-fast check bench visitors fuzz kills clean

help:
	@echo "make run        start the app (first call installs it); HOST=0.0.0.0 PORT=8600 to show colleagues, who need a password"
	@echo "make setup      only install what the app needs into .venv; PYTHON=... names the interpreter"
	@echo "make test       run all tests, in the browser too; ARGS=... goes to pytest, JOBS=4 takes four processes"
	@echo "make test-fast  run the tests that take seconds at most, without a browser"
	@echo "make check      style, types and the direction of imports"
	@echo "make bench      measure speed and memory"
	@echo "make visitors   measure how much jobs slow the pages, and ten sessions at once"
	@echo "make fuzz       read damaged inputs of every kind; ARGS=\"--seed 2 --count 1000\""
	@echo "make kills      kill real commands at random moments; ARGS=\"--seed 2 --count 30 --only build refresh\""
	@echo "make clean      remove caches; .venv and the workspace stay"

setup:
	@tools/setup.sh app

run:
	@tools/setup.sh app
	@exec tools/run.sh

test:
	@tools/setup.sh dev
	@$(python) tools/browser.py
	@$(pytest) $(ARGS)

test-fast:
	@tools/setup.sh dev
	@$(pytest) -m "not browser and not slow" $(ARGS)

check:
	@tools/setup.sh dev
	$(python) -m ruff check .
	$(python) -m mypy
	.venv/bin/lint-imports --no-logo

bench:
	@tools/setup.sh app
	@$(python) tools/bench.py $(ARGS)

visitors:
	@tools/setup.sh dev
	@$(python) tools/visitors.py $(ARGS)

fuzz:
	@tools/setup.sh dev
	@$(python) tools/fuzz.py $(ARGS)

kills:
	@tools/setup.sh dev
	@$(python) tools/kills.py $(ARGS)

clean:
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache artifacts
	find . -path ./.venv -prune -o -path ./workspace -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
