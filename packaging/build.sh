#!/bin/bash
# build.sh rpm|deb|binary — builds the static binary and packs it, under target/package; `make rpm` and so on call it.
#   ARCH              x86_64 (default: this machine's) or aarch64, also spelt arm64
#   SIGNING_KEY       a file with an armoured OpenPGP secret key without passphrase: signs the rpm
#   SOURCE_DATE_EPOCH the time of every file in the package (default: the last commit's)
#   BUILD_VERSION     the version (default: the commit's, see version.sh)
# Two builds of the same commit with the same toolchain are byte-identical, wherever they are made.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:?build.sh rpm|deb|binary}
arch=${ARCH:-$(uname -m)}
arch=${arch/arm64/aarch64}
target=$arch-unknown-linux-gnu
die() { echo "build.sh: $*" >&2; exit 1; }
for program in cargo rustc; do
	command -v $program >/dev/null || die "$program is missing: install Rust, or put its folder on PATH"
done

# Debian has names of its own for both.
case $arch in
x86_64) debian=amd64 ;;
aarch64) debian=arm64 ;;
*) die "ARCH=$arch is unknown: x86_64, or aarch64 (arm64)" ;;
esac
if [ -n "${SIGNING_KEY:-}" ]; then
	[ "$kind" = rpm ] || die "SIGNING_KEY signs an rpm; a deb is signed by the repository that carries it"
	[ -r "$SIGNING_KEY" ] || die "SIGNING_KEY=$SIGNING_KEY cannot be read"
fi
[ -d "$(rustc --print target-libdir --target "$target")" ] ||
	die "Rust's standard library for $target is missing: rustup target add $target"
if [ "$arch" != "$(uname -m)" ]; then
	linker=$arch-linux-gnu-gcc
	command -v "$linker" >/dev/null ||
		die "$linker is missing: apt-get install gcc-${arch/_/-}-linux-gnu libc6-dev-$debian-cross"
	export "CARGO_TARGET_$(tr a-z- A-Z_ <<<"$target")_LINKER=$linker"
fi

mkdir -p target/package
exec 9>target/package/.lock
flock 9 # `make -j rpm deb`: both strip the one binary that they pack

. packaging/tool.sh
tool cargo-auditable 0.7.7
case $kind in
rpm) tool cargo-generate-rpm 0.21.1 ;;
deb) tool cargo-deb 3.8.0 ;;
binary) ;;
*) die "$kind is none of rpm, deb, binary" ;;
esac

version=$(packaging/version.sh)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(packaging/version.sh time)}
export SOURCE_DATE_EPOCH
# Static, so that one package runs with any libc; and no path of the machine that built it. cargo-auditable puts the list
# of crates into the binary (a section of some 400 bytes), where scanners look for it.
RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,--build-id=sha1 --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
	BUILD_VERSION=$version CARGO_PROFILE_RELEASE_STRIP=false cargo auditable build --quiet --release --locked --target "$target"

# The symbols stay here, where gdb finds them by the build id: gdb -iex 'set debug-file-directory target/package/debug'.
binary=target/$target/release/publicip-poc
id=$(readelf -n "$binary" | sed -n 's/.*Build ID: //p')
symbols=target/package/debug/.build-id/${id:0:2}/${id:2}.debug
install -Dpm644 "$binary" "$symbols"

# The binary is a hard link to cargo's own file, so a stripped copy replaces it.
"${linker:+${linker%gcc}}strip" -o "$binary.stripped" "$binary"
mv "$binary.stripped" "$binary"

[ "$kind" = binary ] || packaging/third-party.sh "$target" >target/package/THIRD-PARTY
case $kind in
rpm)
	# cargo-generate-rpm keeps the time of a file older than the commit, so it gets fresh copies.
	cp CHANGELOG.md SECURITY.md LICENSE-* packaging/publicip-poc.conf systemd/* target/package/
	gzip -9nc packaging/publicip-poc.8 >target/package/publicip-poc.8.gz
	package=target/package/publicip-poc-$version-1.$arch.rpm
	rm -f target/package/publicip-poc-*."$arch.rpm" # of other commits
	cargo generate-rpm --target "$target" --payload-compress xz --output "$package" \
		--set-metadata "version = '$version'" ${SIGNING_KEY:+--signing-key "$SIGNING_KEY"}
	;;
deb)
	package=target/package/publicip-poc_$version-1_$debian.deb
	# Debian's own form of a changelog, about the package
	printf '%s (%s-1) unstable; urgency=medium\n\n  * %s\n\n -- %s  %s\n' publicip-poc "$version" \
		"Version $version, see changelog.gz." "$(sed -n 's/^maintainer = "\(.*\)"/\1/p' Cargo.toml)" \
		"$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")" >target/package/changelog.Debian
	rm -f target/package/publicip-poc_*"_$debian.deb"
	cargo deb --quiet --no-build --no-strip --target "$target" --deb-version "$version-1" --output "$package" >/dev/null
	;;
binary) package=$binary ;;
esac
echo "$package ($(($(stat -c %s "$package") / 1000)) kB)"
