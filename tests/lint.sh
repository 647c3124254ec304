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

# Only src/server names tiny_http's Server and Request; plain data may name Method, Header and HTTPVersion. Rooms import
# downwards only.
rooms() {
	local wrong
	wrong=$(
		grep -rnE 'tiny_http::' src --include='*.rs' --exclude-dir=server | grep -vE 'tiny_http::(\{?(Header|Method)(, (Header|Method))*\}?);' || true
		grep -rnE 'crate::(server|host|service|supervision|options)\b' src/answer || true
		grep -rnE 'crate::(host|service|supervision|options)\b' src/server || true
		grep -rnE 'crate::(server|service|supervision|options)\b' src/host || true
		grep -rnE 'crate::(supervision|host|options)\b' src/service.rs || true
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
step 'rooms import in one direction' rooms
step 'licences and sources of dependencies' licences
step 'workflows: jactionlint, zizmor' workflows
summary
