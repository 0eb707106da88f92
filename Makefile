# `make demo` and `make test` do all the set-up: Python 3.11 or newer and a network to PyPI are enough.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PORT ?= 8000
BIN := .venv/bin
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	--no-annotate --quiet

.PHONY: demo test slow check bench train eval contract pictures clean lock

demo: .make/run
	$(BIN)/zena-sse demo --port $(PORT)

test: .make/dev
	$(BIN)/pytest -m "not slow"

slow: .make/dev
	$(BIN)/pytest -m slow -p no:randomly

check: .make/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/unit/test_layers.py

# All servers side by side, about 25 minutes: benchmarks/RESULTS.md. Needs gcc, node and npm, and two cores.
# Part of it: make bench BENCH="--rows spread,fan --only ours,ws"
bench: .make/dev .make/bench/sseload .make/bench/peers .make/bench/venv
	$(BIN)/python -m benchmarks.run $(BENCH)

# The weights that triage and answers ship with, learned from training/mail and training/questions.
train: .make/train/venv
	.make/train/venv/bin/python -m training.train
	.make/train/venv/bin/python -m training.train_asks

# How good they are: docs/evaluation.md.
eval: .make/train/venv
	.make/train/venv/bin/python -m training.evaluate

# The pictures in docs/img: after a change of how the page looks.
pictures: .make/dev
	$(BIN)/python -m tests.browser.pictures

clean:
	rm -rf .venv .make build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# What the browser client knows of the contract.
contract: .make/run
	$(BIN)/zena-sse contract typescript >.make/events.d.ts
	$(BIN)/zena-sse contract javascript >.make/events.js
	mv .make/events.d.ts .make/events.js zena_sse/static/client

# The pinned requirements, for whoever changes pyproject.toml; needs uv.
lock:
	$(COMPILE) pyproject.toml --extra build -o requirements.txt
	$(COMPILE) pyproject.toml --extra build --extra dev -o requirements-dev.txt
	$(COMPILE) pyproject.toml --extra build training/requirements.in -c requirements-dev.txt -o training/requirements.txt
	$(COMPILE) benchmarks/peers/requirements.in -c requirements.txt -o benchmarks/peers/requirements.txt

.make/bench/sseload: benchmarks/sseload.c
	@mkdir -p $(@D)
	gcc -O2 -Wall -Wextra -o $@ $<

.make/bench/peers: $(wildcard benchmarks/peers/*.mjs) benchmarks/peers/package-lock.json
	@mkdir -p $@
	@cp benchmarks/peers/*.mjs benchmarks/peers/package.json benchmarks/peers/package-lock.json $@
	@npm ci --silent --no-audit --no-fund --prefix $@
	@touch $@

.make/bench/venv: benchmarks/peers/requirements.txt .make/dev
	@$(BIN)/python -m venv $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.make/train/venv: training/requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "zena-sse needs Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@$@/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.make/run: requirements.txt pyproject.toml
	$(call install,requirements.txt)

.make/dev: requirements-dev.txt pyproject.toml
	$(call install,requirements-dev.txt)
	@touch .make/run

define install
	@test -n "$(PYTHON)" || { echo "zena-sse needs Python 3.11 or newer" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@mkdir -p .make && touch $@
endef
