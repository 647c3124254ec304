#!/bin/bash
# lint.sh — `make lint`: what is checked without running anything. Warnings are errors.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/steps.sh
. packaging/tool.sh
need shellcheck:shellcheck python3:python3 pip3:python3-pip

CARGO=${CARGO:-cargo}

rustdoc() { RUSTDOCFLAGS='-D warnings' "$CARGO" doc --quiet --no-deps --document-private-items; }

# --all-targets leaves out the tests with `test = false` (Cargo.toml), even those that are named beside it.
clippy() {
	"$CARGO" clippy --quiet --all-targets -- -D warnings
	"$CARGO" clippy --quiet --test browser --test differential --test hostile --test load_balancer -- -D warnings
}

scripts() {
	git ls-files -z | xargs -0 grep -lIE '^#!/(usr/)?bin/(env )?(ba)?sh|^# shellcheck shell=' | xargs shellcheck
}

# tiny_http stays in one file, and modules import downwards only.
imports() {
	local wrong
	wrong=$(
		grep -rn 'tiny_http::' src | grep -v '^src/service.rs:' || true
		grep -rnE 'crate::(gateway|host|options|service)\b' src/answer || true
		grep -rnE 'crate::(host|options|service)\b' src/gateway | grep -v '^src/gateway/tests.rs:' || true
		grep -rnE 'crate::(gateway|options|service)\b' src/host || true
		grep -nE 'crate::(host|options)\b' src/service.rs || true
	)
	[ -z "$wrong" ] || { echo "$wrong"; return 1; }
}

licences() {
	tool cargo-deny 0.20.2
	"$CARGO" deny --log-level warn check licenses bans sources
}

# wheel NAME VERSION: a program that PyPI has as a binary, under target/tools.
wheel() {
	[ -e "target/tools/$1-$2" ] || python3 -m pip install --quiet --disable-pip-version-check --no-deps \
		--target "target/tools/$1-$2" "$1==$2"
}
# jactionlint is a maintained fork of actionlint, which is not on PyPI with its binary.
workflows() {
	wheel jactionlint 2.3.0
	wheel zizmor 1.32.0
	grep -ohP 'run: make \K.*' .github/workflows/*.yml | xargs make --dry-run >/dev/null # each target exists
	PYTHONPATH=target/tools/jactionlint-2.3.0 python3 -m jactionlint
	target/tools/zizmor-1.32.0/bin/zizmor --offline --quiet .github
}

step 'rustfmt' "$CARGO" fmt --check
step 'clippy' clippy
step 'rustdoc' rustdoc
step 'shellcheck' scripts
step 'imports go one way' imports
step 'licences and sources of dependencies' licences
step 'workflows: jactionlint, zizmor' workflows
summary
