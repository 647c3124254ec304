# shellcheck shell=bash
# steps.sh — for the tests written in bash, which source it:
#   step 'what is shown' COMMAND [ARGUMENT…]   runs a function (stopping at its first error) and prints a line with its time
#   summary                                    prints `N passed, N failed` and is the script's exit status
# What a step prints is shown, as a digest, only when it fails, followed by what the function on_failure prints, if there is one.
# A step that wants to show a number prints it on descriptor 3.
passed=0 failed=0

step() {
	local name=$1 begin=$EPOCHREALTIME output status note
	shift
	output=$(mktemp) note=$(mktemp)
	set +e
	# not as the condition of an `if`: there `set -e` would be without effect
	(set -e; "$@") >"$output" 2>&1 3>"$note" </dev/null
	status=$?
	set -e
	local ms=$(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))
	if [ $status = 0 ]; then
		passed=$((passed + 1))
		printf 'ok    %3d.%d s  %s%s\n' $((ms / 1000)) $((ms % 1000 / 100)) "$name" "$(sed 's/^/: /' "$note")"
	else
		failed=$((failed + 1))
		printf 'FAIL  %3d.%d s  %s\n' $((ms / 1000)) $((ms % 1000 / 100)) "$name"
		digest "$output" | cut -c1-120 | sed 's/^/      | /'
		if declare -F on_failure >/dev/null; then on_failure 2>&1 | sed 's/^/      | /'; fi
	fi
	rm -f "$output" "$note"
}

# digest FILE: what failed comes first, for that is not always at the end of a long output.
digest() {
	if [ "$(wc -l <"$1")" -gt 25 ]; then
		{ grep -E -A 5 '^(FAIL|error)|panicked' "$1" || true; } | head -n 15
		echo ...
		tail -n 8 "$1"
	else
		cat "$1"
	fi
}

summary() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}

# expect ACTUAL EXPECTED: says what differs.
expect() { [ "$1" = "$2" ] || { printf 'expected: %s\n     got: %s\n' "$2" "$1"; return 1; }; }

# fails COMMAND…: a bare `! COMMAND` would never stop a step.
fails() { if "$@"; then echo "did not fail: $*" && return 1; fi; }

# until_true SECONDS COMMAND…: tries ten times a second.
until_true() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		[ ${EPOCHREALTIME/./} -lt $end ] || { echo "not within the time: $*"; return 1; }
		sleep .1
	done
}

# apt_install PACKAGE…: quietly. Tests that run side by side wait for each other, since apt-get itself does not always.
apt_install() (
	exec 9</var/lib/dpkg
	flock 9
	export DEBIAN_FRONTEND=noninteractive
	# The tests start the programs themselves; the services would take their ports (invoke-rc.d(8)).
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT
		printf '#!/bin/sh\nexit 101\n' | install -m755 /dev/stdin /usr/sbin/policy-rc.d
	fi
	apt-get -qq -o DPkg::Lock::Timeout=300 update >/dev/null 2>&1 || true
	apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" >/dev/null 2>&1 9>&-
)

# need PROGRAM:PACKAGE…: what the test needs of Debian, installed when this is Debian's root.
need() {
	local pair missing=()
	for pair; do command -v "${pair%:*}" >/dev/null || missing+=("${pair#*:}"); done
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt_install "${missing[@]}" && return 0
	fi
	echo "$0: install these Debian packages first: ${missing[*]}" >&2
	exit 1
}
