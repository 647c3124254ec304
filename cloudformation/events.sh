#!/bin/bash
# events.sh — why a stack failed: every event that is a failure, oldest first, with its reason, and
# what the group could not launch. What was cancelled because of another failure is left out.
# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
need_aws
status=$(stack StackStatus) || { missing $?; die "there is no stack $STACK in $REGION"; }
events "?ends_with(ResourceStatus, 'FAILED') && !ends_with(ResourceStatusReason || '', 'cancelled')" | show
launches
echo "$STACK is $status"
