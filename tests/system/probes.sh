#!/bin/bash
# probes.sh — run in the guest by hardening.sh. Shows of a hardening directive of the installed unit that it takes
# effect: what the probe tries works in a bare unit, and is refused in one with this directive and no other.
# shellcheck disable=SC2016 # the probes expand there, not here
unit=/usr/lib/systemd/system/publicip-poc.service
failed=0 shown=()

# Prints `began` once the probe runs: a directive that systemd does not know is not taken for a refusal.
run() { systemd-run --quiet --wait --pipe --collect --service-type=exec "$@" bash /run/probe.sh 2>/dev/null; }

# probe DIRECTIVE COMMANDS [OPTION OF SYSTEMD-RUN]
probe() {
	local directive=$1 options=() line
	while read -r line; do options+=(--property="$line"); done < <(grep "^$directive=" $unit)
	shown+=("$directive")
	local output
	printf 'echo began\n%s\n' "$2" >/run/probe.sh
	if [ ${#options[@]} = 0 ]; then
		echo "$directive= is not in the unit" && failed=1
	elif ! run ${3:+"$3"} >/dev/null; then
		echo "$directive=: the probe fails even without it" && failed=1
	elif output=$(run ${3:+"$3"} "${options[@]}"); then
		echo "$directive= is without effect" && failed=1
	elif [[ $output != began* ]]; then
		echo "$directive=: the probe does not run with it" && failed=1
	fi
}
python() { printf 'exec python3 -c "%s"' "import ctypes as c, mmap, sys; l = c.CDLL(None, use_errno=True); $1"; }

touch /tmp/probe /dev/probe /root/probe
mkdir -p /usr/lib/modules/probe
mknod /dev/probe-kmsg c 1 11

# Who it is
probe DynamicUser '[ "$(id -u)" = 0 ]'
probe PrivateUsers 'grep -q 4294967295 /proc/self/uid_map'
probe CapabilityBoundingSet 'chroot / true'
probe NoNewPrivileges 'grep -q NoNewPrivs:.0 /proc/self/status'
probe RestrictSUIDSGID 'touch /run/suid && chmod u+s /run/suid'
probe UMask '[ "$(umask)" != 0777 ]'
# The network
for directive in PrivateNetwork IPAddressDeny RestrictAddressFamilies; do
	probe $directive 'curl -sf -m 2 http://127.0.0.1/'
done
# Files
probe ProtectSystem 'touch /usr/probe'
probe ProtectHome 'ls /root/probe'
probe PrivateTmp 'ls /tmp/probe'
probe PrivateMounts '[ "$(readlink /proc/self/ns/mnt)" = "$(readlink /proc/1/ns/mnt)" ]'
probe PrivateDevices 'ls /dev/probe'
probe DevicePolicy ': </dev/probe-kmsg'
# Other processes
probe ProtectProc 'ls /proc/1' --property=User=nobody
probe ProcSubset 'ls /proc/meminfo'
probe PrivateIPC '[ "$(readlink /proc/self/ns/ipc)" = "$(readlink /proc/1/ns/ipc)" ]'
# The machine
probe ProtectKernelTunables 'echo 64 >/proc/sys/net/ipv4/ip_default_ttl'
probe ProtectKernelModules 'ls /usr/lib/modules/probe'
probe ProtectKernelLogs 'dmesg'
probe ProtectControlGroups 'mkdir /sys/fs/cgroup/probe && rmdir /sys/fs/cgroup/probe'
# clock_settime() with no time: a bad address (14) if it is permitted
probe ProtectClock "$(python 'l.syscall(227, 0, None); sys.exit(c.get_errno() != 14)')"
probe ProtectHostname 'hostname guest'
# The kernel's surface
probe SystemCallFilter "$(python 'l.mount(None, None, None, 0, None); sys.exit(c.get_errno() != 14)')"
probe SystemCallFilter 'renice -n 5 -p $$' # of @system-service, taken away by the second line
probe SystemCallArchitectures "$(python "m = mmap.mmap(-1, 4096, prot=7); m.write(bytes.fromhex('b814000000cd80c3')); \
	sys.exit(c.CFUNCTYPE(c.c_int)(c.addressof(c.c_char.from_buffer(m)))() < 1)")" # getpid() of the 32-bit interface
probe RestrictNamespaces 'unshare --uts true'
probe RestrictRealtime 'chrt -f 1 true'
probe LockPersonality 'setarch i686 true'
probe MemoryDenyWriteExecute "$(python 'mmap.mmap(-1, 4096, prot=7)')"

# What hardening.sh reads off the running process, and what only shapes the above.
shown+=(RuntimeDirectory RootDirectory BindReadOnlyPaths TemporaryFileSystem ReadOnlyPaths SystemCallErrorNumber)
while read -r directive; do
	[[ " ${shown[*]} " = *" $directive "* ]] || { echo "$directive= has no probe" && failed=1; }
done < <(sed '1,/^# == Who it is/d; /^\[Install\]/,$d' $unit | grep -oE '^[A-Za-z]+')
rm -rf /tmp/probe /dev/probe /dev/probe-kmsg /root/probe /usr/probe /usr/lib/modules /run/probe.sh /run/suid
exit $failed
