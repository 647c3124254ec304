#!/bin/bash
# deploy.sh — builds the RPM, uploads it, creates or updates the stack, and waits until it serves.
# Settings come by environment; cloudformation/README.md lists them. Each run states them all: what
# is not set has its default again. A run that would change nothing says so and ends.
# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"

ARCH=${ARCH:-x86_64}
INSTANCES=${INSTANCES:-1}
MAX_INSTANCES=${MAX_INSTANCES:-$((INSTANCES > 4 ? INSTANCES : 4))}
CLIENT_CIDR=${CLIENT_CIDR:-0.0.0.0/0}
CLIENT_CIDR6=${CLIENT_CIDR6:-}
CLIENT_ADDRESS=${CLIENT_ADDRESS:-trusted}
SHELL_ACCESS=${SHELL_ACCESS:-yes}
CERTIFICATE_ARN=${CERTIFICATE_ARN:-}
HOST_NAME=${HOST_NAME:-}
KEEP=${KEEP:-no}

# == What can be wrong is named before anything is built
[ -n "${BUCKET:-}" ] || wrong "BUCKET is missing: make deploy BUCKET=name-of-your-bucket"
case $ARCH in
x86_64) machine=x86_64 default_type=t3.micro ;;
arm64 | aarch64) ARCH=arm64 machine=aarch64 default_type=t4g.micro ;;
*) wrong "ARCH=$ARCH is unknown: x86_64, or arm64 (aarch64)" ;;
esac
[ -z "${PACKAGE:-}" ] || [ -r "$PACKAGE" ] || wrong "PACKAGE=$PACKAGE cannot be read"
[[ $INSTANCES =~ ^[1-8]$ ]] || wrong "INSTANCES=$INSTANCES is not a number from 1 to 8"
[[ $MAX_INSTANCES =~ ^[1-8]$ ]] || wrong "MAX_INSTANCES=$MAX_INSTANCES is not a number from 1 to 8"
[ "$MAX_INSTANCES" -ge "$INSTANCES" ] || wrong "MAX_INSTANCES=$MAX_INSTANCES is below INSTANCES=$INSTANCES"
ipv4_network='^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$' # bash 3.2 cannot parse its parentheses inside [[ ]]
[[ $CLIENT_CIDR =~ $ipv4_network ]] ||
	wrong "CLIENT_CIDR=$CLIENT_CIDR is not an IPv4 network such as 203.0.113.7/32"
[[ -z $CLIENT_CIDR6 || $CLIENT_CIDR6 =~ ^[0-9A-Fa-f:]*:[0-9A-Fa-f:]*/[0-9]{1,3}$ ]] ||
	wrong "CLIENT_CIDR6=$CLIENT_CIDR6 is not an IPv6 network such as 2001:db8::/32"
case $CLIENT_ADDRESS in trusted | first) ;; *) wrong "CLIENT_ADDRESS=$CLIENT_ADDRESS is unknown: trusted or first" ;; esac
case $SHELL_ACCESS in yes | no) ;; *) wrong "SHELL_ACCESS=$SHELL_ACCESS is unknown: yes or no" ;; esac
case $KEEP in yes | no) ;; *) wrong "KEEP=$KEEP is unknown: yes or no" ;; esac
[ "${CERTIFICATE_ARN:+yes}" = "${HOST_NAME:+yes}" ] || wrong "CERTIFICATE_ARN and HOST_NAME come together, or not at all"

need_aws
bucket_region=$(aws s3api head-bucket --bucket "$BUCKET" --query BucketRegion --output text 2>&1) || case $bucket_region in
*404*) die "there is no bucket $BUCKET: aws s3 mb s3://$BUCKET --region $REGION" ;;
*403*) die "bucket $BUCKET is not yours, or you may not look at it (s3:ListBucket)" ;;
*) die "bucket $BUCKET cannot be looked at: $(last_line <<<"$bucket_region")" ;;
esac
[ "$bucket_region" = "$REGION" ] ||
	die "bucket $BUCKET is in $bucket_region and the stack in $REGION: the instances reach only S3 of their own region"
before=$(stack StackStatus) || { missing $?; before=NONE; }
case $before in
NONE) verb=create done=CREATE_COMPLETE ;;
CREATE_COMPLETE | UPDATE_COMPLETE | UPDATE_ROLLBACK_COMPLETE) verb=update done=UPDATE_COMPLETE ;;
UPDATE_FAILED)
	die "stack $STACK is $before: aws cloudformation rollback-stack --stack-name $STACK, then try again" ;;
UPDATE_ROLLBACK_FAILED)
	die "stack $STACK is $before: aws cloudformation continue-update-rollback --stack-name $STACK, then try again" ;;
REVIEW_IN_PROGRESS) die "stack $STACK is a change set that was never run: make destroy removes it" ;;
*_IN_PROGRESS) die "stack $STACK is busy ($before): wait, and try again" ;;
*) die "stack $STACK is $before and cannot be updated: make events shows why, make destroy removes it" ;;
esac

