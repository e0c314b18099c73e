# Every target runs in a virtual environment of its own, and installs only when something that it depends on has changed.
PYTHON ?= python3
# Processes that run the tests: a number, or auto.
WORKERS ?= 2
BIN := .venv/bin
# Tests start many processes, which would all compile the package again.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := pip install -q --disable-pip-version-check
# Of the thousands of modules of a peer a few are imported: these alone are worth compiling, when they are.
INSTALL_ONLY := $(INSTALL) --no-compile
NATIVE := $(shell find native -type f)
SOURCES := pyproject.toml CMakeLists.txt $(NATIVE)
PACKAGE := $(shell find src -type f -not -path '*/__pycache__/*' -not -name '*.so')
CPP := $(filter %.h %.cpp,$(NATIVE))

# Dependency groups need pip 25.1.
create = $(PYTHON) -m venv $(1) && $(1)/bin/$(INSTALL) -U 'pip>=25.1'

# The kernels are compiled once, in .venv: without build isolation, CMake sees the same nanobind each time, so build/ stays
# valid and only what has changed is compiled again. Other environments take the wheel.
BUILD := --no-build-isolation
WHEEL := build/wheel
comma := ,
install_wheel = $(1)/bin/$(INSTALL_ONLY) "$$(echo $(WHEEL)/gatecast-*.whl)$(2)" && \
  $(1)/bin/$(INSTALL_ONLY) --no-deps --force-reinstall $(WHEEL)/gatecast-*.whl

.PHONY: help demo check test-native test-native-tsan test-native-baseline test-native-aarch64 \
  test-native-windows fuzz fuzz-commands fuzz-files fuzz-tables test test-fast test-kills test-memory test-mutations test-lowest \
  test-newest test-pythons test-sdist audit sbom test-peers test-clusters test-pages coverage docs lint format \
  sanitize bits bench bench-grid bench-more bench-reading bench-cold bench-serve bench-clusters soak-serve pretrain clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-20s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: .venv/.demo  ## forecast the sample series: demo/forecast.csv, demo/report.html
	@mkdir -p demo
	@$(BIN)/gatecast forecast examples/air_passengers.csv --out demo/forecast.csv --report demo/report.html

check: lint test-fast  ## linters, type checker and fast tests: run it before you push

test: .venv/.test lint  ## linters, type checker, doctests and all tests
	$(BIN)/pytest -n $(WORKERS)

test-fast: .venv/.test  ## doctests and tests that are not marked slow
	$(BIN)/pytest -n $(WORKERS) -m "not slow"

coverage: .venv/.test  ## all tests with line coverage; fails below the minimum in pyproject.toml
	@mkdir -p build/coverage
	$(BIN)/pytest -n $(WORKERS) --cov --cov-report=term --cov-report=xml

test-peers: .venv-peers/.installed  ## compare with PyTorch, Keras and statsforecast; ARGS='-m "not slow"' for less
	KERAS_BACKEND=torch .venv-peers/bin/pytest tests/peers $(ARGS)

# Engines warn about much that is theirs, and start a process for each worker.
test-clusters: .venv-clusters/.installed  ## Ray and Spark on this machine (installs both into .venv-clusters; Spark needs Java 17)
	.venv-clusters/bin/pytest tests/clusters -o filterwarnings=default $(ARGS)

bench-clusters: .venv-clusters/.installed  ## what Ray and Spark add to Forecaster.predict of 100,000 series
	@for what in parts ray spark; do .venv-clusters/bin/python benchmarks/scale.py --what $$what $(ARGS) || exit 1; done

lint: .venv/.test  ## ruff, mypy, clang-format, import contracts, spelling, words of the glossary
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(CPP)
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python scripts/check_words.py

format: .venv/.test  ## apply ruff and clang-format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP)

# The instrumented module needs both libraries before Python starts; Python itself leaks on purpose; a refusal of memory
# is an error code, as the system gives it, and a test asks for one. The kernels are
# compiled at -O1, where multiply-adds are not fused everywhere: tests of equal bits between the two layouts are left out.
SANITIZED := build/sanitize
sanitize: .venv/.test  ## kernel tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(BIN)/cmake -S . -B $(SANITIZED) -G Ninja -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja \
	  -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python -DGATECAST_SANITIZE=ON \
	  -DGATECAST_LEVELS=$$($(BIN)/python -c "from gatecast.kernels import runtime; print(runtime.available_isas()[-1])") > /dev/null
	@$(BIN)/cmake --build $(SANITIZED)
	@mkdir -p $(SANITIZED)/package && cp -r src/gatecast $(SANITIZED)/package/ && rm -f $(SANITIZED)/package/gatecast/kernels/_native*.so
	@cp $(SANITIZED)/_native*.so $(SANITIZED)/package/gatecast/kernels/
	LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libstdc++.so)" \
	  ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
	  $(BIN)/python scripts/with_build.py $(SANITIZED)/package tests/kernels/test_native.py tests/kernels/test_quantile_kernels.py \
	  tests/kernels/test_local_trend.py tests/kernels/test_theta_kernels.py tests/kernels/test_seasonal_smoothing.py tests/kernels/test_autoregression.py \
	  tests/kernels/test_loss_kernels.py tests/kernels/test_training_stack.py \
	  -k "not same_bits and not bits_of_one_run and not length_mask_stops"

