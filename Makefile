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
.PHONY: deploy verify events destroy
deploy: ## Bring up or update the stack: BUCKET=… [REGION= STACK= ARCH= INSTANCE_TYPE=]
	@cloudformation/deploy.sh

verify: ## Compare the page with this machine's own address, forged headers included
	@cloudformation/verify.sh

events: ## Show why the stack failed
	@cloudformation/events.sh

destroy: ## Delete the stack and the packages uploaded for it
	@cloudformation/destroy.sh

.PHONY: test-cloudformation
test-cloudformation: ## Lint the template, deploy it to moto, run its user-data in a guest (root)
	@tests/cloudformation/run.sh

# == Measure
