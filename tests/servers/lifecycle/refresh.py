"""Instance refresh: one instance at a time, through the hooks, waiting on protection."""

import time
import uuid

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult

from . import groups
from .api import group_named
from .front import LOCK

ACTIVE = ("Pending", "InProgress", "Cancelling", "RollbackInProgress")


class InProgress(AutoscalingClientError):
    code = "InstanceRefreshInProgress"


class NotFound(AutoscalingClientError):
    code = "ActiveInstanceRefreshNotFound"


class Irreversible(AutoscalingClientError):
    code = "IrreversibleInstanceRefresh"


def step_refresh(group) -> None:
    refreshes = groups.extra(group).refreshes
    refresh = next((it for it in refreshes if it["Status"] in ACTIVE), None)
    if not refresh:
        return
    if refresh["Status"] == "Cancelling":
        end(refresh, "Cancelled")
        return
    if "InstanceRefresh" in groups.suspended(group):
        refresh["StatusReason"] = "InstanceRefresh process is suspended"
        return
    if refresh["Status"] == "Pending":
        refresh["Status"] = "InProgress"
    members = group.instance_states
    if any(it.lifecycle_state not in ("InService", "Standby") for it in members):
        return
    old = [it for it in members if it.instance.id in refresh["_todo"]]
    old = [it for it in old if it.lifecycle_state == "InService"]
    n_all = max(1, refresh["_n"])
    refresh["InstancesToUpdate"] = len(old)
    refresh["PercentageComplete"] = 100 * (n_all - len(old)) // n_all
    if not old:
        is_rollback = refresh["Status"].startswith("Rollback")
        end(refresh, "RollbackSuccessful" if is_rollback else "Successful")
        return
    free = [it for it in old if not it.protected_from_scale_in]
    if not free:
        refresh["StatusReason"] = "Waiting for instances protected from scale in"
        return
    refresh.pop("StatusReason", None)
    cause = "an instance was taken out of service in response to an instance refresh."
    groups.begin_termination(group, free[0], cause)


def end(refresh: dict, status: str) -> None:
    refresh.update(Status=status, EndTime=groups.utc(time.time()))


def start_refresh(self):
    with LOCK:
        group = group_named(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
        refreshes = groups.extra(group).refreshes
        if any("EndTime" not in it for it in refreshes):
            raise InProgress(
                "An Instance Refresh is already in progress and blocks the execution of this "
                "Instance Refresh."
            )
        parameters = self._get_params()
        wanted = (parameters.get("DesiredConfiguration") or {}).get("LaunchTemplate")
        preferences = parameters.get("Preferences") or {}
        was = getattr(group, "launch_template_version", None)
        if wanted:
            group.launch_template_version = str(wanted.get("Version", was))
            group.provided_launch_template_version = group.launch_template_version
        current = None
        if group.ec2_launch_template:
            version = group.ec2_launch_template.get_version(group.launch_template_version)
            current = version.number
        skips = bool(preferences.get("SkipMatching"))
        todo = {
            it.instance.id
            for it in group.instance_states
            if it.lifecycle_state in groups.ALIVE
            and not (skips and getattr(it, "template_version", None) == current)
        }
        refresh = {
            "InstanceRefreshId": str(uuid.uuid4()),
            "AutoScalingGroupName": group.name,
            "Status": "Pending",
            "StartTime": groups.utc(time.time()),
            "PercentageComplete": 0,
            "InstancesToUpdate": len(todo),
            "Preferences": preferences,
            "_todo": todo,
            "_n": len(todo),
            "_was": was,
            "_wanted": wanted,
        }
        if wanted:
            refresh["DesiredConfiguration"] = {"LaunchTemplate": wanted}
        refreshes.insert(0, refresh)
        return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


def describe_refreshes(self):
    group = group_named(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
    wanted = self._get_param("InstanceRefreshIds", [])
    n_max = self._get_int_param("MaxRecords", 50)
    rows = [
        {name: value for name, value in it.items() if not name.startswith("_")}
        for it in groups.extra(group).refreshes
        if not wanted or it["InstanceRefreshId"] in wanted
    ]
    return ActionResult({"InstanceRefreshes": rows[:n_max]})


def active_refresh(self):
    group = group_named(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
    for refresh in groups.extra(group).refreshes:
        if "EndTime" not in refresh:
            return group, refresh
    raise NotFound("No in progress or pending Instance Refresh found for Auto Scaling group.")


def cancel_refresh(self):
    with LOCK:
        _, refresh = active_refresh(self)
        refresh["Status"] = "Cancelling"
        return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


def roll_back_refresh(self):
    with LOCK:
        group, refresh = active_refresh(self)
        if not refresh["_wanted"] or str(refresh["_was"]).startswith("$"):
            raise Irreversible("The desired configuration cannot be rolled back.")
        template = group.ec2_launch_template
        new = template.get_version(group.launch_template_version).number
        group.launch_template_version = refresh["_was"]
        group.provided_launch_template_version = refresh["_was"]
        todo = {
            it.instance.id
            for it in group.instance_states
            if getattr(it, "template_version", None) == new
        }
        refresh.update(Status="RollbackInProgress", _todo=todo, _n=len(todo))
        return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


def install() -> None:
    response = AutoScalingResponse
    response.start_instance_refresh = start_refresh
    response.describe_instance_refreshes = describe_refreshes
    response.cancel_instance_refresh = cancel_refresh
    response.rollback_instance_refresh = roll_back_refresh
