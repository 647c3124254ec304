# Every task of the project. `make` alone lists them; each target's help is the text behind its `##`.

CARGO ?= cargo

.DEFAULT_GOAL := help
.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-22s %s\n", $$1, $$2} /^# == /{printf "\n%s\n", substr($$0, 6)}' Makefile

# == Run
.PHONY: run
run: ## Serve the page on http://127.0.0.1:8080/
	$(CARGO) run --release

# == Check
.PHONY: test lint ci
test: ## Run the tests that need nothing but Rust
	$(CARGO) test

lint: ## Format, clippy, rustdoc, shellcheck, dependency audit: warnings are errors
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings

ci: ## Everything that .ci/run runs (installs Debian packages; needs root)
	bash .ci/run

# == Package

# == Deploy

# == Measure
.PHONY: bench bench-instructions
bench: ## One table: this program beside its peers, 6 minutes (QUICK=1: a smoke run)
	@python3 benches/bench.py

bench-instructions: ## Instructions per request; fails when 5 % above the record
	@python3 benches/instructions.py
