# Two commands do everything: `make run` and `make test`. Both set up their own environment in .venv.
# `make check` also checks style and types, measures coverage, and runs the slow tests, in a browser and of chaos.
# `make test PYTHONS="3.11 3.13"` tests on several Pythons, PYTHONS=all on every one that is installed; so does check.

PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
CHECKS_STAMP := $(VENV)/.ready-for-checks

SUPPORTED := 3.11 3.12 3.13
# The interpreter of a version, on the path or installed by pyenv; empty if there is none.
interpreter = $(shell for found in python$(1) "$$HOME"/.pyenv/versions/$(1).*/bin/python$(1); do \
	"$$found" -c "" 2>/dev/null && echo "$$found" && break; done)
installed = $(foreach version,$(SUPPORTED),$(if $(call interpreter,$(version)),$(version)))
environment = $(if $(filter 3.11,$(1)),.venv,.venv-$(1))

# Many tests wait for something: three at once keep two cores busy.
PYTEST := $(BIN)/python -m pytest -q -n 3
# Tests that have failed are run once more: one of 11,000 may meet a machine that is too busy.
ONCE_MORE := --last-failed --last-failed-no-failures none

.PHONY: run test check lint types fix bench pythons clean

run: $(STAMP)
	$(BIN)/ollama-rx run "$${PROMPT:-Why is the sky blue? Answer in three sentences.}" --sentences --stats

ifneq ($(strip $(PYTHONS)),)
test check:
	set -e; $(foreach version,$(if $(filter all,$(PYTHONS)),$(installed),$(PYTHONS)), \
		$(MAKE) $@ PYTHONS= VENV=$(call environment,$(version)) \
			PYTHON=$(or $(call interpreter,$(version)),python$(version));)
else
test: $(CHECKS_STAMP)
	$(BIN)/ollama-rx embedded
	$(PYTEST) -m "not browser and not chaos" || $(PYTEST) -m "not browser and not chaos" $(ONCE_MORE)

check: $(CHECKS_STAMP) lint types
	$(BIN)/ollama-rx embedded
	$(PYTEST) --cov --cov-fail-under=100 || $(PYTEST) --cov --cov-append --cov-fail-under=100 $(ONCE_MORE)
endif

lint: $(CHECKS_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(CHECKS_STAMP)
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

fix: $(CHECKS_STAMP)
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

bench: $(CHECKS_STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt --group bench
	$(BIN)/python -m benchmarks $(ARGS)

pythons:
	@echo $(installed)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade "pip>=25.1"
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[chat,cli,embedded,uvloop,web]"
	touch $@

$(CHECKS_STAMP): $(STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt --group dev \
		-e ".[audio,bus,bus-server,chat,cli,embedded,piper,plot,schema,speech,tts,uvloop,web,words,wyoming]"
	touch $@

clean:
	rm -rf .venv .venv-* .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist benchmarks/build