[ "$KEEP" = no ] || [ "$verb" = create ] ||
	wrong "KEEP=yes is for the first deployment: an update that keeps what failed cannot replace anything"

# == The package
if [ -z "${PACKAGE:-}" ]; then
	say "build the RPM ($machine)"
	make --no-print-directory rpm ARCH="$machine"
	version=$(packaging/version.sh)
	PACKAGE=target/package/publicip-poc-$version-1.$machine.rpm
fi
sha256() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi | cut -d ' ' -f 1; }
hash=$(sha256 "$PACKAGE")
key=publicip-poc/$STACK/$(cut -c 1-16 <<<"$hash")/$(basename "$PACKAGE")
if ! aws s3api head-object --bucket "$BUCKET" --key "$key" >/dev/null 2>&1; then
	say "upload s3://$BUCKET/$key"
	aws s3 cp --only-show-errors "$PACKAGE" "s3://$BUCKET/$key"
fi

# == The stack
image_parameter=/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-$ARCH
image=$(aws ssm get-parameter --name "$image_parameter" --query Parameter.Value --output text)
prefix_list=$(aws ec2 describe-managed-prefix-lists --output text --query "PrefixLists[0].PrefixListId || ''" \
	--filters "Name=prefix-list-name,Values=com.amazonaws.$REGION.s3" || true) # not needed to serve
parameters=(
	"PackageBucket=$BUCKET" "PackageKey=$key" "PackageSha256=$hash"
	"InstanceType=${INSTANCE_TYPE:-$default_type}" "ImageParameter=$image_parameter"
	"Instances=$INSTANCES" "MaxInstances=$MAX_INSTANCES" "CertificateArn=$CERTIFICATE_ARN" "HostName=$HOST_NAME"
	"ClientCidr=$CLIENT_CIDR" "ClientCidr6=$CLIENT_CIDR6" "ClientAddress=$CLIENT_ADDRESS" "ShellAccess=$SHELL_ACCESS"
	"S3PrefixList=$prefix_list"
)
# A wait condition fires once in its life, and a rollback needs the old launch template as it was. So all three get
# names of their own, by what they are made of: the same input gives the same names.
id=$({ cat cloudformation/infrastructure.yaml; echo "$image ${parameters[*]}"; } | sha256 | cut -c 1-12)
template=$(sed "s/Ready/Ready$id/g; s/InstanceTemplate/InstanceTemplate$id/g" cloudformation/infrastructure.yaml)
# resource NAME: what AWS calls it; empty if the stack has none.
resource() {
	aws cloudformation list-stack-resources --stack-name "$STACK" --output text \
		--query "StackResourceSummaries[?LogicalResourceId=='$1' && !starts_with(ResourceStatus, 'DELETE')].PhysicalResourceId"
}
desired=''
if [ "$verb" = update ]; then
	if [ -n "$(resource "InstanceTemplate$id")" ]; then
		say "nothing to do: stack $STACK is what you ask for"
		stack "Outputs[?OutputKey=='TestURL'].OutputValue" | sed 's/^/TestURL  /'
		exit
	fi
	# A group that has scaled out must not come back at its minimum.
	group=$(resource EC2Instances)
	[ -z "$group" ] || desired=$(aws autoscaling describe-auto-scaling-groups --output text \
		--auto-scaling-group-names "$group" --query 'AutoScalingGroups[0].DesiredCapacity')
	[[ $desired =~ ^[1-8]$ ]] && [ "$desired" -gt "$INSTANCES" ] || desired=''
	[ -z "$desired" ] || [ "$desired" -le "$MAX_INSTANCES" ] || desired=$MAX_INSTANCES
fi
parameters=("${parameters[@]}" "DesiredInstances=$desired")
parameters=("${parameters[@]/=/,ParameterValue=}")
rollback=--no-disable-rollback
[ "$KEEP" = no ] || rollback=--disable-rollback
say "$verb stack $STACK in $REGION (it takes minutes; ^C stops the watching only)"
seen=0
[ "$verb" = create ] || seen=$(events '' | wc -l)
STACK_ID=$(aws cloudformation "$verb-stack" --stack-name "$STACK" --capabilities CAPABILITY_IAM $rollback \
	--template-body "$template" --tags Key=project,Value=poc-ip --query StackId --output text \
	--parameters "${parameters[@]/#/ParameterKey=}")
export STACK_ID
follow "$seen" "$done"

echo
stack "Outputs[?OutputKey=='TestURL'].OutputValue" | sed 's/^/TestURL  /'
stack "Outputs[?OutputKey=='ShellCommand'].OutputValue" | sed 's/^/Shell    /'
case $(aws --version 2>&1) in aws-cli/1.*) echo "The shell command needs version 2 of the AWS CLI." ;; esac
[ -z "$HOST_NAME" ] || stack "Outputs[?OutputKey=='ALBEndpoint'].OutputValue" | sed "s/^/DNS      $HOST_NAME has to lead to /"
echo "Check it with make verify. It costs money until make destroy."
