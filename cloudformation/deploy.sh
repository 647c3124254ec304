#!/bin/bash
# deploy.sh — builds the RPM, uploads it, creates or updates the stack, and waits until it serves.
# Settings come by environment; README.md lists them. Each run states them all: what is not set has
# the template's default again. A run that would change nothing says so and ends.
# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"

# == What can be wrong is named before anything is built
[ -n "${BUCKET:-}" ] || wrong "BUCKET is missing: make deploy BUCKET=name-of-your-bucket"
KEEP=${KEEP:-no}
yes_or_no KEEP "$KEEP"
case ${ARCH:=x86_64} in
x86_64) machine=x86_64 ;;
arm64 | aarch64) ARCH=arm64 machine=aarch64 INSTANCE_TYPE=${INSTANCE_TYPE:-t4g.micro} ;;
*) wrong "ARCH=$ARCH is unknown: x86_64, or arm64 (aarch64)" ;;
esac
parameters=()
while IFS=$'\037' read -r name setting initial pattern rule; do
	case $name in Zones | PackageKey | PackageSha256) continue ;; esac
	printf -v "$setting" %s "${!setting:-$initial}"
	[[ ${!setting} =~ $pattern ]] || wrong "$setting=${!setting} $rule"
	parameters+=("$name=${!setting}")
done < <(parameters)
[ "${CERTIFICATE_ARN:+yes}" = "${HOST_NAME:+yes}" ] || wrong "CERTIFICATE_ARN and HOST_NAME come together, or not at all"
if [ -n "${PACKAGE:-}" ]; then
	[[ $PACKAGE = *.rpm && -r $PACKAGE ]] || wrong "PACKAGE=$PACKAGE is not an .rpm that can be read"
else
	[ "$(uname -s)" = Linux ] || die "only Linux builds the RPM: build it there (make rpm), and set PACKAGE=path/to/it.rpm"
	command -v cargo >/dev/null || die "cargo is missing: install Rust (https://rustup.rs), or set PACKAGE=path/to/it.rpm"
fi

need_aws
bucket_region=$(ask aws s3api get-bucket-location --bucket "$BUCKET" --output text --query LocationConstraint) ||
	case $(reason) in
	*NoSuchBucket*) die "there is no bucket $BUCKET: aws s3 mb s3://$BUCKET --region $REGION" ;;
	*AccessDenied*) die "bucket $BUCKET is not yours, or you may not look at it (s3:GetBucketLocation)" ;;
	*) die "bucket $BUCKET cannot be looked at: $(reason)" ;;
	esac
case $bucket_region in None) bucket_region=us-east-1 ;; EU) bucket_region=eu-west-1 ;; esac # as S3 names the two oldest
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

# Two zones that have the instance type; an update keeps those that the stack is in.
offered=$(aws ec2 describe-instance-type-offerings --location-type availability-zone --output text \
	--filters "Name=instance-type,Values=$INSTANCE_TYPE" --query 'InstanceTypeOfferings[].[Location]')
offered=$(grep -x "${REGION}[a-z]" <<<"$offered" | sort) || true # no Local Zone
zones=$(head -n 2 <<<"$offered")
[ "$(wc -w <<<"$zones")" -eq 2 ] || die "INSTANCE_TYPE=$INSTANCE_TYPE is not offered in two zones of $REGION"
[ "$verb" = create ] || zones=$(aws ec2 describe-subnets --filters "Name=vpc-id,Values=$(output VPCId)" --output text \
	--query 'sort_by(Subnets, &CidrBlock)[:2].[AvailabilityZone]')
for zone in $zones; do
	grep -qx "$zone" <<<"$offered" || die "INSTANCE_TYPE=$INSTANCE_TYPE is not offered in $zone, where the stack is"
done

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
	aws s3 cp --only-show-errors --sse AES256 "$PACKAGE" "s3://$BUCKET/$key"
fi

# == The stack
image_parameter=/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-$ARCH
image=$(aws ssm get-parameter --name "$image_parameter" --query Parameter.Value --output text)
zones=$(xargs <<<"$zones" | sed 's/ /\\,/') # the CLI takes a comma for the end of the value
parameters+=("PackageKey=$key" "PackageSha256=$hash" "ImageParameter=$image_parameter" "Zones=$zones")
# A wait condition fires once in its life, and a rollback needs the old launch template as it was. So all three get
# names of their own, by what they are made of: the same input gives the same names.
id=$({ cat cloudformation/infrastructure.yaml; echo "$image ${parameters[*]}"; } | sha256 | cut -c 1-12)
template=$(sed "s/Ready/Ready$id/g; s/InstanceTemplate/InstanceTemplate$id/g" cloudformation/infrastructure.yaml)
if [ "$verb" = update ]; then
	same=$(aws cloudformation list-stack-resources --stack-name "$STACK" --output text --query "StackResourceSummaries[?\
		LogicalResourceId=='InstanceTemplate$id' && !starts_with(ResourceStatus, 'DELETE')].PhysicalResourceId")
	if [ -n "$same" ]; then
		say "nothing to do: stack $STACK is what you ask for"
		output TestURL | sed 's/^/TestURL  /'
		exit
	fi
fi
parameters=("${parameters[@]/=/,ParameterValue=}")
rollback=''
[ "$KEEP" = no ] || rollback=--disable-rollback
say "$verb stack $STACK in $REGION: $INSTANCES x $INSTANCE_TYPE, open to $CLIENT_CIDR"
say "it takes minutes; ^C stops the watching only"
seen=0
[ "$verb" = create ] || seen=$(events '' | wc -l)
STACK_ID=$(aws cloudformation "$verb-stack" --stack-name "$STACK" --capabilities CAPABILITY_IAM $rollback \
	--template-body "$template" --tags Key=project,Value=poc-ip --query StackId --output text \
	--parameters "${parameters[@]/#/ParameterKey=}")
export STACK_ID
follow "$seen" "$done"

outputs=$(stack 'Outputs[].[OutputKey,OutputValue]')
shown() { sed -n "s/^$1	/$2/p" <<<"$outputs"; } # OUTPUT AS
echo
shown TestURL 'TestURL  '
shown ShellCommand 'Shell    '
[ "$SHELL_ACCESS" = no ] || echo "The shell command needs version 2.12 or newer of the AWS CLI."
[ -z "$HOST_NAME" ] || shown ALBEndpoint "DNS      $HOST_NAME has to lead to "
echo "Check it with make verify. It costs money until make destroy."
