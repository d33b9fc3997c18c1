"""A machine for each instance: a buildbot-worker process that lives as long as its instance.

    python hosts.py ENDPOINT MASTER_PORT DIRECTORY      (the worker's password is in PASSWORD)

The worker is called as its instance is. It starts once the instance runs, and is
killed without warning once EC2 says that the instance is on its way down: what it
builds then is lost, as on a machine that is terminated.
"""

import os
import signal
import subprocess
import sys
import time

import boto3

endpoint, master_port, directory = sys.argv[1:]
ec2 = boto3.client(
    "ec2",
    region_name="us-east-1",
    endpoint_url=endpoint,
    aws_access_key_id="hosts",
    aws_secret_access_key="hosts",
)
here = os.path.dirname(os.path.abspath(__file__))
twistd = os.path.join(os.path.dirname(sys.executable), "twistd")
machines: dict[str, subprocess.Popen] = {}


def power_on(instance_id: str) -> None:
    place = os.path.join(directory, instance_id)
    os.mkdir(place)
    machines[instance_id] = subprocess.Popen(
        [twistd, "--reactor=poll", "--nodaemon", "--pidfile=", "--logfile", "twistd.log"]
        + ["--python", os.path.join(here, "worker.tac")],
        cwd=place,
        env={**os.environ, "WORKER": instance_id, "PB_PORT": master_port},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )


def power_off(instance_id: str) -> None:
    machine = machines.pop(instance_id)
    os.killpg(machine.pid, signal.SIGKILL)
    machine.wait()


def power_off_all(*_) -> None:
    for instance_id in list(machines):
        power_off(instance_id)
    os._exit(0)


def look() -> None:
    reservations = ec2.describe_instances()["Reservations"]
    running = {
        instance["InstanceId"]
        for reservation in reservations
        for instance in reservation["Instances"]
        if instance["State"]["Name"] == "running"
    }
    for instance_id in running - machines.keys():
        power_on(instance_id)
    for instance_id in machines.keys() - running:
        power_off(instance_id)


signal.signal(signal.SIGTERM, power_off_all)
print("ready", flush=True)
while True:
    look()
    time.sleep(0.3)
