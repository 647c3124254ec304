# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# release.sh — part of run.sh: a release is made by RELEASING.md's commands, in a repository of its own, and what is
# built there has the version that it should have.

repository() {
	export GIT_AUTHOR_NAME=Test GIT_AUTHOR_EMAIL=test@example.org GIT_COMMITTER_NAME=Test GIT_COMMITTER_EMAIL=test@example.org
	git init --quiet --bare "$tmp/origin"
	git init --quiet "$tmp/work"
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$tmp/work"
	cd "$tmp/work" || return
	sed -i 's/^## \[Unreleased\]$/&\n\n- Of this release.\n\n## [98.0.0] - 2026-01-01\n\n- Of the one before./' CHANGELOG.md
	git remote add origin "$tmp/origin"
	git add .
	git commit --quiet --message='Before the release'
}
# as REGEX: version.sh prints one that matches, and rpm and dpkg sort it after the one before.
last=1
as() {
	local now
	now=$(packaging/version.sh)
	echo "$now"
	[[ $now =~ ^$1$ ]]
	dpkg --compare-versions "$now" gt "$last"
	expect "$(rpm --eval "%{lua:print(rpm.vercmp('$now', '$last'))}")" 1
	last=$now
}

release() {
	local commands commit='[0-9]{12}\.[0-9a-f]{7}'
	repository
	as "[0-9.]+~dev\.$commit"
	fails make release-files
	# make test would build everything once more; of what it does, the lock file is checked
	commands=$(sed -n '/^## A release/,/^## A package/s/^\$ //p' RELEASING.md |
		sed 's/^version=.*/version=99.0.0/; s/^make test$/cargo tree --quiet --locked --depth 0/')
	echo "$commands"
	export CARGO_NET_OFFLINE=true
	eval "$commands"
	as '99\.0\.0'
	expect "$(git status --short)" ""
	git ls-remote origin | grep "^$(git rev-parse HEAD).*refs/tags/v99.0.0^{}"
	grep 'publicip\\-poc 99.0.0"' packaging/publicip-poc.8
	grep "^## \[99.0.0\] - $(date -I)" CHANGELOG.md
	# of the release's source tarball
	mkdir "$tmp/tarball"
	git archive v99.0.0 | tar -x -C "$tmp/tarball"
	expect "$("$tmp/tarball/packaging/version.sh")" 99.0.0
	expect "$("$tmp/tarball/packaging/version.sh" time)" "$(git log -1 --format=%ct)"
	release_files
	git commit --quiet --allow-empty --message='After the release'
	as "99\.0\.0\+dev\.$commit"
	echo changed >>README.md
	as "99\.0\.0\+dev\.$commit\.changed"
}
release_files() {
	mkdir -p target/package
	for file in -99.0.0-1.x86_64.rpm _99.0.0-1_arm64.deb -98.0.0-1.x86_64.rpm; do echo "$file" >"target/package/publicip-poc$file"; done
	make release-files
	(cd target/package && sha256sum --check SHA256SUMS)
	expect "$(wc -l <target/package/SHA256SUMS)" 2
	expect "$(grep . target/package/NOTES.md)" '- Of this release.'
}

step "a release by RELEASING.md's commands, and the versions before and after it" release
