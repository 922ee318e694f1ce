# Works with GNU make 3.81. The work is done by the scripts in tools/; README.md has three lines that need no make.
#
#   HOST, PORT   where `make run` listens (localhost, 8501)
#   PYTHON       the interpreter for .venv, instead of the first of python3.13, 3.12, 3.11, python3 that fits
#   ARGS         passed on to pytest or to the benchmark: make test ARGS="tests/core -x"

# "=", not "?=": some shells and package managers set HOST in the environment, and mean something else.
HOST = localhost
PORT = 8501
PYTHON ?=
ARGS =
export HOST PORT PYTHON
python := .venv/bin/python

.PHONY: help setup run test check bench clean

help:
	@echo "make run     start the app (first call installs it); HOST=0.0.0.0 PORT=8600 to show colleagues"
	@echo "make setup   only install what the app needs into .venv; PYTHON=... names the interpreter"
	@echo "make test    run the tests, in the browser too; ARGS=... goes to pytest"
	@echo "make check   style, types and the direction of imports"
	@echo "make bench   measure speed and memory"
	@echo "make clean   remove caches; .venv and the workspace stay"

setup:
	@tools/setup.sh app

run:
	@tools/setup.sh app
	@exec tools/run.sh

test:
	@tools/setup.sh dev
	@$(python) tools/browser.py
	@$(python) -m pytest $(ARGS)

check:
	@tools/setup.sh dev
	$(python) -m ruff check .
	$(python) -m mypy
	.venv/bin/lint-imports --no-logo

bench:
	@tools/setup.sh app
	@$(python) tools/bench.py $(ARGS)

clean:
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache artifacts
	find . -path ./.venv -prune -o -path ./workspace -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
