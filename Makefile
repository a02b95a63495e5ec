# `make demo` and `make test` need only Python >= 3.9 (with venv), make and git.
# Each has a virtual environment of its own, made when it is missing or out of date.

PYTHON ?= python3
PYTEST_ARGS ?=
# Test files are dealt out to so many processes, each with servers of its own; the longest first.
TEST_JOBS ?= 3
DEALT := --numprocesses $(TEST_JOBS) --dist loadfile --no-loadscope-reorder
# What needs no server, no download and no training of more than a moment.
UNIT := $(addprefix tests/,connectors constrain derive encoding link metrics privacy schema tables) \
  $(filter-out tests/test_workspace.py tests/test_codec.py,$(wildcard tests/test_*.py)) \
  $(addprefix --ignore=tests/,connectors/test_duckdb_safety.py connectors/test_duckdb_writing.py \
  connectors/test_file_outputs.py derive/test_aggregates.py derive/test_filled_gaps.py derive/test_periods.py \
  metrics/test_classifier.py metrics/test_public.py privacy/test_detect.py privacy/test_fake.py \
  privacy/test_look_ups.py privacy/test_styles.py tables/test_siblings.py)
# pip takes PyTorch from where it is set up to look. To be sure of the small CPU build:
#   make test TORCH_ARGS="--index-url https://download.pytorch.org/whl/cpu"
TORCH_ARGS ?=

# Of what is installed, a tenth is ever imported: that is compiled when it is, and kept.
PIP_FLAGS := --quiet --disable-pip-version-check --no-compile --constraint constraints.txt
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo demo-dbt stand-ins test unit lint lint-rules lint-format lint-types format docs clean
.DEFAULT_GOAL := help

help:
	@echo "make demo      synthesize a small shop database and report how close it is"
	@echo "make demo-dbt  run a dbt project on the shop, then on its synthetic copy"
	@echo "make test      run all tests (integration tests need Docker or local servers)"
	@echo "make unit      run those that need no server, in less than a minute"
	@echo "make lint      run ruff and mypy"
	@echo "make format    let ruff format and sort imports"
	@echo "make docs      build the documentation site"
	@echo "make stand-ins install the stand-ins for Snowflake and Spark Connect, for 'make test' to find"
	@echo "make clean     remove the virtual environments and what was built"

demo: .venv-demo/.made
	.venv-demo/bin/python examples/demo.py

demo-dbt: .venv-demo-dbt/.made
	.venv-demo-dbt/bin/python examples/dbt_shop/run.py

test: .venv/.made
	.venv/bin/python -m pytest $(DEALT) $(PYTEST_ARGS)

unit: .venv/.made
	.venv/bin/python -m pytest $(DEALT) -m "not slow and not integration" $(PYTEST_ARGS) $(UNIT)

# Apart, so that `make -k lint` tells all.
lint: lint-rules lint-format lint-types

lint-rules: .venv/.made
	.venv/bin/ruff check .

lint-format: .venv/.made
	.venv/bin/ruff format --check .

lint-types: .venv/.made
	.venv/bin/mypy --strict -p synthohive -p dbt_synthohive

format: .venv/.made
	.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

# Warnings are errors. Docstrings are read, not imported: neither torch nor the package is needed.
docs: .venv-docs/.made
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/python -m mkdocs build --strict

.venv-docs/.made: docs/requirements.txt constraints.txt
	@rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install $(PIP_FLAGS) --requirement docs/requirements.txt
	@touch $@

# fakesnow, and Spark Connect without Spark, need other versions of some packages than all else; the
# others are those of .venv.
.venv-snowflake/.made: tests/snowflake/requirements.txt
.venv-sail/.made: tests/spark/requirements.txt
.venv-snowflake/.made .venv-sail/.made: .venv/.made
	@rm -rf $(@D)
	.venv/bin/python -m venv --without-pip $(@D)
	.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	  >"$$($(@D)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/behind.pth"
	.venv/bin/python -m pip --python $(@D)/bin/python install --quiet --disable-pip-version-check --no-compile \
	  --no-warn-conflicts --requirement $(filter %.txt,$^)
	@touch $@

stand-ins: .venv-snowflake/.made .venv-sail/.made

.venv-demo/.made: EXTRAS :=
.venv-demo-dbt/.made: EXTRAS := [dbt,duckdb]
.venv-demo-dbt/.made: MORE := dbt-duckdb
.venv/.made: EXTRAS := [dev,bigquery,databricks,dbt,dp,duckdb,mssql,mysql,oracle,postgres,redshift,spark]

.venv/.made .venv-demo/.made .venv-demo-dbt/.made: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9))' || { \
	  echo "Python >= 3.9 is needed, and '$(PYTHON)' is not one. Name one: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' has no venv. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing into $(@D) (minutes, once) ..."
	@rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install $(PIP_FLAGS) $(TORCH_ARGS) torch
	$(@D)/bin/python -m pip install $(PIP_FLAGS) --editable ".$(EXTRAS)" $(MORE)
	@touch $@

clean:
	rm -rf .venv .venv-demo .venv-demo-dbt .venv-docs .venv-snowflake .venv-sail dist build site demo_output .coverage* .hypothesis .pytest_cache .mypy_cache .ruff_cache
