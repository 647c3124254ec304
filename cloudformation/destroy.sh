#!/bin/bash
# destroy.sh — deletes the stack, and then every package that deploy.sh uploaded for it: a group that
# still runs needs them. The bucket is the user's and stays; if it is versioned, so do old versions.
# PACKAGES=yes BUCKET=… deletes packages that were left behind, where there is no stack.
# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
PACKAGES=${PACKAGES:-no}
yes_or_no PACKAGES "$PACKAGES"
need_aws
if STACK_ID=$(stack StackId); then
	export STACK_ID
	BUCKET=$(parameter PackageBucket)
	say "delete stack $STACK in $REGION (it takes minutes; ^C stops the watching only)"
	seen=$(events '' | wc -l)
	aws cloudformation delete-stack --stack-name "$STACK"
	follow "$seen" DELETE_COMPLETE
else
	missing $?
	[ "$PACKAGES" = yes ] || die "there is no stack $STACK in $REGION; nothing was deleted"
	[ -n "${BUCKET:-}" ] || wrong "BUCKET is missing: make destroy PACKAGES=yes BUCKET=name-of-your-bucket"
fi
[ -n "$BUCKET" ] || exit 0 # a stack without a package of ours
say "delete s3://$BUCKET/publicip-poc/$STACK/"
aws s3 rm --only-show-errors --recursive "s3://$BUCKET/publicip-poc/$STACK/"
[ "$(aws s3api get-bucket-versioning --bucket "$BUCKET" --query Status --output text 2>/dev/null)" != Enabled ] ||
	say "the bucket is versioned: old versions stay until you or a lifecycle rule delete them"
