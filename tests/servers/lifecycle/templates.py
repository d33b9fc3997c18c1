"""Launch templates and configurations where moto answers otherwise than AWS documents."""

import copy

from moto.autoscaling import models as scaling
from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

from .front import LOCK


def create_version(self):
    """A version has what its source has and it does not name; a token is answered once."""
    with LOCK:
        backend = self.ec2_backend
        template_id = self._get_param("LaunchTemplateId")
        if template_id:
            template = backend.get_launch_template(template_id)
        else:
            name = self._get_param("LaunchTemplateName")
            template = backend.get_launch_template_by_name(name)
        made = template.__dict__.setdefault("made_by_token", {})
        token = self._get_param("ClientToken")
        if token not in made:
            data = self._get_param("LaunchTemplateData", {})
            source = self._get_param("SourceVersion")
            if source:
                data = copy.deepcopy(template.get_version(source).data) | data
            version = template.create_version(data, self._get_param("VersionDescription"))
            made[token or object()] = version
        else:
            version = made[token]
        return ActionResult(
            {
                "LaunchTemplateVersion": {
                    "CreateTime": version.create_time,
                    "DefaultVersion": template.is_default(version),
                    "LaunchTemplateData": version.data,
                    "LaunchTemplateId": template.id,
                    "LaunchTemplateName": template.name,
                    "VersionDescription": version.description,
                    "VersionNumber": version.number,
                }
            }
        )


def configuration_of(member) -> str | None:
    """A member keeps the configuration that it was launched from; moto reports its group's."""
    return getattr(member, "launched_from", None)


def install() -> None:
    EC2Response.create_launch_template_version = create_version
    scaling.InstanceState.launch_configuration_name = property(configuration_of)
