# Every task of the project. `make` alone lists them; each target's help is the text behind its `##`.

SHELL := /bin/bash
CARGO ?= cargo
# The original program, for test-original.
ORIGINAL ?= ../shared/poc/server.py
need = . tests/steps.sh; need

.DEFAULT_GOAL := help
.PHONY: help
help: ## What `make` can do: this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-20s %s\n", $$1, $$2} /^# == /{printf "\n%s\n", substr($$0, 6)}' Makefile

# == Run
.PHONY: run
run: ## Serve the page on http://127.0.0.1:8080/
	$(CARGO) run --release -- --listen 127.0.0.1:8080

# == Check
.PHONY: test lint test-original test-lb test-browser test-hostile ci
test: ## Run the tests that need nothing but Rust
	$(CARGO) test

lint: ## Format, lints, docs, scripts, workflows, licences: no warning
	@tests/lint.sh

test-original: ## 500 pages beside the original's: ORIGINAL=…/server.py
	@$(need) python3:python3
	ORIGINAL=$(ORIGINAL) $(CARGO) test --test differential -- --nocapture

test-lb: ## Through real load balancers (HAProxy, nginx)
	@$(need) haproxy:haproxy nginx:nginx-light curl:curl
	$(CARGO) test --test load_balancer

test-browser: ## The page as a person sees it, in headless Chromium
	@$(need) haproxy:haproxy chromium:chromium chromedriver:chromium-driver
	$(CARGO) test --test browser

test-hostile: ## What strangers send, with and without a load balancer
	@$(need) haproxy:haproxy slowhttptest:slowhttptest
	$(CARGO) test --release --test hostile

ci: ## All of it, as .ci/run does: installs packages, needs root
	bash .ci/run

# == Package
.PHONY: rpm deb build install release-files test-packages test-system test-aarch64
rpm: ## Build target/package/*.rpm [ARCH=arm64] [SIGNING_KEY=]
	packaging/build.sh rpm

deb: ## Build target/package/*.deb [ARCH=arm64]
	packaging/build.sh deb

PREFIX ?= /usr
UNITDIR ?= $(PREFIX)/lib/systemd/system
# The one in the packages: whoever has built those needs no cargo to install it.
binary := target/$(or $(ARCH:arm64=aarch64),$(shell uname -m))-unknown-linux-gnu/release/publicip-poc
$(binary): Cargo.toml Cargo.lock $(wildcard src/*.rs src/*/*.rs src/*/*/*.rs)
	packaging/build.sh binary

build: $(binary) ## Build the static binary alone, for `make install`

install: $(binary) ## Install it, as root: [DESTDIR=] [PREFIX=/usr] [UNITDIR=]
	install -Dpm755 $(binary) -t $(DESTDIR)$(PREFIX)/bin
	install -Dpm644 systemd/publicip-poc.socket systemd/publicip-poc.service -t $(DESTDIR)$(UNITDIR)
	sed -i 's,/usr/bin/,$(PREFIX)/bin/,' $(DESTDIR)$(UNITDIR)/publicip-poc.service
	install -Dpm644 packaging/publicip-poc.8 -t $(DESTDIR)$(PREFIX)/share/man/man8
	[ -e $(DESTDIR)/etc/default/publicip-poc ] || \
		install -Dpm644 packaging/publicip-poc.conf $(DESTDIR)/etc/default/publicip-poc

release-files: ## SHA256SUMS and notes for the packages of a release
	packaging/release.sh

test-packages: ## The packages as built: contents, lints, reproducibility
	tests/packages/run.sh

test-system: ## The packages installed, in a systemd guest (root)
	tests/system/run.sh

test-aarch64: ## The Graviton packages, built in a chroot and run (root)
	tests/aarch64/run.sh

# == Deploy
.PHONY: deploy verify events destroy
deploy: ## Bring up the stack: BUCKET= [REGION= STACK= ARCH= …]
	@cloudformation/deploy.sh

verify: ## Check that the page shows our address, whatever is forged
	@cloudformation/verify.sh

events: ## Show why the stack failed
	@cloudformation/events.sh

destroy: ## Delete the stack and the packages uploaded for it
	@cloudformation/destroy.sh

.PHONY: test-cloudformation
test-cloudformation: ## The template, moto, and the user-data in a guest (root)
	@tests/cloudformation/run.sh

# == Measure
.PHONY: bench bench-instructions
bench: ## This program beside its peers, 11 minutes [QUICK=1]
	@python3 benches/bench.py

bench-instructions: ## Instructions per request; fails 5 % above the record
	@python3 benches/instructions.py
