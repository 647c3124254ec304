# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# building.sh — part of run.sh: make install, a build elsewhere, a signed one, and what is missing.

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

signature() { # tests/system/repository.sh verifies one
	mkdir -m 700 "$tmp/gpg"
	gpg --homedir "$tmp/gpg" --batch --quiet --passphrase '' --quick-generate-key 'Test <test@example.org>' rsa3072 sign 1d
	gpg --homedir "$tmp/gpg" --armor --export-secret-keys >"$tmp/secret.asc"
	cp "$rpm" "$tmp/unsigned.rpm"
	SIGNING_KEY=$tmp/secret.asc packaging/build.sh rpm
	mv "$rpm" "$tmp/signed.rpm"
	mv "$tmp/unsigned.rpm" "$rpm"
	expect "$(rpm -qp --qf '%{RSAHEADER:pgpsig}' "$tmp/signed.rpm" 2>/dev/null | cut -d , -f 1)" RSA/SHA256
	expect "$(rpm -qp --qf '%{RSAHEADER:pgpsig}' "$rpm")" '(none)'
}
signing_key_missing() {
	fails env SIGNING_KEY=/nonexistent packaging/build.sh rpm 2>"$tmp/err"
	expect "$(cat "$tmp/err")" "build.sh: SIGNING_KEY=/nonexistent cannot be read"
}

step 'make install: the same files' from_source
step 'a second build from another directory is byte-identical' reproducible
step 'rpm: SIGNING_KEY signs it' signature
step 'a missing signing key is named' signing_key_missing
step 'a missing cargo is named' cargo_missing
