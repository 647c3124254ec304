# shellcheck shell=bash
# tool.sh — sourced by what needs a program of crates.io:
#   tool NAME VERSION   installs it under target/tools and puts it on PATH
# Pinned, kept out of the user's own ~/.cargo/bin, and unoptimised: built sooner, and quick enough for a small package.
# The tools share a folder: what has the same version and features in two of them is built once.
tool() {
	local name=$1 version=$2
	export PATH=$PWD/target/tools/bin:$PATH
	! grep -qsF "\"$name $version " target/tools/.crates.toml || return 0 # cargo's own list
	echo "building $name $version, once; this takes a minute or two" >&2
	"${CARGO:-cargo}" install --quiet --debug --config profile.dev.debug=false --locked \
		--target-dir target/tools/build --root target/tools "$name@$version"
}
