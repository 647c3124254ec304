# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# lifecycle.sh — part of run.sh: upgrade, reboot, downgrade, removal.

dnf() { x "dnf -y --disablerepo='*' $1"; }
# Replaced while in use: the service runs anew, and nobody was refused.
replaced() {
	local before
	before=$(show MainPID)
	while_asked 4 127.0.0.1:80 dnf "$1 /mnt/share/$2.rpm"
	echo "$answered answered, $refused refused, $cut cut off, slowest $slowest_ms ms" >&3
	kept
	expect "$(x 'rpm -q --qf %{RELEASE} publicip-poc')" "$3"
	fails [ "$(show MainPID)" = "$before" ]
	expect "$(units)" 'enabled enabled active active'
	x 'grep -q ^PUBLICIP_POC_TRUSTED_HOPS=1 /etc/sysconfig/publicip-poc' # the changed configuration stays
	x '[ ! -e /etc/sysconfig/publicip-poc.rpmnew ]'
}
# What the administrator switched off, and the state of both units then: enabled or not, active or not.
stopped='systemctl stop publicip-poc.socket: enabled enabled inactive inactive'
disabled='systemctl disable --now publicip-poc.socket: disabled disabled inactive inactive'
masked='systemctl mask --now publicip-poc.socket publicip-poc.service: masked masked inactive inactive'
# upgrade_keeps DOWNGRADE UPGRADE STATE
upgrade_keeps() {
	x "$1"
	x "${3%%: *}"
	expect "$(units)" "${3#*: }"
	x "$2"
	expect "$(units)" "${3#*: }"
	x 'systemctl unmask publicip-poc.socket publicip-poc.service; systemctl enable --now publicip-poc.socket'
	page
}
rpm_upgrade_keeps() {
	upgrade_keeps "dnf -y --disablerepo='*' downgrade /mnt/share/first.rpm" "dnf -y --disablerepo='*' upgrade /mnt/share/later.rpm" "$@"
	expect "$(x 'rpm -q --qf %{RELEASE} publicip-poc')" 2
}

reboot() {
	expect "$(tests/system/guest.sh reboot "$vm")" running
	expect "$(units)" 'enabled enabled active active'
	page
	x 'journalctl -b -1 -u publicip-poc -o cat --no-pager' | grep 'stopped by SIGTERM'
}

removal() {
	dnf 'remove publicip-poc'
	expect "$(x 'systemctl list-unit-files --no-legend "publicip*"' || true)" ""
	expect "$(x 'systemctl list-units --all --no-legend "publicip*"')" ""
	expect "$(x 'systemctl is-system-running')" running
	expect "$(x 'pgrep publicip-poc' || true)" ""
	fails get http://127.0.0.1/
	x 'find / -xdev -not -path "/proc/*" -not -path "/mnt/*" -not -path "/var/log/journal/*" | sort' >"$tmp/files-after"
	# dnf's own history apart, all that is left is the changed configuration
	expect "$(comm -13 "$tmp/files-before" "$tmp/files-after" | grep -vE '^(/var/(cache|log|lib)/(dnf|rpm|systemd)|/var/log/hawkey|/var/log/(b|w)tmp|/var/tmp/systemd-private|/tmp/systemd-private)')" \
		/etc/sysconfig/publicip-poc.rpmsave
}

step 'upgrade while four clients ask' replaced upgrade later 2
step 'an upgrade keeps what is stopped' rpm_upgrade_keeps "$stopped"
step 'an upgrade keeps what is disabled' rpm_upgrade_keeps "$disabled"
step 'an upgrade keeps what is masked' rpm_upgrade_keeps "$masked"
step 'reboot' reboot
step 'downgrade while four clients ask' replaced downgrade first 1
step 'removal leaves nothing but the changed configuration' removal
