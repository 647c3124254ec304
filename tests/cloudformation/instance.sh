# shellcheck shell=bash disable=SC2154 # work, net, here, signal_url are run.sh's
# The user-data of deploy.sh's deployments, run as root in a guest with systemd as cloud-init
# would run it; part of run.sh. The AWS CLI in there is the one of the virtual environment
# (Amazon Linux has its own); it takes its credentials from moto's instance metadata (IMDSv2).
# It is zone1, at 10.0.3.10, unless `vm` and `vm_address` say otherwise (group.sh).
vm=zone1 vm_address=10.0.3.10
guest() { tests/system/guest.sh "$1" "$vm" "${@:2}"; }

boot() {
	guest up --bind-ro="$(echo "$work"/venv/lib/python3.*/site-packages):/opt/awscli"
	guest net ip link add eth0 type veth peer name "$vm" netns "$net"
	guest net ip address add "$vm_address/16" dev eth0
	guest net ip link set eth0 up
	guest net ip route add 169.254.169.254 dev eth0
	inside ip link set "$vm" up master zones
	guest x 'cat >/usr/bin/aws; chmod 755 /usr/bin/aws' <<-'END'
		#!/bin/sh
		PYTHONPATH=/opt/awscli exec python3 -m awscli "$@"
	END
}
# run NAME WORDS…: runs that user-data; its one signal holds the words
run() {
	guest x 'cat >/run/user-data' <"$work/$1.sh"
	: >"$work/signals"
	guest x 'unset HOME; AWS_ENDPOINT_URL_S3=http://10.0.0.5:5566 bash /run/user-data 2>&1 | tee -a /var/log/cloud-init-output.log' ||
		true
	expect "$(wc -l <"$work/signals") signal" '1 signal'
	says "$work/signals" "${@:2}"
}
fresh() { guest down; boot; run "$@"; }

verified() { # [SETTING…]
	CURL_HOME=$work/curl inside make --no-print-directory verify URL=http://balancer CHECKIP=http://198.51.100.1:81 WAIT=10 "$@" \
		>"$work/verify" 2>&1
}
served() { # VERSION
	expect "$(guest x "rpm -q --qf '%{VERSION}' publicip-poc")" "$1"
	guest x 'systemctl is-enabled publicip-poc.socket'
	# through the load balancer: our own address, whatever we say it is
	verified
	says "$work/verify" 'ok    the page shows our own address: 203.0.113.7' 'ok    a forged X-Forwarded-For changes nothing: 203.0.113.7' \
		'ok    the page shows our own address: 2001:db8::7' 'ok    a forged X-Forwarded-For changes nothing: 2001:db8::7' \
		'ok    POST is refused: 405'
	# a network with several addresses is no failure, no address is one
	verified CHECKIP=http://198.51.100.1:83
	says "$work/verify" 'note  the page shows 203.0.113.7, but http://198.51.100.1:83' 'was told 203.0.113.8'
	fails verified URL=http://10.0.3.10
	says "$work/verify" 'FAIL  the page shows our own address: Not available instead of 203.0.113.7'
	# from both of its subnets, and from nowhere else in the VPC
	inside curl -sS --fail --max-time 5 --interface 10.0.2.10 -o /dev/null http://10.0.3.10/
	fails inside curl -sS --max-time 2 --interface 10.0.9.9 http://10.0.3.10/
}
# The URL of a wait condition works for a day; the group starts instances for years. This one reads the address as the
# article does, and make verify tells the difference.
later() {
	guest down
	boot
	sed 's|/wait%2Fcondition|/expired|' "$work/article.sh" | guest x 'cat >/run/user-data'
	: >"$work/signals"
	guest x 'unset HOME; AWS_ENDPOINT_URL_S3=http://10.0.0.5:5566 bash /run/user-data' | tee "$work/later"
	says "$work/later" 'signal SUCCESS: HTTP 403'
	expect "$(wc -l <"$work/signals") signals" '0 signals'
	fails verified
	says "$work/verify" 'ok    the page shows our own address: 203.0.113.7' \
		'FAIL  a forged X-Forwarded-For changes nothing: 192.0.2.66 instead of 203.0.113.7'
}
late() {
	inside aws s3 rm --only-show-errors "s3://packages/$(object first)"
	touch "$work/signals.inactive"
	{ sleep 4; upload first; } &
	fresh first 'SUCCESS: publicip-poc serves'
	wait $!
	fails [ -e "$work/signals.inactive" ] # it was refused once
}
tampered() {
	upload second first
	fresh first 'FAILURE: check its SHA-256' 'did NOT match'
	fails guest x 'rpm -q publicip-poc'
}
missing() {
	inside aws s3 rm --recursive --only-show-errors s3://packages/publicip-poc/
	fresh first 'FAILURE: fetch the package from S3' NoSuchKey
}

version=$(packaging/version.sh)
step 'user-data signals SUCCESS' fresh first 'SUCCESS: publicip-poc serves'
step 'port 80 shows the client'\''s address, to the load balancer only' served "$version"
step 'months later, and as in the article: its signal is refused, it serves, and make verify says that it can be forged' later
step 'a service that does not start: FAILURE says so' \
	fresh broken 'FAILURE: ask the service for its page' 'Main process exited, code=exited, status=203/EXEC'
step 'a package of another architecture: FAILURE' \
	fresh foreign 'FAILURE: install it' 'does not have a compatible architecture'
step 'permissions that arrive late, for the package and for the signal: SUCCESS' late
step 'another package than the one that was meant: FAILURE' tampered
step 'no package: FAILURE' missing
