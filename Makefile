# Payweir: `make demo` on a fresh machine is the first thing to try, `make test` is what CI runs. `make` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Any CPython from 3.11 to 3.13: `make demo PYTHON=python3.13` picks one by hand.
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(if $(shell $(name) -c 'import sys; print("fits" if (3, 11) <= sys.version_info < (3, 14) else "")' 2>/dev/null),$(name))))
VENV := .venv
BIN := $(VENV)/bin

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_ROOT_USER_ACTION := ignore

.PHONY: help demo test lint bench soak chaos fuzz dashboards superset lock clean versions need-servers

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.ready  ## set up, generate a labelled stream, run embedded, print alerts with reasons and a score
	@$(BIN)/payweir demo

test: need-servers $(VENV)/.ready lint versions  ## lint, then all tests, with a real Kafka and a real PostgreSQL
	@$(BIN)/pytest -ra --durations=15 -n 2 --dist loadfile tests

lint: $(VENV)/.ready  ## ruff, mypy strict, layer contracts
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: need-servers $(VENV)/.ready  ## what it costs, side by side with its references (tests/bench/README.md)
	@$(BIN)/python -m tests.bench

soak: need-servers $(VENV)/.ready  ## long runs on the real parts; takes up where it was broken off (CASES="pressure memory-5" MINUTES=5 picks)
	@$(BIN)/python -m tests.soak $(if $(MINUTES),--minutes $(MINUTES)) $(CASES)

chaos: need-servers $(VENV)/.ready  ## kill, pause and cut the real parts; takes up where it was broken off (RUNS=1; BROKEN=1 shows the broken builds)
	@$(BIN)/python -m tests.chaos $(if $(RUNS),--runs $(RUNS)) $(if $(BROKEN),--broken)

fuzz: $(VENV)/.ready  ## rule files that nobody would write, guided by coverage (MINUTES=10 SEED=1; BROKEN=1 shows the broken builds)
	@$(BIN)/pip install --quiet --only-binary=:all: --require-hashes -r tests/fuzz/requirements.lock
	$(BIN)/python -m tests.fuzz $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(if $(BROKEN),--broken)

superset: $(VENV)/.ready  ## Apache Superset on the views, seen in a real browser; installs it in .superset and saves build/superset.png
	@$(BIN)/python -m tests.superset

dashboards: $(VENV)/.ready  ## make the JSON of the Grafana dashboards from deploy/grafana/dashboards.yaml
	@$(BIN)/python -m tests.dashboards

lock: $(VENV)/.ready  ## resolve requirements.lock anew from pyproject.toml, deploy/requirements.lock, the image's part of it, and the fuzzer's
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras --generate-hashes \
	  --no-emit-index-url --no-header pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra image --extra traces --generate-hashes --no-emit-index-url --no-header \
	  --constraint requirements.lock pyproject.toml --output-file deploy/requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --group fuzz --generate-hashes --no-emit-index-url --no-header \
	  --output-file tests/fuzz/requirements.lock

clean:  ## remove everything that make made
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist ./*.egg-info
	find streams tests -type d -name __pycache__ -prune -exec rm -rf {} +

versions: $(VENV)/.ready
	@$(BIN)/python -VV
	java -version 2>&1 | head -n 1
	$(BIN)/pip list --format=freeze | grep -i -E '^(aiokafka|alembic|faust-streaming|hypothesis|kafka-python|mode-streaming|msgspec|mypy|psycopg|pytest|ruff|sqlalchemy)=='

# Servers that the tests start and pip does not have come from Debian: put in where that is allowed, named where it is not.
need-servers:
	@missing=()
	command -v java >/dev/null || missing+=(default-jre-headless)
	command -v mvn >/dev/null || missing+=(maven)
	{ command -v prometheus && command -v promtool; } >/dev/null || missing+=(prometheus)
	compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
	if (( $${#missing[@]} )); then
	  if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	    echo "make: missing: $${missing[*]}. The tests run a real Kafka (Java 17 or newer, fetched with Maven), a PostgreSQL with TLS and a real Prometheus. Debian: sudo apt-get install $${missing[*]}" >&2
	    exit 1
	  fi
	  echo "make: installing from Debian, for the tests: $${missing[*]}"
	  apt-get update -qq
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null
	fi

$(VENV)/.ready: requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
	  echo "make: Payweir needs CPython 3.11, 3.12 or 3.13; $(if $(PYTHON),$(PYTHON) is none of these,found none of these). Name one: make PYTHON=/path/to/python3.13" >&2
	  exit 1
	fi
	if ! "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null; then
	  echo "make: $(PYTHON) cannot make virtual environments (Debian: apt-get install python3-venv)." >&2
	  exit 1
	fi
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@
