# `make` alone lists what there is.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
DONE := .setup

export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: demo
demo: setup ## publish a sample (or VIDEO=file), print playback URLs, keep serving until Ctrl-C
	@$(BIN)/python -m local.demo $(if $(VIDEO),"$(VIDEO)")

.PHONY: run
run: setup ## the stack alone: Azurite, the Functions host, its queues and the encoders
	@$(BIN)/python -m local

.PHONY: test
test: setup $(DONE)/chromium ## all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 15 $(PYTEST)

.PHONY: check
check: setup ## ruff, mypy, import rules, unit tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/unit

.PHONY: bench
bench: setup ## paired measurements; results go to bench/RESULTS.md
	$(BIN)/python -m bench.pipeline
	$(BIN)/python -m bench.profile
	$(BIN)/python -m bench.playable
	$(BIN)/python -m bench.keys
	$(BIN)/python -m bench.api
	$(BIN)/python -m bench.load

.PHONY: model
model: setup ## what tasks take; from that the quotes, the cost and the scale model (bench/SCALE.md)
	$(BIN)/python -m bench.tasks
	$(BIN)/python -m bench.quote
	$(BIN)/python -m bench.cost
	$(BIN)/python -m bench.scale --validate
	$(BIN)/python -m bench.scale

.PHONY: soak
soak: setup ## ten minutes of 4K, everything killed while videos are published, many odd requests, fuzzing (takes long)
	$(BIN)/python -m bench.soak
	$(BIN)/python -m bench.kill
	OPENAPI_EXAMPLES=300 $(BIN)/python -m pytest tests/integration/test_openapi.py
	$(BIN)/python -m tests.fuzz --seconds 60

.PHONY: package
package: setup ## what would be deployed, and how large it is
	@$(BIN)/python -m scripts.package

.PHONY: lock
lock: $(DONE)/uv ## resolves requirements.txt for Azure into requirements.lock (UPGRADE=--upgrade: newest versions)
	@$(DONE)/uv/bin/uv pip compile --quiet --generate-hashes --only-binary :all: \
	  --python-version 3.11 --python-platform x86_64-manylinux_2_28 --custom-compile-command 'make lock' \
	  $(UPGRADE) --output-file requirements.lock requirements.txt

.PHONY: clean
clean: ## removes the data that runs left
	rm -rf .data

.PHONY: setup
setup: $(DONE)/python $(DONE)/node ## Python and npm packages

$(DONE)/python: requirements.txt requirements-dev.txt requirements.lock Makefile
	@echo "Setting up Python packages (once) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 is needed."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@# Microsoft's worker code. It says that it needs Python 3.13, and runs on 3.11.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python azure-functions-runtime==1.3.0
	@mkdir -p $(DONE) && touch $@

# In an environment of its own, for .venv is made from the lock.
$(DONE)/uv:
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

$(DONE)/node: package.json package-lock.json scripts/vendor.mjs
	@echo "Setting up npm packages (once): Azurite and the players …"
	@command -v npm >/dev/null || { echo "Node 20 with npm is needed."; exit 1; }
	@npm ci --silent --no-audit --no-fund --ignore-scripts
	@node scripts/vendor.mjs
	@mkdir -p $(DONE) && touch $@

# Chromium comes from the distribution where it may be installed; elsewhere the browser tests say that they are skipped.
$(DONE)/chromium:
	@sh scripts/chromium.sh
	@mkdir -p $(DONE) && touch $@
