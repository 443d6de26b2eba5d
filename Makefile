# Two commands on a fresh Linux machine with Python 3.11 and git: `make demo` and `make test`.
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: setup demo test check bench lock clean

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "$$(grep '^uv==' requirements.lock)"
	UV_HTTP_TIMEOUT=600 $(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch .venv/ready

demo: setup
	$(BIN)/sweeper run search_spaces/pgn_ablation.yaml

# Ray takes all cores for itself: its tests run one after the other, the rest side by side.
RAY := tests/chaos tests/cluster tests/end_to_end tests/execution

test: setup
	@failed=0; \
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile \
	  $(RAY:%=--ignore=%) || failed=1; \
	$(BIN)/python -m pytest $(RAY) || failed=1; \
	exit $$failed

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/vulnerabilities.py

bench: setup
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

lock:
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --extra dev --quiet -o requirements.lock pyproject.toml

clean:
	rm -rf .venv build dist *.egg-info
