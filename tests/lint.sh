#!/bin/bash
# lint.sh — `make lint`: what is checked without running anything. Warnings are errors.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/steps.sh
. packaging/tool.sh
need shellcheck:shellcheck

CARGO=${CARGO:-cargo}

rustdoc() { RUSTDOCFLAGS='-D warnings' "$CARGO" doc --quiet --no-deps --document-private-items; }

scripts() {
	git ls-files -z | xargs -0 grep -lIE '^#!/(usr/)?bin/(env )?(ba)?sh|^# shellcheck shell=' | xargs shellcheck
}

licences() {
	tool cargo-deny 0.20.2
	"$CARGO" deny --log-level warn check licenses bans sources
}

step 'rustfmt' "$CARGO" fmt --check
step 'clippy' "$CARGO" clippy --quiet --all-targets -- -D warnings
step 'rustdoc' rustdoc
step 'shellcheck' scripts
step 'licences and sources of dependencies' licences
summary
