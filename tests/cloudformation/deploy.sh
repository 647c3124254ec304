# shellcheck shell=bash disable=SC2154 # work, net, here, signal_url are run.sh's
# `make deploy` itself, with the real AWS CLI, against moto; part of run.sh.
#
# What moto cannot do, so that nothing here shows it:
# - WaitCondition, ScalingPolicy, VPCCidrBlock, SubnetCidrBlock and InstanceConnectEndpoint are
#   skipped: complete means nothing there, and the signal's URL stays the literal ${Ready…Handle} in
#   user-data (`deploy` here puts ours in, and shortens two waits).
# - An instance is not started.
# - Policies, security groups and routes are stored, not enforced. template.py holds them to the letter.
# - Metadata options, load balancer attributes and targets in a template are ignored.
# - No change of a resource fails, so there is no rollback.
# - A stack with a VPC cannot be deleted ("has dependencies"): of `make destroy` is seen that a
#   deletion which fails leaves the packages alone, and with a smaller stack that they go with it.
export AWS_ENDPOINT_URL=http://127.0.0.1:5566 AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none
export AWS_DEFAULT_REGION=us-east-1 AWS_CONFIG_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_REGION AWS_SESSION_TOKEN STACK BUCKET REGION ARCH PACKAGE URL

packages() {
	local generate=target/tools/bin/cargo-generate-rpm version
	local options=(generate-rpm --target x86_64-unknown-linux-gnu)
	rm -f "$work"/*.rpm
	make --no-print-directory rpm ARCH=x86_64
	version=$(packaging/version.sh)
	cp "target/package/publicip-poc-$version-1.x86_64.rpm" "$work/first.rpm"
	"$generate" "${options[@]}" --set-metadata 'version = "99.0.0"' --output "$work/second.rpm"
	"$generate" "${options[@]}" --arch aarch64 --output "$work/foreign.rpm"
	# the same, but what it would start is no program
	mkdir -p "$work/broken/x86_64-unknown-linux-gnu/release"
	echo 'not a program' >"$work/broken/x86_64-unknown-linux-gnu/release/publicip-poc"
	"$generate" "${options[@]}" --target-dir "$work/broken" --output "$work/broken.rpm"
}
# refuses STATUS TEXT COMMAND…: it ends with that status and one line that holds the text
refuses() {
	local status=0
	inside "${@:3}" >"$work/refusal" 2>&1 || status=$?
	says "$work/refusal" "$2"
	expect "status $status, $(wc -l <"$work/refusal") line" "status $1, 1 line"
}
refusals() {
	local deploy=cloudformation/deploy.sh nobody=(env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY HOME=/nonexistent)
	refuses 2 'BUCKET is missing' $deploy
	refuses 2 'ARCH=mips is unknown' env BUCKET=packages ARCH=mips $deploy
	refuses 2 'PACKAGE=/nowhere.rpm cannot be read' env BUCKET=packages PACKAGE=/nowhere.rpm $deploy
	refuses 2 'STACK=a_b is not a valid stack name' env BUCKET=packages STACK=a_b $deploy
	refuses 2 'CLIENT_CIDR=banana is not an IPv4 network' env BUCKET=packages CLIENT_CIDR=banana $deploy
	refuses 2 'CLIENT_CIDR6=1.2.3.4/32 is not an IPv6 network' env BUCKET=packages CLIENT_CIDR6=1.2.3.4/32 $deploy
	refuses 2 'SHELL_ACCESS=maybe is unknown' env BUCKET=packages SHELL_ACCESS=maybe $deploy
	refuses 2 'MAX_INSTANCES=1 is below INSTANCES=2' env BUCKET=packages INSTANCES=2 MAX_INSTANCES=1 $deploy
	refuses 2 'CERTIFICATE_ARN and HOST_NAME come together' env BUCKET=packages HOST_NAME=ip.example.com $deploy
	refuses 1 'AWS cannot be reached: ' env BUCKET=packages AWS_ENDPOINT_URL=http://127.0.0.1:1 AWS_MAX_ATTEMPTS=1 $deploy
	refuses 1 'AWS cannot be reached: ' env AWS_ENDPOINT_URL=http://127.0.0.1:1 AWS_MAX_ATTEMPTS=1 cloudformation/destroy.sh
	refuses 1 'the AWS CLI is missing' env BUCKET=packages PATH=/usr/bin:/bin $deploy
	refuses 1 'no AWS credentials' env BUCKET=packages "${nobody[@]}" $deploy
	refuses 1 'aws s3 mb s3://nobodys' env BUCKET=nobodys $deploy
	refuses 1 'is in us-east-1 and the stack in eu-west-1' env BUCKET=packages REGION=eu-west-1 $deploy
	for script in verify events; do
		refuses 1 'there is no stack PublicIP-PoC in us-east-1' cloudformation/$script.sh
		refuses 1 'no AWS credentials' "${nobody[@]}" cloudformation/$script.sh
	done
	refuses 1 'no AWS credentials' "${nobody[@]}" cloudformation/destroy.sh
}
# deploy PACKAGE [NAME]: make deploy; what a user sees goes to $work/deploy, the user-data it made to NAME.sh,
# what moto leaves of the wait condition's name to NAME.handle
deploy() {
	local template
	inside make --no-print-directory deploy BUCKET=packages PACKAGE="$work/$1.rpm" >"$work/deploy" 2>&1 ||
		{ cat "$work/deploy"; return 1; }
	template=$(inside aws cloudformation list-stack-resources --stack-name PublicIP-PoC --output text \
		--query "StackResourceSummaries[?starts_with(LogicalResourceId, 'InstanceTemplate')].PhysicalResourceId")
	# shellcheck disable=SC2016 # the version's name, not a variable
	inside aws ec2 describe-launch-template-versions --launch-template-id "$template" --versions '$Latest' --output text \
		--query 'LaunchTemplateVersions[0].LaunchTemplateData.UserData' | base64 -d >"$work/raw"
	grep -o 'Ready[0-9a-f]*Handle' "$work/raw" >"$work/${2:-$1}.handle"
	sed "s|\${Ready[0-9a-f]*Handle}|${signal_url//&/\\&}|; s/^sleep 30\$/sleep 1/; s/SECONDS + 300/SECONDS + 15/; s/--max-time 5 /--max-time 1 /" \
		"$work/raw" >"$work/${2:-$1}.sh"
}
sha256() { sha256sum "$work/$1.rpm" | cut -d ' ' -f 1; }
object() { echo "publicip-poc/PublicIP-PoC/$(sha256 "$1" | cut -c 1-16)/$1.rpm"; }
# upload PACKAGE [PLACE]: where a deployment would, or where it would put another one.
upload() { inside aws s3 cp --only-show-errors "$work/$1.rpm" "s3://packages/$(object "${2:-$1}")"; }
# variant PACKAGE: what a deployment of it would upload and write, without one.
variant() {
	upload "$1"
	sed "s|$(sha256 first)|$(sha256 "$1")|; s|$(object first)|$(object "$1")|" "$work/first.sh" >"$work/$1.sh"
	says "$work/$1.sh" "$(sha256 "$1")" "--key '$(object "$1")'"
}
first() {
	deploy first
	says "$work/deploy" CREATE_COMPLETE 'TestURL  http://PublicIP-PoC-ALB-' 'Shell    aws ec2-instance-connect ssh --region us-east-1 --os-user ec2-user' \
		"--query 'Reservations[0].Instances[0].InstanceId'"
	says "$work/first.sh" "$(sha256 first)" "--key '$(object first)'" PUBLICIP_POC_TRUSTED_HOPS=1 \
		PUBLICIP_POC_TRUSTED_PEERS=10.0.1.0/24,10.0.2.0/24
	expect "$(inside aws s3 cp "s3://packages/$(object first)" - | sha256sum)" "$(sha256 first)  -"
	inside aws cloudformation list-exports --query 'Exports[].Name' --output text | tee "$work/exports"
	says "$work/exports" PublicIP-PoC-ALB-DNS PublicIP-PoC-VPC-ID
}
# Unlike its templates, moto's API refuses an attribute that it does not know.
attributes() {
	local balancer group
	balancer=$(inside aws elbv2 describe-load-balancers --names PublicIP-PoC-ALB --query 'LoadBalancers[0].LoadBalancerArn' --output text)
	group=$(inside aws elbv2 describe-target-groups --names PublicIP-PoC-TG --query 'TargetGroups[0].TargetGroupArn' --output text)
	inside aws elbv2 modify-load-balancer-attributes --load-balancer-arn "$balancer" --attributes "$(listed ApplicationLoadBalancer LoadBalancerAttributes)"
	inside aws elbv2 modify-target-group-attributes --target-group-arn "$group" --attributes "$(listed TargetGroup TargetGroupAttributes)"
}
listed() {
	python3 -c 'import json, sys; from cfnlint.decode import cfn_yaml
print(json.dumps(cfn_yaml.load(sys.argv[1])["Resources"][sys.argv[2]]["Properties"][sys.argv[3]]))' cloudformation/infrastructure.yaml "$@"
}
group_of() {
	inside aws cloudformation list-stack-resources --stack-name "$1" --output text \
		--query "StackResourceSummaries[?LogicalResourceId=='EC2Instances'].PhysicalResourceId"
}
sizes() {
	inside aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$(group_of PublicIP-PoC)" \
		--query 'AutoScalingGroups[0].[MinSize,DesiredCapacity,MaxSize]' --output text
}
events_so_far() { inside aws cloudformation describe-stack-events --stack-name PublicIP-PoC --query 'length(StackEvents)'; }
unchanged() {
	local before
	before=$(events_so_far)
	inside make --no-print-directory deploy BUCKET=packages PACKAGE="$work/first.rpm" >"$work/deploy" 2>&1
	says "$work/deploy" 'nothing to do: stack PublicIP-PoC is what you ask for' 'TestURL  http://PublicIP-PoC-ALB-'
	fails grep -E 'upload|update stack' "$work/deploy"
	refuses 2 'KEEP=yes is for the first deployment' env BUCKET=packages KEEP=yes cloudformation/deploy.sh
	expect "$(events_so_far)" "$before"
}
balancer_of() {
	inside aws elbv2 describe-load-balancers --names "$1-ALB" --query 'LoadBalancers[0].LoadBalancerArn' --output text
}
# The article's reading of the address, no shell, and as many instances as there were.
other_settings() {
	local group targets instance
	CLIENT_ADDRESS=first SHELL_ACCESS=no INSTANCES=2 deploy first article
	grep -x PUBLICIP_POC_TRUSTED_HOPS= "$work/article.sh"
	grep -x PUBLICIP_POC_TRUSTED_PEERS= "$work/article.sh"
	fails grep 'Shell ' "$work/deploy"
	expect "$(sizes)" $'2\t3\t4'
	# moto leaves the targets of a deleted group where they were
	group=$(inside aws elbv2 describe-target-groups --names PublicIP-PoC-TG --query 'TargetGroups[0].TargetGroupArn' --output text)
	targets=$(inside aws elbv2 describe-target-health --target-group-arn "$group" --query 'TargetHealthDescriptions[].Target.Id')
	for instance in $(inside aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$(group_of PublicIP-PoC)" \
		--query 'AutoScalingGroups[0].Instances[].InstanceId' --output text); do
		grep -q "$instance" <<<"$targets"
	done
}
# The CLI hands out events in pages of 100, newest first, and applies a query to each: so does this stand-in.
paging() {
	mkdir -p "$work/stub"
	cat >"$work/stub/aws" <<-'END'
		#!/bin/bash
		case $* in *describe-stack-events*) for i in {120..1}; do printf '2026-01-01T00:00:00Z\tDONE\tEvent%s\tNone\n' $i; done ;; *) echo CREATE_COMPLETE ;; esac
	END
	chmod 755 "$work/stub/aws"
	PATH=$work/stub:$PATH bash -c '. cloudformation/lib.sh; follow 115 CREATE_COMPLETE' | awk '{ print $3 }' | xargs >"$work/followed"
	expect "$(cat "$work/followed")" 'Event116 Event117 Event118 Event119 Event120'
	# A call that fails for another reason is not taken for a stack that is not there.
	printf '#!/bin/bash\ncase $* in *describe-stacks*) echo "AccessDenied: no" >&2; exit 254 ;; esac\n' >"$work/stub/aws"
	fails env PATH="$work/stub:$PATH" BUCKET=packages cloudformation/destroy.sh >"$work/refusal" 2>&1
	says "$work/refusal" 'stack PublicIP-PoC cannot be looked at: AccessDenied: no'
	fails grep 'delete s3://' "$work/refusal"
}
second() {
	local before
	before=$(group_of PublicIP-PoC)
	# It had scaled out to 3 instances: the update keeps them.
	inside aws autoscaling set-desired-capacity --auto-scaling-group-name "$before" --desired-capacity 3
	deploy second
	expect "$(sizes)" $'1\t3\t4'
	says "$work/deploy" UPDATE_COMPLETE
	fails [ "$(group_of PublicIP-PoC)" = "$before" ] # the old one is gone, with its launch template
	expect "$(inside aws autoscaling describe-auto-scaling-groups --query 'length(AutoScalingGroups)')" 1
	expect "$(inside aws ec2 describe-launch-templates --query 'length(LaunchTemplates)')" 1
	says "$work/second.sh" "$(sha256 second)"
	# a wait condition of its own, or the update would wait for nothing
	fails diff "$work/first.handle" "$work/second.handle"
	inside make --no-print-directory events | tee "$work/events"
	says "$work/events" 'PublicIP-PoC is UPDATE_COMPLETE'
}
# On Graviton, over HTTPS, in the same region.
second_stack() {
	local arn
	arn=$(inside aws acm request-certificate --domain-name ip.example.com --query CertificateArn --output text)
	inside make --no-print-directory deploy BUCKET=packages PACKAGE="$work/first.rpm" STACK=two ARCH=arm64 \
		CERTIFICATE_ARN="$arn" HOST_NAME=ip.example.com | tee "$work/deploy"
	says "$work/deploy" 'CREATE_COMPLETE        two' 'TestURL  https://ip.example.com' 'DNS      ip.example.com has to lead to two-ALB-'
	inside aws cloudformation describe-stacks --stack-name two --query 'Stacks[0].Parameters[].ParameterValue' | tee "$work/parameters"
	says "$work/parameters" '"pl-' t4g.micro "$(inside aws ssm get-parameter --query Parameter.Value --output text \
		--name /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64)"
	inside aws elbv2 describe-listeners --load-balancer-arn "$(balancer_of two)" --output text \
		--query 'Listeners[].[Port,Protocol,DefaultActions[0].Type]' | sort | tee "$work/listeners"
	says "$work/listeners" $'443\tHTTPS\tfixed-response' $'80\tHTTP\tredirect'
}
destroy() {
	fails inside make --no-print-directory destroy # if it does not: moto can delete it now, test more
	inside aws s3 ls --recursive s3://packages/publicip-poc/PublicIP-PoC/ | grep first.rpm
	# one that moto can delete: a bucket of its own, and the parameter that says where its packages are
	inside aws s3 cp --only-show-errors "$work/first.rpm" s3://packages/publicip-poc/other/x.rpm
	inside aws cloudformation create-stack --stack-name other --template-body \
		'{"Parameters": {"PackageBucket": {"Type": "String", "Default": "packages"}}, "Resources": {"B": {"Type": "AWS::S3::Bucket"}}}'
	inside make --no-print-directory destroy STACK=other | tee "$work/destroy"
	says "$work/destroy" 'DELETE_COMPLETE        other' 'delete s3://packages/publicip-poc/other/'
	fails inside aws s3 ls --recursive s3://packages/publicip-poc/other/
	inside make --no-print-directory destroy STACK=other | tee "$work/destroy"
	says "$work/destroy" 'there is no stack other'
}

step 'the RPM, and others: newer, foreign, one that does not start' packages
step 'a bucket' inside aws s3 mb s3://packages
step 'each script says in a line what is missing' refusals
step 'make deploy: upload, CREATE_COMPLETE, outputs, user-data' first
step 'shellcheck has no finding in that user-data' shellcheck "$work/first.sh"
step 'the load balancer'\''s attributes exist' attributes
step 'make deploy again: nothing to do' unchanged
step 'events in pages, and a call that is denied' paging
step 'make deploy with another package: UPDATE_COMPLETE, waits anew' second
step 'make deploy CLIENT_ADDRESS=first SHELL_ACCESS=no INSTANCES=2: all are targets, none of the three is lost' other_settings
step 'user-data for a package that does not start' variant broken
step 'user-data for a package of another architecture' variant foreign
step 'make deploy STACK=two ARCH=arm64 CERTIFICATE_ARN= HOST_NAME= beside it: HTTPS, and a redirect' second_stack
step 'make destroy' destroy
