# shellcheck shell=bash disable=SC2154 # work, here are run.sh's
# What the scripts of cloudformation/ refuse before they do anything; part of run.sh.
deploy=cloudformation/deploy.sh given=(env BUCKET=packages "PACKAGE=$work/empty.rpm")
: >"$work/empty.rpm"

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
	for setting in BUCKET=s3://b BUCKET=My_Bucket INSTANCES=two INSTANCES=08 INSTANCES=21 INSTANCE_TYPE=t3 \
		CLIENT_CIDR=999.1.1.1/99 CLIENT_CIDR=01.0.0.0/8 CLIENT_CIDR6=1.2.3.4/32 CLIENT_CIDR6=2001:db8::/129 \
		CLIENT_ADDRESS=last SHELL_ACCESS=maybe CERTIFICATE_ARN=x HOST_NAME=localhost KEEP=si; do
		refuses 2 "$setting must be " env BUCKET=packages "$setting" $deploy
	done
	refuses 2 'ARCH=mips is unknown' env BUCKET=packages ARCH=mips $deploy
	refuses 2 'PACKAGE=/nowhere.rpm is not an .rpm' env BUCKET=packages PACKAGE=/nowhere.rpm $deploy
	refuses 2 'STACK=a_b is not a valid stack name' env BUCKET=packages STACK=a_b $deploy
	refuses 2 'CERTIFICATE_ARN and HOST_NAME come together' env BUCKET=packages HOST_NAME=ip.example.com $deploy
	refuses 2 'PACKAGES=all must be yes or no' env PACKAGES=all cloudformation/destroy.sh
	refuses 2 'CLIENT_CDIR is none of the settings: INSTANCE_TYPE ' env BUCKET=packages CLIENT_CDIR=192.0.2.1/32 $deploy
	fails inside make --no-print-directory destroy AWS_PROFILE=one 'REGOIN=eu-west-1 REGION=' >"$work/refusal" 2>&1
	says "$work/refusal" 'destroy: REGOIN is none of the settings'
}
tools() { # with a PATH that has what the scripts call, and nothing else
	local tool
	rm -rf "$work/stub"
	mkdir "$work/stub"
	for tool in awk basename bash cut dirname echo env grep mktemp rm tail tr xargs; do
		ln -s "$(type -P $tool)" "$work/stub/"
	done
	stub uname 'echo Linux'
	refuses 1 'cargo is missing: install Rust (https://rustup.rs)' env BUCKET=packages "PATH=$work/stub" $deploy
	stub uname 'echo Darwin'
	refuses 1 'only Linux builds the RPM' env BUCKET=packages "PATH=$work/stub" $deploy
	refuses 1 'the AWS CLI is missing' "${given[@]}" "PATH=$work/stub" $deploy
	stub aws 'echo aws-cli/1.19.112 Python/3.9.2'
	refuses 1 'aws-cli/1.19.112 is too old' "${given[@]}" "PATH=$work/stub" $deploy
}
account() {
	refuses 1 'AWS cannot be reached (is us-east-1 a region?): ' \
		env AWS_ENDPOINT_URL=http://127.0.0.1:1 AWS_MAX_ATTEMPTS=1 cloudformation/destroy.sh
	refuses 1 'no AWS credentials' \
		env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY HOME=/nonexistent cloudformation/events.sh
	refuses 1 'aws s3 mb s3://nobodys' "${given[@]}" BUCKET=nobodys $deploy
}

step 'each script says in a line which setting is wrong' settings
step 'and what is missing on this machine' tools
step 'and in the account' account
