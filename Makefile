# Two commands do everything: `make run` and `make test`. Both set up their own environment in .venv.

PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.ready

.PHONY: run test check lint types bench clean

run: $(STAMP)
	$(BIN)/ollama-rx run "$${PROMPT:-Why is the sky blue? Answer in three sentences.}" --sentences --stats

test: $(STAMP)
	$(BIN)/ollama-rx embedded
	$(BIN)/python -m pytest -q -n 2

check: $(STAMP) lint types
	$(BIN)/ollama-rx embedded
	$(BIN)/coverage run -m pytest -q
	$(BIN)/coverage report --fail-under=100

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt --group bench
	$(BIN)/python -m benchmarks $(ARGS)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --upgrade "pip>=25.1"
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[cli,embedded,uvloop,speech,words]" --group dev
	touch $@

clean:
	rm -rf .venv .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist benchmarks/build
