#!/bin/bash
# run.sh — `make test-system`: the packages, installed and operated in throw-away guests (see guest.sh).
# The steps are in the files sourced below, in the order in which an operator meets them. `run.sh -k` keeps the guest.
# FULL=1 restarts the service 100 times instead of 25.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(id -u)" = 0 ] || { echo "make test-system: must run as root (the guest is a systemd-nspawn container)" >&2; exit 1; }
. tests/steps.sh
need createrepo_c:createrepo-c curl:curl gpg:gnupg haproxy:haproxy rpm:rpm systemd-nspawn:systemd-container mmdebstrap:mmdebstrap rpmbuild:rpm
target=$(uname -m)-unknown-linux-gnu
version=$(packaging/version.sh)
peer=target/release/examples/peer
vm=system
share=target/guest/run/$vm/share
tmp=$(mktemp -d)
clean() {
	[ "${keep:-}" = -k ] || tests/system/guest.sh down "$vm"
	rm -rf "$tmp"
}
trap clean EXIT
keep=${1:-}

x() { tests/system/guest.sh x "$vm" "$1"; }
net() { tests/system/guest.sh net "$vm" "$@"; }
get() { net curl -sS -m 5 "$@"; }
# Both units: enabled or not, active or not
units() {
	local names='publicip-poc.socket publicip-poc.service'
	x "systemctl is-enabled $names; systemctl is-active $names" | xargs
}
show() { x "systemctl show -P $1 publicip-poc"; }
on_failure() { x 'journalctl --no-pager -b -o short-monotonic -u "publicip-poc.*" | grep -v " method=" | tail -n 15'; }

answered=0 refused=0 cut=0 other=0 slowest_ms=0
# while_asked CLIENTS ADDRESS COMMAND…: runs the command while clients open new connections all the time, for a second
# longer than it takes; leaves what they counted in the variables answered, refused, cut, other, slowest_ms.
while_asked() {
	local clients=$1 address=$2
	shift 2
	rm -f "$tmp/until"
	net "$peer" ask "$clients" "$tmp/until" "$address" >"$tmp/tally" &
	sleep .3
	"$@" || { touch "$tmp/until"; return 1; }
	sleep 1
	touch "$tmp/until"
	wait $!
	cat "$tmp/tally"
	# shellcheck source=/dev/null
	. "$tmp/tally"
}

# kept: nobody was refused, and nobody cut off.
kept() {
	expect "$refused refused, $cut cut off, $other other status" "0 refused, 0 cut off, 0 other status"
}

. tests/system/install.sh
. tests/system/operate.sh
. tests/system/faults.sh
. tests/system/hardening.sh
. tests/system/lifecycle.sh
. tests/system/repository.sh
. tests/system/readme.sh
. tests/system/debian.sh
summary
