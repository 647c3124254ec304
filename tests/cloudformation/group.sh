# shellcheck shell=bash disable=SC2034,SC2154 # its variables are run.sh's and instance.sh's
# The group: two instances behind one load balancer, under load; part of run.sh. HAProxy sends to a zone what its health
# checks let it, each request once. What the group does to its targets, `target` does here.

# target ZONE COMMAND: changes its state in the load balancer.
target() {
	python3 -c 'import socket, sys
balancer = socket.socket(socket.AF_UNIX)
balancer.connect(sys.argv[1])
balancer.sendall(f"set server instances/{sys.argv[2]}\n".encode())
answer = balancer.recv(1000).decode().strip()
sys.exit(answer or 0)' "$work/haproxy.sock" "$1 $2"
}
healthy() { # ZONE
	inside python3 -c 'import socket, sys
balancer = socket.socket(socket.AF_UNIX)
balancer.connect(sys.argv[1])
balancer.sendall(b"show stat\n")
lines = balancer.makefile().read().splitlines()
sys.exit(not any(line.startswith(f"instances,{sys.argv[2]},") and ",UP" in line for line in lines))' "$work/haproxy.sock" "$1"
}
until_healthy() { for _ in $(seq 100); do if healthy "$1"; then return; fi; sleep .1; done; echo "$1 is not healthy"; return 1; }
until_unhealthy() { for _ in $(seq 100); do if ! healthy "$1"; then return; fi; sleep .1; done; echo "$1 is healthy still"; return 1; }
# register ZONE: as a new target, which has to prove itself before it gets anything.
register() {
	target "$1" 'health down'
	target "$1" 'state ready'
	until_healthy "$1"
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
	inside aws s3 cp --only-show-errors "$work/first.rpm" "s3://packages/$(object first)"
	inside aws s3 cp --only-show-errors "$work/second.rpm" "s3://packages/$(object second)"
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
	until_unhealthy zone1
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
