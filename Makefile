# Everything is done in a virtual environment of its own; a target installs only when what it depends on has changed.
PYTHON ?= python3
BIN := .venv/bin
NATIVE := $(wildcard native/*/*.h native/*/*.cpp native/*/*/*.h)
SOURCES := pyproject.toml CMakeLists.txt $(wildcard native/*.def) $(NATIVE)

.PHONY: demo test test-peers test-pages docs lint format sanitize bench bench-grid bench-more clean

demo: .venv/.demo  ## forecast the sample series: terminal table, demo/forecast.csv, demo/report.html
	@mkdir -p demo
	@$(BIN)/gatecast forecast examples/air_passengers.csv --out demo/forecast.csv --report demo/report.html

test: .venv/.test lint  ## linters, type checker, doctests, tests
	$(BIN)/pytest -n 2

test-peers: .venv-peers/.installed  ## the same numbers as PyTorch, Keras and statsforecast, live
	KERAS_BACKEND=torch .venv-peers/bin/pytest tests/peers

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(NATIVE)

format: .venv/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(NATIVE)

# The instrumented module needs both libraries before Python starts; Python itself leaks on purpose; a refusal of memory
# is an error code, as the system gives it, and a test asks for one. The kernels are
# compiled at -O1, where multiply-adds are not fused everywhere: tests of equal bits between the two layouts are left out.
SANITIZED := build/sanitize
sanitize: .venv/.test  ## tests of the kernels under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(BIN)/cmake -S . -B $(SANITIZED) -G Ninja -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja \
	  -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python -DGATECAST_SANITIZE=ON \
	  -DGATECAST_LEVELS=$$($(BIN)/python -c "from gatecast import recurrent; print(recurrent.available_isas()[-1])") > /dev/null
	@$(BIN)/cmake --build $(SANITIZED)
	@mkdir -p $(SANITIZED)/package && cp -r src/gatecast $(SANITIZED)/package/ && rm -f $(SANITIZED)/package/gatecast/_native*.so
	@cp $(SANITIZED)/_native*.so $(SANITIZED)/package/gatecast/
	LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libstdc++.so)" \
	  ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
	  $(BIN)/python scripts/with_build.py $(SANITIZED)/package tests/test_recurrent.py tests/test_quantile_kernels.py \
	  -k "not same_bits and not lengths_stop"

bench: .venv/.demo .venv-torch/.installed .venv-keras/.installed  ## beside PyTorch and Keras, in one run
	$(BIN)/python benchmarks/run.py

bench-grid: .venv/.demo .venv-torch/.installed .venv-keras/.installed  ## cells x sizes beside PyTorch and Keras: a quarter of an hour
	$(BIN)/python benchmarks/grid.py

bench-more: .venv/.demo .venv-torch/.installed  ## one window, one step, sLSTM, memory
	$(BIN)/python benchmarks/more.py

test-pages: .venv-pages/.installed  ## the report in headless Chromium: drawn, quiet, light and dark, wide and narrow
	.venv-pages/bin/pytest -n 2 tests/pages

docs: .venv/.docs  ## the site, build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	$(BIN)/python scripts/check_site.py build/site

clean:
	rm -rf .venv .venv-peers .venv-pages .venv-torch .venv-keras build demo

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.demo: .venv/bin/python $(SOURCES)
	@echo "installing gatecast (once; half a minute)"
	@$(BIN)/pip install -q --disable-pip-version-check -e '.[plot,report]'
	@touch $@

.venv/.test: .venv/.demo
	$(BIN)/pip install -q --disable-pip-version-check -e '.[plot,report,tune,test]'
	@touch $@

.venv/.docs: .venv/.demo
	$(BIN)/pip install -q --disable-pip-version-check 'mkdocs>=1.6,<2' 'mkdocs-material>=9.5,<10' 'mkdocstrings[python]>=1.0,<2'
	@touch $@

.venv-pages/.installed: $(SOURCES)
	$(PYTHON) -m venv .venv-pages
	.venv-pages/bin/pip install -q --disable-pip-version-check -e '.[plot,report]' hypothesis playwright pytest pytest-xdist
	@touch $@

.venv-peers/.installed: $(SOURCES)
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install -q --disable-pip-version-check torch==2.13.0 keras pytest hypothesis
	.venv-peers/bin/pip install -q --disable-pip-version-check '.[stats]'
	@touch $@

.venv-torch/.installed:
	$(PYTHON) -m venv .venv-torch
	.venv-torch/bin/pip install -q --disable-pip-version-check torch==2.13.0 numpy
	@touch $@

.venv-keras/.installed:
	$(PYTHON) -m venv .venv-keras
	.venv-keras/bin/pip install -q --disable-pip-version-check tensorflow keras
	@touch $@
