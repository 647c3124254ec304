# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# repository.sh — part of run.sh: a release is signed, served and upgraded to, by the commands of RELEASING.md.

# typed PROMPT: the commands behind a prompt in RELEASING.md's section, and the lines of their here-documents.
typed() {
	awk -v prompt="$1" '
		/^## / { inside = $0 == "## A package repository" }
		inside && here { print; here = $0 != "END" }
		inside && index($0, prompt " ") == 1 { print substr($0, 3); here = /<<END$/ }' RELEASING.md
}

# `make rpm` stands for the later release; it is packed once more, signed.
signed() {
	PATH=$PWD/target/tools/bin:$PATH cargo generate-rpm --target "$target" --set-metadata 'release = "2"' \
		--output "$tmp/target/package/later.rpm" --signing-key "${1#SIGNING_KEY=}"
}
release() {
	local commands
	export GNUPGHOME=$tmp/gnupg
	mkdir -m 700 "$GNUPGHOME"
	mkdir -p "$tmp/target/package" "$share/rpms"
	commands=$(typed '$')
	echo "$commands"
	eval "$(sed "s|^make rpm|signed|; s|/srv/rpms|$share/rpms|; s|[a-z]*\.asc|$tmp/&|g; s|target/package|$tmp/&|" <<<"$commands")"
	gpgconf --kill all
}
by_hand() {
	cp "$tmp/public.asc" "$share/"
	x "cd /mnt/share && $(typed '#' | grep '^rpm ' | sed 's|\./publicip-poc-.*|rpms/later.rpm|')" >"$tmp/check"
	x 'rpm -e gpg-pubkey' # dnf is to ask for it by itself
	grep 'digests signatures OK' "$tmp/check"
}
# upgrade_from URL: as typed, with this address of the repository.
upgrade_from() {
	x "dnf -y --disablerepo='*' install /mnt/share/first.rpm; rpm -e gpg-pubkey || true"
	x "$(typed '#' | grep -v '^rpm ' | sed "s|https://rpms.example.org|$1|; s/^dnf/& -y/")"
	expect "$(x 'rpm -q --qf "%{RELEASE} %{RSAHEADER:pgpsig}" publicip-poc' | cut -c1-5)" '2 RSA'
}
over_http() {
	x 'systemd-run --quiet --unit=repository -p WorkingDirectory=/mnt/share/rpms python3 -m http.server 8000'
	until_true 5 get -o /dev/null http://127.0.0.1:8000/public.asc
	x 'dnf -y remove publicip-poc'
	upgrade_from http://127.0.0.1:8000
	x 'journalctl -u repository -o cat --no-pager' | grep 'GET /later.rpm'
}
# What is not signed is not installed.
unsigned() {
	x 'dnf -y remove publicip-poc'
	cp "$share/later.rpm" "$share/rpms/later.rpm"
	createrepo_c --quiet "$share/rpms"
	x "dnf -y --disablerepo='*' install /mnt/share/first.rpm; dnf clean all"
	fails x 'dnf -y upgrade publicip-poc'
	x 'dnf -y upgrade publicip-poc 2>&1 || true' | grep 'is not signed'
	x "systemctl stop repository; rm /etc/yum.repos.d/publicip-poc.repo; dnf -y --disablerepo='*' remove publicip-poc"
}

step 'repository: made, signed and indexed by the commands of RELEASING.md' release
step 'repository: the signature checked by hand' by_hand
step 'repository: dnf upgrade from a directory' upgrade_from file:///mnt/share/rpms
step 'repository: dnf upgrade over HTTP' over_http
step 'repository: an unsigned package is refused' unsigned
