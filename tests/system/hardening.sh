# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# hardening.sh — part of run.sh: what the unit forbids is forbidden, seen from the kernel.

# The figure that the README names, no more and no less
score() {
	local figure
	figure=$(sed -n 's/.*systemd-analyze security. rates the service \([0-9]\.[0-9]\).*/\1/p' README.md)
	x 'systemd-analyze --no-pager security --offline=yes /usr/lib/systemd/system/publicip-poc.service' >"$tmp/score"
	expect "$(tail -n 1 "$tmp/score" | grep -oE '[0-9]+\.[0-9]+')" "$figure"
	echo "$figure" >&3
}

process() {
	local pid text
	pid=$(show MainPID)
	text=$(x "cat /proc/$pid/status")
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do grep -qE "^$set:\s+0+$" <<<"$text"; done
	grep -qE '^NoNewPrivs:\s+1$' <<<"$text"
	[ "$(awk '/^Uid:/ { print $2 }' <<<"$text")" -ge 61184 ] # of the range for dynamic users
	for ns in mnt net ipc; do x "[ \$(readlink /proc/$pid/ns/$ns) != \$(readlink /proc/1/ns/$ns) ]"; done
	expect "$(x "tail -n +2 /proc/$pid/net/route")" "" # no way out
	expect "$(x "cat /proc/$pid/oom_score_adj")" 500
	x "chrt -a -p $pid" >"$tmp/policies"
	grep -q SCHED_BATCH "$tmp/policies"
	expect "$(grep -c 'policy: SCHED_OTHER' "$tmp/policies" || true)" 0
	# what this machine's own limit leaves of it
	expect "$(x "awk '/^Max open files/ { print (\$4 >= 20000) (\$5 >= 20000) }' /proc/$pid/limits")" 11
}
files() {
	local root
	root=/proc/$(show MainPID)/root
	expect "$(x "cd $root && find usr etc root var opt home -not -type d 2>/dev/null")" usr/bin/publicip-poc
	expect "$(x "ls -d $root/tmp $root/var/tmp /tmp/*publicip-poc* /var/tmp/*publicip-poc* 2>/dev/null" || true)" ""
}
bounds() {
	expect "$(show LimitNOFILE) $(show TasksMax) $(show MemoryMax)" "60064 64 402653184"
	# The controllers that enforce the last two are there if this machine has them on cgroup v2.
	if x 'grep -qw pids /sys/fs/cgroup/system.slice/cgroup.subtree_control'; then
		expect "$(x 'cat /sys/fs/cgroup/system.slice/publicip-poc.service/{pids,memory}.max')" $'64\n402653184'
		echo "enforced" >&3
	else
		echo "read from the unit alone, this machine has the controllers on cgroup v1" >&3
	fi
}
# What an attacker inside the process could try: a bare unit allows each, and ours none.
attempts() {
	cp tests/system/attempts.sh "$share/"
	x 'systemd-run --quiet --wait --pipe --collect bash /mnt/share/attempts.sh' |
		sed -n 's/ succeeds$//p' | uniq >"$tmp/allowed"
	sed -n 's/^\t*attempt \([a-z-]*\) .*/\1/p' tests/system/attempts.sh | diff - "$tmp/allowed"
	x "mkdir -p /run/systemd/system/publicip-poc.service.d
		printf '[Service]\n%s\n' Type=oneshot Restart=no 'BindReadOnlyPaths=/usr /lib /lib64 /mnt/share' \
			ExecStart= 'ExecStart=/usr/bin/bash /mnt/share/attempts.sh' \
			>/run/systemd/system/publicip-poc.service.d/attempts.conf
		systemctl daemon-reload; systemctl restart publicip-poc"
	x "journalctl -q -o cat --no-pager _SYSTEMD_INVOCATION_ID=$(show InvocationID)" >"$tmp/refused"
	x 'rm -r /run/systemd/system/publicip-poc.service.d; systemctl daemon-reload; systemctl restart publicip-poc'
	expect "$(cat "$tmp/refused")" 'all attempts made'
}

step "systemd-analyze security: README's figure" score
step 'the running process: no capability, own namespaces, no route' process
step 'the running process: sees its binary alone' files
step 'the running process: bounds' bounds
step 'what the unit forbids is refused in it, and works in a bare one' attempts
