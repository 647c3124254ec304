#!/bin/bash
# run.sh — `make test-cloudformation`: everything about the stack that can be tried without an
# AWS account. lint.sh reads the template and what has to agree with it; refusals.sh and canned.sh
# try what the scripts say; deploy.sh runs them against moto, a server that speaks AWS's APIs;
# instance.sh runs the user-data of that deployment in a guest with systemd, which fetches from moto's
# S3 and answers behind HAProxy; group.sh has two of them behind it. This file prepares the tools and
# the network; `run.sh prepare` does no more than the tools.
#
# The network is a namespace and the guests' own, joined by a bridge; nothing of it is outside:
#   203.0.113.7, 2001:db8::7    a client
#   198.51.100.1, 2001:db8::1   the load balancer, as the internet sees it
#   10.0.1.10, 10.0.2.10        the load balancer, as the instances see it
#   10.0.3.10, 10.0.4.10        the instances        10.0.9.9   somebody else in the VPC
#   10.0.0.5                    S3 (moto) and the wait condition's URL
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/cloudformation work=$PWD/target/cloudformation net=publicip-poc-$$
signal_path='/wait%2Fcondition?Expires=1&Signature=a%2Bb%3D' signal_url=http://10.0.0.5:8099$signal_path
export PATH=$work/venv/bin:$PATH
unset PYTHONDONTWRITEBYTECODE # else the AWS CLI, which is called some 200 times, is compiled each time

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

guests_down() { for name in zone1 zone2; do tests/system/guest.sh down $name 2>/dev/null || true; done; }
cleanup() {
	ip netns pids "$net" 2>/dev/null | xargs -r kill
	guests_down
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
	for address in 198.51.100.1 203.0.113.7 169.254.169.254 10.0.0.5; do inside ip address add $address/32 dev lo; done
	for address in 2001:db8::1 2001:db8::7; do inside ip address add $address/128 dev lo nodad; done
	# what asks the load balancer comes from the client's address
	inside ip route replace local 198.51.100.1 dev lo table local src 203.0.113.7
	inside ip -6 route delete local 2001:db8::1 dev lo table local
	inside ip -6 route add local 2001:db8::1 dev lo table local src 2001:db8::7
	inside ip link add zones type bridge
	inside ip link set zones up
	for address in 10.0.1.10 10.0.2.10 10.0.9.9; do inside ip address add $address/16 dev zones; done
}
servers() {
	inside moto_server -H 0.0.0.0 -p 5566 >"$work/moto.log" 2>&1 &
	mkdir -p "$work/curl"
	echo 'resolve = balancer:80:198.51.100.1,[2001:db8::1]' >"$work/curl/.curlrc" # its DNS name, for CURL_HOME=
	STATS=$work/haproxy.sock inside haproxy -q -db -f $here/haproxy.cfg >"$work/haproxy.log" 2>&1 &
	inside python3 $here/signals.py 10.0.0.5 8099 "$signal_path" "$work/signals" 2>"$work/signals.log" &
	inside curl -sS --fail --retry 40 --retry-delay 1 --retry-all-errors -o /dev/null http://127.0.0.1:5566/moto-api/
}

# The AWS CLI's world is moto, and nothing of this machine's own.
export AWS_ENDPOINT_URL=http://127.0.0.1:5566 AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none
export AWS_DEFAULT_REGION=us-east-1 AWS_CONFIG_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_REGION AWS_SESSION_TOKEN STACK BUCKET REGION ARCH PACKAGE URL MAKEFLAGS

mkdir -p "$work"
if [ "${1:-}" = prepare ]; then tools; exit; fi
trap cleanup EXIT
trap 'exit 130' INT TERM
guests_down # of a run that was killed
step 'the tools are installed (target/cloudformation/venv)' tools
[ "$failed" = 0 ] || { summary; exit 1; }
. tests/cloudformation/lint.sh
step 'a network of its own' network
step 'moto, HAProxy and the receiver of signals run in it' servers
step 'a bucket' inside aws s3 mb s3://packages
. tests/cloudformation/refusals.sh
. tests/cloudformation/canned.sh
. tests/cloudformation/deploy.sh
. tests/cloudformation/instance.sh
. tests/cloudformation/group.sh

summary
