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
limit=720000 # bytes of the rpm; an empty Rust program linked statically against glibc is 418 kB of it

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
static() {
	local binary=$1/usr/bin/publicip-poc
	readelf -lSdW "$binary" >"$tmp/elf"
	fails grep -E 'INTERP|NEEDED|\.symtab|\.debug' "$tmp/elf"
	readelf -hW "$binary" | grep -q 'Type:.*DYN' # position-independent: addresses are randomised
}
# What a scanner finds: each crate that is linked, in the section of cargo-auditable.
auditable() {
	objcopy --dump-section .dep-v0="$tmp/crates" "$1/usr/bin/publicip-poc" "$tmp/unused"
	python3 -c 'import json, sys, zlib
for crate in json.loads(zlib.decompress(sys.stdin.buffer.read()))["packages"]:
    if crate.get("kind") != "build": print(crate["name"], "v" + crate["version"])' <"$tmp/crates" | sort >"$tmp/listed"
	cargo tree --locked -e normal --prefix none --no-dedupe --format '{p}' | cut -d ' ' -f 1,2 | sort -u | diff - "$tmp/listed"
}
# Whoever has a core dump finds the functions' names by the build id.
symbols() {
	local id
	id=$(readelf -n "$tmp/rpm/usr/bin/publicip-poc" | sed -n 's/.*Build ID: //p')
	readelf -sW "target/package/debug/.build-id/${id:0:2}/${id:2}.debug" >"$tmp/symbols"
	grep -q 'FUNC.*publicip_poc' "$tmp/symbols"
}
no_paths() { fails grep -aoF -e "$PWD/" -e "${CARGO_HOME:-$HOME/.cargo}/" "$tmp/rpm/usr/bin/publicip-poc"; }

versions_agree() {
	expect "$("$tmp/rpm/usr/bin/publicip-poc" --version)" "publicip-poc $version"
	expect "$(rpm -qp --qf '%{VERSION}' "$rpm")" "$version"
	expect "$(dpkg-deb -f "$deb" Version)" "$version-1"
	expect "$(zcat "$tmp/deb/usr/share/doc/publicip-poc/changelog.Debian.gz" | head -1)" "publicip-poc ($version-1) unstable; urgency=medium"
	echo "$version" >&3
}
# cargo-generate-rpm has a summary of its own, which would hide the description in Cargo.toml.
one_description() { expect "$(rpm -qp --qf '%{SUMMARY}' "$rpm")" "$(dpkg-deb -f "$deb" Description | head -1)"; }
# Every option and variable of --help is in the man page and, as far as it is a setting of the service, in the configuration.
documented() {
	local word page
	page=$(zcat "$tmp/rpm/usr/share/man/man8/publicip-poc.8.gz" | sed 's/\\-/-/g')
	for word in $("$tmp/rpm/usr/bin/publicip-poc" --help | grep -oE -e '--[a-z-]+|PUBLICIP_POC_[A-Z_]+' | sort -u); do
		grep -qF -e "$word" <<<"$page" || { echo "publicip-poc.8 lacks $word"; return 1; }
		case $word in PUBLICIP_POC_LISTEN | --*) continue ;; esac
		grep -q "^#$word=" packaging/publicip-poc.conf || { echo "publicip-poc.conf lacks $word"; return 1; }
	done
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

# As root has it, when a user has built with a Rust of his own.
no_cargo() {
	[ -e "$tmp/no-cargo" ] || { cp -rs /usr/bin "$tmp/no-cargo"; rm -f "$tmp"/no-cargo/{cargo,rustc}; }
	PATH=$tmp/no-cargo "$@"
}
cargo_missing() {
	fails no_cargo packaging/build.sh rpm 2>"$tmp/err"
	expect "$(cat "$tmp/err")" "build.sh: cargo is missing: install Rust, or put its folder on PATH"
}
# The same files, whatever their documentation, and a unit that names the prefix.
from_source() {
	no_cargo make --no-print-directory install DESTDIR="$tmp/install" # since `make rpm` has built it
	expect "$(cd "$tmp/install" && find . -type f | LC_ALL=C sort)" \
		"$(cd "$tmp/deb" && find . -type f -not -path './usr/share/doc/*' | sed 's/\.8\.gz/.8/' | LC_ALL=C sort)"
	for file in usr/bin/publicip-poc usr/lib/systemd/system/publicip-poc.service; do
		cmp "$tmp/install/$file" "$tmp/deb/$file"
	done
	fails make -q -W src/answer/client/tests.rs build
	# An administrator's configuration stays, and the units go where the distribution has them.
	echo mine >"$tmp/install/etc/default/publicip-poc"
	make --no-print-directory install DESTDIR="$tmp/install" UNITDIR=/lib/systemd/system
	expect "$(cat "$tmp/install/etc/default/publicip-poc")" mine
	cmp "$tmp/install/lib/systemd/system/publicip-poc.socket" systemd/publicip-poc.socket
	make --no-print-directory install DESTDIR="$tmp/local" PREFIX=/usr/local
	grep -q '^ExecStart=/usr/local/bin/publicip-poc$' "$tmp/local/usr/local/lib/systemd/system/publicip-poc.service"
	fails grep -r /usr/bin/ "$tmp/local/usr/local/lib/systemd/system"
}

