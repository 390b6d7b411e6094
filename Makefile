# `make run` and `make test` need nothing but Python 3.10 or newer: they keep their own .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REAL_SERVERS ?= $(HOME)/.cache/real-servers
export REAL_SERVERS

# Tests that want the libraries of its own environment, or numpy.
ON_SEARCH := $(addprefix tests/,$(addprefix frameworks/test_,langgraph.py redis_om.py redisvl.py) \
	$(addprefix modules/test_,search_structures.py vset.py))

.PHONY: help run test environments coverage lint docs record fuzz fuzz-guided prove bench servers clean

help:
	@echo "make run      start a server and show a program using it"
	@echo "make test     run the tests (and compare with the real servers that are installed)"
	@echo "make coverage the same, counting lines, in twice the time: at least 97 of 100"
	@echo "make lint     ruff and mypy"
	@echo "make docs     the documentation as a site, in site/"
	@echo "make servers  install real Redis and Valkey servers to compare with, in \$$REAL_SERVERS"
	@echo "make record   ask the real servers for the answers to every scenario"
	@echo "make fuzz     random commands to redouble and to a real server, until stopped"
	@echo "make fuzz-guided  coverage-guided fuzzing of each parser, SECONDS=60 (CPython 3.10 to 3.13)"
	@echo "make prove    the long proofs: every interpreter, 100,000 random commands for each server"
	@echo "make bench    redouble, fakeredis and real servers side by side; SHORT=1: in some minutes"

# One environment for everything; made again when pyproject.toml changes.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile --editable . --group test --group lint
	@touch $@

# Some frameworks want an older redis-py.
$(VENV)-redis5/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-redis5
	$(VENV)-redis5/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-redis5/bin/python -m pip install --quiet --no-compile --editable . --group test-redis5
	@touch $@

# What is built on search is heavy, and brings numpy.
$(VENV)-search/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-search
	$(VENV)-search/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-search/bin/python -m pip install --quiet --no-compile --editable . --group test-search
	@touch $@

run: $(VENV)/.installed
	@$(BIN)/python examples/run.py

environments: $(VENV)/.installed $(VENV)-redis5/.installed $(VENV)-search/.installed

test: environments
	$(VENV)-redis5/bin/python -m pytest -q tests/frameworks
	$(VENV)-search/bin/python -m pytest -q $(ON_SEARCH)
	@# four, also on two cores: real servers are mostly waited for
	$(BIN)/python -m pytest -n 4 --dist worksteal

coverage: $(VENV)/.installed
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n 4 --dist worksteal
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report --skip-covered

lint: $(VENV)/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

servers:
	$(PYTHON) tools/real_servers.py

record: $(VENV)/.installed
	$(BIN)/python -m tests.parity record

fuzz: $(VENV)/.installed
	$(BIN)/python -m tests.fuzz

TARGETS := requests restore rdb acl glob lua
SECONDS := 60

fuzz-guided: $(addprefix fuzz-,$(TARGETS))

$(addprefix fuzz-,$(TARGETS)): fuzz-%: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group fuzz
	$(BIN)/python -m tests.fuzz.guided $* -max_total_time=$(SECONDS)

prove: $(VENV)/.installed
	$(BIN)/python tools/prove.py

bench: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m bench $(if $(SHORT),--short)

clean:
	rm -rf $(VENV) $(VENV)-redis5 $(VENV)-projects site .mypy_cache .pytest_cache .ruff_cache .hypothesis
