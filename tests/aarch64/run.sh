#!/bin/bash
# run.sh — `make test-aarch64`: builds the Graviton packages in a chroot of Debian trixie and runs their program under qemu.
# trixie's Rust is 1.85, the oldest that Cargo.toml admits: that the build passes proves that too. The chroot (1.9 GB)
# is kept in target/aarch64; a changed script builds it anew. It needs no network: the dependencies are vendored.
# `run.sh prepare` does no more than the chroot.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(id -u)" = 0 ] || { echo "make test-aarch64: must run as root (it builds in a chroot)" >&2; exit 1; }
. tests/steps.sh
need mmdebstrap:mmdebstrap curl:curl ip:iproute2 readelf:binutils rpm:rpm
dir=$PWD/target/aarch64
root=$dir/root
stamp=$(sha256sum <"$0")
version=$(packaging/version.sh)
rpm=target/package/publicip-poc-$version-1.aarch64.rpm
deb=target/package/publicip-poc_$version-1_arm64.deb
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

prepare() {
	[ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ] || return 0
	rm -rf "$dir"
	mkdir -p "$dir"
	local sources=/etc/apt/sources.list.d/debian.sources
	[ -e "$sources" ] || sources=/etc/apt/sources.list
	sed 's/bookworm/trixie/g' "$sources" >"$dir/trixie.${sources##*.}"
	mmdebstrap --quiet --variant=apt --architectures=amd64,arm64 \
		--include=cargo,rustc,libstd-rust-dev:arm64,gcc-aarch64-linux-gnu,libc6-dev-arm64-cross,qemu-user \
		--aptopt='APT::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		trixie "$root" "$dir/trixie.${sources##*.}"
	echo "$stamp" >"$dir/stamp"
}

oldest_rust() {
	local oldest
	oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
	chroot "$root" rustc --version >&3
	expect "$(chroot "$root" rustc --version | grep -oE '[0-9]+\.[0-9]+' | head -1)" "$oldest"
}

# The same command as a user's, on a copy of the sources; build products of the last time are kept.
build() {
	# for the tools, which are not of trixie
	packaging/build.sh rpm
	packaging/build.sh deb
	mkdir -p "$root/src/target/tools/bin" "$root/src/.cargo"
	find "$root/src" -mindepth 1 -maxdepth 1 -not -name target -not -name .cargo -exec rm -rf {} +
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$root/src"
	cp target/tools/bin/cargo-{auditable,deb,generate-rpm} "$root/src/target/tools/bin"
	cp target/tools/.crates.toml "$root/src/target/tools"
	rm -rf "$root/src/target/vendor"
	cargo vendor --quiet --locked "$root/src/target/vendor" >/dev/null
	printf '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "target/vendor"\n' \
		>"$root/src/.cargo/config.toml"
	# with /proc, where cargo-auditable looks for its own program
	# shellcheck disable=SC2016 # expands there
	unshare --mount sh -euc 'mount -t proc proc "$0/proc"; exec chroot "$@"' "$root" "$root" \
		env -i HOME=/root PATH=/usr/bin:/bin ARCH=aarch64 BUILD_VERSION="$version" \
		SOURCE_DATE_EPOCH="$(packaging/version.sh time)" sh -c 'cd /src && packaging/build.sh rpm && packaging/build.sh deb'
	cp "$root/src/$rpm" "$root/src/$deb" target/package/
}
missing_toolchain() {
	# Of this machine's own Rust, where it has no standard library for aarch64.
	if [ -d "$(rustc --print target-libdir --target aarch64-unknown-linux-gnu)" ]; then return; fi
	fails env ARCH=aarch64 packaging/build.sh rpm 2>"$tmp/err"
	expect "$(cat "$tmp/err")" "build.sh: Rust's standard library for aarch64-unknown-linux-gnu is missing: rustup target add aarch64-unknown-linux-gnu"
}

package() {
	expect "$(rpm -qp --qf '%{ARCH}' "$rpm")" aarch64
	diff <(rpm -qp --qf '[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILENAMES} %{FILEFLAGS:fflags}\n]' "$rpm" | sed 's: $::') tests/packages/rpm-contents
	cp "$rpm" "$tmp/package"
	rpm2archive "$tmp/package"
	tar -C "$tmp" -xf "$tmp/package.tgz"
	readelf -hlSdW "$tmp/usr/bin/publicip-poc" >"$tmp/elf"
	grep -q 'Machine:.*AArch64' "$tmp/elf"
	fails grep -E 'INTERP|NEEDED|\.symtab|\.debug' "$tmp/elf"
	expect "$(dpkg-deb -f "$deb" Architecture)" arm64
	dpkg-deb --fsys-tarfile "$deb" | tar -xO ./usr/bin/publicip-poc | cmp - "$tmp/usr/bin/publicip-poc"
	echo "$(stat -c %s "$rpm") and $(stat -c %s "$deb") bytes" >&3
}

# In a network of its own, for its port. No -L for qemu: a threaded program would spin forever.
answers() {
	cp "$tmp/usr/bin/publicip-poc" "$root/root/"
	expect "$(chroot "$root" timeout 10 qemu-aarch64 /root/publicip-poc --version)" "publicip-poc $version"
	# shellcheck disable=SC2016 # expands there; `timeout --foreground` passes a signal on once, the second would end it
	unshare --net bash -euc '
		ip link set lo up
		chroot "$0" timeout --foreground 30 qemu-aarch64 /root/publicip-poc --listen "[::]:80" &
		for _ in $(seq 100); do if curl -s -o /dev/null http://127.0.0.1/; then break; fi; sleep .1; done
		curl -sS -m 5 http://127.0.0.1/ | cmp - tests/golden/no-headers.html
		curl -sS -m 5 -H "Accept: text/plain" -H "X-Forwarded-For: 192.0.2.1" "http://[::1]/" | grep -qx 192.0.2.1
		seq 40 | xargs -P 8 -I{} curl -sS -m 5 -o /dev/null http://127.0.0.1/
		kill $!
		wait $!' "$root"
}

if [ "${1:-}" = prepare ]; then prepare; exit; fi
step 'chroot: Debian trixie with a cross compiler' prepare
[ "$failed" = 0 ] || { summary || exit 1; }
step "its Rust is the oldest that Cargo.toml admits" oldest_rust
step 'make rpm deb ARCH=aarch64' build
step 'what is missing on a machine without the target is said in one line' missing_toolchain
step 'rpm and deb: architecture, contents, static binary' package
step 'its program answers under qemu, and stops with exit code 0' answers
summary
