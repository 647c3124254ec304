# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# contents.sh — part of run.sh: what is in the packages, and what they say of themselves.

rpm_contents() { diff <(rpm -qp --qf '[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILENAMES} %{FILEFLAGS:fflags}\n]' "$rpm" | sed 's: $::') tests/packages/rpm-contents; }
deb_contents() { diff <(dpkg-deb -c "$deb" | awk '$1 !~ /^d/ { print $1, $2, substr($6, 2) }' | LC_ALL=C sort -k3) tests/packages/deb-contents; }
deb_configuration() { expect "$(dpkg-deb -I "$deb" conffiles)" /etc/default/publicip-poc; }

# The scriptlets of the built package: a wrong path in Cargo.toml would put the path itself there.
rpm_scriptlets() {
	local tag name
	for pair in POSTIN:post PREUN:preun POSTUN:postun; do
		tag=${pair%:*} name=${pair#*:}
		diff <(rpm -qp --qf "%{$tag}" "$rpm") "packaging/rpm/$name.sh"
	done
	expect "$(rpm -qp --qf '%{PREIN}%{PRETRANS}%{POSTTRANS}' "$rpm")" '(none)(none)(none)'
}
# No scriptlet fails a transaction, whatever the helper of systemd says, or without one.
rpm_scriptlets_never_fail() {
	local script count
	mkdir -p "$tmp/bin"
	printf '#!/bin/sh\nexit 1\n' >"$tmp/bin/helper"
	chmod +x "$tmp/bin/helper"
	for script in packaging/rpm/*.sh; do
		for count in 0 1 2; do
			bash -e "$script" "$count"
			bash -e <(sed "s,/usr/lib/systemd/systemd-update-helper,$tmp/bin/helper,g" "$script") "$count"
		done
	done
}
deb_scripts() {
	local script
	dpkg-deb -e "$deb" "$tmp/control"
	expect "$(cd "$tmp/control" && echo *)" "conffiles control postinst postrm preinst prerm"
	for script in postinst postrm preinst prerm; do sh -n "$tmp/control/$script"; done
	grep -q 'try-restart publicip-poc.service' "$tmp/control/postinst"
	grep -q 'deb-systemd-helper enable publicip-poc.socket' "$tmp/control/postinst"
	grep -q 'deb-systemd-helper purge publicip-poc.service publicip-poc.socket' "$tmp/control/postrm"
	fails grep 'invoke restart' "$tmp/control/postinst"
}

dependencies() {
	expect "$(rpm -qpR "$rpm" | grep -v '^rpmlib(' | sort -u | xargs)" '/bin/sh config(publicip-poc) = '"$version-1 systemd >= 249"
	dpkg-deb -f "$deb" Depends | grep -F 'systemd (>= 249)'
	expect "$(rpm -qp --qf '%{PAYLOADCOMPRESSOR}' "$rpm")" xz
}
licences() {
	local file name
	for file in "$tmp/rpm/usr/share/licenses/publicip-poc/THIRD-PARTY" "$tmp/deb/usr/share/doc/publicip-poc/THIRD-PARTY"; do
		while read -r name; do
			grep -q "^$name [0-9.]* (" "$file" || { echo "$name is not in $file"; return 1; }
		done < <(cargo tree --locked -e normal --prefix none --format '{p}' | awk '{ print $1 }' | sort -u | grep -v '^publicip-poc$')
		grep -q 'GNU LESSER GENERAL PUBLIC LICENSE' "$file"
		grep -q "^Rust's standard library" "$file"
	done
	grep -q 'Permission is hereby granted' "$tmp/rpm/usr/share/licenses/publicip-poc/LICENSE-MIT"
	# no link leads out of the package
	fails grep -rE '\]\((\.|[a-z]+/)' "$tmp/rpm/usr/share/doc" "$tmp/deb/usr/share/doc"
}
versions_agree() {
	expect "$("$tmp/rpm/usr/bin/publicip-poc" --version)" "publicip-poc $version"
	expect "$(rpm -qp --qf '%{VERSION}' "$rpm")" "$version"
	expect "$(dpkg-deb -f "$deb" Version)" "$version-1"
	expect "$(zcat "$tmp/deb/usr/share/doc/publicip-poc/changelog.Debian.gz" | head -1)" "publicip-poc ($version-1) unstable; urgency=medium"
	echo "$version" >&3
}
# cargo-generate-rpm has a summary of its own, which would hide the description in Cargo.toml.
one_description() { expect "$(rpm -qp --qf '%{SUMMARY}' "$rpm")" "$(dpkg-deb -f "$deb" Description | head -1)"; }

step 'rpm: contents, owners, modes, what is configuration' rpm_contents
step 'deb: contents, owners, modes' deb_contents
step 'deb: what is configuration' deb_configuration
step 'rpm: scriptlets are in the package' rpm_scriptlets
step 'rpm: scriptlets never fail a transaction' rpm_scriptlets_never_fail
step 'deb: maintainer scripts are in the package' deb_scripts
step 'they need nothing but a shell and systemd' dependencies
step 'the licence of everything in the binary is in both' licences
step 'rpm, deb and --version have the version of the commit' versions_agree
step 'rpm and deb have one description' one_description
