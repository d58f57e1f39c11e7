# Each of these words sets up what it needs. A bare machine needs make, and Python 3.11 or newer with venv.
#   make test ARGS="-k sentence -x"       ARGS go to the program that does the work
#   make run NGAZI_PORT=8080              settings are taken from the environment or from here
#   make setup PYTHON=python3.13          else the newest Python that is found

ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
LOCK = build/uv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 \
       --generate-hashes --no-emit-index-url --no-header --quiet $(ARGS)

.PHONY: help setup run dial migrate test lint fix bench bot bot-test docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## Make .venv with all that is locked; does nothing when nothing changed
	@set -eu; \
	state="$$(cat requirements-dev.txt pyproject.toml | cksum) $(CURDIR)"; \
	if [ "$$(cat .venv/ready 2>/dev/null)" = "$$state" ] && $(BIN)/python -c '' 2>/dev/null; then exit 0; fi; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	    python=; \
	    for each in $(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3); do \
	        if $$each -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; \
	        then python=$$each; break; fi; \
	    done; \
	    if [ -z "$$python" ]; then \
	        echo "Ngazi needs Python 3.11, 3.12, 3.13 or 3.14; none was found as: $(or $(PYTHON),python3.14 ... python3.11, python3)." >&2; \
	        echo "On Debian 12 and later: apt-get install python3 python3-venv" >&2; exit 1; \
	    fi; \
	    if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	        package=$$($$python -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	        echo "$$python cannot make a virtual environment. On Debian: apt-get install $$package" >&2; exit 1; \
	    fi; \
	    echo "Making .venv with $$($$python --version)"; \
	    $$python -m venv --clear .venv; \
	fi; \
	echo "Installing what requirements-dev.txt lists; the first time this takes a minute"; \
	rm -f .venv/ready; \
	$(PIP) --require-hashes -r requirements-dev.txt; \
	$(PIP) --no-deps --no-build-isolation --no-index -e .; \
	echo "$$state" > .venv/ready

run: setup ## Start the gateway and a simulated phone on http://127.0.0.1:8000, no account needed
	@NGAZI_HOST="$${NGAZI_HOST-127.0.0.1}" NGAZI_PORT="$${NGAZI_PORT-8000}" NGAZI_DRAFTS="$${NGAZI_DRAFTS-show}" \
	$(BIN)/ngazi serve $(ARGS)

dial: setup ## Play a phone in the terminal
	@NGAZI_DRAFTS="$${NGAZI_DRAFTS-show}" $(BIN)/ngazi dial $(ARGS)

migrate: setup ## Bring the tables up to date
	@$(BIN)/ngazi migrate $(ARGS)

test: setup ## Run the tests, on all cores unless ARGS pick some
	$(BIN)/python -m pytest $(or $(ARGS),-n auto)

lint: setup ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

fix: setup ## Mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## Measure how many phones one machine answers
	$(BIN)/python -m tests.bench $(ARGS)

bot: setup ## Make Rasa's own environment, train the assistant, and run it with a gateway and a web chat
	@$(BIN)/python -m bot.rasa setup
	@$(BIN)/python -m bot.rasa train
	@$(BIN)/python -m bot.rasa play $(ARGS)

bot-test: setup ## Train the assistant, measure it on the held-out sentences, and play its stories
	@$(BIN)/python -m bot.rasa setup
	@$(BIN)/python -m bot.rasa train
	@$(BIN)/python -m bot.rasa test $(ARGS)
	@$(BIN)/python -m bot.rasa stories

docs: setup ## Write the parts of docs/ that are generated
	$(BIN)/python -m tests.reference $(ARGS)

lock: setup ## Lock the dependencies of pyproject.toml anew (ARGS=--upgrade for newer ones)
	@test -x build/uv/bin/uv || { $(BIN)/python -m venv build/uv && build/uv/bin/python -m pip install -qq uv; }
	$(LOCK) --output-file requirements-dev.txt --extra dev --extra bot
	$(LOCK) --output-file requirements-bot.txt --extra bot --constraint requirements-dev.txt
	$(LOCK) --output-file requirements.txt --constraint requirements-dev.txt

clean: ## Remove everything that was made
	rm -rf .venv .rasa build dist htmlcov .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
