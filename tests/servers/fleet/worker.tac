# One worker, in a process of its own; see hosts.py.

import os

from buildbot_worker.bot import Worker
from twisted.application import service

application = service.Application("worker")
name = os.environ["WORKER"]
Worker(
    "127.0.0.1", int(os.environ["PB_PORT"]), name, os.environ["PASSWORD"], ".", keepalive=60, maxdelay=1
).setServiceParent(application)
