#!/bin/bash
# release.sh — `make release-files`: what goes beside the packages of a release, under target/package: their SHA256SUMS,
# and NOTES.md from CHANGELOG.md. Fails on any commit but the tagged one.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(packaging/version.sh)
[[ $version != *dev* ]] || { echo "release.sh: $version is not a release: check out its tag" >&2; exit 1; }
awk -v heading="## [$version]" '/^## / { inside = index($0, heading) == 1; next } inside' CHANGELOG.md \
	>target/package/NOTES.md
cd target/package
sha256sum publicip-poc[-_]"$version"-1[._]* | tee SHA256SUMS
