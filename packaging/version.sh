#!/bin/bash
# version.sh [time] — prints the version of what is built here, or with `time` its commit's time in seconds since 1970:
#   2.0.0                            the commit with the tag v2.0.0, unchanged
#   2.0.0~dev.202611271304.0a174ac   before that tag; rpm and dpkg sort it before 2.0.0
#   2.0.0+dev.202612011500.8765880   after it; sorts after 2.0.0
# A source tarball (git archive) has the version of its commit. BUILD_VERSION overrides it, for a copy without git.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
# shellcheck disable=SC2016 # `git archive` fills it in (.gitattributes)
archived='$Format:%ct %H %(describe:tags,match=v*)$'
changed=''
if [[ $archived = [0-9]* ]]; then
	described=$archived
elif [ -e .git ]; then
	described=$(git log -1 --format='%ct %H')
	described+=" $(git describe --tags --match='v*' 2>/dev/null || true)"
	git diff --quiet HEAD || changed=.changed
else
	described=$(date -d 2026-01-01Z +%s)
fi
read -r time commit tag <<<"$described"

if [ "${1:-}" = time ]; then
	echo "$time"
	exit
fi
dev=dev
[ -z "$commit" ] || dev=dev.$(date -u -d "@$time" +%Y%m%d%H%M).${commit:0:7}$changed
case $tag$changed in
"v$version") ;;
"v$version"[-.]*) version+=+$dev ;;
*) version+=\~$dev ;;
esac
version=${BUILD_VERSION:-$version}
[[ $version =~ ^[0-9][0-9A-Za-z.+~]*$ ]] || {
	echo "version.sh: \"$version\" is not a version for rpm and dpkg: a digit, then letters, digits and .+~" >&2
	exit 1
}
echo "$version"
