#!/bin/bash
# run.sh — `make test-packages`: the rpm and the deb as built, without installing them (tests/system/ does that).
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/steps.sh
need rpm:rpm rpmlint:rpmlint lintian:lintian gpg:gnupg readelf:binutils man:man-db mandoc:mandoc python3:python3
tmp=$(mktemp -d)
trap 'gpgconf --homedir "$tmp/gpg" --kill all 2>/dev/null || true; rm -rf "$tmp"' EXIT
version=$(packaging/version.sh)
rpm=target/package/publicip-poc-$version-1.$(uname -m).rpm
deb=target/package/publicip-poc_$version-1_$(dpkg --print-architecture).deb

times() { git ls-files -z | xargs -0 stat -c '%y %n'; }
build() {
	times >"$tmp/times"
	packaging/build.sh rpm
	packaging/build.sh deb
	times | diff "$tmp/times" - # make and editors go by them
	mkdir "$tmp/rpm" "$tmp/deb"
	cp "$rpm" "$tmp/package"
	rpm2archive "$tmp/package" # not rpm2cpio: it looks for a size in the header that cargo-generate-rpm leaves out
	tar -C "$tmp/rpm" -xf "$tmp/package.tgz"
	dpkg-deb -x "$deb" "$tmp/deb"
	echo "$(stat -c %s "$rpm") and $(stat -c %s "$deb") bytes" >&3
}

# The configuration's own examples are right values.
configuration() {
	local settings
	mapfile -t settings < <(sed -n 's/^#\(PUBLICIP_POC_\)/\1/p' packaging/publicip-poc.conf)
	[ ${#settings[@]} -ge 3 ]
	# With an address that is not of this machine it comes as far as listening, and complains about that alone.
	fails env "${settings[@]}" "$tmp/rpm/usr/bin/publicip-poc" --listen 192.0.2.1:1 2>"$tmp/err"
	cat "$tmp/err"
	grep -q '^publicip-poc: cannot listen on 192.0.2.1:1' "$tmp/err"
}
man_page() {
	expect "$(LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z packaging/publicip-poc.8 2>&1 >/dev/null)" ""
	expect "$(mandoc -T lint packaging/publicip-poc.8)" ""
}

rpm_lint() { rpmlint -c packaging/rpm/rpmlint.toml "$rpm" | tee "$tmp/lint" && grep -q ' 0 errors, 0 warnings' "$tmp/lint"; }
deb_lint() { expect "$(lintian --allow-root --suppress-tags-from-file packaging/deb/lintian-suppressed "$deb" 2>&1 | grep -v '^warning: running with root')" ""; }

step 'make rpm, make deb' build
[ "$failed" = 0 ] || exit 1
. tests/packages/contents.sh
. tests/packages/binary.sh
step "the configuration's examples are right" configuration
step 'man page: no warning of groff or mandoc' man_page
step 'rpmlint' rpm_lint
step 'lintian' deb_lint
. tests/packages/building.sh
. tests/packages/release.sh
summary