# The C++ tests need a compiler and CMake, and no Python. $(call native,folder,CMake's options,CTest's environment)
NATIVE_TESTS := build/native
native = cmake -S . -B $(NATIVE_TESTS)/$(1) -DGATECAST_TESTS=ON $(2) > /dev/null && \
  cmake --build $(NATIVE_TESTS)/$(1) && $(3) ctest --test-dir $(NATIVE_TESTS)/$(1) --verbose --timeout 1200
# $(call needs,command,Debian's packages)
needs = @command -v $(1) > /dev/null || { echo "$@ needs $(1): apt install $(2)" >&2; exit 1; }

test-native:  ## C++ tests on every instruction-set level that this machine runs
	$(call needs,$(CXX),g++)
	$(call needs,cmake,cmake)
	$(call native,host)

test-native-tsan:  ## C++ tests under ThreadSanitizer
	$(call needs,$(CXX),g++)
	$(call needs,cmake,cmake)
	$(call native,tsan,-DGATECAST_TSAN=ON -DGATECAST_LEVELS=$(if $(filter x86_64,$(shell uname -m)),v2,baseline),TSAN_OPTIONS=halt_on_error=1:allocator_may_return_null=1)

test-native-baseline:  ## C++ tests without instructions beyond the baseline of the architecture
	$(call needs,$(CXX),g++)
	$(call needs,cmake,cmake)
	$(call native,baseline,-DGATECAST_LEVELS=baseline)

test-native-aarch64:  ## C++ tests cross-compiled for 64-bit ARM, under qemu
	$(call needs,aarch64-linux-gnu-g++,g++-aarch64-linux-gnu)
	$(call needs,qemu-aarch64-static,qemu-user-static)
	$(call needs,cmake,cmake)
	$(call native,aarch64,-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
	  "-DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64-static;-L;/usr/aarch64-linux-gnu")

WINE ?= $(firstword $(wildcard /usr/lib/wine/wine64) wine)
test-native-windows:  ## C++ tests cross-compiled for Windows with MinGW-w64, under Wine
	$(call needs,x86_64-w64-mingw32-g++-posix,g++-mingw-w64-x86-64-posix)
	$(call needs,$(WINE),wine64)
	$(call needs,cmake,cmake)
	$(call native,windows,-DCMAKE_SYSTEM_NAME=Windows -DCMAKE_SYSTEM_PROCESSOR=AMD64 \
	  -DCMAKE_CXX_COMPILER=x86_64-w64-mingw32-g++-posix -DCMAKE_CROSSCOMPILING_EMULATOR=$(WINE),WINEDEBUG=-all WINEPREFIX=$(CURDIR)/build/wine)

# The revision whose results must not change.
BASE ?= main
BITS := build/bits
bits: .venv/.test  ## compare forecasts, attributions and weights with those of BASE, bit for bit; compiles BASE first
	@rm -rf $(BITS) && git worktree prune && git worktree add --quiet --detach $(BITS)/source $(BASE)
	$(BIN)/$(INSTALL) --no-deps --target $(BITS)/package $(BITS)/source
	$(BIN)/python scripts/with_build.py $(BITS)/package --script $(BITS)/source/tests/bits/fits.py record $(BITS)/bits.json
	@git worktree remove --force $(BITS)/source
	$(BIN)/python tests/bits/fits.py compare $(BITS)/bits.json

# State, log and released weights; it stops with Ctrl+C and goes on from there.
PRETRAIN ?= build/pretrain
NETWORK ?= lf
HOURS ?= 2
DATA ?= data
pretrain: .venv/.demo  ## pretrain a network: niced, one thread; NETWORK=lf|hf PRETRAIN=folder HOURS=2 DATA=public series
	nice -n 19 $(BIN)/python scripts/pretrain.py --network $(NETWORK) --threads 1 --state $(PRETRAIN) --hours $(HOURS) --data $(DATA)

