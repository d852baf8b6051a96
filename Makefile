# Two commands do everything: `make demo` and `make test`. Both install what they need, once.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PAGE := controller/page
PAGE_READY := $(PAGE)/static/vendor/.ready
PEERS := tests/peers
PEERS_READY := $(PEERS)/node_modules/.ready

## What the run time needs from Debian, and what only the tests need: command=package.
RUN_TOOLS := node=nodejs npm=npm
TEST_TOOLS := chromium=chromium socat=socat mbpoll=mbpoll

## A file stays on one worker, so that what it has started once serves all of its tests, in their order.
ONCE := not soak and not solo
DRIVERS := -n 8 --dist loadfile -m "waiting and $(ONCE)" tests/drivers
TALKING := -n 2 --dist loadfile --no-loadscope-reorder -m "not waiting and not computing and not e2e and not browser and $(ONCE)"
PROCESSES := -n 4 --dist loadfile --no-loadscope-reorder -m "(e2e or browser) and $(ONCE)"
COMPUTING := -o cache_dir=.pytest_cache/computing -n 2 --dist loadfile --no-loadscope-reorder -m "computing and $(ONCE)"
# Where a policy of the processor's may not be chosen, a low priority has to do.
BESIDE := $(shell chrt --idle 0 true 2>/dev/null && echo chrt --idle 0 || echo nice -n 19)

# Compiled tests are kept even where the environment says otherwise: every worker of every phase reads them again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup setup-test demo test fast soak bench lint lock clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.installed $(PAGE_READY) ## Install the product into .venv and build the page

setup-test: $(VENV)/.installed-test $(PAGE_READY) $(PEERS_READY) ## … and what the tests need

demo: setup ## Two simulated bioreactors, the recipe and the page
	@exec $(BIN)/biovisor demo

# The tests of drivers wait for short time-outs on their wires, and those that talk to a server for its answers: both have the
# machine for themselves. Those with processes wait for processes; what only computes takes what they leave over: the processor
# is taken from it when anything else wants it. All are run, whatever those before found.
test: setup-test lint ## Lint, types, import directions and all tests
	@failed=0; told=$$(mktemp); beside=; trap 'kill $$beside 2>/dev/null || true; rm -f "$$told"' EXIT; trap 'exit 130' INT TERM; \
	$(BIN)/python -m pytest $(DRIVERS) || failed=1; \
	$(BIN)/python -m pytest $(TALKING) || failed=1; \
	echo "What only computes is tested beside the next; what that says comes after it"; \
	$(BESIDE) $(BIN)/python -m pytest $(COMPUTING) >"$$told" 2>&1 & beside=$$!; \
	$(BIN)/python -m pytest $(PROCESSES) || failed=1; \
	wait $$beside || failed=1; beside=; cat "$$told"; \
	$(BIN)/python -m pytest -m "solo and not soak" || failed=1; exit $$failed

fast: setup-test ## Only the tests that start no process
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not e2e and not browser and $(ONCE)"

soak: setup-test ## The large counts, whole
	@$(BIN)/python -m pytest -m soak --timeout 86400

bench: $(VENV)-bench/.installed ## The ratio table of the control core, in a virtual environment of its own
	@$(VENV)-bench/bin/python -m tests.bench

lint: setup-test ## ruff, mypy --strict, import directions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@npm --prefix $(PAGE) run --silent check

lock: ## Renew the lock files
	@$(BIN)/pip install --quiet pip-tools
	@for extra in "" test bench; do \
	  out=requirements$${extra:+-$$extra}.lock; extra=$${extra:+--extra $$extra}; \
	  $(BIN)/pip-compile --quiet --upgrade --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-emit-trusted-host --no-emit-options --no-header --no-annotate $$extra --output-file $$out pyproject.toml; done

clean: ## Remove what was installed and built
	rm -rf $(VENV) $(VENV)-bench $(PEERS)/node_modules $(PAGE)/node_modules $(PAGE)/static/vendor dist build

# Installs the Debian packages whose command is missing; as root, or with sudo.
define need
	@missing=""; for pair in $(1); do command -v "$${pair%%=*}" >/dev/null || missing="$$missing $${pair#*=}"; done; \
	if [ -n "$$missing" ]; then echo "Installing from Debian:$$missing"; \
	  sudo=""; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq; DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi
endef

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python requirements.lock pyproject.toml
	@echo "Installing into $(VENV), once; this takes a minute or two"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@$(BIN)/python -m compileall -q controller drivers simulators
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed requirements-test.lock
	$(call need,$(TEST_TOOLS))
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.lock
	@touch $@

$(VENV)-bench/.installed: requirements-bench.lock pyproject.toml
	@$(PYTHON) -m venv $(VENV)-bench
	@$(VENV)-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

$(PAGE_READY): $(PAGE)/package-lock.json $(PAGE)/build.py | $(VENV)/bin/python
	$(call need,$(RUN_TOOLS))
	@npm --prefix $(PAGE) ci --silent --no-audit --no-fund --ignore-scripts
	@$(BIN)/python -m controller.page.build
	@touch $@

$(PEERS_READY): $(PEERS)/package-lock.json
	$(call need,$(RUN_TOOLS))
	@npm --prefix $(PEERS) ci --silent --no-audit --no-fund --ignore-scripts --omit=dev
	@touch $@
