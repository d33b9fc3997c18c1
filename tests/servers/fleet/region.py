"""The region of a test fleet, from beside the console: `region.py ENDPOINT VERB …`.

    make        makes the group `workhorse` of six, with a terminating hook
    look        prints what truly is, as JSON
    kill ID…    terminates instances behind everybody's back
"""

import json
import sys

import boto3

GROUP = "workhorse"
endpoint, verb, *arguments = sys.argv[1:]
at = dict(
    region_name="us-east-1",
    endpoint_url=endpoint,
    aws_access_key_id="beside",
    aws_secret_access_key="beside",
)
ec2, scaling = boto3.client("ec2", **at), boto3.client("autoscaling", **at)


def make() -> None:
    data = {"ImageId": "ami-760aaa0f", "InstanceType": "m5.large"}
    ec2.create_launch_template(LaunchTemplateName=GROUP, LaunchTemplateData=data)
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        MinSize=1,
        MaxSize=8,
        DesiredCapacity=6,
        AvailabilityZones=["us-east-1a"],
        LaunchTemplate={"LaunchTemplateName": GROUP, "Version": "1"},
    )
    scaling.put_lifecycle_hook(
        AutoScalingGroupName=GROUP,
        LifecycleHookName="drain",
        LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
        HeartbeatTimeout=60,
        DefaultResult="ABANDON",
    )


def look() -> None:
    group = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])
    group = group["AutoScalingGroups"][0]
    reservations = ec2.describe_instances()["Reservations"]
    machines = {it["InstanceId"]: it for row in reservations for it in row["Instances"]}
    members = [
        {
            "id": it["InstanceId"],
            "lifecycle": it["LifecycleState"],
            "protected": it["ProtectedFromScaleIn"],
            "version": it["LaunchTemplate"]["Version"],
            "image": machines[it["InstanceId"]]["ImageId"],
            "tags": [tag["Key"] for tag in machines[it["InstanceId"]].get("Tags", [])],
        }
        for it in group["Instances"]
    ]
    versions = ec2.describe_launch_template_versions(LaunchTemplateName=GROUP)
    truth = {
        "version": group["LaunchTemplate"]["Version"],
        "n_versions": len(versions["LaunchTemplateVersions"]),
        "desired": group["DesiredCapacity"],
        "min": group["MinSize"],
        "max": group["MaxSize"],
        "suspended": [it["ProcessName"] for it in group["SuspendedProcesses"]],
        "tags": [it["Key"] for it in group.get("Tags", [])],
        "members": members,
    }
    print(json.dumps(truth))


def kill(*instance_ids: str) -> None:
    if instance_ids:
        ec2.terminate_instances(InstanceIds=list(instance_ids))


{"make": make, "look": look, "kill": kill}[verb](*arguments)
