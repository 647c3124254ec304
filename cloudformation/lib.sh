# shellcheck shell=bash
# What deploy.sh, verify.sh, events.sh and destroy.sh share: their settings, the check of what
# they need, and a stack's events as lines on a terminal. All of AWS is spoken to by its CLI, so
# its own settings hold too (AWS_PROFILE, AWS_ENDPOINT_URL …). Runs on macOS too: bash 3.2, BSD tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

STACK=${STACK:-PublicIP-PoC}
export AWS_PAGER=''

say() { printf '%s  %s\n' "$(date +%T)" "$*"; }
die() { echo "$(basename "$0" .sh): $*" >&2; exit 1; }
wrong() { echo "$(basename "$0" .sh): $*" >&2; exit 2; }
# The last line of what a command of the AWS CLI said; the lines before are empty or a traceback.
last_line() { sed -n '$p'; }

# Checks everything that has to be there before anything is done; sets REGION.
need_aws() {
	local error
	# The load balancer is named after it, in 32 characters at most.
	[[ $STACK =~ ^[A-Za-z][A-Za-z0-9-]{0,27}$ && $STACK != internal-* ]] ||
		wrong "STACK=$STACK is not a valid stack name: a letter, then up to 27 letters, digits or hyphens"
	command -v aws >/dev/null || die "the AWS CLI is missing: install awscli, version 2"
	REGION=${REGION:-${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}}
	[ "$REGION" != None ] || REGION='' # what some versions print for none
	export AWS_DEFAULT_REGION=${REGION:=us-east-1} AWS_REGION=$REGION
	error=$(aws sts get-caller-identity 2>&1 >/dev/null) || case $error in
	*'Could not connect'* | *'timeout on'*) die "AWS cannot be reached: $(last_line <<<"$error")" ;;
	*) die "no AWS credentials that work (try aws configure, or set AWS_PROFILE): $(last_line <<<"$error")" ;;
	esac
}

# stack QUERY: one value of the stack, by JMESPath. Returns 1 if there is no such stack; says what
# is wrong, and returns 2, if that cannot be known.
stack() {
	local output
	if output=$(aws cloudformation describe-stacks --stack-name "${STACK_ID:-$STACK}" --query "Stacks[0].$1" --output text 2>&1); then
		[ -z "$output" ] || echo "$output"
		return 0
	fi
	case $output in *'does not exist'*) return 1 ;; esac
	echo "$(basename "$0" .sh): stack $STACK cannot be looked at: $(last_line <<<"$output")" >&2
	return 2
}
# missing STATUS: ends the script unless `stack` said that there is no such stack.
missing() { [ "$1" = 1 ] || exit 1; }

# events FILTER: the stack's events, oldest first: time, status, resource, reason, by tabs. The CLI
# applies a query to each page of 100 events, newest first, so the order is reversed here.
events() {
	aws cloudformation describe-stack-events --stack-name "${STACK_ID:-$STACK}" --output text \
		--query "StackEvents[$1].[Timestamp,ResourceStatus,LogicalResourceId,ResourceStatusReason]" | sed '1!G;h;$!d'
}
show() {
	local time status resource reason
	while IFS=$'\t' read -r time status resource reason; do
		printf '%s  %-22s %s\n' "$(cut -c 12-19 <<<"$time")" "$status" "$resource"
		[[ $reason = None || $status != *FAILED ]] || fold -s -w 68 <<<"$reason" | sed 's/^/          /'
	done
}

# follow SEEN WANTED: shows the events after the first SEEN until the stack rests, for an hour at
# most; true if its status is WANTED then.
follow() {
	local seen=$1 status lines
	for _ in {1..720}; do
		if ! { status=$(stack StackStatus) && lines=$(events ''); } 2>/dev/null; then sleep 5; continue; fi
		tail -n +$((seen + 1)) <<<"$lines" | show
		seen=$(wc -l <<<"$lines")
		[[ $status = *_IN_PROGRESS ]] || break
		sleep 5
	done
	[ "$status" = "$2" ] || die "the stack is $status, not $2: make events shows why"
}
