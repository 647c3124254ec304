# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# debian.sh — part of run.sh: the deb in a Debian guest, where a service starts when it is installed.

debian_guest() {
	tests/system/guest.sh down "$vm"
	tests/system/guest.sh up "$vm" --debian
	cp "target/package/publicip-poc_$version-1_$(dpkg --print-architecture).deb" "$share/first.deb"
	mv target/package/later.deb "$share/later.deb"
}
# The command is README's.
deb_install() {
	x "$(sed -n 's|.*.\(apt install\) \./publicip-poc_\*_amd64\.deb.*|\1 -y /mnt/share/first.deb|p' README.md | grep .)"
	expect "$(x 'systemctl is-enabled publicip-poc.socket publicip-poc.service')" $'enabled\nenabled'
	expect "$(x 'systemctl is-active publicip-poc.socket publicip-poc.service')" $'active\nactive'
	page
}
deb_setting() {
	x 'echo PUBLICIP_POC_TRUSTED_HOPS=1 >>/etc/default/publicip-poc && systemctl restart publicip-poc'
	expect "$(get -H 'X-Forwarded-For: 8.8.8.8, 192.0.2.1' -H 'Accept: text/plain' http://127.0.0.1/)" 192.0.2.1
}
deb_upgrade() {
	local before
	before=$(show MainPID)
	while_asked 4 127.0.0.1:80 x 'dpkg -i /mnt/share/later.deb'
	echo "$answered answered, $refused refused, $cut cut off, slowest $slowest_ms ms" >&3
	kept
	fails [ "$(show MainPID)" = "$before" ]
	x 'grep -q ^PUBLICIP_POC_TRUSTED_HOPS=1 /etc/default/publicip-poc'
	deb_upgraded
}
deb_upgraded() { expect "$(x 'dpkg -s publicip-poc' | sed -n 's/^Version: //p')" "$version-2"; }
deb_upgrade_keeps() { upgrade_keeps 'dpkg -i /mnt/share/first.deb' 'dpkg -i /mnt/share/later.deb' "$@"; deb_upgraded; }
# Removed and installed again, it runs as after the first installation.
deb_again() {
	x 'dpkg -r publicip-poc'
	deb_install
}
deb_remove() {
	x 'dpkg -r publicip-poc'
	fails get http://127.0.0.1/
	x '[ -e /etc/default/publicip-poc ]'
	x 'dpkg -P publicip-poc'
	expect "$(x 'find / -xdev -not -path "/proc/*" -not -path "/mnt/*" -not -path "/var/log/*" -name "*publicip*"')" ""
	expect "$(x 'systemctl is-system-running')" running
}

step 'Debian: boot the guest' debian_guest
step 'Debian: installed is started' deb_install
step 'Debian: a change of a setting' deb_setting
step 'Debian: upgrade while four clients ask' deb_upgrade
step 'Debian: an upgrade keeps what is stopped' deb_upgrade_keeps "$stopped"
step 'Debian: an upgrade keeps what is disabled' deb_upgrade_keeps "$disabled"
step 'Debian: an upgrade keeps what is masked' deb_upgrade_keeps "$masked"
step 'Debian: removed and installed again' deb_again
step 'Debian: removal, purge leaves nothing' deb_remove