bench: .venv/.demo .venv-torch/.installed .venv-keras/.installed  ## speed compared with PyTorch and Keras
	$(BIN)/python benchmarks/run.py

bench-grid: .venv/.demo .venv-torch/.installed .venv-keras/.installed  ## cells x sizes compared with PyTorch and Keras: 15 minutes
	$(BIN)/python benchmarks/grid.py

bench-more: .venv/.demo .venv-torch/.installed  ## speed of one window, one step of a stream, sLSTM; memory
	$(BIN)/python benchmarks/more.py

bench-reading: .venv/.test  ## speed of reading CSV files, compared with DuckDB
	$(BIN)/python benchmarks/reading.py

bench-cold: .venv/.demo  ## time of `gatecast forecast` in a process of its own
	$(BIN)/python benchmarks/cold.py $(ARGS)

bench-serve: .venv/.test  ## load of the HTTP server on 127.0.0.1: latency, throughput, streams; ARGS='--seconds 60'
	$(BIN)/python benchmarks/serve.py $(ARGS)

# Every answer is checked while workers are killed once a minute.
SOAK ?= 1800
soak-serve: .venv/.test  ## mixed load of the HTTP server with kills of its workers for half an hour; SOAK=120 for less
	$(BIN)/python benchmarks/serve.py --soak $(SOAK) $(ARGS)

test-memory: .venv/.test  ## 1,000 fits, 10,000 predicts and 20,000 steps of streams in one process: its memory must not grow
	$(BIN)/python scripts/memory_growth.py

# A sample of each runs in CI, with the tests marked slow.
SECONDS ?= 3600
SEED ?= 0
fuzz-tables: .venv/.test  ## read tables of many layouts, mutated, for an hour; SECONDS=60 for a minute
	$(BIN)/python scripts/fuzz_tables.py --seconds $(SECONDS) --seed $(SEED)

fuzz-files: .venv/.test  ## load saved files with hostile settings, arrays and bytes for an hour; SECONDS=60 for a minute
	$(BIN)/python scripts/fuzz_files.py --seconds $(SECONDS) --seed $(SEED)

fuzz-commands: .venv/.test  ## run commands on broken files, queries and options for an hour; SECONDS=60 for a minute
	$(BIN)/python scripts/fuzz_commands.py --seconds $(SECONDS) --seed $(SEED)

fuzz: fuzz-files fuzz-commands fuzz-tables  ## all three for an hour each; SEED=1 for other cases

KILLS ?= 200
test-kills: .venv/.test  ## kill commands at 200 random instants, and compare the bits of what they end with; KILLS=20 for less
	$(BIN)/python scripts/kill_harness.py --kills $(KILLS)

# What survived before is tried again with ARGS=--again; MODULES="scaling splits" for some of them.
test-mutations: .venv/.mutations  ## change the code of metrics, windows, ... an operator at a time: tests must notice; resumes
	nice $(BIN)/python scripts/mutation_tests.py $(MODULES) $(ARGS)

test-lowest: .venv-lowest/.installed  ## fast tests with the oldest versions of the dependencies that pyproject.toml allows
	.venv-lowest/bin/pytest -n $(WORKERS) -m "not slow" tests

# The newest releases, pre-releases of the dependencies included: what users will get next.
test-newest: .venv-newest/.installed  ## fast tests with the newest versions of the dependencies, pre-releases included
	.venv-newest/bin/pytest -n $(WORKERS) -m "not slow" tests

# Versions that are not installed are named and left out.
PYTHONS ?= 3.10 3.11 3.12 3.13 3.14
test-pythons:  ## fast tests on every version of Python that is installed here; PYTHONS=3.12 for one
	@for version in $(PYTHONS); do \
	  if python$$version -c '' 2> /dev/null; then \
	    $(MAKE) --no-print-directory .venv-py$$version/.installed && echo "Python $$version" && \
	    .venv-py$$version/bin/pytest -n $(WORKERS) -m "not slow" tests || exit 1; \
	  else echo "Python $$version: not installed, not tested"; fi; \
	done

test-sdist: .venv-sdist/.installed  ## fast tests from the source distribution alone, which is compiled anew
	cd build/sdist && $(CURDIR)/.venv-sdist/bin/pytest -n $(WORKERS) -m "not slow" tests

# Strict: what the service does not know must not pass for what has no vulnerability.
audit: .venv/.test  ## known vulnerabilities of what is installed in .venv; asks a service on the network
	@$(call create,build/audit) && build/audit/bin/$(INSTALL) pip-audit
	$(BIN)/pip freeze --exclude-editable > build/audit/installed.txt
	build/audit/bin/pip-audit --strict --no-deps --disable-pip -r build/audit/installed.txt

