#!/usr/bin/env python3
"""moto's EC2 and Auto Scaling over HTTP, with the lifecycle that moto leaves out, faults, and a log of requests.

    python lifecycle_moto.py --port 5000 [--boot 1.0] [--faults faults.json] [--log requests.ndjson] [--seed 1]

What it adds to moto (which stores hooks but never waits on them):
- instances boot (Pending) for --boot seconds; launching and terminating hooks hold them in Pending:Wait and
  Terminating:Wait with heartbeat deadlines, CompleteLifecycleAction, RecordLifecycleActionHeartbeat, default results;
  a hook's SQS target gets the message, and the TEST_NOTIFICATION when the hook is made;
- groups reconcile towards desired a moment later, honour suspended Launch, Terminate and InstanceRefresh, and pick their
  scale-in victims among unprotected instances at random (as unkind as AWS feels);
- TerminateInstanceInAutoScalingGroup refuses to go below min, SetInstanceProtection refuses what is not in service;
- each instance remembers the template version that it was launched from; scaling activities are kept;
- StartInstanceRefresh, Describe, Cancel and Rollback: one instance at a time, through the hooks, waiting on protection.

faults.json is read again when it changes: {"throttle": 0.1, "latency": 0.2, "error500": 0.0, "lost_reply": 0.05, "expired": false,
"html": false, "only": ["DescribeInstances"]}. lost_reply carries the request out and then answers 500. The log has one line
a request: time, service, action, mutating, status, fault. It is a stand-in for tests, written from AWS's documentation.
"""

import argparse, datetime as dt, json, os, random, threading, time, urllib.parse, uuid
import moto.autoscaling.models as m, moto.autoscaling.responses as r
from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.core.responses import ActionResult, EmptyResult

LOCK = threading.RLock()
RNG = random.Random(1)
BOOT, GONE = 1.0, 0.3
utc = lambda t: dt.datetime.fromtimestamp(t, dt.timezone.utc)
ALIVE = ("InService", "Pending", "Pending:Wait", "Pending:Proceed")


class RefreshInProgress(AutoscalingClientError):
    code = "InstanceRefreshInProgress"


class NoRefresh(AutoscalingClientError):
    code = "ActiveInstanceRefreshNotFound"


# ---- what a group remembers beside moto's own record
class Extra:
    def __init__(s):
        s.activities, s.refreshes = [], []


def extra(g):
    if not hasattr(g, "_extra"):
        g._extra = Extra()
    return g._extra


def activity(g, instance_id, what, cause):
    a = {
        "ActivityId": str(uuid.uuid4()),
        "AutoScalingGroupName": g.name,
        "Description": f"{what} EC2 instance: {instance_id}",
        "Cause": f"At {utc(time.time()):%Y-%m-%dT%H:%M:%SZ} {cause}",
        "StartTime": utc(time.time()),
        "StatusCode": "InProgress",
        "Progress": 50,
        "Details": "{}",
        "AutoScalingGroupARN": g.arn,
    }
    extra(g).activities.insert(0, a)
    return a


def finish(a, ok=True):
    if a:
        a.update(
            StatusCode="Successful" if ok else "Cancelled",
            Progress=100,
            EndTime=utc(time.time()),
        )


def hook_for(g, transition):
    return next(
        (
            h
            for h in g.autoscaling_backend.lifecycle_hooks.values()
            if h.auto_scaling_group_name == g.name
            and h.lifecycle_transition == f"autoscaling:EC2_INSTANCE_{transition}"
        ),
        None,
    )


def notify(g, hook, body):
    arn = getattr(hook, "target_arn", None)
    if not arn or ":sqs:" not in arn:
        return
    try:
        from moto.sqs.models import sqs_backends

        b = sqs_backends[g.autoscaling_backend.account_id][
            g.autoscaling_backend.region_name
        ]
        b.send_message(arn.rsplit(":", 1)[1], json.dumps(body))
    except Exception as x:
        print("notify:", x)


def hold(g, s, hook, state):
    now = time.time()
    s.lifecycle_state, s.hook, s.token = state, hook, str(uuid.uuid4())
    s.deadline, s.cap = now + hook.heartbeat_timeout, now + min(
        172800, 100 * hook.heartbeat_timeout
    )
    notify(
        g,
        hook,
        {
            "LifecycleHookName": hook.name,
            "AccountId": g.autoscaling_backend.account_id,
            "RequestId": str(uuid.uuid4()),
            "LifecycleTransition": hook.lifecycle_transition,
            "AutoScalingGroupName": g.name,
            "Service": "AWS Auto Scaling",
            "Time": utc(now).isoformat(),
            "EC2InstanceId": s.instance.id,
            "LifecycleActionToken": s.token,
            "NotificationMetadata": getattr(hook, "metadata", None),
        },
    )


