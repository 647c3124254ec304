# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# hardening.sh — part of run.sh: what the unit forbids is forbidden, seen from the kernel.

# The figure that the README names, no more and no less; the threshold is in tenths.
score() {
	local figure
	figure=$(sed -n 's/.*systemd-analyze security. rates the service \([0-9]\.[0-9]\).*/\1/p' README.md)
	x "systemd-analyze --no-pager security --offline=yes --threshold=${figure#0.} /usr/lib/systemd/system/publicip-poc.service" \
		>"$tmp/score" || { cat "$tmp/score"; return 1; }
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
	for ns in mnt net user ipc uts; do x "[ \$(readlink /proc/$pid/ns/$ns) != \$(readlink /proc/1/ns/$ns) ]"; done
	expect "$(x "tail -n +2 /proc/$pid/net/route")" "" # no way out
	expect "$(x "cat /proc/$pid/oom_score_adj")" 500
	x "chrt -a -p $pid" >"$tmp/policies"
	grep -q SCHED_BATCH "$tmp/policies"
	expect "$(grep -c 'policy: SCHED_OTHER' "$tmp/policies" || true)" 0
	# Environment= arrived: small stacks, and of each on which tiny_http has read requests two pages are in use.
	x "awk '/^Size:/ { size = \$2 } /^Rss:/ && size == 128 { print \$2 }' /proc/$pid/smaps" >"$tmp/stacks"
	[ "$(grep -cx 8 "$tmp/stacks")" -ge 4 ] || { sort "$tmp/stacks" | uniq -c; return 1; }
	# what this machine's own limit leaves of it
	expect "$(x "awk '/^Max open files/ { print (\$4 >= 20000) (\$5 >= 20000) }' /proc/$pid/limits")" 11
}
files() {
	local root
	root=/proc/$(show MainPID)/root
	expect "$(x "cd $root && find usr etc root var opt home -not -type d 2>/dev/null")" usr/bin/publicip-poc
	for directory in . usr usr/bin etc run/publicip-poc; do
		fails x "touch $root/$directory/probe"
	done
	fails x "echo >>$root/usr/bin/publicip-poc"
	x "bash -s $(show MainPID)" <tests/system/mounts.sh
}
bounds() {
	expect "$(show LimitNOFILE) $(show TasksMax) $(show MemoryMax)" "24000 12000 805306368"
	# The controllers that enforce the last two are there if this machine has them on cgroup v2.
	if x 'grep -qw pids /sys/fs/cgroup/system.slice/cgroup.subtree_control'; then
		expect "$(x 'cat /sys/fs/cgroup/system.slice/publicip-poc.service/{pids,memory}.max')" $'12000\n805306368'
		echo "enforced" >&3
	else
		echo "read from the unit alone, this machine has the controllers on cgroup v1" >&3
	fi
}
probes() { x 'bash /dev/stdin' <tests/system/probes.sh; }

step "systemd-analyze security: README's figure" score
step 'the running process: no capability, own namespaces, no route' process
step 'the running process: sees its binary alone, and can write nowhere' files
step 'the running process: bounds' bounds
step 'each hardening directive is refused with it, works without it' probes
