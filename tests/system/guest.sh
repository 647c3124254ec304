#!/bin/bash
# guest.sh — a throw-away machine with systemd as PID 1: systemd-nspawn on the tree that tree.sh keeps in target/guest.
#
#   guest.sh up NAME [--debian] [NSPAWN OPTION…]   boot it (0.7 s; the first time builds the tree) and print its state
#   guest.sh x NAME 'COMMANDS'                     run them there with bash; stdin, stdout, stderr and status pass through
#   guest.sh net NAME COMMAND…                     run a program of this machine in the guest's network (curl, haproxy)
#   guest.sh push NAME FILE… DIRECTORY             copy files into it
#   guest.sh reboot NAME                           boot it again, its disk kept
#   guest.sh down NAME                             stop it and drop every change (also after a failed up)
#
# It looks like Amazon Linux 2023 to an RPM: dnf, disabled presets, systemd's scriptlet helper and file triggers;
# with --debian it stays the Debian that it is. Its network is a loopback of its own, IPv4 and IPv6, nothing else.
# target/guest/run/NAME/share here is /mnt/share there, for files in either direction.
# Each guest is an overlay on a tmpfs: the tree is never written, several guests may run side by side.
# `x` runs the commands as a unit of the guest, so they live under its limits and its PID 1, not under this shell's.
#
# The guest holds every capability of this machine's root: otherwise nspawn itself would refuse what a unit is to be
# seen refusing, and IPAddressDeny= and DevicePolicy= (BPF) would do nothing. Run only our own units in it.
set -euo pipefail
usage() { sed -n '4,9s/^#   //p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
[ "$(id -u)" = 0 ] || { echo "guest.sh: must run as root (it mounts and makes namespaces)" >&2; exit 1; }
verb=$1 name=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
base=$(cd "$here/../.." && pwd)/target/guest
run=$base/run/$name

# The guest's PID 1 seen from here: the child of nspawn that is number 1 of its own namespace.
init() {
	local nspawn children child
	nspawn=$(cat "$run/nspawn.pid" 2>/dev/null) || return 1
	read -ra children <"/proc/$nspawn/task/$nspawn/children" || true
	for child in "${children[@]}"; do
		if grep -qsE '^NSpid:.*[[:space:]]1$' "/proc/$child/status"; then echo "$child"; return; fi
	done
	return 1
}
enter() { nsenter -t "$(init)" --mount --uts --ipc --net --pid --cgroup --root --wd -- "$@"; }

# Waits, 30 s at most, until a PID 1 other than $1 has finished booting; prints "running" or "degraded".
booted() {
	local pid
	for _ in $(seq 600); do
		sleep .05
		if [ -e "$run/ended" ]; then break; fi
		if pid=$(init) && [ "$pid" != "${1:-}" ] && enter test -S /run/systemd/private 2>/dev/null; then
			enter systemctl is-system-running --wait
			return
		fi
	done
	echo "guest.sh: $name did not boot; its console said:" >&2
	tail -20 "$run/console.log" >&2
	return 1
}

# Runs in a mount namespace of its own, for as long as the guest lives.
supervise() {
	set -e
	trap 'touch "$run/ended"' EXIT
	trap '' TERM # of `down`, meant for nspawn alone
	# cgroup v2 and nothing else, as on AL2023, whatever this machine has
	umount -R -l /sys/fs/cgroup
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	cgroup=/sys/fs/cgroup/publicip-poc.$name.$BASHPID
	mkdir "$cgroup"
	echo 0 >"$cgroup/cgroup.procs"
	mount -t tmpfs -o mode=755,size=2g tmpfs "$run/disk"
	mkdir "$run/disk/upper" "$run/disk/work" "$run/disk/root"
	mount -t overlay overlay -o "lowerdir=$lower,upperdir=$run/disk/upper,workdir=$run/disk/work" "$run/disk/root"
	mkdir -p /run/systemd/nspawn
	mount -t tmpfs tmpfs /run/systemd/nspawn # its locks: two clones of the project may use one name
	while
		status=0
		(
			trap - TERM EXIT
			echo "$BASHPID" >"$run/nspawn.pid"
			exec systemd-nspawn --quiet --directory="$run/disk/root" --boot --machine="$name" --register=no --keep-unit \
				--private-network --resolv-conf=off --timezone=off --link-journal=no --console=read-only \
				--capability=all --system-call-filter="@system-service @module @raw-io @clock @keyring @debug @swap @pkey \
					@privileged @obsolete bpf perf_event_open syslog" --bind="$run/share:/mnt/share" "$@"
		) || status=$?
		[ "$status" = 133 ] # the guest asked for a reboot
	do :; done
	umount -l "$run/disk"
	echo 0 >/sys/fs/cgroup/cgroup.procs
	find "$cgroup" -depth -type d -exec rmdir {} +
}

case $verb in
up)
	[ ! -e "$run" ] || { echo "guest.sh: $name is up, or was left behind: guest.sh down $name" >&2; exit 1; }
	mkdir -p "$base"
	flock "$base" bash "$here/tree.sh" "$base"
	lower=$base/al2023:$base/debian
	if [ "${1:-}" = --debian ]; then lower=$base/debian; shift; fi
	mkdir -p "$run/disk" "$run/share"
	export run name lower
	export -f supervise
	setsid unshare --mount --propagation private bash -c 'supervise "$@"' supervise "$@" \
		</dev/null >"$run/console.log" 2>&1 &
	booted
	;;
x)
	enter systemd-run --quiet --pipe --wait --collect --service-type=exec -p Environment=HOME=/root \
		--description="guest.sh x" /bin/bash -c "source <(base64 -d <<<$(base64 -w0 <<<"$*"))" # nothing to escape
	;;
net) exec nsenter -t "$(init)" --net -- "$@" ;;
push)
	for file in "${@:1:$#-1}"; do
		cat -- "$file" | enter tee "${!#}/$(basename "$file")" >/dev/null
	done
	;;
reboot)
	before=$(init)
	enter systemctl reboot || true
	booted "$before"
	;;
down)
	nspawn=$(cat "$run/nspawn.pid" 2>/dev/null || true)
	pid=$(init || true)
	if [ -n "$nspawn" ]; then
		kill -TERM "$nspawn" 2>/dev/null || true # nspawn asks PID 1 to power off
		for i in $(seq 120); do
			if [ -e "$run/ended" ]; then break; fi
			if [ "$i" = 100 ]; then kill -KILL ${pid:+"$pid"} "$nspawn" 2>/dev/null || true; fi
			sleep .05
		done
	fi
	rm -rf "$run"
	;;
*) usage ;;
esac
