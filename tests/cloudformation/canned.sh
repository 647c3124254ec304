# shellcheck shell=bash disable=SC2154 # work, here are run.sh's, deploy and given are refusals.sh's
# What the scripts of cloudformation/ make of what moto never answers: pages of events, expired credentials, failures
# of a group; part of run.sh. The AWS CLI is a stand-in with canned answers (canned.py).

# answers: from now on `canned COMMAND…` runs it with a CLI that says what `answer` was told (canned.py), and no sleep.
answers() {
	rm -rf "$work/stub" "$work/answers"
	mkdir "$work/answers"
	stub aws "[ \"\$1\" != --version ] || { echo aws-cli/2.30.0; exit; }
echo a warning >&2
exec python3 $here/canned.py $work/answers \"\$@\""
	stub sleep :
}
answer() { cat >"$work/answers/$1.json"; } # COMMAND <ITS ANSWER
page() { local IFS=,; echo "{\"$1\": [${*:2}]}"; } # KIND JSON…
event() { # MINUTE STATUS RESOURCE [REASON]
	echo "{\"Timestamp\": \"2026-01-02T00:$1:00Z\", \"ResourceStatus\": \"$2\", \"LogicalResourceId\": \"$3\"" \
		"${4:+, \"ResourceStatusReason\": \"$4\"}}"
}
launch() { # STACK TIME STATUS MESSAGE
	echo "{\"AutoScalingGroupName\": \"$1-EC2Instances-1\", \"StartTime\": \"$2\", \"StatusCode\": \"$3\", \"StatusMessage\": \"$4\"}"
}
stack_is() { # STATUS
	page Stacks "{\"StackStatus\": \"$1\", \"StackId\": \"x\", \"CreationTime\": \"2026-01-02T00:00:00Z\"}" | answer describe-stacks
}
canned() { env PATH="$work/stub:$PATH" "$@" >"$work/said" 2>&1; }
follow() { canned bash -c ". cloudformation/lib.sh; follow $1 CREATE_COMPLETE"; }

