# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# faults.sh — part of run.sh: wrong settings, crashes, and what else keeps the service from its work; each is named in
# one line, or mended by systemd.

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
# It is tried again without end, once a second; connections wait; the correction needs no restart.
wrong_setting_corrected() {
	local before after
	get -m 30 -o "$tmp/waited" http://127.0.0.1/ &
	before=$(show NRestarts)
	sleep 8
	after=$(show NRestarts)
	echo "$((after - before)) starts in 8 s" >&3
	[ $((after - before)) -ge 2 ]
	[ $((after - before)) -le 9 ]
	x "sed -i '/^PUBLICIP_POC_TRUSTED_HOPS=many/d' /etc/sysconfig/publicip-poc"
	wait $!
	grep -q '</html>' "$tmp/waited"
	expect "$(units)" 'enabled enabled active active'
}

crash_under_load() {
	local before
	before=$(show NRestarts)
	while_asked 4 127.0.0.1:80 x 'systemctl kill -s KILL publicip-poc'
	echo "$answered answered, $refused refused, $cut cut off, slowest $slowest_ms ms" >&3
	[ "$(show NRestarts)" -gt "$before" ]
	expect "$refused" 0
	[ "$slowest_ms" -lt 3000 ] # RestartSec= is a second; a noisy machine gets two more
}
# More often than systemd's default start limit, five in ten seconds: it comes back each time.
crash_loop() {
	x 'for i in {1..8}; do systemctl kill -s KILL publicip-poc; sleep 1.2; done'
	until_true 5 page
	expect "$(units)" 'enabled enabled active active'
}
socket_loop() {
	x 'for i in {1..12}; do systemctl restart publicip-poc.socket || exit; done'
	page
}
# A process that is stopped cannot even be asked to end.
hang() {
	x 'systemctl kill -s STOP publicip-poc'
	fails get -m 1 http://127.0.0.1/
	until_true 15 page
	x 'journalctl -u publicip-poc -o cat -n 20 --no-pager' | grep 'with signal SIGABRT' # which dumps core
	x "grep -E '^Max core file size +unlimited' /proc/$(show MainPID)/limits"
}
# A change of the socket's unit, here to an address that the host will have later, is pending until the socket is
# restarted. What starts before that has no socket, and says so.
no_socket() {
	x "mkdir -p /run/systemd/system/publicip-poc.socket.d
		printf '[Socket]\nListenStream=\nListenStream=192.0.2.1:80\n' >/run/systemd/system/publicip-poc.socket.d/port.conf
		systemctl daemon-reload"
	page
	fails x 'systemctl restart publicip-poc'
	until_true 5 status_says 'Status: "systemd has handed over no socket: systemctl restart publicip-poc.socket"'
	x 'systemctl restart publicip-poc.socket'
	x 'ip address add 192.0.2.1/32 dev lo'
	get http://192.0.2.1/ | grep '</html>'
	x 'rm -r /run/systemd/system/publicip-poc.socket.d; systemctl daemon-reload; systemctl restart publicip-poc.socket'
	page
}
# systemd's words are those of the man page's TROUBLESHOOTING.
port_taken() {
	local words='Failed to receive listening socket'
	x 'systemctl stop publicip-poc.socket; systemd-run --quiet --unit=taker python3 -m http.server 80'
	until_true 5 get -o /dev/null http://127.0.0.1/
	fails x 'systemctl start publicip-poc.socket'
	x 'journalctl -u publicip-poc.socket -o cat -n 5 --no-pager' | grep "$words"
	grep "$words" packaging/publicip-poc.8
	x 'ss -ltnp' | grep -E ':80 .*"python3"'
	x 'systemctl stop taker; systemctl start publicip-poc.socket'
	page
}
# More connections than descriptors: the port stays, and so do the answers.
crowded() {
	local restarts
	x "mkdir -p /run/systemd/system/publicip-poc.service.d
		printf '[Service]\nLimitNOFILE=128\n' >/run/systemd/system/publicip-poc.service.d/limit.conf
		systemctl daemon-reload; systemctl restart publicip-poc"
	restarts=$(show NRestarts)
	while_asked 2 127.0.0.1:80 net "$peer" hold 200 1 127.0.0.1:80
	echo "$answered answered, $refused refused, slowest $slowest_ms ms, $(($(show NRestarts) - restarts)) restarts" >&3
	x 'rm -r /run/systemd/system/publicip-poc.service.d; systemctl daemon-reload; systemctl restart publicip-poc'
	expect "$refused" 0
	[ "$answered" -gt 100 ]
	[ "$slowest_ms" -lt 3000 ]
}

step 'a wrong setting: one line says it' wrong_setting
step 'a wrong setting: no end, no spinning, corrected' wrong_setting_corrected
step 'kill -KILL: nobody is refused' crash_under_load
step 'killed 8 times in a row' crash_loop
step 'the socket restarted 12 times in a row' socket_loop
step 'kill -STOP: the watchdog starts it again' hang
step 'no socket from systemd: one line says it' no_socket
step 'the port is taken: who has it' port_taken
step 'more connections than descriptors' crowded
