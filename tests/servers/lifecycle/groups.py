"""How a group's members live: boot, serve, leave; and how the group keeps its size."""

import datetime
import itertools
import random
import sys
import time
import uuid

from moto.autoscaling import models
from moto.ec2.models.instances import InstanceState as MachineState

from . import hooks
from .front import FAULTS, LOCK

RNG = random.Random(1)
BOOT_SECONDS = 1.0
TICK_SECONDS = 0.1
GONE_SECONDS = 0.3
# A group waits before it tries again what failed; AWS waits minutes.
RETRY_SECONDS = 1.0

# What counts towards desired.
ALIVE = ("InService", "Pending", "Pending:Wait", "Pending:Proceed")

NO_CAPACITY = (
    "We currently do not have sufficient capacity in the Availability Zone you requested. "
    "Launching EC2 instance failed."
)


def utc(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


class Extra:
    """What a group remembers beside moto's own record."""

    def __init__(self) -> None:
        self.activities, self.refreshes, self.retry_at = [], [], 0.0
        self.suspended_at = {}


def extra(group) -> Extra:
    if not hasattr(group, "_extra"):
        group._extra = Extra()
    return group._extra


def suspended(group) -> set[str]:
    return {it["ProcessName"] for it in group.suspended_processes}


# ---- activities


def start_activity(group, description: str, cause: str) -> dict:
    now = time.time()
    activity = {
        "ActivityId": str(uuid.uuid4()),
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "Description": description,
        "Cause": f"At {utc(now):%Y-%m-%dT%H:%M:%SZ} {cause}",
        "StartTime": utc(now),
        "StatusCode": "InProgress",
        "Progress": 50,
        "Details": "{}",
    }
    extra(group).activities.insert(0, activity)
    return activity


def finish_activity(activity: dict | None) -> None:
    if activity:
        activity.update(StatusCode="Successful", Progress=100, EndTime=utc(time.time()))


# ---- one member


def set_machine_state(instance, name: str, code: int) -> None:
    instance._state = MachineState(name, code)


def has_no_machine(member) -> bool:
    return member.instance.state in ("terminated", "shutting-down")


def begin_termination(group, member, cause: str) -> None:
    if member.lifecycle_state.startswith("Terminating"):
        return
    description = f"Terminating EC2 instance: {member.instance.id}"
    member.activity = start_activity(group, description, cause)
    hook = hooks.hook_for(group, "TERMINATING")
    if hook:
        hooks.hold(group, member, hook, "Terminating:Wait")
    else:
        member.lifecycle_state = "Terminating"
        member.done_at = time.time() + GONE_SECONDS


def remove(group, member) -> None:
    group.instance_states = [it for it in group.instance_states if it is not member]
    finish_activity(getattr(member, "activity", None))
    if not has_no_machine(member):
        group.autoscaling_backend.ec2_backend.terminate_instances([member.instance.id])


def enter_service(member) -> None:
    member.lifecycle_state = "InService"
    finish_activity(getattr(member, "activity", None))


def step_member(group, member, now: float) -> None:
    state = member.lifecycle_state
    if has_no_machine(member) and not state.startswith("Terminating"):
        if "HealthCheck" not in suspended(group):
            member.health_status = "Unhealthy"
            begin_termination(
                group,
                member,
                "an instance was taken out of service in response to an EC2 health check "
                "indicating it has been terminated or stopped.",
            )
    elif state == "Pending" and now >= getattr(member, "ready_at", 0):
        if member.instance.state == "pending":
            set_machine_state(member.instance, "running", 16)
        # Hooks do not apply to an instance that comes back from standby.
        hook = hooks.hook_for(group, "LAUNCHING")
        if hook and not getattr(member, "was_in_standby", False):
            hooks.hold(group, member, hook, "Pending:Wait")
        else:
            enter_service(member)
    elif state == "Pending:Proceed":
        enter_service(member)
    elif state.endswith(":Wait") and now >= min(member.deadline, member.cap):
        complete(member, member.hook.default_result)
    elif state in ("Terminating", "Terminating:Proceed") and now >= member.done_at:
        remove(group, member)


def complete(member, result: str) -> None:
    """Ends a hook's wait."""
    if member.lifecycle_state == "Pending:Wait" and result == "CONTINUE":
        member.lifecycle_state = "Pending:Proceed"
    else:
        member.lifecycle_state = "Terminating:Proceed"
        member.done_at = time.time() + GONE_SECONDS


# ---- the group


def count_ids() -> None:
    """Makes instance ids foreseeable, for a controller that knows its workers by name beforehand."""
    from moto.ec2.models import instances

    numbers = itertools.count(1)
    instances.random_instance_id = lambda: f"i-{next(numbers):017x}"


def reconcile(group) -> None:
    alive = [it for it in group.instance_states if it.lifecycle_state in ALIVE]
    wanted, off = group.desired_capacity or 0, suspended(group)
    if len(alive) < wanted and "Launch" not in off:
        launch(group, wanted - len(alive))
    elif len(alive) > wanted and "Terminate" not in off:
        victims = [it for it in alive if not it.protected_from_scale_in]
        RNG.shuffle(victims)
        for member in victims[: len(alive) - wanted]:
            begin_termination(
                group,
                member,
                "an instance was taken out of service in response to a difference between "
                f"desired and actual capacity, shrinking the capacity from {len(alive)} to {wanted}.",
            )


def launch(group, n_missing: int) -> None:
    if group.name not in FAULTS.read().get("no_capacity", []):
        group.replace_autoscaling_group_instances(n_missing, group.get_propagated_tags())
    elif time.time() >= extra(group).retry_at:
        extra(group).retry_at = time.time() + RETRY_SECONDS
        failed = start_activity(
            group,
            f"Launching a new EC2 instance.  Status Reason: {NO_CAPACITY}",
            LAUNCH_CAUSE,
        )
        failed.update(
            StatusCode="Failed",
            StatusMessage=NO_CAPACITY,
            Progress=100,
            EndTime=utc(time.time()),
        )


LAUNCH_CAUSE = (
    "an instance was started in response to a difference between desired and actual " "capacity."
)

moto_launch = models.FakeAutoScalingGroup.replace_autoscaling_group_instances


def launch_members(group, n: int, tags: dict) -> None:
    """moto's launch, with a boot, an activity and the template's version to remember."""
    with LOCK:
        before = set(map(id, group.instance_states))
        moto_launch(group, n, tags)
        new = [it for it in group.instance_states if id(it) not in before]
        for member in new:
            member.lifecycle_state = "Pending"
            member.ready_at = time.time() + BOOT_SECONDS
            set_machine_state(member.instance, "pending", 0)
            description = f"Launching a new EC2 instance: {member.instance.id}"
            member.activity = start_activity(group, description, LAUNCH_CAUSE)
            template = group.ec2_launch_template
            member.launched_from = None if template else group.launch_configuration_name
            if template:
                version = template.get_version(group.launch_template_version)
                member.template_version = version.number
        buy(group, new)


def buy(group, members: list) -> None:
    """Chooses each new member's type and market as the mixed instances policy says."""
    policy = group.mixed_instances_policy
    if not policy:
        return
    overrides = policy.get("LaunchTemplate", {}).get("Overrides") or []
    distribution = policy.get("InstancesDistribution") or {}
    base = int(distribution.get("OnDemandBaseCapacity") or 0)
    percent = distribution.get("OnDemandPercentageAboveBaseCapacity")
    percent = 100 if percent is None else int(percent)
    for member in members:
        others = [it for it in group.instance_states if it not in members[members.index(member) :]]
        n_above = max(0, len(others) + 1 - base)
        n_on_demand = sum(it.instance.lifecycle != "spot" for it in others)
        if n_above > 0 and n_on_demand >= base + -(-n_above * percent // 100):
            member.instance.lifecycle = "spot"
        if overrides and overrides[0].get("InstanceType"):
            kind = overrides[len(others) % len(overrides)]["InstanceType"]
            member.instance.instance_type = member.instance_type = kind


def set_desired(group, desired: int | None) -> None:
    with LOCK:
        group.desired_capacity = group.min_size if desired is None else desired
        if group.name in group.autoscaling_backend.autoscaling_groups:
            reconcile(group)


# ---- time


def tick() -> None:
    from .refresh import step_refresh

    for account in list(models.autoscaling_backends.values()):
        for backend in list(account.values()):
            for group in list(backend.autoscaling_groups.values()):
                for member in list(group.instance_states):
                    step_member(group, member, time.time())
                step_refresh(group)
                reconcile(group)


def tick_forever() -> None:
    while True:
        time.sleep(TICK_SECONDS)
        with LOCK:
            try:
                tick()
            except Exception as error:  # A tick that fails must not end time.
                print("tick:", repr(error), file=sys.stderr)


# ---- in moto's place

moto_group_template = models.FakeAutoScalingGroup.launch_template
moto_member_template = models.InstanceState.launch_template


def group_template(group):
    return None if group.mixed_instances_policy else moto_group_template.fget(group)


def member_template(member):
    template = moto_member_template.fget(member)
    version = getattr(member, "template_version", None)
    if template and version is not None:
        template = {**template, "Version": str(version)}
    return template


def suspensions(group) -> list[dict]:
    since = extra(group).suspended_at
    for process in group._suspended_processes:
        since.setdefault(process, f"User suspended at {utc(time.time()):%Y-%m-%dT%H:%M:%SZ}")
    for process in set(since) - set(group._suspended_processes):
        del since[process]
    return [
        {"ProcessName": it, "SuspensionReason": since[it]}
        for it in sorted(group._suspended_processes)
    ]


def set_suspensions(group, processes: list[str]) -> None:
    group._suspended_processes = processes


def install() -> None:
    group = models.FakeAutoScalingGroup
    group.replace_autoscaling_group_instances = launch_members
    group.set_desired_capacity = set_desired
    group.launch_template = property(group_template)
    group.suspended_processes = property(suspensions, set_suspensions)
    group.warm_pool_size = property(lambda it: it.warm_pool.min_size if it.warm_pool else None)
    group.active_instances = lambda it: [
        member for member in it.instance_states if member.lifecycle_state in ALIVE
    ]
    models.InstanceState.launch_template = property(member_template)
