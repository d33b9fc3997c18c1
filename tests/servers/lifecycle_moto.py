"""moto's EC2 and Auto Scaling over HTTP, with the lifecycle that moto leaves out, faults, and a log of requests.

    python lifecycle_moto.py [--port 0] [--boot 1.0] [--faults faults.json] [--log requests.ndjson] [--seed 1] [--counted-ids]

The first line on standard output is the address. It is a stand-in for tests,
written from AWS' documentation, never AWS itself:

- instances boot (`Pending`, and EC2's `pending`) for --boot seconds; launching and
  terminating hooks hold them in `:Wait` with heartbeat deadlines and default results;
  a hook's SQS target gets its messages (lifecycle/hooks.py);
- groups reconcile towards desired a moment later, honour suspended processes, pick
  their scale-in victims among unprotected instances at random, and keep their
  activities (lifecycle/groups.py);
- instance refreshes run through the hooks, one instance at a time, and wait on
  protection; they can be cancelled and rolled back (lifecycle/refresh.py);
- faults and the log sit in front of everything (lifecycle/front.py);
- below `/agents` a fake controller has an idle agent on every machine (lifecycle/agents.py).

Mended where moto, or the first version of this script, disagreed with AWS' documentation:

- EnterStandby takes only what is InService and respects min; ExitStandby leads through
  Pending and respects max. (API reference: EnterStandby, ExitStandby)
- UpdateAutoScalingGroup keeps the mixed instances policy that it does not name, and
  refuses min above max. (UpdateAutoScalingGroup)
- EnableMetricsCollection without names enables every metric. (EnableMetricsCollection)
- A suspension has its reason, `User suspended at …`. (SuspendedProcess)
- A group with a mixed instances policy has no launch template of its own, and its
  instances are bought as its distribution says. (AutoScalingGroup, InstancesDistribution)
- A launch that fails for want of capacity is a `Failed` activity with EC2's reason, and
  is tried again. (DescribeScalingActivities; "Troubleshoot EC2 Auto Scaling")
- A launching hook puts the activity into MidLifecycleAction too. (Activity: StatusCode)
- A member that EC2 terminated by itself turns Unhealthy and goes through the
  terminating hook. ("Health checks for instances in an Auto Scaling group")
- A token that the service does not know is InvalidNextToken, more than 100 records
  and an unknown group are ValidationError, and activities come in pages. (each operation)
- A launch template's version has what its source version has, and a client token is
  answered with the version that it made. (CreateLaunchTemplateVersion)
- A member keeps the launch configuration that it was launched from. (Instance)
- Every answer, an error too, has a request id of its own in `x-amzn-RequestId`.

Still missing: a warm pool's own instances (its size is its minimum at once),
LaunchInstances, Capacity Rebalance, AZ rebalancing, root volume replacement.
"""

import argparse
import os
import threading

parser = argparse.ArgumentParser(description="moto with working lifecycles")
parser.add_argument("--port", type=int, default=0, help="0 is any free one")
parser.add_argument("--boot", type=float, default=1.0, help="seconds in Pending")
parser.add_argument("--faults", help="a JSON file, read again when it changes")
parser.add_argument("--log", help="one line of JSON a request")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument(
    "--counted-ids", action="store_true", help="instance ids are i-…001, i-…002 and so on"
)


def main() -> None:
    arguments = parser.parse_args()
    # moto reads its port when it is imported.
    os.environ.setdefault("MOTO_PORT", str(arguments.port))
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    from lifecycle import front, groups, install

    install()
    groups.BOOT_SECONDS = arguments.boot
    groups.RNG.seed(arguments.seed)
    if arguments.counted_ids:
        groups.count_ids()
    front.FAULTS.path = arguments.faults
    moto = DomainDispatcherApplication(create_backend_app)
    app = front.Front(moto, arguments.log, arguments.seed)
    server = make_server(
        "127.0.0.1",
        arguments.port,
        app,
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    threading.Thread(target=groups.tick_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
