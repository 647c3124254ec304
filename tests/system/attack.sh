# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# attack.sh — part of run.sh: what only a peer that bypasses the load balancer can do. It may cost a restart, never a
# refused connection or an answer that takes longer than two seconds to notice and one to come back.

limit() {
	x "mkdir -p /run/systemd/system/publicip-poc.service.d
		printf '[Service]\n%s\n' '$1' >/run/systemd/system/publicip-poc.service.d/limit.conf
		systemctl daemon-reload && systemctl restart publicip-poc"
}
no_limit() { x 'rm -rf /run/systemd/system/publicip-poc.service.d; systemctl daemon-reload; systemctl restart publicip-poc'; }
# attacked LIMIT PEER-ARGUMENTS…
attacked() {
	local restarts
	limit "$1"
	restarts=$(show NRestarts)
	while_asked 2 127.0.0.1:80 net timeout 20 "$peer" "${@:2}" 127.0.0.1:80 || { no_limit; return 1; }
	echo "$answered answered, $refused refused, slowest $slowest_ms ms, $(($(show NRestarts) - restarts)) restarts" >&3
	no_limit
	expect "$refused" 0
	[ "$answered" -gt 100 ]
	[ "$slowest_ms" -lt 3000 ]
	page
}

step 'attack: more connections than 64 descriptors' attacked LimitNOFILE=64 hold 100 1
step 'attack: more connections than 40 threads' attacked LimitNPROC=40 hold 100 1
step 'attack: more connections than the unit admits' attacked '' hold 10500 2
step 'attack: 500 resets before the connection is accepted' attacked '' reset 500
step 'attack: header lines that never end' attacked '' endless 4
step 'attack: pipelining without reading' attacked '' pipeline 8 3