sbom: .venv/.test  ## write the bill of materials that the wheel carries, from pyproject.toml
	$(BIN)/python scripts/make_sbom.py

test-pages: .venv-pages/.installed  ## the HTML report and the page of the server in headless Chromium
	.venv-pages/bin/pytest -n 2 tests/pages

docs: .venv/.docs  ## build the documentation into build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	$(BIN)/python scripts/check_site.py build/site

clean:  ## delete the environments and everything that was built
	rm -rf .venv .venv-lowest .venv-newest .venv-py* .venv-sdist .venv-peers .venv-clusters .venv-pages .venv-torch .venv-keras build demo

.venv/.build:
	@$(call create,.venv)
	@$(BIN)/$(INSTALL) --group build
	@touch $@

.venv/.demo: .venv/.build $(SOURCES)
	@echo "installing gatecast: compiling the kernels takes some minutes, once"
	@$(BIN)/$(INSTALL) $(BUILD) -e '.[plot,report]'
	@touch $@

.venv/.test: .venv/.demo
	$(BIN)/$(INSTALL) $(BUILD) -e '.[plot,report,tune]' --group test
	@touch $@

.venv/.mutations: .venv/.test
	$(BIN)/$(INSTALL) --group mutations
	@touch $@

$(WHEEL)/.made: .venv/.demo $(PACKAGE)
	@rm -rf $(WHEEL)
	$(BIN)/pip wheel -q --disable-pip-version-check $(BUILD) --no-deps -w $(WHEEL) .
	@touch $@

.venv/.docs: .venv/.demo
	$(BIN)/$(INSTALL) --group docs
	@touch $@

.venv-pages/.installed: $(WHEEL)/.made
	$(call create,.venv-pages)
	.venv-pages/bin/$(INSTALL_ONLY) --group pages
	$(call install_wheel,.venv-pages,[excel$(comma)plot$(comma)report$(comma)serve])
	@touch $@

.venv-peers/.installed: $(WHEEL)/.made
	$(call create,.venv-peers)
	.venv-peers/bin/$(INSTALL_ONLY) --group peers
	$(call install_wheel,.venv-peers,[stats])
	@touch $@

.venv-clusters/.installed: $(WHEEL)/.made
	$(call create,.venv-clusters)
	.venv-clusters/bin/$(INSTALL_ONLY) --group clusters
	$(call install_wheel,.venv-clusters,[ray$(comma)spark])
	@touch $@

.venv-lowest/.installed: $(WHEEL)/.made scripts/lowest_versions.py
	$(call create,.venv-lowest)
	$(BIN)/python scripts/lowest_versions.py keras onnx plot report tune > .venv-lowest/constraints.txt
	PIP_CONSTRAINT=.venv-lowest/constraints.txt .venv-lowest/bin/$(INSTALL) --group test
	PIP_CONSTRAINT=.venv-lowest/constraints.txt $(call install_wheel,.venv-lowest,[keras$(comma)onnx$(comma)plot$(comma)report$(comma)tune])
	@touch $@

.venv-py%/.installed: PYTHON = python$*
.venv-py%/.installed: $(SOURCES) $(PACKAGE)
	$(call create,.venv-py$*)
	.venv-py$*/bin/$(INSTALL) --group test
	.venv-py$*/bin/$(INSTALL) ".[keras,onnx,plot,report,tune]"
	@touch $@

.venv-sdist/.installed: .venv/.demo $(PACKAGE)
	@rm -rf build/sdist && mkdir -p build/sdist
	$(BIN)/python -c "from scikit_build_core.build import build_sdist; build_sdist('build/sdist')"
	tar -xzf build/sdist/gatecast-*.tar.gz -C build/sdist --strip-components 1
	$(call create,.venv-sdist)
	.venv-sdist/bin/$(INSTALL) --group test
	.venv-sdist/bin/$(INSTALL) $(BUILD) "$$(echo build/sdist/gatecast-*.tar.gz)[plot,report,tune]"
	@touch $@

.venv-newest/.installed: $(WHEEL)/.made
	$(call create,.venv-newest)
	.venv-newest/bin/$(INSTALL) -U --pre --group test
	.venv-newest/bin/$(INSTALL) -U --pre "$$(echo $(WHEEL)/gatecast-*.whl)[keras,plot,report,tune]"
	@touch $@

.venv-torch/.installed:
	$(PYTHON) -m venv .venv-torch
	.venv-torch/bin/$(INSTALL) torch==2.13.0 numpy
	@touch $@

.venv-keras/.installed:
	$(PYTHON) -m venv .venv-keras
	.venv-keras/bin/$(INSTALL) tensorflow keras
	@touch $@
