#!/bin/bash
# third-party.sh TARGET — prints the licences of everything that is linked into the binary; build.sh packs it.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:?third-party.sh TARGET}
# Where cargo has unpacked a crate, or `cargo vendor` has put it.
folder_of() {
	local folder
	for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$1-$2" target/vendor/"$1-$2" target/vendor/"$1"; do
		[ ! -d "$folder" ] || { echo "$folder"; return; }
	done
	echo "third-party.sh: the source of $1 $2 is neither in cargo's registry nor in target/vendor" >&2
	return 1
}

heading() { printf '\n%s\n%s\n\n' "================================================================================" "$1"; }

cat <<END
publicip-poc is licensed under MIT or Apache-2.0, at your choice (see LICENSE-MIT and LICENSE-APACHE, or the file
copyright). Its binary also contains what is listed here. Where a crate offers a choice that includes MIT, MIT is taken.
END
cargo tree --locked --target "$target" -e normal --prefix none --no-dedupe --format '{p}|{l}' | sort -u |
	while IFS='|' read -r package licence; do
		read -r name version _ <<<"$package"
		[ "$name" != publicip-poc ] || continue
		folder=$(folder_of "$name" "${version#v}")
		heading "$name ${version#v} ($licence)"
		if [ -e "$folder/LICENSE-MIT" ]; then cat "$folder/LICENSE-MIT"; else cat "$folder/LICENSE"; fi
	done
heading "Rust's standard library, $(rustc --version | cut -d ' ' -f 2) (MIT OR Apache-2.0)"
echo 'Copyright (c) The Rust Project Contributors'
echo
sed '1,/^Copyright/d' LICENSE-MIT
heading 'GNU C Library, linked statically (LGPL-2.1-or-later)'
cat <<'END'
Copyright (C) Free Software Foundation, Inc. Its source is at https://www.gnu.org/software/libc/. To link the program
with a glibc of your own, build it from its source on a system with that glibc: `make rpm` or `make deb`.

END
cat packaging/LGPL-2.1.txt
