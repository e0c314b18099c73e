# Everything is done in a virtual environment of its own; a target installs only when what it depends on has changed.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := pyproject.toml CMakeLists.txt $(wildcard native/*)

.PHONY: demo test test-peers lint format bench clean

demo: .venv/.demo  ## forecast the sample series: terminal table, demo/forecast.csv, demo/chart.html
	@mkdir -p demo
	@$(BIN)/gatecast forecast examples/air_passengers.csv --out demo/forecast.csv --plot demo/chart.html

test: .venv/.test lint  ## linters, type checker, doctests, tests
	$(BIN)/pytest -n 2

test-peers: .venv-peers/.installed  ## the same numbers as PyTorch and Keras, live
	KERAS_BACKEND=torch .venv-peers/bin/pytest tests/peers

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror native/*.h native/*.cpp

format: .venv/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i native/*.h native/*.cpp

bench: .venv/.demo .venv-torch/.installed .venv-keras/.installed  ## beside PyTorch and Keras, in one run
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf .venv .venv-peers .venv-torch .venv-keras build demo

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.demo: .venv/bin/python $(SOURCES)
	@echo "installing gatecast (once; half a minute)"
	@$(BIN)/pip install -q --disable-pip-version-check -e '.[plot]'
	@touch $@

.venv/.test: .venv/.demo
	$(BIN)/pip install -q --disable-pip-version-check -e '.[plot,test]'
	@touch $@

.venv-peers/.installed: $(SOURCES)
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install -q --disable-pip-version-check torch==2.13.0 keras pytest hypothesis
	.venv-peers/bin/pip install -q --disable-pip-version-check .
	@touch $@

.venv-torch/.installed:
	$(PYTHON) -m venv .venv-torch
	.venv-torch/bin/pip install -q --disable-pip-version-check torch==2.13.0 numpy
	@touch $@

.venv-keras/.installed:
	$(PYTHON) -m venv .venv-keras
	.venv-keras/bin/pip install -q --disable-pip-version-check tensorflow keras
	@touch $@
