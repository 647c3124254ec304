# shellcheck shell=sh
# %systemd_preun: at removal, not at an upgrade, both are stopped and disabled
if [ "$1" -eq 0 ] && [ -x /usr/lib/systemd/systemd-update-helper ]; then
	/usr/lib/systemd/systemd-update-helper remove-system-units publicip-poc.socket publicip-poc.service || :
fi
