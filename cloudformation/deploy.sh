#!/bin/bash
# deploy.sh — builds the RPM, uploads it, creates or updates the stack, and waits until it serves.
# Settings come by environment: BUCKET, and if wanted REGION, STACK, ARCH (x86_64 or arm64),
# INSTANCE_TYPE, CLIENT_CIDR, CLIENT_ADDRESS (trusted or first), SHELL_ACCESS (yes or no), and
# PACKAGE, an RPM that is there already. Each run states them all: what is not set has its default
# again. Each run on a stack that exists replaces its instance, even with nothing changed.
# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"

ARCH=${ARCH:-x86_64}
[ -n "${BUCKET:-}" ] || wrong "BUCKET is missing: make deploy BUCKET=name-of-your-bucket"
case $ARCH in
x86_64) machine=x86_64 default_type=t3.micro ;;
arm64 | aarch64) ARCH=arm64 machine=aarch64 default_type=t4g.micro ;;
*) wrong "ARCH=$ARCH is unknown: x86_64 or arm64" ;;
esac
[ -z "${PACKAGE:-}" ] || [ -r "$PACKAGE" ] || wrong "PACKAGE=$PACKAGE cannot be read"
need_aws
bucket_region=$(aws s3api head-bucket --bucket "$BUCKET" --query BucketRegion --output text 2>/dev/null) ||
	die "bucket $BUCKET is not there, or not yours: aws s3 mb s3://$BUCKET --region $REGION"
[ "$bucket_region" = "$REGION" ] ||
	die "bucket $BUCKET is in $bucket_region and the stack in $REGION: the instance reaches only S3 of its own region"
before=$(stack StackStatus || echo NONE)
case $before in
NONE) verb=create ;;
CREATE_COMPLETE | UPDATE_COMPLETE | UPDATE_ROLLBACK_COMPLETE) verb=update ;;
*_IN_PROGRESS) die "stack $STACK is busy ($before): wait, and try again" ;;
*) die "stack $STACK is $before and cannot be updated: make events shows why, make destroy removes it" ;;
esac

if [ -z "${PACKAGE:-}" ]; then
	say "build the RPM ($machine)"
	make --no-print-directory rpm ARCH="$machine"
	version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
	PACKAGE=target/package/publicip-poc-$version-1.$machine.rpm
fi
hash=$(sha256sum "$PACKAGE" | cut -d ' ' -f 1)
key=publicip-poc/$STACK/${hash:0:16}/$(basename "$PACKAGE")
say "upload s3://$BUCKET/$key"
aws s3 cp --only-show-errors "$PACKAGE" "s3://$BUCKET/$key"

prefix_list=$(aws ec2 describe-managed-prefix-lists --output text --query "PrefixLists[0].PrefixListId || ''" \
	--filters "Name=prefix-list-name,Values=com.amazonaws.$REGION.s3" || true) # not needed to serve
parameters=(
	"PackageBucket=$BUCKET" "PackageKey=$key" "PackageSha256=$hash"
	"InstanceType=${INSTANCE_TYPE:-$default_type}"
	"ImageParameter=/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-$ARCH"
	"ClientCidr=${CLIENT_CIDR:-0.0.0.0/0}" "ClientAddress=${CLIENT_ADDRESS:-trusted}" "ShellAccess=${SHELL_ACCESS:-yes}"
	"S3PrefixList=$prefix_list"
)
parameters=("${parameters[@]/=/,ParameterValue=}")
# A wait condition fires once in a life: under a new name, an update waits for its new instance too.
template=$(sed -E "s/\bReady(Handle)?\b/&$(date -u +%Y%m%d%H%M%S)/g" cloudformation/infrastructure.yaml)
say "$verb stack $STACK in $REGION (it takes minutes; ^C stops the watching only)"
seen=0
[ "$verb" = create ] || seen=$(events '' | wc -l)
STACK_ID=$(aws cloudformation "$verb-stack" --stack-name "$STACK" --capabilities CAPABILITY_IAM --template-body "$template" \
	--query StackId --output text --parameters "${parameters[@]/#/ParameterKey=}")
export STACK_ID
follow "$seen" "${verb^^}_COMPLETE"

echo
stack "Outputs[?OutputKey=='TestURL'].OutputValue" | sed 's/^/TestURL  /'
stack "Outputs[?OutputKey=='ShellCommand'].OutputValue" | sed 's/^/Shell    /'
echo "Check it with make verify. It costs money until make destroy."
