# Everything a newcomer types. `make demo` and `make test` do their own set-up.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
INSTALLED := .venv/.installed
# Each test worker computes on one thread: two workers fill two cores. A worker takes whole files, whose tests share servers.
# The tests start hundreds of Python processes: bytecode is kept, so that each need not compile Naiad anew.
PYTEST := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help setup demo check format test test-all bench

help:
	@echo "make setup     a virtual environment in .venv with Naiad and its tools"
	@echo "make demo      train, test and save a network on real images"
	@echo "make check     format, lint, types, layers, changelog"
	@echo "make format    put the code into the project's format"
	@echo "make test      the tests without the slow ones"
	@echo "make test-all  every test"
	@echo "make bench     the measurements of benchmarks/"

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("naiad needs Python 3.11 or newer: make setup PYTHON=python3.12")'
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: setup
	$(BIN)/naiad demo

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python .ci/check_changelog.py

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: setup
	$(PYTEST) -m "not slow"

test-all: setup
	$(PYTEST)

bench: setup
	$(BIN)/python benchmarks/epoch_cost.py
	for case in simplenet augmented net; do $(BIN)/python benchmarks/fashion_accuracy.py $$case || exit 1; done
	$(BIN)/python benchmarks/bundled_data.py
	for script in loop_overhead loading cost_growth best_in_60s autoscale_nets; do $(BIN)/python benchmarks/$$script.py || exit 1; done
	$(BIN)/python benchmarks/fashion_peers.py --build --grid --race --warm
	$(BIN)/python benchmarks/resume_kills.py
	$(BIN)/python benchmarks/probing_bits.py
	$(BIN)/python benchmarks/store.py
	for script in start load cores fashion kills tuning_kills; do $(BIN)/python benchmarks/service_$$script.py || exit 1; done
	for script in disk_faults flipped_bits kill_histories; do $(BIN)/python benchmarks/$$script.py || exit 1; done
	$(BIN)/python benchmarks/signature_cost.py
	for script in ping_under_bodies unauthenticated_flood; do $(BIN)/python benchmarks/$$script.py || exit 1; done
	for script in resnet chaos fuzz; do $(BIN)/python benchmarks/endpoint_$$script.py || exit 1; done
