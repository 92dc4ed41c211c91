# Two commands: `make run` and `make test`. Needs Python 3.11 or newer, and make.
#
# Everything is installed into .venv by the lock files in requirements/, with uv or else with pip.
# torch comes in the build for this machine: for its NVIDIA GPU, or for the processor. To choose:
#
#   make run TORCH_BACKEND=cpu        as uv names them, such as cu130
#   make run TORCH_INDEX=https://...  a further index to take it from
#   make run INSTALLER=pip            without uv
#
# ARGS goes to the program: make run ARGS="--port 8001", make test ARGS="-k resume".

TORCH ?= 2.14.1
export TORCH_INDEX TORCH_BACKEND INSTALLER
# Hundreds of processes are started, by tests most of all: what one of them has compiled of Python
# the others only read, where an environment forbids that, too. All of it lies in ignored folders.
unexport PYTHONDONTWRITEBYTECODE
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
IS_FIT := 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))'
FIND_PYTHON := for name in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c $(IS_FIT) 2>/dev/null && command -v $$name && exit; done; \
	echo "Optoscope needs Python 3.11 to 3.14; python3 is $$(python3 --version 2>&1)." >&2; \
	echo "Install one, or name one: make PYTHON=/path/to/python3.12 ..." >&2; exit 1
INSTALL := python="$$($(FIND_PYTHON))" && "$$python" requirements/install.py

.DELETE_ON_ERROR:
.PHONY: help run test test-torch fuzz quick quick-science quick-others check bench bench-server bench-pages bench-streams bench-scale screenshots docs format lock wheel clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

run: $(VENV)/.run ## start everything on this machine; the address is printed
	@$(BIN)/optoscope up $(ARGS)

# Two processes for two cores, as much of the suite waits for servers; a file stays in one of them,
# and so do the folders that tests/conftest.py names.
# PARALLEL= runs one after the other.
PARALLEL := --numprocesses 2 --dist loadfile --no-loadscope-reorder

test: $(VENV)/.dev ## run every test; finds or installs a Chromium for those that need one
	@$(BIN)/python -m tests.browser.support.chromium
	@$(BIN)/python -m tests.browser.support.axe
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

test-torch: ## the tests of the science with another torch: make test-torch TORCH=2.14.1
	@VENV=.venv-torch TORCH=$(TORCH) && export VENV TORCH && $(INSTALL) dev
	.venv-torch/bin/python -m pytest -q tests/unit/science $(ARGS)

fuzz: $(VENV)/.dev ## hundreds of made-up requests to every operation of the API, against its document
	OPTOSCOPE_FUZZ_CASES=200 $(BIN)/python -m pytest -q --timeout 3600 \
	tests/integration/api/test_contract.py $(ARGS)

quick: $(VENV)/.dev ## what `make check` does, unit tests and contracts, slow ones left out; under 90 s
	@$(MAKE) --no-print-directory --jobs 2 quick-science quick-others check

# Two processes for two cores. The science takes half of the time.
quick-science quick-others:
	@$(BIN)/python -m pytest -q -m "not slow" $(QUICK_OF_$@)

QUICK_OF_quick-science := tests/unit/science
QUICK_OF_quick-others := tests/unit tests/contracts --ignore tests/unit/science

check: $(VENV)/.dev ## formatting, lint, types, import contracts
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## how fast runs train here, against the same loop in plain JAX, into bench.json
	$(BIN)/python -m worker bench --out bench.json $(ARGS)

bench-server: $(VENV)/.dev ## how long the web server takes over long runs and long lists
	$(BIN)/python -m tests.bench.server --out bench-server.json $(ARGS)

bench-pages: $(VENV)/.dev ## load, size, business and memory of pages in a Chromium, with targets
	$(BIN)/python -m tests.bench.pages --out bench-pages.json $(ARGS)

bench-streams: $(VENV)/.dev ## a thousand open streams of a run that trains, on one web process
	$(BIN)/python -m tests.bench.streams --out bench-streams.json $(ARGS)

bench-scale: $(VENV)/.dev ## how many runs train at once on one Postgres, and how many it can hold
	$(BIN)/python -m tests.bench.scale --out bench-scale.json $(ARGS)

screenshots: $(VENV)/.dev ## pictures of every page into docs/images; trains what they show
	$(BIN)/python -m tests.screenshots $(ARGS)

docs: $(VENV)/.dev ## these documents as a site, into build/docs; every warning is an error
	$(BIN)/python -m sphinx -q -E -n -W --keep-going -c docs/site docs build/docs $(ARGS)

format: $(VENV)/.dev ## let ruff format and mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(VENV)/.dev ## write the lock files from pyproject.toml; ARGS=--upgrade takes the newest versions
	@$(BIN)/python requirements/lock.py $(ARGS)

wheel: $(VENV)/.dev ## source distribution and wheel, into dist
	@$(BIN)/python -m worker.ship
	@$(BIN)/python -m hatchling build

clean: ## remove what was installed; the data in .optoscope stays
	rm -rf $(VENV) node_modules web/static/vendor worker/programs

LOCKS := requirements/torch.txt requirements/uv.txt requirements/install.py pyproject.toml

$(VENV)/.run: requirements/run.txt $(LOCKS)
	@$(INSTALL) run
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(LOCKS)
	@$(INSTALL) dev
	@touch $@ $(VENV)/.run
