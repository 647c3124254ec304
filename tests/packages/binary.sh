# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# binary.sh — part of run.sh: the program in the packages.
program=$tmp/rpm/usr/bin/publicip-poc
limit=720000 # bytes of the rpm; an empty Rust program linked statically against glibc is 418 kB of it

static() {
	readelf -lSdW "$program" >"$tmp/elf"
	fails grep -E 'INTERP|NEEDED|\.symtab|\.debug' "$tmp/elf"
	readelf -hW "$program" | grep -q 'Type:.*DYN' # position-independent: addresses are randomised
}
# What a scanner finds: each crate that is linked, in the section of cargo-auditable.
auditable() {
	objcopy --dump-section .dep-v0="$tmp/crates" "$program" "$tmp/unused"
	python3 -c 'import json, sys, zlib
for crate in json.loads(zlib.decompress(sys.stdin.buffer.read()))["packages"]:
    if crate.get("kind") != "build": print(crate["name"], "v" + crate["version"])' <"$tmp/crates" | sort >"$tmp/listed"
	cargo tree --locked -e normal --prefix none --no-dedupe --format '{p}' | cut -d ' ' -f 1,2 | sort -u | diff - "$tmp/listed"
}
# Whoever has a core dump finds the functions' names by the build id.
symbols() {
	local id
	id=$(readelf -n "$program" | sed -n 's/.*Build ID: //p')
	readelf -sW "target/package/debug/.build-id/${id:0:2}/${id:2}.debug" >"$tmp/symbols"
	grep -q 'FUNC.*publicip_poc' "$tmp/symbols"
}
no_paths() { fails grep -aoF -e "$PWD/" -e "${CARGO_HOME:-$HOME/.cargo}/" "$program"; }
small() { [ "$(stat -c %s "$rpm")" -le $limit ] && echo "$(stat -c %s "$rpm") of at most $limit bytes" >&3; }

step 'the binary is the same in rpm and deb' cmp "$program" "$tmp/deb/usr/bin/publicip-poc"
step 'the binary is static, stripped and relocatable' static
step 'the binary lists its crates' auditable
step 'the symbols of the binary are kept by its build id' symbols
step 'no path of the building machine is in the binary' no_paths
step 'rpm: size' small
