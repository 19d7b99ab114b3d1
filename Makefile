# Every target needs nothing before it: the first one to run makes the environment.
# PYTHON names the interpreter to build it with; otherwise the first working Python 3.11 or newer is used.

VENV   ?= .venv
PYTHON ?=
RUN    := $(VENV)/bin/python
READY  := $(VENV)/.ready

# Tests, demo and benchmarks use what is installed; nothing may reach for a model hub.
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check format bench quality eval-folder clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY)  ## Index this repository and answer three questions; ADAPTER=DIR adds a LoRA adapter
	@scripts/demo.sh "$(VENV)/bin/codecontext" $(if $(ADAPTER),"$(ADAPTER)")

test: $(READY)  ## Run every test; ARGS="-k scan" goes to pytest
	$(RUN) -m pytest $(ARGS)

check: $(READY)  ## Check format, lint and types
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy

format: $(READY)  ## Format the code and mend what the linter can mend
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

bench: $(READY)  ## Measure speed, memory and disk side by side with peers
	$(RUN) -m benchmarks $(ARGS)

quality: eval-folder $(READY)  ## Measure retrieval quality on the evaluation sets in EVAL=DIR
	$(RUN) -m benchmarks.quality --eval "$(EVAL)" $(ARGS)

clean:  ## Remove all that these targets made, the environment included
	rm -rf .codecontext-home .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist benchmarks/results
	find server tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
	[ ! -f "$(VENV)/pyvenv.cfg" ] || rm -rf "$(VENV)"

# First, so that a forgotten EVAL is said before an environment is made.
eval-folder:
	@[ -n "$(EVAL)" ] || { echo 'make quality needs the folder of the evaluation sets: make quality EVAL=DIR' >&2; exit 1; }
	@[ -d "$(EVAL)" ] || { echo 'EVAL=$(EVAL) is not a folder.' >&2; exit 1; }

$(READY): pyproject.toml constraints.txt
	@PYTHON="$(PYTHON)" scripts/dev-install.sh --venv "$(VENV)"
	@touch $@
