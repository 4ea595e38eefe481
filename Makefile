# The two commands of the README are `make run` and `make test`; each does all of its own set-up.

PYTHON ?= $(firstword $(foreach v,python3.11 python3.12 python3.13 python3.14 python3,$(shell command -v $(v) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
# setuptools warns at length that an editable installation is one.
INSTALL := PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet
PORT ?= 7860
HOST ?= 127.0.0.1
PIP_ARGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PYTEST := $(BIN)/python -m pytest
# What tests write need not outlast them. In memory, where 4 GB of it are free for files, nothing waits for a disk.
export PYTEST_DEBUG_TEMPROOT ?= $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 { print "/dev/shm" }')

.PHONY: help run test fast long torture test-milvus clean
help:
	@echo 'make run     set up if need be, index the articles if they changed, serve the page on $(HOST):$(PORT)'
	@echo 'make test    set up if need be, then ruff, mypy and all tests'
	@echo 'make fast    the same without the slow tests'
	@echo 'make long    what `make test` takes a part of, in full: some 30 minutes'
	@echo 'make torture kills, full disks and races in full: some 25 minutes, a table'
	@echo 'make test-milvus  the tests marked `dense` against a real Milvus 2.3.5, in an environment of its own (480 MB)'
	@echo 'make clean   remove the environment and caches; the index in var stays'

run: $(VENV)/run.stamp
	@$(BIN)/python app.py index apply
	@exec $(BIN)/python app.py serve --host $(HOST) --port $(PORT)

test: $(VENV)/test.stamp $(VENV)/axe.stamp
	@command -v chromium >/dev/null || echo 'Chromium is not installed, so the browser tests are skipped: apt-get install chromium'
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) -n 2 -m "not slow"
	$(PYTEST) -n 2 --dist worksteal -m "slow and not alone"
	$(PYTEST) -m alone

fast: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(PYTEST) -n 2 -m "not slow"

long: $(VENV)/test.stamp
	BACKCHANNEL_LONG_TESTS=1 $(PYTEST) -n 2 -m long

torture: $(VENV)/test.stamp
	$(BIN)/python tests/torture.py

# The tests run as ever; what the server needs would change what they need.
test-milvus: $(VENV)/test.stamp $(VENV)/milvus.stamp
	$(VENV)/milvus/bin/python tests/real_milvus.py $(PYTEST) -m dense -s
	MILVUS_LOCKED=1 $(VENV)/milvus/bin/python tests/real_milvus.py $(PYTEST) -k wants_its_password tests/test_index_milvus_refusals.py

$(VENV)/milvus.stamp: Makefile
	@$(PYTHON) -m venv $(VENV)/milvus
	@$(VENV)/milvus/bin/python -m pip install --quiet $(PIP_ARGS) 'milvus==2.3.5' 'pymilvus<2.4' 'setuptools<80' 'marshmallow<4'
	@touch $@

# A stamp is newer than what it was made from, so a second start runs no pip.
$(VENV)/run.stamp: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed. On Debian or Ubuntu: apt-get install python3 python3-venv'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, $(PYTHON) is older. On Debian 12 or newer: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo 'The module venv is missing. On Debian or Ubuntu: apt-get install python3-venv'; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'Installing into $(VENV); this takes some minutes the first time.'
	@$(INSTALL) --upgrade pip
	@$(INSTALL) $(PIP_ARGS) --constraint constraints.txt --editable .
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	@$(INSTALL) $(PIP_ARGS) --constraint constraints.txt --editable '.[test]'
	@touch $@

# axe-core (MPL-2.0) is looked for by tests/test_page_accessibility.py, which is skipped without it.
AXE := axe-core@4.14.1
$(VENV)/axe.stamp: $(VENV)/test.stamp Makefile
	@if command -v npm >/dev/null; then npm install --prefix $(VENV)/npm --no-save --no-audit --no-fund --ignore-scripts --silent $(AXE) && touch $@; \
	else echo 'npm is not installed, so the tests with axe-core are skipped: apt-get install npm'; fi

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
