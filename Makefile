# Everyday commands; `make` lists them. The environment .venv is made when needed and kept up with the requirements files.
# Overridable: make run PORT=8600, make test PYTHON=python3.12, make test WORKERS=0. Works with GNU make 3.81 (macOS) and later.

PYTHON ?= python3
PORT ?= 8501
# Processes that run the tests: one a core, at most four, as each takes memory; 0 runs them without any.
WORKERS ?= logical

VENV := .venv
PY := $(VENV)/bin/python
# Empty where uv is missing or does not start. pip takes a minute or two longer and needs nothing.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)

# Of a package that has __all__ pdoc shows nothing else, so its files are named.
MODULES = core $(shell find `grep -l '^__all__' core/*/__init__.py | xargs -n 1 dirname` -name '*.py' ! -name __init__.py | \
	sed 's,\.py$$,,; s,/,.,g' | sort)

.DEFAULT_GOAL := help
.PHONY: help run test test-slow check format bench docs train clean browser

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.runtime ## the dashboard at http://127.0.0.1:$PORT
	$(VENV)/bin/streamlit run dashboard.py --server.port $(PORT)

test: $(VENV)/.development browser ## all tests but the slow ones
	$(PY) -m pytest -n $(WORKERS) --maxprocesses 4

test-slow: $(VENV)/.development browser ## the slow tests: minutes
	$(PY) -m pytest -m slow

check: $(VENV)/.development ## style, format and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright

format: $(VENV)/.development ## put the code into the common format
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(VENV)/.benchmarks ## speed, side by side with other libraries
	$(PY) -m benchmarks

docs: $(VENV)/.development ## the reference of core from its docstrings: docs/api/index.html
	$(PY) -W error::UserWarning -m pdoc --docformat google -o docs/api $(MODULES)

train: $(VENV)/.runtime ## train the models of checkpoints/zoo.toml that are missing: on a fresh clone three of MNIST, hours
	$(PY) -m core zoo

clean: ## remove .venv and the tools' caches
	rm -rf $(VENV) docs/api .pytest_cache .ruff_cache .hypothesis

# One file stands for "the environment exists", one for each set of packages in it; newer requirements install again.
$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed and '$(PYTHON)' is not that. Name another one: make run PYTHON=python3.12" >&2; exit 1; }
	@echo "Making the environment $(VENV)"
	@rm -rf $(VENV)
	@if [ -n "$(UV)" ]; then uv venv --quiet --python "$(PYTHON)" $(VENV); else "$(PYTHON)" -m venv $(VENV); fi

$(VENV)/.runtime: requirements.txt | $(PY)
	@echo "Installing requirements.txt: PyTorch is large, the first time takes minutes"
	@$(call install,requirements.txt)
	@touch $@

$(VENV)/.development: requirements.txt requirements-sweep.txt requirements-dev.txt | $(PY)
	@echo "Installing requirements-dev.txt: PyTorch is large, the first time takes minutes"
	@$(call install,requirements-dev.txt)
	@touch $@ $(VENV)/.runtime

$(VENV)/.benchmarks: benchmarks/requirements.txt $(VENV)/.development
	@echo "Installing benchmarks/requirements.txt: the libraries that are compared with"
	@$(call install,benchmarks/requirements.txt)
	@touch $@

# Byte code is compiled at once, as pip does anyway: without it the first start takes 10 seconds instead of 3.
# An environment made by uv has no pip of its own, so where uv has gone since, pip comes from the Python that made it.
define install
if [ -n "$(UV)" ]; then \
	uv pip install --quiet --compile-bytecode --python $(PY) -r $(1); \
else \
	{ $(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip --upgrade >/dev/null; } && \
	$(PY) -m pip install --quiet --disable-pip-version-check -r $(1); \
fi
endef

# The end-to-end tests need a Chromium: the system's, or else one that Playwright fetches into the user's cache.
browser: $(VENV)/.development
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
		if command -v $$name >/dev/null 2>&1; then exit 0; fi; \
	done; \
	$(PY) -m playwright install chromium || \
		{ echo "The tests need a browser. Install Chromium or Google Chrome (Debian: apt-get install chromium) and try again." >&2; exit 1; }
