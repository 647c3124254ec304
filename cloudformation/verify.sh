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
	URL=$(stack "Outputs[?OutputKey=='TestURL'].OutputValue") || { missing $?; die "there is no stack $STACK in $REGION: make deploy"; }
fi
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
get() { curl -4 -sS --fail --max-time 10 "$@"; }

say "ask $URL (for $WAIT s at most, until the load balancer has seen the instance)"
get --retry 999 --retry-max-time "$WAIT" --retry-delay 3 --retry-all-errors -o /dev/null "$URL" 2>"$errors" ||
	die "$URL does not answer ($(last_line <"$errors")): make events, or the shell command of make deploy"
own=$(get "$CHECKIP") || die "$CHECKIP does not say what address this machine has"

failed=0
check() { # WHAT EXPECTED ACTUAL
	if [ "$2" = "$3" ]; then echo "ok    $1: $3"; else echo "FAIL  $1: $3 instead of $2"; failed=1; fi
}
address() { sed -n 's/.*Original Client IP: <span[^>]*>\(.*\)<\/span>.*/\1/p'; }
shown() { get "$@" "$URL" | address; }
shown6() { curl -6 -sS --fail --max-time 10 "$@" "$URL" | address; }
check 'the page shows our own address' "$own" "$(shown)"
check 'a forged X-Forwarded-For changes nothing' "$own" "$(shown -H "X-Forwarded-For: $forged")"
check 'nor do two of them' "$own" "$(shown -H "X-Forwarded-For: $forged" -H "X-Forwarded-For: $forged, $own")"
check 'POST is refused' 405 "$(curl -4 -sS --max-time 10 -o /dev/null -w '%{http_code}' -d x "$URL")"

# Over IPv6 this machine's own address is the connection's: nothing translates it on the way.
own=$(curl -6 -sS --max-time 10 -o /dev/null -w '%{local_ip}' "$URL" 2>/dev/null) || own=''
if [ -n "$own" ]; then
	check 'the page shows our own IPv6 address' "$own" "$(shown6)"
	check 'a forged X-Forwarded-For changes nothing over IPv6' "$own" "$(shown6 -H "X-Forwarded-For: $forged")"
else
	echo "skip  IPv6: this machine does not reach $URL over it"
fi
exit $failed
