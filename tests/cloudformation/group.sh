# shellcheck shell=bash disable=SC2034,SC2154 # its variables are run.sh's and instance.sh's
# The group: two instances behind one load balancer, under load; part of run.sh. HAProxy sends to a zone what its health
# checks let it, each request once. What the group does to its targets, `target` does here.

# balancer COMMAND: an order to HAProxy, and its answer.
balancer() {
	python3 -c 'import socket, sys
haproxy = socket.socket(socket.AF_UNIX)
haproxy.connect(sys.argv[1])
haproxy.sendall(sys.argv[2].encode() + b"\n")
print(haproxy.makefile().read().strip())' "$work/haproxy.sock" "$1"
}
# target ZONE COMMAND: changes its state in the load balancer.
target() { expect "$(balancer "set server instances/$1 $2")" ''; }
healthy() { balancer 'show stat' | grep "^instances,$1,.*,UP" >/dev/null; } # ZONE
unhealthy() { ! healthy "$1"; }
# register ZONE: as a new target, which has to prove itself before it gets anything.
register() {
	target "$1" 'health down'
	target "$1" 'state ready'
	until_true 10 healthy "$1"
}

# ask: four clients, from now on. told WHEN: shows what they counted until now, and leaves the count of failures in
# `failures`.
ask() {
	rm -f "$work/until"
	inside "$peer" ask 4 "$work/until" 198.51.100.1:82 >"$work/tally" &
}
told() {
	local answered refused cut other slowest_ms
	touch "$work/until"
	wait
	# shellcheck source=/dev/null
	. "$work/tally"
	[ "$answered" -gt 100 ]
	failures=$((refused + cut + other))
	echo "$1, $answered answered, $failures failed, slowest $slowest_ms ms" >&3
}

# An update as AWS runs it: a second group beside the first, which goes once every instance of the second has signalled.
update() {
	upload first
	upload second
	fresh first 'SUCCESS: publicip-poc serves'
	register zone1
	SECONDS=0
	ask
	vm=zone2 vm_address=10.0.4.10
	fresh second 'SUCCESS: publicip-poc serves'
	register zone2
	sleep 1
	target zone1 'state drain'
	sleep 1
	told "in $SECONDS s"
	expect "$failures failed" '0 failed'
	expect "$(guest x "rpm -q --qf '%{VERSION}' publicip-poc")" 99.0.0
}
# Out of the blue: its cable is pulled, so that not even a refusal comes back.
death() {
	register zone1
	ask
	sleep 1
	inside ip link set zone1 down
	until_true 10 unhealthy zone1
	told before
	[ "$failures" -gt 0 ] # else it got no request
	ask
	sleep 3
	told after
	expect "$failures failed" '0 failed'
}

peer=target/release/examples/peer
step 'a client that counts' cargo build --quiet --release --locked --example peer
step 'an update: the second instance takes over, and nobody notices' update
step 'an instance dies: after the health check nobody notices' death