small() { [ "$(stat -c %s "$rpm")" -le $limit ] && echo "$(stat -c %s "$rpm") of at most $limit bytes" >&3; }

# Once more, from a copy in another place.
reproducible() {
	mkdir "$tmp/copy"
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$tmp/copy"
	mkdir "$tmp/copy/target"
	ln -s "$PWD/target/tools" "$tmp/copy/target/tools"
	SOURCE_DATE_EPOCH=$(packaging/version.sh time) BUILD_VERSION=$version
	export SOURCE_DATE_EPOCH BUILD_VERSION
	(cd "$tmp/copy" && packaging/build.sh rpm && packaging/build.sh deb)
	cmp "$rpm" "$tmp/copy/$rpm"
	cmp "$deb" "$tmp/copy/$deb"
}

signature() {
	mkdir -m 700 "$tmp/gpg"
	gpg --homedir "$tmp/gpg" --batch --quiet --passphrase '' --quick-generate-key 'Test <test@example.org>' rsa3072 sign 1d
	gpg --homedir "$tmp/gpg" --armor --export-secret-keys >"$tmp/secret.asc"
	gpg --homedir "$tmp/gpg" --armor --export >"$tmp/public.asc"
	cp "$rpm" "$tmp/unsigned.rpm"
	SIGNING_KEY=$tmp/secret.asc packaging/build.sh rpm
	mv "$rpm" "$tmp/signed.rpm"
	mv "$tmp/unsigned.rpm" "$rpm"
	local db=("--define=_dbpath $tmp/rpmdb" "--define=_keyringpath $tmp/rpmdb/keys")
	rpm "${db[@]}" --initdb
	fails rpm "${db[@]}" -K "$tmp/signed.rpm" # the key is not known yet
	rpm "${db[@]}" --import "$tmp/public.asc"
	rpm "${db[@]}" -Kv "$tmp/signed.rpm" | tee "$tmp/check"
	grep -q 'Signature.*: OK' "$tmp/check"
	rpm "${db[@]}" -Kv "$rpm" >"$tmp/check"
	fails grep Signature "$tmp/check"
}
signing_key_missing() {
	fails env SIGNING_KEY=/nonexistent packaging/build.sh rpm 2>"$tmp/err"
	expect "$(cat "$tmp/err")" "build.sh: SIGNING_KEY=/nonexistent cannot be read"
}

step 'make rpm, make deb' build
[ "$failed" = 0 ] || exit 1
step 'rpm: contents, owners, modes, what is configuration' rpm_contents
step 'deb: contents, owners, modes' deb_contents
step 'deb: what is configuration' deb_configuration
step 'rpm: scriptlets are in the package' rpm_scriptlets
step 'rpm: scriptlets never fail a transaction' rpm_scriptlets_never_fail
step 'deb: maintainer scripts are in the package' deb_scripts
step 'they need nothing but a shell and systemd' dependencies
step 'the licence of everything in the binary is in both' licences
step 'rpm: the binary is static, stripped and relocatable' static "$tmp/rpm"
step 'deb: the binary is static, stripped and relocatable' static "$tmp/deb"
step 'rpm: the binary lists its crates' auditable "$tmp/rpm"
step 'deb: the binary lists its crates' auditable "$tmp/deb"
step 'the symbols of the binary are kept by its build id' symbols
step 'no path of the building machine is in the binary' no_paths
step 'rpm: size' small
step 'make install: the same files' from_source
step 'rpm, deb and --version have the version of the commit' versions_agree
step 'rpm and deb have one description' one_description
step 'man page and configuration name every option and variable' documented
step "the configuration's examples are right" configuration
step 'man page: no warning of groff or mandoc' man_page
step 'rpmlint' rpm_lint
step 'lintian' deb_lint
step 'a second build from another directory is byte-identical' reproducible
step 'rpm: a signature verifies' signature
step 'a missing signing key is named' signing_key_missing
step 'a missing cargo is named' cargo_missing
. tests/packages/release.sh
summary
