#!/bin/bash
# run.sh — `make test-cloudformation`: everything about the stack that can be tried without an
# AWS account. lint.sh reads the template; deploy.sh runs `make deploy` against moto, a server
# that speaks AWS's APIs; instance.sh runs the user-data of that deployment in a guest with
# systemd, which fetches from moto's S3 and answers behind HAProxy. This file prepares the tools
# and the network; `run.sh prepare` does no more than the tools.
#
# The network is a namespace and the guest's own, joined by a cable; nothing of it is outside:
#   203.0.113.7   a client            198.51.100.1   the load balancer, as the internet sees it
#   10.0.1.10     the load balancer, as the instance sees it      10.0.3.10   the instance
#   10.0.9.9      somebody else in the VPC    10.0.0.5   S3 (moto) and the wait condition's URL
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/cloudformation work=$PWD/target/cloudformation net=publicip-poc-$$
signal_path='/wait%2Fcondition?Expires=1&Signature=a%2Bb%3D' signal_url=http://10.0.0.5:8099$signal_path
export PATH=$work/venv/bin:$PATH

[ "$(id -u)" = 0 ] || { echo "make test-cloudformation: must run as root (network namespaces, systemd-nspawn)" >&2; exit 1; }
. tests/steps.sh
need python3:python3 shellcheck:shellcheck haproxy:haproxy ip:iproute2 curl:curl rpm:rpm
python3 -c 'import ensurepip, venv' 2>/dev/null || need ensurepip:python3-venv

# says FILE TEXT…: each of them is in it.
says() {
	local text
	for text in "${@:2}"; do
		grep -qF -- "$text" "$1" || { echo "missing: $text"; echo "in:"; cat "$1"; return 1; }
	done
}
inside() { ip netns exec "$net" "$@"; }

cleanup() {
	ip netns pids "$net" 2>/dev/null | xargs -r kill
	tests/system/guest.sh down cloud 2>/dev/null || true
	ip netns delete "$net" 2>/dev/null || true
}

tools() {
	local stamp
	stamp=$({ pwd; cat $here/requirements.txt $here/constraints.txt; } | sha256sum) # its programs name its place
	[ "$(cat "$work/venv/stamp" 2>/dev/null)" != "$stamp" ] || return 0
	rm -rf "$work/venv"
	hash -r # the shell may remember the python3 that was just deleted
	python3 -m venv "$work/venv"
	"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile \
		-r $here/requirements.txt -c $here/constraints.txt
	echo "$stamp" >"$work/venv/stamp"
}
network() {
	ip netns add "$net"
	inside ip link set lo up
	inside ip address add 198.51.100.1/32 dev lo
	inside ip address add 203.0.113.7/32 dev lo
	# what asks the load balancer comes from the client's address
	inside ip route replace local 198.51.100.1 dev lo table local src 203.0.113.7
	inside ip address add 169.254.169.254/32 dev lo
	inside ip address add 10.0.0.5/32 dev lo
}
servers() {
	inside moto_server -H 0.0.0.0 -p 5566 >"$work/moto.log" 2>&1 &
	inside haproxy -q -db -f $here/haproxy.cfg >"$work/haproxy.log" 2>&1 &
	inside python3 $here/signals.py 10.0.0.5 8099 "$signal_path" "$work/signals" 2>"$work/signals.log" &
	inside curl -sS --fail --retry 40 --retry-delay 1 --retry-all-errors -o /dev/null http://127.0.0.1:5566/moto-api/
}

mkdir -p "$work"
if [ "${1:-}" = prepare ]; then tools; exit; fi
trap cleanup EXIT
trap 'exit 130' INT TERM
tests/system/guest.sh down cloud 2>/dev/null || true # of a run that was killed
step 'the tools are installed (target/cloudformation/venv)' tools
[ "$failed" = 0 ] || { summary; exit 1; }
. tests/cloudformation/lint.sh
step 'a network of its own' network
step 'moto, HAProxy and the receiver of signals run in it' servers
. tests/cloudformation/deploy.sh
. tests/cloudformation/instance.sh

summary
