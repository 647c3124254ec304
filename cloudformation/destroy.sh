#!/bin/bash
# destroy.sh — deletes the stack and every package that deploy.sh uploaded for it. The bucket is
# the user's and stays.
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
	say "there is no stack $STACK in $REGION"
fi
[ -n "${BUCKET:-}" ] || exit 0
say "delete s3://$BUCKET/publicip-poc/$STACK/"
aws s3 rm --only-show-errors --recursive "s3://$BUCKET/publicip-poc/$STACK/"
