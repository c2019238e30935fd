# Two commands do everything: `make run` and `make test`. Both install what is missing and may be run again and again.

SHELL := /bin/bash
.DEFAULT_GOAL := help
NAME ?=

.PHONY: help setup ui run test bench conformance soak e2e fmt lint types deny

help: ## Shows this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

setup: ## Installs what is missing (Debian packages, npm packages) and checks the toolchains
	@bash scripts/setup.sh

ui: setup ## Builds the web application
	@bash scripts/build-ui.sh

run: ui ## Builds everything and starts Lockstep (PORT, LOCKSTEP_DATA, LOCKSTEP_PUBLIC_URL)
	@bash scripts/run.sh

test: ui ## Runs every test
	@bash scripts/test.sh

e2e: ui ## Runs only the browser tests (ARGS="--grep word", PROFILE=release)
	@bash scripts/e2e.sh $(ARGS)

bench: ## Runs a benchmark beside its peer (NAME=append); without a name, lists them
	@bash scripts/bench.sh "$(NAME)"

conformance: ## Checks the running program with public tools (NAME=openapi); without a name, lists them
	@bash scripts/conformance.sh "$(NAME)"

soak: ui ## Runs a minute of a full channel, outages, the long crash test, and browsers on the optimised build
	@bash scripts/soak.sh

fmt: ## Formats Rust and TypeScript
	cargo fmt --all
	cd web/ui && npx prettier --write --log-level warn .

lint: ## Checks formatting, clippy and the licences of dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --offline check bans licenses sources; else echo "cargo-deny is not installed: licences not checked"; fi
