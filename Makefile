# Needs GNU make 3.81 or newer, as macOS has it, and Python 3.10 or newer.

PYTHON ?= python3
VENV ?= .venv
REQUIREMENTS ?= requirements/dev.txt
WORKERS ?= 2
ARGS ?=
EXAMPLES ?= 20000
PROSE := $(wildcard *.md) docs examples/README.md
PIP_AUDIT ?= pip-audit

BIN := $(VENV)/bin
# Twice quiet: errors only.
INSTALL_PACKAGES ?= $(BIN)/python -m pip -qq --disable-pip-version-check install
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make requirements"
# A worker that has nothing left takes tests from the others.
PARALLEL := -n $(WORKERS) --dist worksteal
# The time of the last commit makes a build repeatable; without history, the earliest time that a zip can store.
DATED := SOURCE_DATE_EPOCH="$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 315532800)}"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo report-demo install check test promises fuzz lint coverage mutate format bench generate site docs matrix lowest lowest-serve clickhouse package audit requirements clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.runtime ## send one event to an embedded backend and show what arrived
	@$(BIN)/otel-tbot demo

report-demo: $(VENV)/.dev ## turn the made-up events of examples/report into a page, report.html
	@$(BIN)/otel-tbot report -o report.html examples/report/events.jsonl.gz
	@echo "Open report.html in a browser"

install: $(VENV)/.dev ## create the development environment; targets that need it create it themselves

test: $(VENV)/.dev ## run the suite; ARGS="-k consent" goes to pytest, WORKERS=0 turns parallel runs off
	@$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

promises: $(VENV)/.dev ## the nine promises: tests and cases
	@$(BIN)/python -m pytest -q $(PARALLEL) -p tests.promises.summary tests/promises $(ARGS)

fuzz: $(VENV)/.dev ## fuzz for longer, with other inputs each time; EXAMPLES=20000 for each property
	@FUZZ=$(EXAMPLES) $(BIN)/python -m pytest -q $(PARALLEL) --timeout=0 tests/fuzz $(ARGS)

check: $(VENV)/.dev ## the loop: format, style, imports, spelling, types and unit tests, in seconds
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/ruff check --quiet
	@$(BIN)/lint-imports >/dev/null || $(BIN)/lint-imports
	@$(BIN)/codespell
	@$(BIN)/mypy & types=$$!; $(BIN)/python -m pytest -q $(PARALLEL) tests/unit $(ARGS); tests=$$?; \
		wait $$types && exit $$tests

lint: $(VENV)/.dev ## run the static checks: style, format, types, imports, spelling, prose, Dockerfiles, workflows
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/lint-imports >/dev/null || $(BIN)/lint-imports
	@$(BIN)/codespell
	@if [ -x $(BIN)/proselint ]; then $(BIN)/proselint --config .proselintrc.json check $(PROSE); \
		else echo "The prose was not checked: proselint cannot be installed on Python 3.15" >&2; fi
	@$(BIN)/hadolint examples/*/Dockerfile
	@if [ -d .github ]; then $(BIN)/zizmor --quiet --offline .github; fi
	@$(BIN)/mypy

# A `.pth` starts the measurement in every process of this environment, regardless of its variables and folder.
coverage: ## measure branch coverage, including subprocesses, in a separate environment
	@$(MAKE) --no-print-directory install VENV=.venv-coverage
	@rm -f .coverage .coverage.*
	@echo 'import coverage; coverage.Coverage(data_file="$(CURDIR)/.coverage", config_file="$(CURDIR)/pyproject.toml",' \
		'data_suffix=True, auto_data=True).start()' \
		>"$$(.venv-coverage/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/measure.pth"
	-@.venv-coverage/bin/python -m pytest -q $(PARALLEL) $(ARGS) # tests of files, imports and costs fail while measuring
	@rm -f .venv-coverage/lib/*/site-packages/measure.pth
	@.venv-coverage/bin/coverage combine --quiet
	@.venv-coverage/bin/coverage report

mutate: ## mutate a copy of the code, and check that the unit tests notice
	@$(MAKE) --no-print-directory install VENV=.venv-mutate REQUIREMENTS=requirements/mutate.txt
	@.venv-mutate/bin/python .ci/mutate.py $(ARGS)

format: $(VENV)/.dev ## format the code and fix what ruff can
	@$(BIN)/ruff check --quiet --fix-only
	@$(BIN)/ruff format

bench: $(VENV)/.dev ## measure against references, in one run; ROUNDS=7 is quicker
	@$(BIN)/python -m benchmarks $(ROUNDS)

generate: $(VENV)/.dev ## generate the schema table, the reference pages and the boards for Grafana
	@$(BIN)/python -m scripts.generate
	@$(BIN)/python -m scripts.grafana

