# shellcheck shell=bash disable=SC2154 # work, here are run.sh's
# What the scripts of cloudformation/ say to wrong input and in a bad hour; part of run.sh. A deployment that
# succeeds is in deploy.sh.
deploy=cloudformation/deploy.sh given=(env BUCKET=packages PACKAGE=Makefile)

# refuses STATUS TEXT COMMAND…: it ends with that status and one line that holds the text
refuses() {
	local status=0
	inside "${@:3}" >"$work/refusal" 2>&1 || status=$?
	says "$work/refusal" "$2"
	expect "status $status, $(wc -l <"$work/refusal") line" "status $1, 1 line"
}
# stub NAME COMMANDS: a program of that name in $work/stub
stub() {
	mkdir -p "$work/stub"
	printf '#!/bin/bash\n%s\n' "$2" >"$work/stub/$1"
	chmod 755 "$work/stub/$1"
}

settings() {
	local setting
	refuses 2 'BUCKET is missing' $deploy
	for setting in BUCKET=s3://b BUCKET=My_Bucket INSTANCES=two INSTANCES=08 INSTANCES=21 INSTANCE_TYPE=t3 CLIENT_CIDR=999.1.1.1/99 \
		CLIENT_CIDR=01.0.0.0/8 CLIENT_CIDR6=1.2.3.4/32 CLIENT_CIDR6=2001:db8::/129 CLIENT_ADDRESS=last SHELL_ACCESS=maybe \
		CERTIFICATE_ARN=x HOST_NAME=localhost KEEP=si; do
		refuses 2 "$setting must be " env BUCKET=packages "$setting" $deploy
	done
	refuses 2 'ARCH=mips is unknown' env BUCKET=packages ARCH=mips $deploy
	refuses 2 'PACKAGE=/nowhere.rpm cannot be read' env BUCKET=packages PACKAGE=/nowhere.rpm $deploy
	refuses 2 'STACK=a_b is not a valid stack name' env BUCKET=packages STACK=a_b $deploy
	refuses 2 'CERTIFICATE_ARN and HOST_NAME come together' env BUCKET=packages HOST_NAME=ip.example.com $deploy
	refuses 2 'PACKAGES=all must be yes or no' env PACKAGES=all cloudformation/destroy.sh
	refuses 2 'CLIENT_CDIR is none of the settings: INSTANCE_TYPE INSTANCES BUCKET ' env BUCKET=packages CLIENT_CDIR=192.0.2.1/32 $deploy
	fails inside make --no-print-directory destroy AWS_PROFILE=one 'REGOIN=eu-west-1 REGION=' >"$work/refusal" 2>&1
	says "$work/refusal" 'destroy: REGOIN is none of the settings'
}
tools() { # with a PATH that has what the scripts call, and nothing else
	local tool
	rm -rf "$work/stub"
	mkdir "$work/stub"
	for tool in awk basename bash cut dirname echo env grep mktemp rm tail tr xargs; do ln -s "$(type -P $tool)" "$work/stub/"; done
	stub uname 'echo Linux'
	refuses 1 'cargo is missing: install Rust (https://rustup.rs), or set PACKAGE=' env BUCKET=packages "PATH=$work/stub" $deploy
	stub uname 'echo Darwin'
	refuses 1 'only Linux builds the RPM' env BUCKET=packages "PATH=$work/stub" $deploy
	refuses 1 'the AWS CLI is missing' "${given[@]}" "PATH=$work/stub" $deploy
	stub aws 'echo aws-cli/1.19.112 Python/3.9.2'
	refuses 1 'aws-cli/1.19.112 is too old' "${given[@]}" "PATH=$work/stub" $deploy
}
account() {
	local nobody=(-u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY HOME=/nonexistent) nowhere=(AWS_ENDPOINT_URL=http://127.0.0.1:1 AWS_MAX_ATTEMPTS=1)
	refuses 1 'AWS cannot be reached (is us-east-1 a region?): ' env "${nowhere[@]}" cloudformation/destroy.sh
	refuses 1 'no AWS credentials' env "${nobody[@]}" cloudformation/events.sh
	refuses 1 'aws s3 mb s3://nobodys' "${given[@]}" BUCKET=nobodys $deploy
	refuses 1 'there is no stack PublicIP-PoC in us-east-1: make deploy' cloudformation/verify.sh
}

# answers: from now on `bad_hour COMMAND…` runs it with a CLI that says what `answer` was told (canned.py), and no sleep.
answers() {
	rm -rf "$work/stub" "$work/answers"
	mkdir "$work/answers"
	stub aws "[ \"\$1\" != --version ] || { echo aws-cli/2.30.0; exit; }
echo a warning >&2
exec python3 $here/canned.py $work/answers \"\$@\""
	stub sleep :
}
answer() { cat >"$work/answers/$1.json"; } # COMMAND <ITS ANSWER
stack_is() { answer describe-stacks <<<'{"Stacks": [{"StackStatus": "'"$1"'", "StackId": "arn:x", "CreationTime": "2026-01-02T00:00:00Z"}]}'; }
bad_hour() { env PATH="$work/stub:$PATH" "$@" >"$work/said" 2>&1; }
follow() { bad_hour bash -c ". cloudformation/lib.sh; follow $1 CREATE_COMPLETE"; }

# The CLI hands out events in pages of 100, newest first, and applies a query to each.
pages() {
	answers
	stack_is CREATE_COMPLETE
	python3 -c 'import json
for page in range(120, 20, -1), range(20, 0, -1):
    print(json.dumps({"StackEvents": [
        {"Timestamp": "2026-01-02T00:00:00Z", "ResourceStatus": "DONE", "LogicalResourceId": f"E{i}"} for i in page]}))' |
		answer describe-stack-events
	follow 117
	expect "$(awk '{ print $3 }' "$work/said" | xargs)" 'E118 E119 E120'
}
# An error while watching is shown once; ten in a row end it.
expiry() {
	answers
	answer describe-stacks <<<'An error occurred (ExpiredToken) when calling the DescribeStacks operation: no longer good'
	fails follow 0
	says "$work/said" 'the credentials have expired; aws sso login' 'gave up watching'
	expect "$(wc -l <"$work/said") lines, $(wc -l <"$work/answers/calls") calls" '2 lines, 10 calls'
}
# What the group could not launch stands in no event; a timeout is all that the stack knows of it.
launch_failures() {
	local group='"AutoScalingGroupName": "PublicIP-PoC-EC2Instances-1", "StartTime": "2026-01-02T00:08:00Z"'
	answers
	stack_is ROLLBACK_COMPLETE
	answer describe-stack-events <<-'END'
		{"StackEvents": [{"Timestamp": "2026-01-02T00:20:00Z", "ResourceStatus": "CREATE_FAILED", "LogicalResourceId": "Listener", "ResourceStatusReason": "Resource creation cancelled"}]}
		{"StackEvents": [{"Timestamp": "2026-01-02T00:19:00Z", "ResourceStatus": "CREATE_FAILED", "LogicalResourceId": "Ready", "ResourceStatusReason": "timed out"}, {"Timestamp": "2026-01-02T00:00:00Z", "ResourceStatus": "CREATE_IN_PROGRESS", "LogicalResourceId": "VPC"}]}
	END
	answer describe-scaling-activities <<-END
		{"Activities": [{"StatusCode": "Failed", $group, "StatusMessage": "vCPU limit of 5"}, {"StatusCode": "Successful", $group, "StatusMessage": "fine"}]}
		{"Activities": [{"StatusCode": "Failed", $group, "StatusMessage": "vCPU limit of 5"}, {"StatusCode": "Failed", ${group/PoC/PoC2}, "StatusMessage": "not ours"}, {"StatusCode": "Failed", ${group/-02T/-01T}, "StatusMessage": "earlier"}]}
	END
	bad_hour cloudformation/events.sh
	expect "$(grep -v 'a warning' "$work/said")" "00:19:00  CREATE_FAILED          Ready
          timed out
no instance: vCPU limit of 5
PublicIP-PoC is ROLLBACK_COMPLETE"
	fails follow 0
	says "$work/said" 'no instance: vCPU limit of 5' 'the stack is ROLLBACK_COMPLETE, not CREATE_COMPLETE'
}
# denies TEXT COMMAND…: it fails with the text, and has deleted nothing
denies() {
	fails bad_hour "${@:2}"
	says "$work/said" "$1"
	fails grep -x rm "$work/answers/calls"
}
# A forgotten REGION finds no stack: what belongs to the one that runs elsewhere stays. Nor is a denied call such a stack.
kept() {
	answers
	answer describe-stacks <<<'An error occurred (ValidationError): Stack with id PublicIP-PoC does not exist'
	denies 'there is no stack PublicIP-PoC in us-east-1; nothing was deleted' BUCKET=packages cloudformation/destroy.sh
	denies 'BUCKET is missing' PACKAGES=yes cloudformation/destroy.sh
	denies 'there is no stack PublicIP-PoC in us-east-1' cloudformation/events.sh
	answer describe-stacks <<<'An error occurred (AccessDenied) when calling the DescribeStacks operation: no'
	denies 'stack PublicIP-PoC cannot be looked at: An error occurred (AccessDenied)' PACKAGES=yes BUCKET=packages cloudformation/destroy.sh
	stack_is DELETE_FAILED
	denies 'the stack is DELETE_FAILED, not DELETE_COMPLETE' cloudformation/destroy.sh
}
# What deploy.sh refuses once it has seen bucket, stack and zones.
states() {
	answers
	answer get-bucket-location <<<'{"LocationConstraint": "EU"}'
	denies 'bucket packages is in eu-west-1 and the stack in us-east-1' "${given[@]}" $deploy
	answer get-bucket-location <<<'{"LocationConstraint": null}'
	stack_is DELETE_FAILED
	denies 'stack PublicIP-PoC is DELETE_FAILED and cannot be updated' "${given[@]}" $deploy
	stack_is UPDATE_COMPLETE
	denies 'KEEP=yes is for the first deployment' "${given[@]}" KEEP=yes $deploy
	answer describe-instance-type-offerings <<<'{"InstanceTypeOfferings": [{"Location": "us-east-1a"}, {"Location": "us-east-1-bos-1a"}]}'
	denies 'INSTANCE_TYPE=t3.micro is not offered in two zones of us-east-1' "${given[@]}" $deploy
	answer describe-instance-type-offerings <<<'{"InstanceTypeOfferings": [{"Location": "us-east-1a"}, {"Location": "us-east-1b"}]}'
	answer describe-subnets <<<'{"Subnets": [{"CidrBlock": "10.0.1.0/24", "AvailabilityZone": "us-east-1c"}]}'
	denies 'INSTANCE_TYPE=t3.micro is not offered in us-east-1c, where the stack is' "${given[@]}" $deploy
}

step 'each script says in a line which setting is wrong' settings
step 'and what is missing on this machine' tools
step 'and in the account' account
step 'events come in pages' pages
step 'credentials that expire while it watches' expiry
step 'why the group could not launch an instance' launch_failures
step 'make destroy where no stack is found, or none is gone: the packages stay' kept
step 'make deploy where bucket, stack or zones do not fit' states
