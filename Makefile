# wangting. `make run` and `make test` do all their own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help

CASES ?= 50000
SEED ?= 7
VENV ?= .venv
BIN := $(VENV)/bin
VENV_SUPERSET ?= .venv-superset
PYTHON ?= $(shell for p in python3.12 python3.11 python3 python; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not ((3,11) <= sys.version_info[:2] < (3,13)))' 2>/dev/null && { echo $$p; break; }; done)

# A lock's own checksum names the environment that was made from it: a changed lock makes a new one, nothing else does.
PIPELINE := $(VENV)/.pipeline-$(firstword $(shell cat requirements/bootstrap.lock requirements/pipeline.lock pyproject.toml 2>/dev/null | cksum))
DEV := $(VENV)/.dev-$(firstword $(shell cat requirements/bootstrap.lock requirements/pipeline.lock requirements/dev.lock pyproject.toml 2>/dev/null | cksum))

SUPERSET := $(VENV_SUPERSET)/.superset-$(firstword $(shell cat requirements/bootstrap.lock requirements/superset.lock 2>/dev/null | cksum))

# Where a machine forbids bytecode, every process would compile Airflow, dbt and Great Expectations anew, for seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run up down secrets test test-fast test-large check lock clean env env-dev env-superset benchmarks mariadb browser

help:  ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

$(VENV)/bin/uv:
	@[ -n "$(PYTHON)" ] || { echo "错误：没有找到 Python 3.11 或 3.12；请先安装（需带 venv 与 pip），再运行。" >&2; exit 1; }
	@echo "准备环境：$(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "错误：无法建立虚拟环境；请安装 Python 的 venv 组件（Debian：python3-venv），再运行。" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock

$(PIPELINE): $(VENV)/bin/uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/pipeline.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.pipeline-*; touch $@

$(DEV): $(PIPELINE)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.lock
	@rm -f $(VENV)/.dev-*; touch $@

# Superset wants other versions than the pipeline, so it has an environment of its own; an older one is replaced whole, as packages
# that are no longer wanted would stay.
$(SUPERSET): $(VENV)/bin/uv
	@echo "准备环境：$(VENV_SUPERSET)"
	@rm -rf $(VENV_SUPERSET); $(PYTHON) -m venv --without-pip $(VENV_SUPERSET)
	@$(BIN)/uv pip install --quiet --python $(VENV_SUPERSET)/bin/python --require-hashes -r requirements/superset.lock
	@touch $@

env: $(PIPELINE)  ## the pipeline's environment
env-dev: $(DEV)  ## and what checking and testing need
env-superset: $(SUPERSET)  ## Superset's own environment

run: env  ## the whole job on a simulated city (CASES=50000), ending in the status screen
	@$(BIN)/wangting run --cases $(CASES) --seed $(SEED)

up: env env-superset  ## everything, and it stays up: Airflow, Superset, first page, a city that ticks (CASES=50000)
	@$(BIN)/wangting up --cases $(CASES)

down: env  ## what `make up` started, ended
	@$(BIN)/wangting down

secrets: env  ## the secrets that docker-compose.yml wants, made once in ./secrets
	@$(BIN)/python -m operation.keys secrets

test: env-dev env-superset mariadb browser  ## everything: check, then every room's tests
	@$(BIN)/python -m tests.rooms

test-fast: env-dev  ## the part that needs no servers
	@$(BIN)/python -m tests.rooms --fast

test-large: env-dev  ## the whole way at 1,000,000 cases, the fault matrix and the gate's mutations at full size
	@$(BIN)/python -m pytest -m large tests/dbt_project tests/e2e tests/exchange tests/expectations tests/ingestion -o timeout=5400 -s

check: env-dev  ## ruff, mypy --strict, sqlfluff, dashboards against the marts
	@$(BIN)/wangting dashboards check
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint --disable-progress-bar --processes 2 -q dbt_project/models sites tests/sites

benchmarks: env-dev  ## the figures of benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks

mariadb:  ## the server that one of the simulated systems runs on, where this machine can install it
	@command -v mariadbd >/dev/null 2>&1 || [ -x /usr/sbin/mariadbd ] \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 \
			&& echo "安装 MariaDB（测试用）" && apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends mariadb-server >/dev/null 2>&1; } \
		|| echo "提示：本机没有 MariaDB，也无法自动安装；与它有关的测试将跳过。"

browser:  ## Chromium, in which the dashboards are tested, where this machine can install it
	@command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 \
			&& echo "安装 Chromium（测试用）" && apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null 2>&1; } \
		|| echo "提示：本机没有 Chromium，也无法自动安装；浏览器里的看板测试将跳过。"

lock: $(VENV)/bin/uv  ## make the locks anew from requirements/*.in
	@for name in bootstrap pipeline dev benchmarks; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate requirements/$$name.in -o requirements/$$name.lock; done
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --exclude-newer 2026-05-20 \
		--exclude-newer-package duckdb=2026-11-01 --no-emit-index-url --no-header --no-annotate requirements/superset.in \
		-o requirements/superset.lock

clean:  ## stop everything, remove state, environment and caches
	@[ ! -x $(BIN)/wangting ] || $(BIN)/wangting down >/dev/null 2>&1 || true
	@rm -rf var $(VENV) $(VENV_SUPERSET) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