# The CLI hands out events in pages, newest first, and applies a query to each.
pages() {
	answers
	stack_is CREATE_COMPLETE
	{
		page StackEvents "$(event 05 DONE E5)" "$(event 04 DONE E4)" "$(event 03 DONE E3)"
		page StackEvents "$(event 02 DONE E2)" "$(event 01 DONE E1)"
	} | answer describe-stack-events
	follow 1
	expect "$(awk '{ print $3 }' "$work/said" | xargs)" 'E2 E3 E4 E5'
}
# An error while watching is shown once; ten in a row end it.
expiry() {
	answers
	answer get-caller-identity <<<'An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: no'
	fails canned cloudformation/events.sh
	says "$work/said" 'events: AWS does not accept the credentials in us-east-1 (wrong, or the region is not enabled'
	answers
	answer describe-stacks <<<'An error occurred (ExpiredToken) when calling the DescribeStacks operation: no longer good'
	fails follow 0
	says "$work/said" 'the credentials have expired; aws sso login' 'gave up watching'
	expect "$(wc -l <"$work/said") lines, $(wc -l <"$work/answers/calls") calls" '2 lines, 10 calls'
}
# What the group could not launch stands in no event; a timeout is all that the stack knows of it.
launch_failures() {
	local ours=PublicIP-PoC now=2026-01-02T00:09:00Z
	answers
	stack_is ROLLBACK_COMPLETE
	{
		page StackEvents "$(event 20 DELETE_FAILED VPC)" "$(event 19 CREATE_FAILED Listener 'Resource creation cancelled')"
		page StackEvents "$(event 18 CREATE_FAILED Ready 'timed out')" "$(event 17 CREATE_IN_PROGRESS VPC)"
	} | answer describe-stack-events
	{
		page Activities "$(launch $ours $now Failed 'vCPU limit of 5')" "$(launch $ours $now Successful fine)"
		page Activities "$(launch $ours $now Failed 'vCPU limit of 5')" "$(launch ${ours}2 $now Failed 'not ours')" \
			"$(launch $ours 2026-01-01T00:09:00Z Failed 'an earlier stack')"
	} | answer describe-scaling-activities
	canned cloudformation/events.sh
	expect "$(grep -v 'a warning' "$work/said")" "00:18:00  CREATE_FAILED          Ready
          timed out
00:20:00  DELETE_FAILED          VPC
no instance: vCPU limit of 5
PublicIP-PoC is ROLLBACK_COMPLETE"
	fails follow 0
	says "$work/said" 'no instance: vCPU limit of 5' 'the stack is ROLLBACK_COMPLETE, not CREATE_COMPLETE'
}
# denies TEXT COMMAND…: it fails with the text, and has deleted nothing
denies() {
	fails canned "${@:2}"
	says "$work/said" "$1"
	fails grep '^s3 rm' "$work/answers/calls"
}
# A forgotten REGION finds no stack: what belongs to the one elsewhere stays. A denied call is no such stack either.
kept() {
	answers
	answer describe-stacks <<<'An error occurred (ValidationError): Stack with id PublicIP-PoC does not exist'
	denies 'there is no stack PublicIP-PoC in us-east-1; nothing was deleted' BUCKET=packages cloudformation/destroy.sh
	denies 'there is no stack PublicIP-PoC in us-east-1' cloudformation/events.sh
	denies 'there is no stack PublicIP-PoC in us-east-1: make deploy' cloudformation/verify.sh
	denies 'BUCKET is missing' PACKAGES=yes cloudformation/destroy.sh
	canned PACKAGES=yes BUCKET=packages cloudformation/destroy.sh # that is, they were left behind
	says "$work/answers/calls" 's3 rm --only-show-errors --recursive s3://packages/publicip-poc/PublicIP-PoC/'
	answers
	answer describe-stacks <<<'Error loading SSO Token: Token for https://x.awsapps.com/start does not exist'
	denies 'stack PublicIP-PoC cannot be looked at: the credentials have expired' cloudformation/destroy.sh
	answer describe-stacks <<<'An error occurred (AccessDenied) when calling the DescribeStacks operation: no'
	denies 'stack PublicIP-PoC cannot be looked at: An error occurred (AccessDenied)' \
		PACKAGES=yes BUCKET=packages cloudformation/destroy.sh
	stack_is DELETE_FAILED
	denies 'the stack is DELETE_FAILED, not DELETE_COMPLETE' cloudformation/destroy.sh
}
# What deploy.sh refuses once it has seen bucket, stack and zones.
states() {
	answers
	answer get-bucket-location <<<'{"LocationConstraint": "EU"}'
	denies 'bucket packages is in eu-west-1 and the stack in us-east-1' "${given[@]}" "$deploy"
	answer get-bucket-location <<<'{"LocationConstraint": null}'
	stack_is DELETE_FAILED
	denies 'stack PublicIP-PoC is DELETE_FAILED and cannot be updated' "${given[@]}" "$deploy"
	stack_is UPDATE_COMPLETE
	denies 'KEEP=yes is for the first deployment' "${given[@]}" KEEP=yes "$deploy"
	page InstanceTypeOfferings '{"Location": "us-east-1a"}' '{"Location": "us-east-1-bos-1a"}' |
		answer describe-instance-type-offerings
	denies 'INSTANCE_TYPE=t3.micro is not offered in two zones of us-east-1' "${given[@]}" "$deploy"
	page InstanceTypeOfferings '{"Location": "us-east-1a"}' '{"Location": "us-east-1b"}' |
		answer describe-instance-type-offerings
	page Subnets '{"CidrBlock": "10.0.1.0/24", "AvailabilityZone": "us-east-1c"}' | answer describe-subnets
	denies 'INSTANCE_TYPE=t3.micro is not offered in us-east-1c, where the stack is' "${given[@]}" "$deploy"
}

step 'events come in pages' pages
step 'credentials that are not for this region, and some that expire while it watches' expiry
step 'why the group could not launch an instance' launch_failures
step 'make destroy where no stack is found, or none is gone: the packages stay' kept
step 'make deploy where bucket, stack or zones do not fit' states
