# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A thin front for the tools in .venv: every target is one command that can be run by hand.

PYTHON ?= python3
TESTS ?=
EVERYDAY := tests/unit tests/integration tests/differential -m "not slow"
# A worker more than processors, since each waits now and then; a file stays in one, since its tests share playbook runs.
PARALLEL ?= -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) --dist loadfile
KEEP ?=
IN ?=

VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
PINS := $(wildcard tests/requirements*.txt) tests/constraints.txt
NOX = @$(PY) -m nox --session $(1) || { echo "Failed. To run it again: make $(1)" >&2; exit 1; }

.DEFAULT_GOAL := help
.PHONY: help demo test surroundings docs lint types sanity units-targets trials chaos bench differential matrix coverage release release-check ecosystem format pins check clean

help: ## list these targets
	@echo "usage: make TARGET [PYTHON=python3.12]"
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  %-14s %s\n' "$$name" "$$text"; done

demo: $(READY) ## page a local PagerDuty from a playbook (KEEP=1 leaves it running to look at)
	@$(PY) -m tests.demo $(if $(KEEP),--keep) || { echo "Failed. To run it again: make demo" >&2; exit 1; }

test: $(READY) ## unit, integration and differential tests, but for slow ones (TESTS=tests/integration: all of these)
	@$(PY) -m pytest $(PARALLEL) $(or $(TESTS),$(EVERYDAY)) || { echo "Failed. To run what failed again: $(PY) -m pytest --last-failed" >&2; exit 1; }

surroundings: $(READY) ## unit and some integration tests just after a boot, without a home, … (IN="umask-077 odd-path")
	@$(PY) -m nox --session surroundings -- $(IN) || { echo "Failed. To run it again: make surroundings$(if $(IN), IN=\"$(IN)\")" >&2; exit 1; }

docs: $(READY) ## the documentation site with all guides and plugins, into docs/build
	$(call NOX,docs)

lint: $(READY) ## ruff, yamllint, ansible-lint, changelog, documentation and licence checks
	$(call NOX,lint)

types: $(READY) ## mypy, strict
	$(call NOX,types)

sanity: $(READY) ## ansible-test sanity of every ansible-core that a Python here can run
	$(call NOX,sanity)

units-targets: $(READY) ## unit tests of module_utils on the oldest Pythons of managed hosts
	$(call NOX,units-targets)

differential: $(READY) ## what is paged against what failed, in some 1,800 runs (DIFFERENTIAL=all: 4,200)
	@DIFFERENTIAL=$${DIFFERENTIAL:-matrix} $(PY) -m pytest -q tests/differential || { echo "Failed. To run it again: make differential" >&2; exit 1; }

trials: $(READY) ## 1,000 seeded trials of the sender against a network that fails in every way
	@$(PY) -m pytest tests/trials || { echo "Failed. To run it again: make trials" >&2; exit 1; }

chaos: $(READY) ## kill processes and break disks and networks at hundreds of seeded points (CHAOS_POINTS=600)
	@CHAOS_POINTS=$${CHAOS_POINTS:-600} $(PY) -m pytest tests/chaos || { echo "Failed. To run it again: make chaos" >&2; exit 1; }

bench: $(READY) ## what the collection costs beside others, and its goals, in half an hour (QUICK=1; BENCH="sender tasks")
	@$(PY) -m nox --session bench -- $(if $(QUICK),--quick) $(BENCH) || { echo "Failed. To run it again: make bench" >&2; exit 1; }

matrix: $(READY) ## tests of what depends on ansible-core, on each one that a Python here can run (DIFFERENTIAL=quick)
	$(call NOX,matrix)

coverage: $(READY) ## the matrix's tests on one core, and how much of plugins/ they executed (at least 95 %)
	$(call NOX,coverage)

release: $(READY) ## make the files and the tarball of a release, try it, publish nothing (VERSION=1.2.3)
	@$(PY) -m nox --session release -- $(VERSION) || { echo "Failed. To run it again: make release VERSION=$(VERSION)" >&2; exit 1; }

release-check: $(READY) ## make a release in a clone of this checkout's last commit
	$(call NOX,release-check)

ecosystem: $(READY) ## galaxy-importer, ansible-builder and ansible-runner with the built collection
	$(call NOX,ecosystem)

format: $(READY) ## let ruff format and fix the code
	$(call NOX,format)

pins: $(READY) ## renew the pinned versions in tests/constraints.txt
	$(call NOX,pins)

check: ## everything that CI runs
	@.ci/run

clean: ## remove .venv, .nox and what tests leave behind
	rm -rf $(VENV) .nox .pytest_cache .ruff_cache .mypy_cache .ansible tests/output docs/build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): $(PINS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo >&2 \
		"$(PYTHON) is no working Python 3.11 or newer. Name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo >&2 \
		"$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@echo "[1/2] making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@echo "[2/2] installing ansible-core and the test tools (once, about 20 seconds)"
	@$(PY) -m pip --disable-pip-version-check install --quiet --requirement tests/requirements.txt
	@touch $@