def begin_termination(g, s, cause):
    if s.lifecycle_state.startswith("Terminating"):
        return
    s.act = activity(g, s.instance.id, "Terminating", cause)
    hook = hook_for(g, "TERMINATING")
    if hook:
        hold(g, s, hook, "Terminating:Wait")
        s.act["StatusCode"] = "MidLifecycleAction"
    else:
        s.lifecycle_state, s.done_at = "Terminating", time.time() + GONE


def gone(g, s):
    g.instance_states = [x for x in g.instance_states if x is not s]
    finish(getattr(s, "act", None))
    if s.instance.state not in ("terminated", "shutting-down"):
        g.autoscaling_backend.ec2_backend.terminate_instances([s.instance.id])


def reconcile(g):
    alive = [s for s in g.instance_states if s.lifecycle_state in ALIVE]
    want = g.desired_capacity or 0
    off = {p["ProcessName"] for p in g.suspended_processes}
    if len(alive) < want and "Launch" not in off:
        g.replace_autoscaling_group_instances(
            want - len(alive), g.get_propagated_tags()
        )
    elif len(alive) > want and "Terminate" not in off:
        free = [s for s in alive if not s.protected_from_scale_in]
        RNG.shuffle(free)
        for s in free[: len(alive) - want]:
            begin_termination(
                g,
                s,
                f"a difference between desired and actual capacity: {want} desired, {len(alive)} there",
            )


def step(g, s, now):
    st = s.lifecycle_state
    if s.instance.state in ("terminated", "shutting-down") and not st.startswith(
        "Terminat"
    ):
        return gone(g, s)
    if st == "Pending" and now >= getattr(s, "ready_at", 0):
        hook = hook_for(g, "LAUNCHING")
        if hook:
            return hold(g, s, hook, "Pending:Wait")
        s.lifecycle_state = "InService"
        finish(getattr(s, "act", None))
    elif st == "Pending:Proceed":
        s.lifecycle_state = "InService"
        finish(getattr(s, "act", None))
    elif st.endswith(":Wait") and now >= min(s.deadline, s.cap):
        complete(g, s, s.hook.default_result)
    elif st in ("Terminating", "Terminating:Proceed") and now >= s.done_at:
        gone(g, s)


def complete(g, s, result):
    if s.lifecycle_state == "Pending:Wait" and result == "CONTINUE":
        s.lifecycle_state = "Pending:Proceed"
    else:
        s.lifecycle_state, s.done_at = "Terminating:Proceed", time.time() + GONE


def version_of(s):
    return getattr(s, "lt_version", None)


def refresh_step(g):
    f = next(
        (
            x
            for x in extra(g).refreshes
            if x["Status"]
            in ("Pending", "InProgress", "Cancelling", "RollbackInProgress")
        ),
        None,
    )
    if not f:
        return
    if f["Status"] == "Cancelling":
        f.update(Status="Cancelled", EndTime=utc(time.time()))
        return
    if "InstanceRefresh" in {p["ProcessName"] for p in g.suspended_processes}:
        f["StatusReason"] = "InstanceRefresh process is suspended"
        return
    if f["Status"] == "Pending":
        f["Status"] = "InProgress"
    if any(
        s.lifecycle_state not in ("InService", "Standby") for s in g.instance_states
    ):
        return
    old = [
        s
        for s in g.instance_states
        if s.instance.id in f["_todo"] and s.lifecycle_state == "InService"
    ]
    n = max(1, f["_n"])
    f["InstancesToUpdate"] = len(old)
    f["PercentageComplete"] = int(100 * (n - len(old)) / n)
    if not old:
        f.update(
            Status=(
                "RollbackSuccessful"
                if f["Status"].startswith("Rollback")
                else "Successful"
            ),
            EndTime=utc(time.time()),
        )
        return
    free = [s for s in old if not s.protected_from_scale_in]
    if not free:
        f["StatusReason"] = "Waiting for instances protected from scale in"
        return
    f.pop("StatusReason", None)
    begin_termination(g, free[0], "an instance refresh")


