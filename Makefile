# Users need two commands: `make run` and `make test`. The others are for developers.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PROGRAM := $(VENV)/.installed
TOOLS := $(VENV)/.tools

.PHONY: run test soak browser lint docs format bench bench-full train tutorials clean

run: $(PROGRAM)
	@find inbox -type f ! -name README.md ! -name '.*' | grep -q . || cp examples/*.jpg examples/*.png inbox/
	@$(BIN)/python -m flows.process_folder

# Flows run apart: beside other tests in one process they break pytest's capture of output.
test: $(TOOLS)
	$(BIN)/python -m pytest -n auto --dist loadfile --ignore=tests/flows
	$(BIN)/python -m pytest -n auto --dist loadfile tests/flows

soak: $(TOOLS)
	$(BIN)/python -m pytest -m soak

# The tests of the review page run in Debian's Chromium; without it they are skipped.
browser:
	@command -v chromium >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends chromium fonts-dejavu-core; }

lint: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/numpydoc lint $$(find digitocr -name '*.py')
	$(BIN)/ruff check --preview --select DOC501 digitocr
	$(BIN)/typos
	$(BIN)/proselint --config .proselintrc.json check README.md CHANGELOG.md CONTRIBUTING.md docs

# The pages of docs/ as a site, in site/.
docs: $(TOOLS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

format: $(TOOLS)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(TOOLS)
	$(BIN)/python -m benchmarks.accuracy
	$(BIN)/python -m benchmarks.forms

# Everything, from minutes to hours; includes 10,000 files through the watcher.
bench-full: bench
	$(BIN)/python -m benchmarks.forms --pages 2000 --versions 0
	$(BIN)/python -m benchmarks.inbox 10000
	$(BIN)/python -m benchmarks.scaling

train: $(TOOLS)
	$(BIN)/python -m digitocr train

# All figures of docs/tutorials.md, within an hour on two cores; finished ones are kept.
tutorials: $(TOOLS)
	$(BIN)/python -m digitocr.training.tutorials

clean:
	rm -rf $(VENV) build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Runs again only if the versions change; the mark is set last, so that a broken installation is repeated.
$(PROGRAM): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@$(BIN)/python -c 'import cv2' 2>$(VENV)/cv2.log || { \
	    if grep -q 'cannot open shared object' $(VENV)/cv2.log; \
	    then echo "OpenCV lacks system libraries: apt-get install libgl1 libglib2.0-0" >&2; \
	    else cat $(VENV)/cv2.log >&2; fi; exit 1; }
	@touch $@

$(TOOLS): $(PROGRAM)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,training,onnx,cluster,s3]'
	@touch $@
