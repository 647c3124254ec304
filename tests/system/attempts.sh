#!/bin/bash
# attempts.sh — run in the guest by hardening.sh, in a bare unit and in ours: prints each attempt that succeeds.

# attempt NAME COMMAND…
attempt() {
	"${@:2}" >/dev/null 2>&1
	case $? in
	0) echo "$1 succeeds" ;;
	127) echo "$1: no such program" ;; # which would pass for a refusal
	esac
}

attempt root test "$(id -u)" = 0
attempt chroot chroot / true
# shellcheck disable=SC2016 # Perl's variable
attempt tcp perl -MSocket -e 'exit !socket(my $socket, PF_INET, SOCK_STREAM, 0)'
attempt netlink ip link
attempt other-processes ls /proc/1
attempt memory-figures cat /proc/meminfo
attempt home ls /root
attempt devices sh -c 'mknod /dev/probe c 1 3 && rm /dev/probe'
attempt sysctl sh -c 'echo 64 >/proc/sys/net/ipv4/ip_default_ttl'
attempt kernel-log dmesg
attempt cgroup sh -c 'mkdir /sys/fs/cgroup/probe && rmdir /sys/fs/cgroup/probe'
# The arguments are no addresses: EFAULT (14) says that the call itself is permitted.
attempt clock perl -e 'syscall(227, 0, 1); exit($! != 14)'
attempt mount perl -e 'syscall(165, 1, 1, 1, 0, 1); exit($! != 14)'
attempt priority renice -n 5 -p $$
attempt realtime chrt -f 1 true
attempt namespace unshare --user true
attempt personality setarch i686 true
attempt writable-code perl -e 'exit(syscall(9, 0, 4096, 7, 34, -1, 0) == -1)'
while read -r _ _ _ _ mount _; do
	# shellcheck disable=SC2016 # that shell's
	attempt write sh -c 'touch "$0/probe" && rm "$0/probe"' "$mount"
done </proc/self/mountinfo
echo all attempts made