site: ## build the documentation site into build/site/html and check it; needs npm
	@$(MAKE) --no-print-directory install VENV=.venv-docs REQUIREMENTS=requirements/docs.txt
	@.venv-docs/bin/python -m scripts.site.build
	@.venv-docs/bin/python -m scripts.site.check

docs: site ## build the documentation site, serve it on this machine and open it
	@.venv-docs/bin/python -m scripts.site.serve

# The loop's input is a pipe that the suite must not read.
matrix: ## run the suite on every CPython from 3.10 to 3.15 that is found
	@.ci/pythons | while read -r version python; do \
		echo "Python $$version"; \
		$(MAKE) --no-print-directory test PYTHON="$$python" VENV=".venv-$$version" </dev/null || exit 1; \
	done

lowest: ## run the suite with the lowest supported dependencies; best on the oldest Python
	@$(MAKE) --no-print-directory test VENV=.venv-lowest REQUIREMENTS=requirements/lowest.txt

lowest-serve: ## run the receiver's tests with the lowest dependencies that the extra supports, on Python 3.11
	@$(MAKE) --no-print-directory test VENV=.venv-lowest-serve REQUIREMENTS=requirements/lowest-serve.txt \
		ARGS="tests/integration/receiver"

# The engine is large, and only these tests need it.
clickhouse: ## run every ClickHouse statement in its engine, and compare with the report of files
	@$(MAKE) --no-print-directory install VENV=.venv-clickhouse REQUIREMENTS=requirements/clickhouse.txt
	@.venv-clickhouse/bin/python -m pytest -q $(PARALLEL) tests/clickhouse $(ARGS)

package: $(VENV)/.dev ## build the wheel, the sdist and their bill of materials into dist/, and check them
	@rm -rf dist
	@export $(DATED); $(BIN)/python -m build -qq --no-isolation --outdir dist && \
		$(BIN)/python .ci/check_package.py dist && $(BIN)/python .ci/sbom.py dist

# Queries an advisory service, so it is for the day of a release and not part of .ci/run.
audit: ## look for known vulnerabilities in what is pinned; needs pip-audit and a network
	@command -v $(PIP_AUDIT) >/dev/null || { \
		echo "$(PIP_AUDIT) was not found: install pip-audit (pipx install pip-audit) or set PIP_AUDIT=path" >&2; exit 1; }
	@$(PIP_AUDIT) --strict --disable-pip --require-hashes -r requirements/runtime.txt

requirements: $(VENV)/.dev ## update the pinned requirements
	@$(COMPILE) pyproject.toml -o requirements/runtime.txt >/dev/null
	@$(COMPILE) pyproject.toml --extra serve --extra report --extra clickhouse --group dev -c requirements/runtime.txt -o requirements/dev.txt >/dev/null
	@$(COMPILE) pyproject.toml --extra serve -c requirements/dev.txt -o requirements/serve.txt >/dev/null
	@$(COMPILE) pyproject.toml --extra report --extra clickhouse --group test --group clickhouse -c requirements/dev.txt \
		-o requirements/clickhouse.txt >/dev/null
	@$(COMPILE) pyproject.toml --group mutate -c requirements/dev.txt -o requirements/mutate.txt >/dev/null
	@$(COMPILE) pyproject.toml --group docs -c requirements/dev.txt -o requirements/docs.txt >/dev/null
	@$(COMPILE) pyproject.toml --group test -c requirements/lowest.in -o requirements/lowest.txt >/dev/null
	@$(COMPILE) pyproject.toml --extra serve --group test -c requirements/lowest-serve.in \
		-o requirements/lowest-serve.txt >/dev/null

clean: ## remove the environments, builds and caches
	@rm -rf .venv .venv-* build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@rm -f .coverage .coverage.* report.html
	@find otel_tbot tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
		echo "$(PYTHON) is not Python 3.10 or newer: set one, as in make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); \
		echo "$(PYTHON) cannot create a virtual environment: on Debian and Ubuntu, apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.runtime: $(VENV)/.python requirements/runtime.txt pyproject.toml
	@echo "Installing into $(VENV)"
	@$(INSTALL_PACKAGES) --require-hashes -r requirements/runtime.txt
	@$(INSTALL_PACKAGES) --no-deps -e .
	@touch $@

# The development requirements include those of the runtime, in the same versions.
$(VENV)/.dev: $(VENV)/.python $(REQUIREMENTS) pyproject.toml
	@echo "Installing into $(VENV)"
	@$(INSTALL_PACKAGES) --require-hashes -r $(REQUIREMENTS)
	@$(INSTALL_PACKAGES) --no-deps --no-build-isolation -e .
	@touch $(VENV)/.runtime $@
