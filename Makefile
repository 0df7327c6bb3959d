# Set-up, main job, tests. `make help` lists the targets.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
RAY := .venv/.ray
EVALS := .venv-evals/.installed
EVALS_NEED := tests/experiments/evals/requirements.txt
TORCH := torch==2.13.0
# Made for that torch. It lies apart: its wheel for CUDA cannot be imported beside a CPU build of
# torch without the operators that the tests declare, nor then can parts of transformers.
TORCHVISION := torchvision==0.28.0
VISION := .venv/vision

.DEFAULT_GOAL := help
.PHONY: help demo bars report test test-vision test-browser test-slow test-evals test-gpu check docs models-page train-m3 train-mqt clean

help:  ## list the targets
	@awk -F ":.*## " '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	@echo "setting up .venv (a few minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q -c constraints.txt $(TORCH)
	@$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev,original]"
	@touch $@

$(RAY): $(STAMP)
	@$(BIN)/python -m pip install -q -c constraints.txt -e ".[ray]"
	@touch $@

$(EVALS): pyproject.toml $(EVALS_NEED)
	@test -x .venv-evals/bin/python || $(PYTHON) -m venv .venv-evals
	@.venv-evals/bin/python -m pip install -q $(TORCH)
	@.venv-evals/bin/python -m pip install -q --no-deps -r $(EVALS_NEED) -e .
	@touch $@

demo: $(STAMP)  ## run the whole flow on the shipped weights; report in runs/demo
	@$(BIN)/budget demo --out runs/demo

# The shipped policies on the shipped curves: 6,000 held-out questions, 1,000 resamples.
CURVES := experiments/scenes/curves/m3
POLICIES := experiments/scenes/weights/m3
SPLITS := --curves $(CURVES)/test.parquet --fit-curves $(CURVES)/fit.parquet --calibration $(CURVES)/calibration.parquet --data scenes
HELD_OUT := $(SPLITS) --hidden-columns things,smallest_px,density --features-cache runs/features

bars: $(STAMP)  ## judge the shipped M3 policies of every tier against all baselines
	@$(BIN)/budget policy evaluate --policy m3 $(HELD_OUT) --out runs/bars/pre
	@$(BIN)/budget policy evaluate --policy $(POLICIES)/post-vision --model m3 $(HELD_OUT) --out runs/bars/post-vision
	@$(BIN)/budget policy escalate --policy $(POLICIES)/policy $(SPLITS)

report: $(STAMP)  ## how much detail the shipped testbed needs, as a page in runs/report
	@$(BIN)/budget report testbed=$(CURVES)/test.parquet --data scenes --policy m3 \
		--fit-curves $(CURVES)/fit.parquet --features-cache runs/features --out runs/report

# A process per core, each with one thread.
PYTEST := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadfile -m "not slow and not gpu and not browser"

test: $(STAMP)  ## run the tests (without the slow ones), then those with torchvision and a browser
	@$(PYTEST)
	@$(MAKE) --no-print-directory test-vision
	@$(MAKE) --no-print-directory test-browser

# Without a browser, and where none can be installed, these tests are left out; it is said.
HAS_BROWSER := test -n "$$BUDGET_BROWSER" || command -v chromium || command -v chromium-browser || command -v google-chrome
APT_GET := apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20

test-browser: $(STAMP)  ## run the tests with a browser, Chromium, which is installed if it can be
	@{ $(HAS_BROWSER) || ! test "$$(id -u)" = 0 || ! command -v apt-get \
		|| { $(APT_GET) update && $(APT_GET) install -y --no-install-recommends chromium; }; } > /dev/null 2>&1 || true
	@if { $(HAS_BROWSER); } > /dev/null; then \
		OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile -m browser tests/experiments; \
	else echo "there is no Chromium and none can be installed here: tests with a browser are left out"; fi

# Without a network there is no torchvision, and the run before has skipped what needs it.
test-vision: $(STAMP)  ## run the tests of model families with torchvision, which is fetched
	@test -f $(VISION)/.installed || { \
		rm -rf $(VISION) && $(BIN)/python -m pip install -q --retries 1 --no-deps --target $(VISION) $(TORCHVISION) \
		&& touch $(VISION)/.installed; } || echo "$(TORCHVISION) cannot be had: tests that need it are skipped"
	@if test -f $(VISION)/.installed; then \
		PYTHONPATH=$(VISION):tests/budget $(PYTEST) -p families.torchvision_operators tests/budget/families -m torchvision; fi

# With torchvision, so that no family is left out.
models-page: test-vision  ## verify every family and write the table of docs/models.md
	@PYTHONPATH=$(VISION):tests/budget OMP_NUM_THREADS=1 $(BIN)/python -c \
		"import families.torchvision_operators; from experiments.cli import main; main()" models --verify --page docs/models.md > /dev/null

test-slow: $(RAY)  ## run the slow tests, those of Ray too
	@$(BIN)/python -m pytest -q -m "slow and not gpu"

test-evals: $(STAMP) $(EVALS)  ## run lmms-eval and lm-evaluation-harness, which have .venv-evals
	@BUDGET_EVALS_PYTHON=$(CURDIR)/.venv-evals/bin/python $(BIN)/python -m pytest -q -m slow tests/experiments/evals

test-gpu: $(STAMP)  ## run the tests that need a CUDA device
	@$(BIN)/python -m pytest -q -m gpu

check: $(STAMP)  ## format, lint, types, import rules, documentation
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory docs

# A link or a docstring that is broken ends it.
docs: $(STAMP)  ## build the documentation into site; open site/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

train-m3: $(STAMP)  ## train the shipped M3 from nothing; resumes after a kill
	@$(BIN)/budget train --data scenes --recipe m3 --out runs/m3

train-mqt: train-m3  ## train the shipped MQT, on the M3's first stages; resumes after a kill
	@$(BIN)/budget train --data scenes --recipe mqt --init runs/m3 --out runs/mqt

clean:  ## remove caches and builds; .venv and runs stay
	@rm -rf build dist site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
	@find budget oracle policies experiments tests -name __pycache__ -type d -prune -exec rm -rf {} +