def tick():
    while True:
        time.sleep(0.1)
        with LOCK:
            for acct in list(m.autoscaling_backends.values()):
                for b in list(acct.values()):
                    for g in list(b.autoscaling_groups.values()):
                        try:
                            for s in list(g.instance_states):
                                step(g, s, time.time())
                            refresh_step(g)
                            reconcile(g)
                        except Exception as x:
                            print("tick:", g.name, repr(x))


# ---- moto, changed
G, B, S = m.FakeAutoScalingGroup, m.AutoScalingBackend, m.InstanceState
launch0, template0 = G.replace_autoscaling_group_instances, S.launch_template


def launch(g, n, tags):
    with LOCK:
        before = set(map(id, g.instance_states))
        launch0(g, n, tags)
        for s in g.instance_states:
            if id(s) in before:
                continue
            s.lifecycle_state, s.ready_at = "Pending", time.time() + BOOT
            s.act = activity(
                g,
                s.instance.id,
                "Launching a new",
                "an instance was started in response to a difference between desired and actual capacity",
            )
            if g.ec2_launch_template:
                s.lt_version = g.ec2_launch_template.get_version(
                    g.launch_template_version
                ).number


def set_desired(g, n):
    with LOCK:
        g.desired_capacity = g.min_size if n is None else n
        if g.name in g.autoscaling_backend.autoscaling_groups:
            reconcile(g)


def template(s):
    lt = template0.fget(s)
    if lt and version_of(s) is not None:
        lt = {**lt, "Version": str(version_of(s))}
    return lt


def backend_set_desired(b, name, n):
    g = b.autoscaling_groups.get(name)
    if g is None:
        raise ValidationError("AutoScalingGroup name not found - null")
    if n is not None and not g.min_size <= n <= g.max_size:
        raise ValidationError(
            f"New SetDesiredCapacity value {n} is {'above max' if n > g.max_size else 'below min'} value {g.max_size if n > g.max_size else g.min_size} for the AutoScalingGroup."
        )
    g.set_desired_capacity(n)


def find(b, iid):
    for g in b.autoscaling_groups.values():
        for s in g.instance_states:
            if s.instance.id == iid:
                return g, s
    raise ValidationError(
        f"Instance Id not found - No managed instance found for instance ID: {iid}"
    )


def terminate(b, iid, decrement):
    with LOCK:
        g, s = find(b, iid)
        was = g.desired_capacity
        if decrement:
            if was - 1 < g.min_size:
                raise ValidationError(
                    f"Currently, desiredSize equals minSize ({g.min_size}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size."
                )
            if not s.lifecycle_state.startswith("Terminating"):
                g.desired_capacity = was - 1
        begin_termination(
            g, s, "an instance was taken out of service in response to a user request"
        )
        return m.TerminateInstanceActivity(s.instance, was)


def removed(b, ids):
    with LOCK:
        for g in b.autoscaling_groups.values():
            g.instance_states = [
                s for s in g.instance_states if s.instance.id not in ids
            ]


def protect(b, name, ids, yes):
    with LOCK:
        for iid in ids:
            g, s = find(b, iid)
            if s.lifecycle_state not in ("InService", "EnteringStandby", "Standby"):
                raise ValidationError(
                    f"The instance {iid} is not in InService or EnteringStandby or Standby."
                )
            s.protected_from_scale_in = yes


G.replace_autoscaling_group_instances, G.set_desired_capacity, S.launch_template = (
    launch,
    set_desired,
    property(template),
)
G.active_instances = lambda g: [
    s for s in g.instance_states if s.lifecycle_state in ALIVE
]
(
    B.set_desired_capacity,
    B.terminate_instance,
    B.notify_terminate_instances,
    B.set_instance_protection,
) = (backend_set_desired, terminate, removed, protect)


def put_hook(self):
    h = self.autoscaling_backend.create_lifecycle_hook(
        name=self._get_param("LifecycleHookName"),
        as_name=self._get_param("AutoScalingGroupName"),
        transition=self._get_param("LifecycleTransition"),
        timeout=self._get_int_param("HeartbeatTimeout"),
        result=self._get_param("DefaultResult"),
    )
    h.notification_target_arn = h.target_arn = (
        self._get_param("NotificationTargetARN") or ""
    )
    h.metadata = self._get_param("NotificationMetadata")
    h.global_timeout = min(172800, 100 * int(h.heartbeat_timeout))
    h.heartbeat_timeout = int(h.heartbeat_timeout)
    notify(
        self.autoscaling_backend.autoscaling_groups[h.auto_scaling_group_name],
        h,
        {
            "Event": "autoscaling:TEST_NOTIFICATION",
            "AutoScalingGroupName": h.auto_scaling_group_name,
        },
    )
    return EmptyResult()


