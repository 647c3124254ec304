# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# install.sh — part of run.sh: the guest, the installation, the first start.

build() {
	packaging/build.sh rpm
	packaging/build.sh deb
	cargo build --quiet --release --locked --example peer # as test-hostile builds it
	# The same once more as later releases, to upgrade to.
	local PATH=$PWD/target/tools/bin:$PATH
	cargo generate-rpm --target "$target" --set-metadata 'release = "2"' --output target/package/later.rpm
	cargo deb --quiet --no-build --no-strip --target "$target" --deb-version "$version-2" --output target/package/later.deb
}

guest() {
	tests/system/guest.sh down "$vm"
	tests/system/guest.sh up "$vm"
	cp "target/package/publicip-poc-$version-1.$(uname -m).rpm" "$share"/first.rpm
	mv target/package/later.rpm "$share"/later.rpm
	x 'find / -xdev -not -path "/proc/*" -not -path "/mnt/*" -not -path "/var/log/journal/*" | sort' >"$tmp/files-before"
}

install() {
	x "dnf -y --disablerepo='*' install /mnt/share/first.rpm"
	expect "$(x 'rpm -q publicip-poc')" "publicip-poc-$version-1.$(uname -m)"
	expect "$(x 'rpm -V publicip-poc')" ""
}

presets() {
	expect "$(units)" 'disabled disabled inactive inactive'
}
# A distribution's preset that enables it is honoured as well.
other_preset() {
	x 'rpm -e publicip-poc && echo "enable publicip-poc.*" >/usr/lib/systemd/system-preset/10-test.preset'
	install
	expect "$(units)" 'enabled enabled inactive inactive'
	x 'rm /usr/lib/systemd/system-preset/10-test.preset; rpm -e publicip-poc'
	install
}

verify() { expect "$(x 'systemd-analyze verify --man=no /usr/lib/systemd/system/publicip-poc.{socket,service}' 2>&1)" ""; }

start() {
	x 'systemctl enable --now publicip-poc.socket'
	expect "$(units)" 'enabled enabled active inactive'
	page # the first connection starts the service
	expect "$(units)" 'enabled enabled active active'
}

page() {
	get http://127.0.0.1/ | cmp - tests/golden/no-headers.html &&
		get 'http://[::1]/' | sed 's/::1/127.0.0.1/' | cmp - tests/golden/no-headers.html
}

status() {
	local text
	until_true 7 counted
	text=$(x 'systemctl --no-pager status publicip-poc')
	echo "$text"
	grep -q 'Active: active (running)' <<<"$text"
	grep -q 'Docs: man:publicip-poc(8)' <<<"$text"
}
# Each of the two steps before asked twice; the status follows a second behind.
counted() {
	[ "$(show StatusText)" = 'Listening on [::]:80; client: first X-Forwarded-For entry (forgeable); 4 requests served' ]
}

# Priorities arrive as priorities; no second time stamp, no colour.
journal() {
	expect "$(x 'journalctl -u publicip-poc -o cat -p warning --no-pager | grep -c "any client can forge"')" 1
	expect "$(x 'journalctl -u publicip-poc -o cat -p err --no-pager')" ""
	x 'journalctl -u publicip-poc -t publicip-poc -o cat --no-pager' >"$tmp/journal"
	cat -A "$tmp/journal"
	expect "$(grep -cP '\x1b|^<|\d\d:\d\d:\d\d' "$tmp/journal" || true)" 0
	grep -q 'method=GET path=/ status=200' "$tmp/journal"
}

step 'build the packages and the peer' build
step 'boot the guest' guest
[ "$failed" = 0 ] || { summary || exit 1; }
step 'dnf install' install
step 'presets: nothing is enabled or started' presets
step "presets: a distribution's own preset enables it" other_preset
step 'systemd-analyze verify' verify
step 'systemctl enable --now publicip-poc.socket' start
step 'the page on port 80 over IPv4 and IPv6' page
step 'systemctl status' status
step 'journal: priorities, no time stamps, no colour' journal
