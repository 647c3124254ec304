# shellcheck shell=bash disable=SC2154 # work, net, here, signal_url are run.sh's
# `make deploy` itself, with the real AWS CLI, against moto; part of run.sh.
#
# What moto cannot do, so that nothing here shows it:
# - A subnet's Ipv6CidrBlock is refused: the template that is deployed here has none (template.py has).
# - WaitCondition, VPCCidrBlock and InstanceConnectEndpoint are skipped: complete means nothing there, and
#   the signal's URL stays the literal ${Ready…Handle} in user-data (`user_data` here puts ours in, and
#   shortens what it waits for).
# - An instance is not started.
# - Policies, security groups and routes are stored, not enforced. template.py holds them to the letter.
# - Metadata options, load balancer attributes and targets in a template are ignored.
# - No change of a resource fails, so there is no rollback.
# - A stack with a VPC cannot be deleted ("has dependencies"): `make destroy` is seen with a smaller one.
project=$work/project # a copy, because of Ipv6CidrBlock

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
	rm -rf "$project"
	mkdir -p "$project/target/package"
	cp -r Makefile cloudformation "$project"
	cp "$work/first.rpm" "$project/target/package/publicip-poc-1-1.x86_64.rpm"
	sed -i '/Ipv6CidrBlock: !Select/d' "$project/cloudformation/infrastructure.yaml"
}
stack_make() { inside make -C "$project" --no-print-directory "$@"; }
# deploy PACKAGE [SETTING…]: what a user sees goes to $work/deploy.
deploy() { stack_make deploy BUCKET=packages PACKAGE="$work/$1.rpm" "${@:2}" >"$work/deploy" 2>&1 || { cat "$work/deploy"; return 1; }; }
# user_data NAME: that of the deployment to NAME.sh, what moto leaves of the wait condition's name to NAME.handle
user_data() {
	local template
	template=$(inside aws cloudformation list-stack-resources --stack-name PublicIP-PoC --output text \
		--query "StackResourceSummaries[?starts_with(LogicalResourceId, 'InstanceTemplate')].PhysicalResourceId")
	# shellcheck disable=SC2016 # the version's name, not a variable
	inside aws ec2 describe-launch-template-versions --launch-template-id "$template" --versions '$Latest' --output text \
		--query 'LaunchTemplateVersions[0].LaunchTemplateData.UserData' | base64 -d >"$work/raw"
	grep -o 'Ready[0-9a-f]*Handle' "$work/raw" >"$work/$1.handle"
	sed "s|\${Ready[0-9a-f]*Handle}|${signal_url//&/\\&}|; s/sleep [0-9]*/sleep 1/; s/SECONDS + 300/SECONDS + 6/; s/SECONDS + 120/SECONDS + 2/
		s/--retry 3 \(.*\) --max-time 5 /--retry 1 \1 --max-time 1 /" "$work/raw" >"$work/$1.sh"
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
variants() { for name in second broken foreign; do variant $name; done; }
groups() { # of the stack: name, sizes, instances
	inside aws autoscaling describe-auto-scaling-groups --output text --query "AutoScalingGroups[?starts_with(\
		AutoScalingGroupName, 'PublicIP-PoC-')].[AutoScalingGroupName, MinSize, DesiredCapacity, MaxSize, Instances[].InstanceId]"
}

# The README's lines as they stand.
by_hand() {
	awk '/^## Without make/ { here = 1 } here && /^\$ aws/ { on = 1 } /^```$/ { on = 0 } on { sub(/^\$ /, ""); print }' cloudformation/README.md |
		sed 's/name-of-your-bucket/packages/g; s/PublicIP-PoC/by-hand/' >"$work/by-hand"
	says "$work/by-hand" 'aws s3 cp' 'aws cloudformation create-stack'
	cd "$project" || return
	inside bash -euo pipefail "$work/by-hand"
	inside aws cloudformation wait stack-create-complete --stack-name by-hand
}
first() {
	deploy first INSTANCE_TYPE=trn1.2xlarge # which the first two zones do not have
	says "$work/deploy" CREATE_COMPLETE 'TestURL  http://PublicIP-PoC-ALB-' 'Shell    aws ec2-instance-connect ssh --region us-east-1 --os-user ec2-user' \
		"--query 'Reservations[0].Instances[0].InstanceId'" 'needs version 2.12' '1 x trn1.2xlarge, open to 0.0.0.0/0'
	user_data first
	says "$work/first.sh" "$(sha256 first)" "--key '$(object first)'" PUBLICIP_POC_TRUSTED_HOPS=1 \
		PUBLICIP_POC_TRUSTED_PEERS=10.0.1.0/24,10.0.2.0/24
	expect "$(inside aws s3api head-object --bucket packages --key "$(object first)" --query ServerSideEncryption --output text)" AES256
}
unchanged() {
	deploy first INSTANCE_TYPE=trn1.2xlarge
	says "$work/deploy" 'nothing to do: stack PublicIP-PoC is what you ask for' 'TestURL  http://PublicIP-PoC-ALB-'
	fails grep -E 'upload|update stack' "$work/deploy"
}
# Another package, the article's reading of the address, no shell, two instances.
update() {
	local before targets instance
	read -r before _ < <(groups)
	deploy second CLIENT_ADDRESS=first SHELL_ACCESS=no INSTANCES=2
	user_data article
	says "$work/deploy" UPDATE_COMPLETE
	says "$work/article.sh" "$(sha256 second)"
	grep -x PUBLICIP_POC_TRUSTED_HOPS= "$work/article.sh"
	grep -x PUBLICIP_POC_TRUSTED_PEERS= "$work/article.sh"
	fails grep 'Shell ' "$work/deploy"
	groups >"$work/groups"
	fails grep "$before" "$work/groups" # it is gone, with its launch template; the other one is by-hand's
	expect "$(inside aws ec2 describe-launch-templates --query 'length(LaunchTemplates)')" 2
	expect "$(head -n 1 "$work/groups" | cut -f 2-)" $'2\t2\t2'
	# a wait condition of its own, or the update would wait for nothing
	fails diff "$work/first.handle" "$work/article.handle"
	inside aws cloudformation describe-stacks --stack-name PublicIP-PoC --query 'Stacks[0].Parameters[].ParameterValue' >"$work/parameters"
	says "$work/parameters" us-east-1c us-east-1f # where the stack was
	# moto leaves the targets of a deleted group where they were
	targets=$(inside aws elbv2 describe-target-health --query 'TargetHealthDescriptions[].Target.Id' --target-group-arn \
		"$(inside aws elbv2 describe-target-groups --names PublicIP-PoC-TG --query 'TargetGroups[0].TargetGroupArn' --output text)")
	for instance in $(tail -n 1 "$work/groups"); do grep -q "$instance" <<<"$targets"; done
}
# On Graviton, over HTTPS, in the same region.
second_stack() {
	local arn
	arn=$(inside aws acm request-certificate --domain-name ip.example.com --query CertificateArn --output text)
	deploy first STACK=two ARCH=arm64 CERTIFICATE_ARN="$arn" HOST_NAME=ip.example.com
	says "$work/deploy" 'CREATE_COMPLETE        two' 'TestURL  https://ip.example.com' 'DNS      ip.example.com has to lead to two-ALB-'
	inside aws cloudformation describe-stacks --stack-name two --query 'Stacks[0].Parameters[].ParameterValue' >"$work/parameters"
	says "$work/parameters" t4g.micro us-east-1a us-east-1b "$(inside aws ssm get-parameter --query Parameter.Value --output text \
		--name /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64)"
	inside aws elbv2 describe-listeners --output text --query 'Listeners[].[Port,Protocol,DefaultActions[0].Type]' --load-balancer-arn \
		"$(inside aws elbv2 describe-load-balancers --names two-ALB --query 'LoadBalancers[0].LoadBalancerArn' --output text)" |
		sort >"$work/listeners"
	expect "$(cat "$work/listeners")" $'443\tHTTPS\tforward\n80\tHTTP\tredirect'
}
destroy() {
	# one that moto can delete: a bucket of its own, and the parameter that says where its packages are
	inside aws s3 cp --only-show-errors "$work/first.rpm" s3://packages/publicip-poc/other/x.rpm
	inside aws cloudformation create-stack --stack-name other --template-body \
		'{"Parameters": {"PackageBucket": {"Type": "String", "Default": "packages"}}, "Resources": {"B": {"Type": "AWS::S3::Bucket"}}}'
	stack_make destroy STACK=other | tee "$work/destroy"
	says "$work/destroy" 'DELETE_COMPLETE        other' 'delete s3://packages/publicip-poc/other/'
	fails inside aws s3 ls --recursive s3://packages/publicip-poc/other/
	inside aws s3 ls --recursive s3://packages/publicip-poc/ | grep first.rpm # another stack's
}

step 'the RPM, and others: newer, foreign, one that does not start' packages
step 'README: the stack by hand' by_hand
step 'make deploy: upload, outputs, user-data' first
step 'shellcheck has no finding in that user-data' shellcheck "$work/first.sh"
step 'make deploy again: nothing to do' unchanged
step 'make deploy with another package and other settings: a new group, waited for anew, in the same zones' update
step 'user-data for newer, broken and foreign packages' variants
step 'make deploy STACK=two ARCH=arm64 CERTIFICATE_ARN= HOST_NAME= beside it: HTTPS, and a redirect' second_stack
step 'make destroy' destroy
