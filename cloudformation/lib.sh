# shellcheck shell=bash
# What deploy.sh, verify.sh, events.sh and destroy.sh share: their settings, the check of what
# they need, and a stack's events as lines on a terminal. All of AWS is spoken to by its CLI, so
# its own settings hold too (AWS_PROFILE, AWS_ENDPOINT_URL …).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

STACK=${STACK:-PublicIP-PoC}
export AWS_PAGER=''

say() { printf '%s  %s\n' "$(date +%T)" "$*"; }
die() { echo "$(basename "$0" .sh): $*" >&2; exit 1; }
wrong() { echo "$(basename "$0" .sh): $*" >&2; exit 2; }

# Everything that has to be there before anything is done; sets REGION.
need_aws() {
	local error
	# the load balancer's name is made of it, and must not be longer than 32
	[[ $STACK =~ ^[A-Za-z][A-Za-z0-9-]{0,27}$ && $STACK != internal-* ]] ||
		wrong "STACK=$STACK is no name for this stack: a letter, then up to 27 letters, digits or hyphens"
	command -v aws >/dev/null || die "the AWS CLI is missing: install awscli, version 2"
	REGION=${REGION:-${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}}
	export AWS_DEFAULT_REGION=${REGION:=us-east-1} AWS_REGION=$REGION
	error=$(aws sts get-caller-identity 2>&1 >/dev/null) ||
		die "no AWS credentials that work (try aws configure, or set AWS_PROFILE): ${error##*$'\n'}"
}

# stack QUERY: one value of the stack, by JMESPath; fails when there is no such stack.
stack() { aws cloudformation describe-stacks --stack-name "${STACK_ID:-$STACK}" --query "Stacks[0].$1" --output text 2>/dev/null; }

# events FILTER: the stack's events, oldest first: time, status, resource, reason, by tabs.
events() {
	aws cloudformation describe-stack-events --stack-name "${STACK_ID:-$STACK}" --output text \
		--query "reverse(StackEvents[$1].[Timestamp,ResourceStatus,LogicalResourceId,ResourceStatusReason])"
}
show() {
	local time status resource reason
	while IFS=$'\t' read -r time status resource reason; do
		printf '%s  %-22s %s\n' "${time:11:8}" "$status" "$resource"
		[[ $reason = None || $status != *FAILED ]] || fold -s -w 68 <<<"$reason" | sed 's/^/          /'
	done
}

# follow SEEN WANTED: shows the events after the first SEEN until the stack rests, for half an hour
# at most; true if its status is WANTED then.
follow() {
	local seen=$1 status lines
	for _ in {1..360}; do
		if ! { status=$(stack StackStatus) && lines=$(events ''); }; then sleep 5; continue; fi
		tail -n +$((seen + 1)) <<<"$lines" | show
		seen=$(wc -l <<<"$lines")
		[[ $status = *_IN_PROGRESS ]] || break
		sleep 5
	done
	[ "$status" = "$2" ] || die "the stack is $status, not $2: make events shows why"
}
