# shellcheck shell=bash disable=SC2154 # work, net, here, signal_url are run.sh's
# `make deploy` itself, with the real AWS CLI, against moto; part of run.sh.
#
# What moto cannot do, so that nothing here shows it:
# - WaitCondition and InstanceConnectEndpoint are skipped: complete means nothing there, and the
#   signal's URL stays the literal ${ReadyHandle…} in user-data (`deploy` here puts ours in).
# - An instance is not started, nor replaced by a new version of its launch template.
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
	version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
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
	refuses 2 'STACK=a_b is no name' env BUCKET=packages STACK=a_b $deploy
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
	template=$(inside aws ec2 describe-launch-templates --query 'LaunchTemplates[0].LaunchTemplateId' --output text)
	# shellcheck disable=SC2016 # the version's name, not a variable
	inside aws ec2 describe-launch-template-versions --launch-template-id "$template" --versions '$Latest' --output text \
		--query 'LaunchTemplateVersions[0].LaunchTemplateData.UserData' | base64 -d >"$work/raw"
	grep -o 'ReadyHandle[0-9]*' "$work/raw" >"$work/${2:-$1}.handle"
	sed "s|\${ReadyHandle[0-9]*}|${signal_url//&/\\&}|" "$work/raw" >"$work/${2:-$1}.sh"
}
first() {
	local hash
	hash=$(sha256sum "$work/first.rpm" | cut -d ' ' -f 1)
	deploy first
	says "$work/deploy" CREATE_COMPLETE 'TestURL  http://PublicIP-PoC-ALB-' 'Shell    aws ec2-instance-connect ssh --region us-east-1 --instance-id i-'
	says "$work/first.sh" "$hash" "--key 'publicip-poc/PublicIP-PoC/${hash:0:16}/first.rpm'" PUBLICIP_POC_TRUSTED_HOPS=1 \
		PUBLICIP_POC_TRUSTED_PEERS=10.0.1.0/24,10.0.2.0/24
	expect "$(inside aws s3 cp "s3://packages/publicip-poc/PublicIP-PoC/${hash:0:16}/first.rpm" - | sha256sum)" "$hash  -"
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
second() {
	deploy second
	says "$work/deploy" UPDATE_COMPLETE
	says "$work/second.sh" "$(sha256sum "$work/second.rpm" | cut -d ' ' -f 1)"
	# a wait condition of its own, or the update would wait for nothing
	fails diff "$work/first.handle" "$work/second.handle"
	inside make --no-print-directory events | tee "$work/events"
	says "$work/events" 'PublicIP-PoC is UPDATE_COMPLETE'
}
article() { # the article's reading of the address, and no shell
	CLIENT_ADDRESS=first SHELL_ACCESS=no deploy first article
	grep -x PUBLICIP_POC_TRUSTED_HOPS= "$work/article.sh"
	grep -x PUBLICIP_POC_TRUSTED_PEERS= "$work/article.sh"
	fails grep 'Shell ' "$work/deploy"
}
graviton() { # and a second stack in the region
	inside make --no-print-directory deploy BUCKET=packages PACKAGE="$work/first.rpm" STACK=two ARCH=arm64 | tee "$work/deploy"
	says "$work/deploy" 'CREATE_COMPLETE        two' 'TestURL  http://two-ALB-'
	inside aws cloudformation describe-stacks --stack-name two --query 'Stacks[0].Parameters[].ParameterValue' | tee "$work/parameters"
	says "$work/parameters" '"pl-' t4g.micro "$(inside aws ssm get-parameter --query Parameter.Value --output text \
		--name /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64)"
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
step 'make deploy with another package: UPDATE_COMPLETE, waits anew' second
step 'make deploy CLIENT_ADDRESS=first SHELL_ACCESS=no' article
step 'make deploy with a package that does not start' deploy broken
step 'make deploy with a package of another architecture' deploy foreign
step 'make deploy STACK=two ARCH=arm64 beside it' graviton
step 'make destroy' destroy
