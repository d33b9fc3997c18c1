# All the workers of a test in one process: each is a real one, with its own connection.

import os

from buildbot_worker.bot import Worker
from twisted.application import service

application = service.Application("workers")
for worker_idx in range(int(os.environ["N_WORKERS"])):
    name = f"w{worker_idx}"
    os.makedirs(f"{name}/info", exist_ok=True)
    # A place that an instance id can be read from.
    with open(f"{name}/info/host", "w") as host:
        host.write(f"i-{worker_idx:017x}.ec2.internal\n")
    Worker(
        "127.0.0.1", int(os.environ["PB_PORT"]), name, os.environ["PASSWORD"], name,
        keepalive=60, maxdelay=1,
    ).setServiceParent(application)
