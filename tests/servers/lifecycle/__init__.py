"""Working lifecycles on top of moto. `install` puts them in moto's place."""

from . import api, groups, refresh, templates


def install() -> None:
    groups.install()
    api.install()
    refresh.install()
    templates.install()