def waiting(self):
    b, hook, iid, token = (
        self.autoscaling_backend,
        self._get_param("LifecycleHookName"),
        self._get_param("InstanceId"),
        self._get_param("LifecycleActionToken"),
    )
    g = b.autoscaling_groups.get(self._get_param("AutoScalingGroupName"))
    for s in (g.instance_states if g else []):
        if (
            s.lifecycle_state.endswith(":Wait")
            and s.hook.name == hook
            and (s.instance.id == iid or (token and s.token == token))
        ):
            return g, s
    raise ValidationError(
        f"No active Lifecycle Action found with {'instance ID ' + iid if iid else 'token ' + str(token)}"
    )


def complete_action(self):
    with LOCK:
        g, s = waiting(self)
        complete(g, s, self._get_param("LifecycleActionResult"))
        return EmptyResult()


def heartbeat(self):
    with LOCK:
        _, s = waiting(self)
        s.deadline = time.time() + s.hook.heartbeat_timeout
        return EmptyResult()


def activities(self):
    name = self._get_param("AutoScalingGroupName")
    gs = self.autoscaling_backend.autoscaling_groups
    return ActionResult(
        {
            "Activities": [
                a
                for n, g in gs.items()
                if not name or n == name
                for a in extra(g).activities
            ][:100]
        }
    )


def start_refresh(self):
    with LOCK:
        g = self.autoscaling_backend.autoscaling_groups[
            self._get_param("AutoScalingGroupName")
        ]
        if any("EndTime" not in f for f in extra(g).refreshes):
            raise RefreshInProgress(
                "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh."
            )
        want = (self._get_params().get("DesiredConfiguration") or {}).get(
            "LaunchTemplate"
        )
        was = g.launch_template_version
        if want:
            g.launch_template_version = str(want.get("Version", was))
        skip = bool((self._get_params().get("Preferences") or {}).get("SkipMatching"))
        now = (
            g.ec2_launch_template.get_version(g.launch_template_version).number
            if g.ec2_launch_template
            else None
        )
        todo = {
            s.instance.id
            for s in g.instance_states
            if s.lifecycle_state in ALIVE and not (skip and version_of(s) == now)
        }
        f = {
            "InstanceRefreshId": str(uuid.uuid4()),
            "AutoScalingGroupName": g.name,
            "Status": "Pending",
            "StartTime": utc(time.time()),
            "PercentageComplete": 0,
            "InstancesToUpdate": len(todo),
            "_todo": todo,
            "_n": len(todo),
            "_was": was,
            "_want": want,
            "Preferences": self._get_params().get("Preferences") or {},
            **({"DesiredConfiguration": {"LaunchTemplate": want}} if want else {}),
        }
        extra(g).refreshes.insert(0, f)
        return ActionResult({"InstanceRefreshId": f["InstanceRefreshId"]})


def describe_refreshes(self):
    g = self.autoscaling_backend.autoscaling_groups[
        self._get_param("AutoScalingGroupName")
    ]
    ids = self._get_param("InstanceRefreshIds", [])
    return ActionResult(
        {
            "InstanceRefreshes": [
                {k: v for k, v in f.items() if k[0] != "_"}
                for f in extra(g).refreshes
                if not ids or f["InstanceRefreshId"] in ids
            ]
        }
    )


def active_refresh(self):
    g = self.autoscaling_backend.autoscaling_groups[
        self._get_param("AutoScalingGroupName")
    ]
    f = next((f for f in extra(g).refreshes if "EndTime" not in f), None)
    if not f:
        raise NoRefresh(
            "No in progress or pending Instance Refresh found for Auto Scaling group."
        )
    return g, f


def cancel_refresh(self):
    with LOCK:
        _, f = active_refresh(self)
        f["Status"] = "Cancelling"
        return ActionResult({"InstanceRefreshId": f["InstanceRefreshId"]})


def rollback_refresh(self):
    with LOCK:
        g, f = active_refresh(self)
        if not f["_want"] or str(f["_was"]).startswith("$"):

            class Irreversible(AutoscalingClientError):
                code = "IrreversibleInstanceRefresh"

            raise Irreversible("The desired configuration cannot be rolled back.")
        new = g.ec2_launch_template.get_version(g.launch_template_version).number
        g.launch_template_version = f["_was"]
        f.update(
            Status="RollbackInProgress",
            _todo={s.instance.id for s in g.instance_states if version_of(s) == new},
        )
        f["_n"] = len(f["_todo"])
        return ActionResult({"InstanceRefreshId": f["InstanceRefreshId"]})


