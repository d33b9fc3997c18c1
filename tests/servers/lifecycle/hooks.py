"""Lifecycle hooks at work: who waits on which, until when, and who is told."""

import datetime
import json
import sys
import time
import uuid

# No heartbeat reaches beyond 48 hours or 100 timeouts, whichever is less.
GLOBAL_SECONDS, GLOBAL_HEARTBEATS = 172_800, 100


def hook_for(group, transition: str):
    """Returns the first hook of the group for `LAUNCHING` or `TERMINATING`."""
    wanted = f"autoscaling:EC2_INSTANCE_{transition}"
    for hook in group.autoscaling_backend.lifecycle_hooks.values():
        if hook.auto_scaling_group_name == group.name:
            if hook.lifecycle_transition == wanted:
                return hook
    return None


def global_timeout(hook) -> int:
    return min(GLOBAL_SECONDS, GLOBAL_HEARTBEATS * int(hook.heartbeat_timeout))


def hold(group, member, hook, state: str) -> None:
    now = time.time()
    member.lifecycle_state, member.hook = state, hook
    member.token = str(uuid.uuid4())
    member.deadline = now + int(hook.heartbeat_timeout)
    member.cap = now + global_timeout(hook)
    if getattr(member, "activity", None):
        member.activity["StatusCode"] = "MidLifecycleAction"
    message = {
        "LifecycleHookName": hook.name,
        "AccountId": group.autoscaling_backend.account_id,
        "RequestId": str(uuid.uuid4()),
        "LifecycleTransition": hook.lifecycle_transition,
        "AutoScalingGroupName": group.name,
        "Service": "AWS Auto Scaling",
        "Time": datetime.datetime.fromtimestamp(now, datetime.UTC).isoformat(),
        "EC2InstanceId": member.instance.id,
        "LifecycleActionToken": member.token,
        "NotificationMetadata": getattr(hook, "metadata", None),
    }
    notify(group, hook, message)


def notify(group, hook, message: dict) -> None:
    arn = getattr(hook, "notification_target_arn", None)
    if not arn or ":sqs:" not in arn:
        return
    from moto.sqs.models import sqs_backends

    backend = group.autoscaling_backend
    queues = sqs_backends[backend.account_id][backend.region_name]
    try:
        queues.send_message(arn.rsplit(":", 1)[1], json.dumps(message))
    except Exception as error:  # A target that is gone does not stop the hook.
        print("notify:", repr(error), file=sys.stderr)
