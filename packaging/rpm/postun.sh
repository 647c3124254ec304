# %systemd_postun_with_restart: after an upgrade a running service is restarted, by systemd's own file triggers.
# The socket is not: it holds the connections that come in meanwhile.
if [ "$1" -ge 1 ] && [ -x /usr/lib/systemd/systemd-update-helper ]; then
	/usr/lib/systemd/systemd-update-helper mark-restart-system-units publicip-poc.service || :
fi
