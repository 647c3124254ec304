# shellcheck shell=sh
# %systemd_post: at the first installation the distribution's presets decide what is enabled
if [ "$1" -eq 1 ] && [ -x /usr/lib/systemd/systemd-update-helper ]; then
	/usr/lib/systemd/systemd-update-helper install-system-units publicip-poc.socket publicip-poc.service || :
fi
