# Two commands matter: `make run` and `make test`. They need Python >= 3.11 with venv, make and git.
#
# One environment, .venv, serves them both: `run` puts the server's lock into it, `test` adds the test tools. Every lock is
# resolved against server.txt, so the tests meet the very versions that run, and adding tools moves none of them: both
# can be at work at once. Stamps remember which lock is installed: a warm `make run` starts no installer at all.

VENV    := .venv
PYTHON  := $(VENV)/bin/python
UV      := $(VENV)/bin/uv
INSTALL := $(UV) pip install --quiet --require-hashes --only-binary :all:
SERVER  := $(VENV)/.made-server $(VENV)/.made-package
TEST    := $(VENV)/.made-test $(VENV)/.made-package .venv-openai1/.made .venv-anthropic0/.made
CLIENTS := .venv-agents/.made .venv-frameworks/.made .venv-aider/.made .clients/claude-code/.made .clients/codex/.made \
	.clients/npm-clients/.made
PYTEST  := $(PYTHON) -m pytest --quiet
# As many at once as there are cores; tests that share something stay together (tests/conftest.py).
AT_ONCE := --numprocesses auto --maxprocesses 4 --dist loadgroup

# The Python is the machine's own, and so are the authorities it trusts: some networks have one of theirs.
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := true

.PHONY: run test test-long test-clients bench bench-ledger docs lint lock clean
.DEFAULT_GOAL := run

run: $(SERVER)
	@TALLYGATE_DATA="$${TALLYGATE_DATA:-./.tallygate}" \
		TALLYGATE_OPENING_CREDIT_USD="$${TALLYGATE_OPENING_CREDIT_USD:-5.00}" exec $(VENV)/bin/tallygate serve

# Everything a change must pass: style, types, floors, and every test on both engines.
test: $(TEST)
	@scripts/ensure-postgres
	@scripts/ensure-chromium
	@$(MAKE) --no-print-directory lint
	@$(PYTEST) $(AT_ONCE)

# Every test again with 5,000 examples for each law, and those that take minutes.
test-long: $(TEST)
	@scripts/ensure-postgres
	@scripts/ensure-chromium
	@scripts/ensure-proxies
	@HYPOTHESIS_PROFILE=long $(PYTEST) -m "not clients" --timeout 3600

# The official SDKs and command lines against a running gateway; also those too large for every test run. What they find
# becomes a page of the documentation.
test-clients: $(TEST) $(CLIENTS)
	@COMPATIBILITY=1 $(PYTEST) tests/contract -m "not long"
	@$(PYTHON) -m tests.contract.compatibility_page

# What one call costs: processor time, waiting time, memory. Compare figures of one run only.
bench: $(SERVER)
	@$(PYTHON) -m bench.measure

# What a hold and its settlement cost on both engines, as ratios of one run: durable or not, shared or one by one.
bench-ledger: $(TEST)
	@scripts/ensure-postgres
	@$(PYTHON) -m bench.ledger

lint: $(VENV)/.made-test $(VENV)/.made-package
	@$(VENV)/bin/ruff check --quiet
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/basedpyright --level warning
	@$(VENV)/bin/lint-imports --no-logo

docs: $(VENV)/.made-docs $(VENV)/.made-package
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict
	@echo "The site is in site/index.html"

# Resolves the locks anew; `make lock UPGRADE=--upgrade` takes newer versions too. A release must be a week old:
# most poisoned ones are found and withdrawn within days.
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-build \
	--exclude-newer "7 days" --custom-compile-command "make lock" $(UPGRADE)
lock: $(VENV)/.made-tools
	@$(COMPILE) --group build -o requirements/build.txt
	@$(COMPILE) pyproject.toml --extra server --extra guardrails --extra import -o requirements/server.txt
	@$(COMPILE) pyproject.toml --extra server --extra guardrails --extra otel --extra import --group test -c requirements/server.txt -o requirements/test.txt
	@$(COMPILE) pyproject.toml --extra server --extra guardrails --extra import --group docs -c requirements/test.txt -o requirements/docs.txt
	@$(COMPILE) --group contract-openai1 -o requirements/contract-openai1.txt
	@$(COMPILE) --group contract-anthropic0 -o requirements/contract-anthropic0.txt
	@$(COMPILE) --group contract-agents -o requirements/contract-agents.txt
	@$(COMPILE) --group contract-frameworks -o requirements/contract-frameworks.txt
	@$(COMPILE) --group contract-aider -o requirements/contract-aider.txt

# Leaves .tallygate alone: it holds money and keys.
clean:
	@rm -rf .venv .venv-* .clients site build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.made-tools: requirements/build.txt
	@scripts/make-venv $(VENV) requirements/build.txt
	@touch $@

$(VENV)/.made-package: pyproject.toml $(VENV)/.made-tools
	@$(UV) pip install --quiet --python $(PYTHON) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.made-%: requirements/%.txt $(VENV)/.made-tools
	@echo "Installing requirements/$*.txt"
	@$(INSTALL) --python $(PYTHON) -r $<
	@touch $@

# The program itself comes as a package for this machine; nothing of it runs while it is installed.
.clients/%/.made: requirements/%/package.json requirements/%/package-lock.json
	@echo "Installing requirements/$*"
	@mkdir -p $(@D) && cp $^ $(@D)
	@npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

# Older SDKs and what is built on them have environments of their own: two majors of one package cannot share one.
.venv-%/.made: requirements/contract-%.txt $(VENV)/.made-tools
	@echo "Installing $<"
	@$(UV) venv --quiet --clear --python $(PYTHON) .venv-$*
	@$(INSTALL) --python .venv-$*/bin/python -r $<
	@touch $@
