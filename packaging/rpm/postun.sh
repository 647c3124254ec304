# shellcheck shell=sh
# %systemd_postun_with_restart: after an upgrade a running service is restarted, by systemd's own file triggers.
# The socket is not: it holds the connections that come in meanwhile.
if [ "$1" -ge 1 ] && [ -x /usr/lib/systemd/systemd-update-helper ]; then
	/usr/lib/systemd/systemd-update-helper mark-restart-system-units publicip-poc.service || :
fi
# At removal: cargo-generate-rpm 0.21 cannot make the package own its directories, so that rpm would leave them.
if [ "$1" -eq 0 ]; then
	rmdir /usr/share/doc/publicip-poc /usr/share/licenses/publicip-poc 2>/dev/null || :
fi
