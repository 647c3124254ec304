# shellcheck shell=bash
# What deploy.sh, verify.sh, events.sh and destroy.sh share: the check of what they need, what they
# ask of a stack, and its events as lines on a terminal. AWS is reached by its CLI only, so
# the CLI's settings hold too (AWS_PROFILE, AWS_ENDPOINT_URL …). Runs on macOS too: bash 3.2, BSD tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export AWS_PAGER=''
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

say() { printf '%s  %s\n' "$(date +%T)" "$*"; }
die() { echo "$(basename "$0" .sh): $*" >&2; exit 1; }
wrong() { echo "$(basename "$0" .sh): $*" >&2; exit 2; }
yes_or_no() { [[ $2 = yes || $2 = no ]] || wrong "$1=$2 must be yes or no"; } # SETTING VALUE

# shellcheck source=/dev/null
. cloudformation/settings.sh

# ask COMMAND…: keeps its stderr, which must not get into a value: a CLI may print a warning beside a good answer.
ask() { "$@" 2>"$errors"; }
# reason: the last line that a failed `ask` said, with what to do about it where that is known.
reason() {
	local line
	line=$(grep . "$errors" | tail -n 1) || true
	case $line in
	*[Ee]xpired* | *'sso login'* | *'SSO Token'*)
		echo "the credentials have expired; aws sso login renews those of IAM Identity Center: $line" ;;
	*InvalidClientTokenId* | *UnrecognizedClient* | *AuthFailure* | *OptInRequired*)
		echo "AWS does not accept the credentials in $REGION (wrong, or the region is not enabled for the account): $line" ;;
	*'Could not connect'* | *'timeout on'*) echo "AWS cannot be reached (is $REGION a region?): $line" ;;
	*) echo "$line" ;;
	esac
}

# Checks everything that has to be there before anything is done; sets REGION.
need_aws() {
	local version old='^aws-cli/(1\.1?[0-9]|2\.[01])\.' # bash 3.2 cannot parse its parentheses inside [[ ]]
	command -v aws >/dev/null || die "the AWS CLI is missing: install awscli, version 2"
	version=$(aws --version 2>&1)
	[[ ! $version =~ $old ]] || die "${version%% *} is too old: version 2.2 (or 1.20) is needed"
	REGION=${REGION:-${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}}
	[ "$REGION" != None ] || REGION='' # what some versions print for none
	export AWS_DEFAULT_REGION=${REGION:=us-east-1} AWS_REGION=$REGION
	ask aws sts get-caller-identity >/dev/null || case $(reason) in
	*'Unable to locate'* | *'could not be found'*)
		die "no AWS credentials (try aws configure, or set AWS_PROFILE): $(reason)" ;;
	*) die "$(reason)" ;;
	esac
}

# stack QUERY: one value of the stack, by JMESPath. Returns 1 if there is no such stack, 2 if that cannot be known.
stack() {
	local output stack=${STACK_ID:-$STACK}
	if output=$(ask aws cloudformation describe-stacks --stack-name "$stack" --output text --query "Stacks[0].$1"); then
		[ -z "$output" ] || echo "$output"
		return 0
	fi
	! grep -q 'Stack with id .* does not exist' "$errors" || return 1 # not an SSO token that does not
	return 2
}
# missing STATUS: ends the script unless `stack` said that there is no such stack.
missing() { [ "$1" = 1 ] || die "stack $STACK cannot be looked at: $(reason)"; }
parameter() { stack "Parameters[?ParameterKey=='$1'].ParameterValue"; }
output() { stack "Outputs[?OutputKey=='$1'].OutputValue"; }

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

# launches: what the stack's groups could not launch, and why; it stands in no event of the stack. A group that a
# rollback deleted counts, one of an earlier stack of this name does not.
launches() {
	local since
	since=$(stack CreationTime)
	aws autoscaling describe-scaling-activities --include-deleted-groups --output text --query "Activities[?\
		StatusCode=='Failed' && starts_with(AutoScalingGroupName, '$STACK-EC2Instances-')].[StartTime,StatusMessage]" |
		awk -F '\t' -v since="${since:0:19}" 'substr($1, 1, 19) >= since && !seen[$2]++ { print "no instance: " $2 }' |
		fold -s -w 78
}

# follow SEEN WANTED: shows the events after the first SEEN until the stack is in a final state,
# for an hour at most; true if its status is WANTED then.
follow() {
	local seen=$1 status lines failures=0
	for _ in {1..720}; do
		if status=$(stack StackStatus) && lines=$(ask events ''); then
			failures=0
			tail -n +$((seen + 1)) <<<"$lines" | show
			seen=$(wc -l <<<"$lines")
			[[ $status = *_IN_PROGRESS ]] || break
		else
			failures=$((failures + 1))
			[ $failures -lt 10 ] || die "gave up watching; the stack goes on without it, and make events shows how it ended"
			[ $failures != 1 ] || say "$(reason)" >&2
		fi
		sleep 5
	done
	[ "$status" = "$2" ] || { launches || true; die "the stack is $status, not $2: make events shows why"; }
}
