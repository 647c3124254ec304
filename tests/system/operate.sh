# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# operate.sh — part of run.sh: restarts, settings, crashes. `refused` is a connection the port did not take, `cut` one
# that ended without its answer.

restarts() { x "for i in {1..$1}; do systemctl restart publicip-poc || exit; done"; }
restart_under_load() {
	while_asked 4 127.0.0.1:80 restarts 100
	echo "$answered answered, $refused refused, $cut cut off, slowest $slowest_ms ms" >&3
	kept
	[ "$answered" -gt 1000 ]
}
# A balancer also keeps connections open between requests, which end with the process.
restart_behind_balancer() {
	# not through the function: then the process would be a shell that only waits for it
	tests/system/guest.sh net "$vm" haproxy -q -db -f tests/system/haproxy.cfg &
	local balancer=$!
	until_true 3 get -o /dev/null http://127.0.0.1:8000/ || { kill "$balancer"; return 1; }
	while_asked 4 127.0.0.1:8000 restarts 100 || { kill "$balancer"; return 1; }
	kill "$balancer"
	echo "$answered answered, $refused refused, $cut cut off, $other other status, slowest $slowest_ms ms" >&3
	kept
	[ "$answered" -gt 1000 ]
}

stop() {
	local begin=${EPOCHREALTIME/./} ms
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
	expect "$(x 'systemctl is-active publicip-poc.service' || true)" inactive
	page
	expect "$(x 'systemctl is-active publicip-poc.service')" active
}

setting() { x "printf '%s\n' '$1' >>/etc/sysconfig/publicip-poc"; }
change_of_setting() {
	setting PUBLICIP_POC_TRUSTED_HOPS=1
	x 'systemctl restart publicip-poc'
	expect "$(show StatusText)" "Listening on [::]:80; client: X-Forwarded-For entry 1 from the right; 0 requests served"
	expect "$(get -H 'X-Forwarded-For: 8.8.8.8, 192.0.2.1' -H 'Accept: text/plain' http://127.0.0.1/)" 192.0.2.1
	expect "$(x "journalctl -q _PID=$(show MainPID) -o cat -p warning --no-pager")" ""
}
wrong_setting() {
	local line
	setting PUBLICIP_POC_TRUSTED_HOPS=many
	fails x 'systemctl restart publicip-poc'
	line='PUBLICIP_POC_TRUSTED_HOPS: "many" is not a whole number, 1 or greater; leave it unset to use the first entry'
	x 'journalctl -u publicip-poc -o cat -p err -n 4 --no-pager' | grep -F "$line"
	until_true 5 status_says "Status: \"$line\""
}
# Between two starts: at the start itself there is no status yet.
status_says() { x 'systemctl --no-pager status publicip-poc || true' | grep -F "$1"; }
# It is tried again without end, every three seconds; connections wait; the correction needs no restart.
wrong_setting_corrected() {
	local before after
	get -m 30 -o "$tmp/waited" http://127.0.0.1/ &
	before=$(show NRestarts)
	sleep 10
	after=$(show NRestarts)
	echo "$((after - before)) starts in 10 s" >&3
	[ $((after - before)) -ge 1 ]
	[ $((after - before)) -le 4 ]
	expect "$(x 'systemctl is-active publicip-poc.socket')" active
	x "sed -i '/^PUBLICIP_POC_TRUSTED_HOPS=many/d' /etc/sysconfig/publicip-poc"
	wait $!
	grep -q '</html>' "$tmp/waited"
	expect "$(x 'systemctl is-active publicip-poc')" active
}

# Rust's handler lets the first SIGSEGV that comes from outside pass, which a real fault would not.
crash() { x "systemctl kill -s $1 publicip-poc; sleep .01; systemctl kill -s $1 publicip-poc || true"; }
crash_under_load() {
	local before
	before=$(show NRestarts)
	while_asked 4 127.0.0.1:80 crash "$1"
	echo "$answered answered, $refused refused, $cut cut off, slowest $slowest_ms ms" >&3
	[ "$(show NRestarts)" -gt "$before" ]
	expect "$refused" 0
	[ "$slowest_ms" -lt 2000 ] # the aim is a second; a noisy machine gets two
}
# A process that is stopped cannot even be asked to end.
hang() {
	x 'systemctl kill -s STOP publicip-poc'
	fails get -m 1 http://127.0.0.1/
	until_true 15 page
}
switch_off() {
	x 'systemctl disable --now publicip-poc.socket'
	fails get http://127.0.0.1/
	expect "$(x 'systemctl is-enabled publicip-poc.socket publicip-poc.service' || true)" $'disabled\ndisabled'
	expect "$(x 'systemctl is-active publicip-poc.socket publicip-poc.service' || true)" $'inactive\ninactive'
	x 'systemctl enable --now publicip-poc.socket'
	page
}
# systemd's own line says so, and the command of README's table shows who it is.
port_taken() {
	x 'systemctl stop publicip-poc.socket; systemd-run --quiet --unit=taker python3 -m http.server 80'
	until_true 5 get -o /dev/null http://127.0.0.1/
	fails x 'systemctl start publicip-poc.socket'
	# By its field: a process that systemd forks says it, and -u misses that if the journal gets to it too late.
	x 'journalctl UNIT=publicip-poc.socket -o cat -n 5 --no-pager' | grep -F '([::]:80): Address already in use'
	x "$(sed -n 's/^| the port is taken | .\([^|]*\). |.*/\1/p' README.md)" | grep -E ':80 .*"python3"'
	x 'systemctl stop taker; systemctl start publicip-poc.socket'
	page
}
# Only one unit names the other: deb-systemd-helper of Debian 11 and Ubuntu 22.04 recurses without end otherwise.
also() { expect "$(x 'grep -H ^Also= /lib/systemd/system/publicip-poc.*')" /lib/systemd/system/publicip-poc.socket:Also=publicip-poc.service; }
# More often than any start limit of systemd: it comes back each time, and the port is never given up.
crash_loop() {
	x 'for i in {1..40}; do systemctl kill -s KILL publicip-poc; sleep .05; done 2>/dev/null || true'
	until_true 5 page
	expect "$(x 'systemctl is-active publicip-poc.socket publicip-poc.service')" $'active\nactive'
}

step '100 restarts while four clients ask' restart_under_load
step '100 restarts behind a load balancer' restart_behind_balancer
step 'systemctl stop publicip-poc.socket: both, exit 0' stop
step 'systemctl stop publicip-poc: started by the next connection' start_by_connection
step 'a change of a setting' change_of_setting
step 'a wrong setting: one line says it' wrong_setting
step 'a wrong setting: no end, no spinning, corrected' wrong_setting_corrected
step 'kill -KILL: back within a second' crash_under_load KILL
step 'kill -SEGV: back within a second' crash_under_load SEGV
step 'killed 40 times in a row' crash_loop
step 'kill -STOP: the watchdog starts it again' hang
step 'the port is taken: who has it' port_taken
step 'one unit alone names the other in Also=' also
step 'systemctl disable --now publicip-poc.socket: off' switch_off
