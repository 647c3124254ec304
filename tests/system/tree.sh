#!/bin/bash
# tree.sh — builds what guest.sh boots, once, under target/guest (about a minute):
#   debian/   a bookworm userland: systemd 252, rpm 4.18, dnf 4.14, the major versions of Amazon Linux 2023
#   al2023/   what is laid over it (overlayfs) so that an RPM finds AL2023's ways: presets, rpm database, scriptlet helper
# A changed recipe (this file) builds both anew.
set -euo pipefail
dir=$(realpath -m "${1:?tree.sh DIRECTORY}")
cd "$(dirname "$0")/../.."
. tests/steps.sh
stamp=$(sha256sum <tests/system/tree.sh)
[ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ] || exit 0

missing=()
for tool in systemd-nspawn:systemd-container mmdebstrap:mmdebstrap rpmbuild:rpm; do
	command -v "${tool%:*}" >/dev/null || missing+=("${tool#*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
	# systemd-container in the version of this machine's systemd where apt has it, so that systemd stays as it is
	version=$(dpkg-query -W -f '=${Version}' systemd 2>/dev/null || true)
	{ apt_install "${missing[@]/%systemd-container/systemd-container$version}" || apt_install "${missing[@]}"; } ||
		{ echo "tree.sh: install these Debian packages first: ${missing[*]}" >&2; exit 1; }
fi
# No cache of its own survives a failed build, and no mount outlives this script.
rm -rf "$dir/debian" "$dir/al2023" "$dir/build" "$dir/stamp"
mkdir -p "$dir/debian" "$dir/al2023" "$dir/build/work" "$dir/build/merged"
trap 'umount -l "$dir/build/merged" 2>/dev/null || true; rm -rf "$dir/build"' EXIT

# The packages come from where this machine's own apt takes them.
sources=/etc/apt/sources.list.d/debian.sources
[ -e "$sources" ] || sources=/etc/apt/sources.list
mmdebstrap --quiet --variant=minbase \
	--include=systemd,systemd-sysv,libnss-systemd,dbus,dnf,rpm,curl,ca-certificates,procps,iproute2,libcap2-bin \
	--aptopt='APT::Install-Recommends "false"' \
	--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	bookworm "$dir/debian" "$sources" >"$dir/build.log" 2>&1 || { tail -20 "$dir/build.log" >&2; exit 1; }

root=$dir/debian
rm "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap" # what is installed later comes with its documentation
mkdir -p "$root/usr/share/man/man8" "$root/usr/share/doc"
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer \
	e2scrub_reap.service console-getty.service; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
: >"$root/etc/machine-id"
echo guest >"$root/etc/hostname"
printf '127.0.0.1 localhost guest\n::1 localhost\n' >"$root/etc/hosts"
mkdir -p "$root/mnt/share" "$root/var/log/journal" # a journal on disk: `journalctl -b -1` works after a reboot

mount -t overlay overlay -o "lowerdir=$dir/debian,upperdir=$dir/al2023,workdir=$dir/build/work" "$dir/build/merged"
root=$dir/build/merged
ln -sf bash "$root/usr/bin/sh" # scriptlets run under bash there, under dash on Debian
mkdir -p "$root/etc/sysconfig" "$root/usr/share/licenses"
mkdir -p "$root/etc/rpm" "$root/etc/yum.repos.d" "$root/var/lib/rpm" "$root/usr/lib/systemd/system-preset"
echo '%_dbpath /var/lib/rpm' >"$root/etc/rpm/macros"
printf '[main]\ngpgcheck=True\nbest=False\nskip_if_unavailable=True\n' >"$root/etc/dnf/dnf.conf"
echo 'disable *' >"$root/usr/lib/systemd/system-preset/99-default-disable.preset"
rm -f "$root/etc/os-release"
cat >"$root/etc/os-release" <<'END'
NAME="Amazon Linux"
VERSION="2023"
ID="amzn"
ID_LIKE="fedora"
VERSION_ID="2023"
PLATFORM_ID="platform:al2023"
PRETTY_NAME="Amazon Linux 2023 (stand-in on a Debian userland)"
END

# The helper that systemd's rpm carries and Debian's systemd leaves out: the verbs that scriptlets for system units use.
cat >"$root/usr/lib/systemd/systemd-update-helper" <<'END'
#!/bin/bash
set -eu
verb=$1
shift
running=$([ ! -d /run/systemd/system ] || echo yes)
case $verb in
install-system-units) systemctl --no-reload preset "$@" ;;
remove-system-units) systemctl --no-reload disable ${running:+--now} "$@" ;;
mark-restart-system-units) for unit; do ${running:+systemctl set-property "$unit" Markers=+needs-restart}; done ;;
system-reload) ${running:+systemctl daemon-reload} ;;
system-restart) ${running:+systemctl reload-or-restart --marked} ;;
system-reload-restart) "$0" system-reload && "$0" system-restart ;;
*) echo "systemd-update-helper: unknown verb $verb" >&2 && exit 3 ;;
esac
END
chmod 755 "$root/usr/lib/systemd/systemd-update-helper"

# What AL2023's base provides to our package, and the file triggers of its systemd. One path a trigger:
# Debian's rpm never runs a %transfiletriggerpostun that names two.
cat >"$dir/build/base.spec" <<'END'
Name: al2023-base
Version: 2023
Release: 1
Summary: What the base system of Amazon Linux 2023 provides
License: MIT
BuildArch: noarch
AutoReqProv: no
Provides: /bin/sh, /usr/bin/sh, bash = 5.2.15, systemd = 252.23, glibc = 2.34, system-release(releasever) = 2023
%description
Provides, and the file triggers of systemd's package.
%files
%transfiletriggerin -P 1000900 -- /usr/lib/systemd/system/
/usr/lib/systemd/systemd-update-helper system-reload-restart || :
%transfiletriggerpostun -P 1000900 -- /usr/lib/systemd/system/
/usr/lib/systemd/systemd-update-helper system-reload || :
%transfiletriggerpostun -P 10000 -- /usr/lib/systemd/system/
/usr/lib/systemd/systemd-update-helper system-restart || :
END
rpmbuild --quiet -bb --define "_topdir $dir/build" --define "_rpmdir $root/root" --define '_rpmfilename base.rpm' \
	"$dir/build/base.spec" >>"$dir/build.log" 2>&1 || { tail -20 "$dir/build.log" >&2; exit 1; }
HOME=/root chroot "$root" rpm -i /root/base.rpm
rm "$root/root/base.rpm"
echo "$stamp" >"$dir/stamp"
