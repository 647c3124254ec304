# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# operate.sh — part of run.sh: restarts and settings. `refused` is a connection the port did not take, `cut` one
# that ended without its answer.

times=25
[ -z "${FULL:-}" ] || times=100
restarts() { x "for i in {1..$times}; do systemctl restart publicip-poc || exit; done"; }
restart_under_load() {
	while_asked 4 127.0.0.1:80 restarts
	echo "$answered answered, $refused refused, $cut cut off, slowest $slowest_ms ms" >&3
	kept
	[ "$answered" -gt $((times * 10)) ]
}
# A balancer also keeps connections open between requests, which end with the process.
restart_behind_balancer() {
	# not through the function: then the process would be a shell that only waits for it
	tests/system/guest.sh net "$vm" haproxy -q -db -f tests/system/haproxy.cfg &
	local balancer=$!
	until_true 3 get -o /dev/null http://127.0.0.1:8000/ || { kill "$balancer"; return 1; }
	while_asked 4 127.0.0.1:8000 restarts || { kill "$balancer"; return 1; }
	kill "$balancer"
	echo "$answered answered, $refused refused, $cut cut off, $other other status, slowest $slowest_ms ms" >&3
	kept
	[ "$answered" -gt $((times * 10)) ]
}

stop() {
	local begin ms
	x 'systemctl restart systemd-journald' # it suppresses what comes after 10,000 lines in 30 s, as the steps before have sent
	begin=${EPOCHREALTIME/./}
	x 'systemctl stop publicip-poc.socket'
	ms=$(((${EPOCHREALTIME/./} - begin) / 1000))
	expect "$(show ActiveState) $(show Result) $(show ExecMainCode) $(show ExecMainStatus)" "inactive success 1 0"
	[ $ms -lt 2000 ]
	echo "$ms ms" >&3
	fails get http://127.0.0.1/
	x 'journalctl -u publicip-poc -o cat -n 20' | grep 'stopped by SIGTERM'
	x 'systemctl start publicip-poc'
	page
}
# What `systemctl stop publicip-poc` alone means: the socket starts it again with the next connection.
start_by_connection() {
	x 'systemctl stop publicip-poc.service'
	expect "$(units)" 'enabled enabled active inactive'
	page
	expect "$(units)" 'enabled enabled active active'
}

setting() { x "printf '%s\n' '$1' >>/etc/sysconfig/publicip-poc"; }
change_of_setting() {
	setting PUBLICIP_POC_TRUSTED_HOPS=1
	x 'systemctl restart publicip-poc'
	expect "$(show StatusText)" "Listening on [::]:80; client: X-Forwarded-For entry 1 from the right; 0 requests served"
	expect "$(get -H 'X-Forwarded-For: 8.8.8.8, 192.0.2.1' -H 'Accept: text/plain' http://127.0.0.1/)" 192.0.2.1
	expect "$(x "journalctl -q _PID=$(show MainPID) -o cat -p warning --no-pager")" ""
}

step "$times restarts while four clients ask" restart_under_load
step "$times restarts behind a load balancer" restart_behind_balancer
step 'systemctl stop publicip-poc.socket: both, exit 0' stop
step 'systemctl stop publicip-poc: started by the next connection' start_by_connection
step 'a change of a setting' change_of_setting
