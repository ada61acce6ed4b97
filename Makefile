# Everything below installs what it needs into .venv; only Python 3.11 or newer has to be there.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
PORT ?= 8000

VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
LOCALES := $(patsubst %.po,%.mo,$(wildcard cluster_platform/locale/*/LC_MESSAGES/django.po))
APPS := participants metering contracts clearing billing cluster_platform

.PHONY: help demo codes test bench bench-large lint clean

help:
	@echo "make demo   load, clear and bill the example cluster, then serve it (PORT=8000; OPEN_JUNE=1 leaves June to be closed by you)"
	@echo "make codes  codes with which the demo's coordinator and distributor sign in"
	@echo "make test   all tests"
	@echo "make bench  time and memory of June of the example; make bench-large: of 10,000 metering points (30 minutes)"
	@echo "make lint   ruff, mypy, import-linter"
	@echo "make clean  remove .venv and what the tools left; var/ with your data stays"

demo: $(RUN) $(LOCALES)
	@$(BIN)/python manage.py demo --port $(PORT) $(if $(OPEN_JUNE),--open-june)

codes: $(RUN)
	@$(BIN)/python manage.py demo_codes

test: $(DEV) $(LOCALES)
	$(BIN)/pytest -n auto --dist worksteal

bench: $(DEV) $(LOCALES)
	@$(BIN)/python -m bench

bench-large: $(DEV) $(LOCALES)
	@$(BIN)/python -m bench --large

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(APPS)
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache $(LOCALES)
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN): requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt $(RUN)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

%.mo: %.po | $(RUN)
	$(BIN)/pybabel --quiet compile --input-file $< --output-file $@
