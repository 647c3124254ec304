#!/bin/bash
# run.sh — `make test-cloudformation`: everything about the stack that can be tried without an
# AWS account. lint.sh reads the template; deploy.sh runs `make deploy` against moto, a server
# that speaks AWS's APIs; instance.sh runs the user-data of that deployment in a guest with
# systemd, which fetches from moto's S3 and answers behind HAProxy. This file prepares the tools
# and the network, and counts.
#
# The network is a namespace and the guest's own, joined by a cable; nothing of it is outside:
#   203.0.113.7   a client            198.51.100.1   the load balancer, as the internet sees it
#   10.0.1.10     the load balancer, as the instance sees it      10.0.3.10   the instance
#   10.0.9.9      somebody else in the VPC    10.0.0.5   S3 (moto) and the wait condition's URL
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/cloudformation work=$PWD/target/cloudformation net=publicip-poc-$$
# shellcheck disable=SC2034 # signal_url is for deploy.sh
signal_path='/wait%2Fcondition?Expires=1&Signature=a%2Bb%3D' signal_url=http://10.0.0.5:8099$signal_path
export PATH=$work/venv/bin:$PATH

[ "$(id -u)" = 0 ] || { echo "test-cloudformation: must run as root (network namespaces, systemd-nspawn)" >&2; exit 1; }
missing=()
for tool in shellcheck:shellcheck haproxy:haproxy ip:iproute2 curl:curl rpm:rpm; do
	command -v "${tool%:*}" >/dev/null || missing+=("${tool#*:}")
done
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
	{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
		-o DPkg::Lock::Timeout=300 "${missing[@]}"; } >/dev/null 2>&1 ||
		{ echo "test-cloudformation: install these Debian packages first: ${missing[*]}" >&2; exit 1; }
fi

passed=0 failed=0
# step TEXT COMMAND…: one line for it; what it printed is shown when it fails.
step() {
	local text=$1 start=${EPOCHREALTIME/./} status
	shift
	set +e
	(set -e; "$@") >"$work/step.log" 2>&1
	status=$?
	set -e
	printf '%-4s  %-62s %5d.%d s\n' "$([ $status = 0 ] && echo ok || echo FAIL)" "$text" \
		$(((${EPOCHREALTIME/./} - start) / 1000000)) $(((${EPOCHREALTIME/./} - start) / 100000 % 10))
	if [ $status = 0 ]; then passed=$((passed + 1)); else
		failed=$((failed + 1))
		tail -n 30 "$work/step.log" | awk '{ print "      " $0 }'
	fi
}
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
trap cleanup EXIT
trap 'exit 130' INT TERM

tools() {
	local stamp
	stamp=$(cat $here/requirements.txt $here/constraints.txt | sha256sum)
	[ "$(cat "$work/venv/stamp" 2>/dev/null)" != "$stamp" ] || return 0
	rm -rf "$work/venv"
	python3 -m venv "$work/venv"
	pip install --quiet --disable-pip-version-check -r $here/requirements.txt -c $here/constraints.txt
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
tests/system/guest.sh down cloud 2>/dev/null || true # of a run that was killed
step 'the tools are installed (target/cloudformation/venv)' tools
# shellcheck source=/dev/null
. $here/lint.sh
step 'a network of its own' network
step 'moto, HAProxy and the receiver of signals run in it' servers
# shellcheck source=/dev/null
. $here/deploy.sh
# shellcheck source=/dev/null
. $here/instance.sh

echo "$passed passed, $failed failed"
[ $failed = 0 ]