R = r.AutoScalingResponse
(
    R.put_lifecycle_hook,
    R.complete_lifecycle_action,
    R.record_lifecycle_action_heartbeat,
    R.describe_scaling_activities,
) = (put_hook, complete_action, heartbeat, activities)
(
    R.start_instance_refresh,
    R.describe_instance_refreshes,
    R.cancel_instance_refresh,
    R.rollback_instance_refresh,
) = (start_refresh, describe_refreshes, cancel_refresh, rollback_refresh)


# ---- faults and the log, in front of everything
class Front:
    READS = ("Describe", "Get", "List", "Receive")

    def __init__(s, app, faults, log, seed):
        s.app, s.path, s.log, s.rng, s.at, s.f = (
            app,
            faults,
            log and open(log, "a", buffering=1),
            random.Random(seed),
            0,
            {},
        )

    def faults(s):
        try:
            t = os.stat(s.path).st_mtime_ns
            if t != s.at:
                s.f, s.at = json.load(open(s.path)), t
        except (OSError, ValueError, TypeError):
            pass
        return s.f

    def __call__(s, env, start):
        n = int(env.get("CONTENT_LENGTH") or 0)
        body = env["wsgi.input"].read(n)
        import io

        env["wsgi.input"] = io.BytesIO(body)
        q = urllib.parse.parse_qs(body.decode("latin1"))
        target = env.get("HTTP_X_AMZ_TARGET", "")
        action = (q.get("Action") or [target.rsplit(".", 1)[-1]])[0]
        auth = env.get("HTTP_AUTHORIZATION", "")
        service = auth.split("/")[3] if auth.count("/") > 3 else ""
        f = s.faults() if action else {}
        on = not f.get("only") or action in f["only"]
        fault = None
        xml = [("Content-Type", "text/xml")]
        if on and f.get("latency"):
            time.sleep(f["latency"])

        def err(code, status, msg):
            e = f"<Error><Code>{code}</Code><Message>{msg}</Message></Error>"
            start(status, xml)
            return [
                (
                    f"<Response><Errors>{e}</Errors><RequestID>x</RequestID></Response>"
                    if service == "ec2"
                    else f"<ErrorResponse>{e}<RequestId>x</RequestId></ErrorResponse>"
                ).encode()
            ]

        out = None
        if on and f.get("expired"):
            fault = "expired"
            out = err(
                "RequestExpired" if service == "ec2" else "ExpiredToken",
                "400 Bad Request",
                "Request has expired.",
            )
        elif on and f.get("html"):
            fault = "html"
            start("200 OK", [("Content-Type", "text/html")])
            out = [b"<html><body>Please log in</body></html>"]
        elif on and s.rng.random() < f.get("throttle", 0):
            fault = "throttle"
            out = err(
                *(
                    ("RequestLimitExceeded", "503 Service Unavailable")
                    if service == "ec2"
                    else ("Throttling", "400 Bad Request")
                ),
                "Rate exceeded",
            )
        elif on and s.rng.random() < f.get("error500", 0):
            fault = "error500"
            out = err(
                "InternalFailure",
                "500 Internal Server Error",
                "An internal error has occurred",
            )
        else:
            lost = on and s.rng.random() < f.get("lost_reply", 0)
            with LOCK:
                out = list(s.app(env, (lambda *a: None) if lost else start))
            if lost:
                fault = "lost_reply"
                out = err(
                    "InternalFailure",
                    "500 Internal Server Error",
                    "An internal error has occurred",
                )
        if s.log and action:
            s.log.write(
                json.dumps(
                    {
                        "t": round(time.time(), 3),
                        "service": service,
                        "action": action,
                        "mutating": not action.startswith(s.READS),
                        "fault": fault,
                    }
                )
                + "\n"
            )
        return out


if __name__ == "__main__":
    p = argparse.ArgumentParser(description="moto with working lifecycles")
    p.add_argument("--port", type=int, default=5000)
    p.add_argument("--boot", type=float, default=1.0)
    p.add_argument("--faults")
    p.add_argument("--log")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    BOOT = a.boot
    RNG.seed(a.seed)
    os.environ.setdefault("MOTO_PORT", str(a.port))
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    threading.Thread(target=tick, daemon=True).start()
    server = make_server(
        "127.0.0.1",
        a.port,
        Front(DomainDispatcherApplication(create_backend_app), a.faults, a.log, a.seed),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
