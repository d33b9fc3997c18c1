"""The operations of Auto Scaling that moto lacks or answers otherwise than AWS documents."""

import time

from moto.autoscaling import models
from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from . import groups, hooks
from .front import LOCK

MAX_RECORDS = 100

METRICS = [
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupStandbyInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
]


class InvalidNextToken(AutoscalingClientError):
    code = "InvalidNextToken"


def group_named(backend, name: str):
    group = backend.autoscaling_groups.get(name)
    if group is None:
        raise ValidationError("AutoScalingGroup name not found - null")
    return group


def member_named(backend, instance_id: str):
    for group in backend.autoscaling_groups.values():
        for member in group.instance_states:
            if member.instance.id == instance_id:
                return group, member
    raise ValidationError(
        f"Instance Id not found - No managed instance found for instance ID: {instance_id}"
    )


def page(response: AutoScalingResponse, rows: list, name_of) -> tuple[list, str | None]:
    """Returns one page of `rows` and the token of the next."""
    n_max = response._get_int_param("MaxRecords", 50)
    if n_max > MAX_RECORDS:
        raise ValidationError(f"MaxRecords must be at most {MAX_RECORDS}")
    token, start = response._get_param("NextToken"), 0
    if token:
        names = [name_of(it) for it in rows]
        if token not in names:
            raise InvalidNextToken("The token is not valid.")
        start = names.index(token) + 1
    found = rows[start : start + n_max]
    more = len(rows) > start + n_max
    return found, name_of(found[-1]) if more else None


# ---- operations


def describe_groups(self):
    found = self.autoscaling_backend.describe_auto_scaling_groups(
        self._get_param("AutoScalingGroupNames", []),
        filters=self._get_param("Filters", []),
    )
    rows, token = page(self, found, lambda it: it.name)
    return ActionResult({"AutoScalingGroups": rows, "NextToken": token})


def describe_activities(self):
    name, backend = self._get_param("AutoScalingGroupName"), self.autoscaling_backend
    of = [group_named(backend, name)] if name else backend.autoscaling_groups.values()
    rows = [activity for it in of for activity in groups.extra(it).activities]
    rows.sort(key=lambda it: it["StartTime"], reverse=True)
    rows, token = page(self, rows, lambda it: it["ActivityId"])
    return ActionResult({"Activities": rows, "NextToken": token})


