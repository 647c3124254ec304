#!/bin/bash
# destroy.sh — deletes the stack and every package that deploy.sh uploaded for it. The bucket is
# the user's and stays; if it is versioned, so do the packages' old versions.
# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
need_aws
if STACK_ID=$(stack StackId); then
	export STACK_ID
	BUCKET=${BUCKET:-$(stack "Parameters[?ParameterKey=='PackageBucket'].ParameterValue")}
	say "delete stack $STACK in $REGION (it takes minutes; ^C stops the watching only)"
	seen=$(events '' | wc -l)
	aws cloudformation delete-stack --stack-name "$STACK"
	follow "$seen" DELETE_COMPLETE
else
	missing $?
	say "there is no stack $STACK in $REGION"
fi
[ -n "${BUCKET:-}" ] || exit 0
say "delete s3://$BUCKET/publicip-poc/$STACK/"
aws s3 rm --only-show-errors --recursive "s3://$BUCKET/publicip-poc/$STACK/"
[ "$(aws s3api get-bucket-versioning --bucket "$BUCKET" --query Status --output text 2>/dev/null)" != Enabled ] ||
	say "the bucket is versioned: old versions stay until you or a lifecycle rule delete them"
