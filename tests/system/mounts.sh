#!/bin/bash
# mounts.sh PID — run in the guest by hardening.sh. The service's user cannot create a file on any mount that the
# process has, though it can where anybody may.
pid=$1
failed=0
create() { (cd "$1" 2>/dev/null && setpriv --reuid "$uid" --regid "$gid" --clear-groups touch probe 2>/dev/null); }
uid=$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")
gid=$(awk '/^Gid:/ { print $2 }' "/proc/$pid/status")
create /tmp || { echo "the probe fails in the guest's own /tmp" && failed=1; }
while read -r mount; do
	[ -d "/proc/$pid/root$mount" ] || continue
	if create "/proc/$pid/root$mount"; then
		echo "$mount can be written to" && failed=1
	fi
done < <(awk '{ print $5 }' "/proc/$pid/mountinfo" | sort -u)
rm -f /tmp/probe
exit $failed
