#!/bin/bash
# verify.sh — the article's "testing and validation" by machine: the page shows the address that
# this machine has on the internet, and nothing that a client writes changes it.
# URL=… checks another place than the stack's TestURL; CHECKIP=… asks another place who we are;
# WAIT=… is for how many seconds at most it waits for a first answer.
# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
CHECKIP=${CHECKIP:-https://checkip.amazonaws.com}
WAIT=${WAIT:-120}
forged=192.0.2.66 # of a range that is nobody's (RFC 5737)

if [ -z "${URL:-}" ]; then
	need_aws
	URL=$(output TestURL) || { missing $?; die "there is no stack $STACK in $REGION: make deploy"; }
fi
get=(-sS --fail --max-time 10)

say "ask $URL (for $WAIT s at most, until the load balancer has seen the instance)"
ask curl -4 "${get[@]}" --retry 999 --retry-max-time "$WAIT" --retry-delay 3 --retry-all-errors -o /dev/null "$URL" ||
	die "$URL does not answer ($(reason)): make events, or the shell command of make deploy"
own=$(curl -4 "${get[@]}" "$CHECKIP") || die "$CHECKIP does not say what address this machine has"

failed=0
check() { # WHAT EXPECTED ACTUAL
	if [ "$2" = "$3" ]; then echo "ok    $1: $3"; else echo "FAIL  $1: ${3:-nothing} instead of $2"; failed=1; fi
}
# pages -4|-6 OWN: asks three times over one connection, which has one address even if the network has several.
pages() {
	local page one two
	{ read -r page; read -r one; read -r two; } < <(
		curl "$1" "${get[@]}" "$URL" \
			--next "$1" "${get[@]}" -H "X-Forwarded-For: $forged" "$URL" \
			--next "$1" "${get[@]}" -H "X-Forwarded-For: $forged" -H "X-Forwarded-For: $forged, $2" "$URL" |
			sed -n 's/.*Original Client IP: <span[^>]*>\(.*\)<\/span>.*/\1/p'
	) || true
	case $page in
	"$2" | '' | *[!0-9a-fA-F.:]* | 10.*) check "the page shows our own address" "$2" "$page" ;;
	*)
		echo "note  the page shows $page, but $3"
		echo "      was told $2: right only if your network has both (NAT, proxy)" ;;
	esac
	check "a forged X-Forwarded-For changes nothing" "$page" "$one"
	check "nor do two of them" "$page" "$two"
}
pages -4 "$own" "$CHECKIP"
check 'POST is refused' 405 "$(curl -4 -sS --max-time 10 -o /dev/null -w '%{http_code}' -d x "$URL")"

# Over IPv6 this machine's own address is the connection's: seldom does anything translate it on the way.
own=$(curl -6 "${get[@]}" -o /dev/null -w '%{local_ip}' "$URL" 2>/dev/null) || own=''
if [ -n "$own" ]; then
	pages -6 "$own" 'this machine'
else
	echo "skip  IPv6: this machine does not reach $URL over it"
fi
exit $failed
