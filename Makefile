# `make demo` trains an agent, `make test` runs the tests; both set everything up by themselves.

PYTHON ?=
MINUTES ?= 20
OUT ?= runs/demo
GOAL ?= copy

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NATIVE := $(wildcard envs/pymypaint/native/*) envs/pymypaint/_build.py

preset_copy := mnist-small-conditional
preset_invent := mnist-small

export PYTHON

.PHONY: help setup demo test lint bench

help:
	@echo "make demo   train an agent that copies digits for MINUTES=$(MINUTES) into OUT=$(OUT); GOAL=invent for one that invents them"
	@echo "make test   run the tests"
	@echo "make lint   check style, types, and who imports whom"
	@echo "make bench  measure the environment and the whole loop"
	@echo "make setup  system packages and .venv only; PYTHON=... names the interpreter (3.11 or later)"

setup: $(READY)

# Build tools come first and pinned, so that the extension is compiled with them and not with whatever is newest.
$(READY): constraints.txt pyproject.toml .ci/system-packages .ci/find-python $(NATIVE)
	.ci/system-packages
	python=$$(.ci/find-python) && { $(BIN)/python -c "" 2>/dev/null || "$$python" -m venv --clear $(VENV); }
	$(BIN)/python -m pip install --quiet --constraint constraints.txt setuptools pybind11
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-build-isolation --editable '.[dev,heic,methods,plot]'
	touch $@

demo: $(READY)
	@test -n "$(preset_$(GOAL))" || { echo "GOAL=$(GOAL) is not known: give GOAL=copy or GOAL=invent" >&2; exit 2; }
	@$(BIN)/spiral train --preset $(preset_$(GOAL)) --engine ray --minutes $(MINUTES) --out $(OUT) --watch

# Two processes share the files of the tests, in their order, which begins with those that take longest. The browser
# opens the live page; where it cannot be brought, those tests are left out with the reason.
test: $(READY)
	.ci/system-packages browser
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/spiral bench env
	$(BIN)/spiral bench loop
