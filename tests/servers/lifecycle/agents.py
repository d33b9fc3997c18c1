"""A controller for tests that need one and not its kind: an idle agent on every machine that runs.

It speaks the format of src/ci/command/format.md below `/agents`. It is a fake, named as
one: it gives no agent a job, and forgets nothing but what an `uncordon` says. That jobs
survive is for the tests with a real Buildbot (tests/fleet).
"""

import datetime
import json

from moto.ec2.models import ec2_backends

CORDONS: dict[str, str | None] = {}
# It was there long before: one that just started does not know what its workers run.
STARTED = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)


def answer(path: str, body: bytes) -> bytes:
    verb = path.rsplit("/", 1)[-1]
    if verb == "observe":
        return json.dumps(observe()).encode()
    question = json.loads(body)
    if verb == "cordon":
        CORDONS[question["executor"]] = question.get("note")
    else:
        CORDONS.pop(question["executor"], None)
    return json.dumps({"version": 1}).encode()


def observe() -> dict:
    machines = [
        instance
        for account in ec2_backends.values()
        for backend in account.values()
        for instance in backend.all_instances()
        if instance.state == "running"
    ]
    return {
        "version": 1,
        "at": datetime.datetime.now(datetime.UTC).isoformat(),
        "complete": True,
        "controller": {"started_at": STARTED.isoformat(), "cordon": "durable"},
        "executors": [
            {
                "name": it.id,
                "state": "idle",
                "instance": it.id,
                "cordoned": it.id in CORDONS,
                "note": CORDONS.get(it.id),
            }
            for it in machines
        ],
    }