def put_hook(self):
    group = group_named(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
    hook = self.autoscaling_backend.create_lifecycle_hook(
        name=self._get_param("LifecycleHookName"),
        as_name=group.name,
        transition=self._get_param("LifecycleTransition"),
        timeout=self._get_int_param("HeartbeatTimeout"),
        result=self._get_param("DefaultResult"),
    )
    hook.notification_target_arn = self._get_param("NotificationTargetARN") or ""
    hook.metadata = self._get_param("NotificationMetadata")
    hook.heartbeat_timeout = int(hook.heartbeat_timeout)
    hook.global_timeout = hooks.global_timeout(hook)
    test = {"Event": "autoscaling:TEST_NOTIFICATION", "AutoScalingGroupName": group.name}
    hooks.notify(group, hook, test)
    return EmptyResult()


def waiting_member(self):
    hook, token = self._get_param("LifecycleHookName"), self._get_param("LifecycleActionToken")
    instance_id = self._get_param("InstanceId")
    group = group_named(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
    for member in group.instance_states:
        if member.lifecycle_state.endswith(":Wait") and member.hook.name == hook:
            if member.instance.id == instance_id or (token and member.token == token):
                return member
    which = f"instance ID {instance_id}" if instance_id else f"token {token}"
    raise ValidationError(f"No active Lifecycle Action found with {which}")


def complete_action(self):
    with LOCK:
        groups.complete(waiting_member(self), self._get_param("LifecycleActionResult"))
        return EmptyResult()


def heartbeat(self):
    with LOCK:
        member = waiting_member(self)
        member.deadline = time.time() + member.hook.heartbeat_timeout
        return EmptyResult()


# ---- the backend


def set_desired_capacity(backend, name: str, desired: int | None) -> None:
    group = group_named(backend, name)
    if desired is not None and not group.min_size <= desired <= group.max_size:
        above = desired > group.max_size
        bound = ("above max", group.max_size) if above else ("below min", group.min_size)
        raise ValidationError(
            f"New SetDesiredCapacity value {desired} is {bound[0]} value {bound[1]} "
            "for the AutoScalingGroup."
        )
    group.set_desired_capacity(desired)


moto_update = models.AutoScalingBackend.update_auto_scaling_group


def update_group(backend, name: str, **changes):
    group = group_named(backend, name)
    low, high = changes.get("min_size"), changes.get("max_size")
    low = group.min_size if low is None else low
    high = group.max_size if high is None else high
    if low > high:
        raise ValidationError(
            f"Max bound, {high}, must be greater than or equal to min bound, {low}"
        )
    policy = group.mixed_instances_policy
    moto_update(backend, name, **changes)
    names = ("launch_template", "launch_config_name", "mixed_instances_policy")
    if not any(changes.get(it) for it in names):
        group.mixed_instances_policy = policy
    return group


def terminate_member(backend, instance_id: str, decrement: bool):
    with LOCK:
        group, member = member_named(backend, instance_id)
        was = group.desired_capacity
        if decrement:
            if was - 1 < group.min_size:
                raise ValidationError(
                    f"Currently, desiredSize equals minSize ({group.min_size}). Terminating "
                    "instance without replacement will violate group's min size constraint. "
                    "Either set shouldDecrementDesiredCapacity flag to false or lower group's "
                    "min size."
                )
            if not member.lifecycle_state.startswith("Terminating"):
                group.desired_capacity = was - 1
        cause = "an instance was taken out of service in response to a user request."
        groups.begin_termination(group, member, cause)
        return models.TerminateInstanceActivity(member.instance, was)


def protect(backend, name: str, instance_ids: list[str], protected: bool) -> None:
    with LOCK:
        for instance_id in instance_ids:
            _, member = member_named(backend, instance_id)
            if member.lifecycle_state not in ("InService", "EnteringStandby", "Standby"):
                raise ValidationError(
                    f"The instance {instance_id} is not in InService or EnteringStandby or Standby."
                )
            member.protected_from_scale_in = protected


def enter_standby(backend, name: str, instance_ids: list[str], decrement: bool):
    with LOCK:
        group = group_named(backend, name)
        members = [member_named(backend, it)[1] for it in instance_ids]
        for member in members:
            if member.lifecycle_state != "InService":
                raise ValidationError(f"The instance {member.instance.id} is not in InService.")
        was = group.desired_capacity
        if decrement and was - len(members) < group.min_size:
            raise ValidationError(
                f"AutoScalingGroup {name} has min-size={group.min_size}, max-size="
                f"{group.max_size}, and desired-size={was}. To place into standby "
                f"{len(members)} instances, please update the AutoScalingGroup sizes appropriately."
            )
        if decrement:
            group.desired_capacity = was - len(members)
        for member in members:
            member.lifecycle_state = "Standby"
            description = f"Moving EC2 instance to Standby: {member.instance.id}"
            cause = (
                f"instance {member.instance.id} was moved to standby in response to a user request."
            )
            groups.finish_activity(groups.start_activity(group, description, cause))
        return [models.EnterStandbyActivity(it.instance, was) for it in members]


def exit_standby(backend, name: str, instance_ids: list[str]):
    with LOCK:
        group = group_named(backend, name)
        members = [member_named(backend, it)[1] for it in instance_ids]
        for member in members:
            if member.lifecycle_state != "Standby":
                raise ValidationError(f"The instance {member.instance.id} is not in Standby.")
        was = group.desired_capacity
        if was + len(members) > group.max_size:
            raise ValidationError(
                f"AutoScalingGroup {name} has min-size={group.min_size}, max-size="
                f"{group.max_size}, and desired-size={was}. To move out of standby "
                f"{len(members)} instances, please update the AutoScalingGroup sizes appropriately."
            )
        group.desired_capacity = was + len(members)
        for member in members:
            member.lifecycle_state, member.was_in_standby = "Pending", True
            description = f"Moving EC2 instance out of Standby: {member.instance.id}"
            cause = f"instance {member.instance.id} was moved out of standby in response to a user request."
            member.activity = groups.start_activity(group, description, cause)
        return [models.ExitStandbyActivity(it.instance, was) for it in members]


def enable_metrics(backend, name: str, metrics: list[str] | None) -> None:
    group = group_named(backend, name)
    group.metrics = sorted(set(group.metrics) | set(metrics or METRICS))


def install() -> None:
    response, backend = AutoScalingResponse, models.AutoScalingBackend
    response.describe_auto_scaling_groups = describe_groups
    response.describe_scaling_activities = describe_activities
    response.put_lifecycle_hook = put_hook
    response.complete_lifecycle_action = complete_action
    response.record_lifecycle_action_heartbeat = heartbeat
    backend.set_desired_capacity = set_desired_capacity
    backend.update_auto_scaling_group = update_group
    backend.terminate_instance = terminate_member
    backend.set_instance_protection = protect
    backend.enter_standby_instances = enter_standby
    backend.exit_standby_instances = exit_standby
    backend.enable_metrics_collection = enable_metrics
    # The next tick finds a machine that EC2 terminated, as a health check would.
    backend.notify_terminate_instances = lambda self, instance_ids: None
