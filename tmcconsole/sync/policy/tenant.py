"""On whose behalf something is written, and as which user: an identity is never empty."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tmcconsole.config.settings import SyncSettings
from tmcconsole.sync.policy.refusal import Refusal, refuse

_FIELD: Final = re.compile(r"\{([a-z_]+)\}")
_ACCOUNT: Final = re.compile(r"system:serviceaccount:([^:]+):([^:]+)")
_NAME: Final = re.compile(r"[!-~]+( [!-~]+)*")  # printable ASCII: it goes into a header


@dataclass(frozen=True, slots=True)
class Tenant:
    """A hub namespace, as a target sees it."""

    namespace: str  # in the hub, "" for cluster-scoped objects
    target: str  # the SyncTarget's name
    there: str = ""  # the namespace on the target
    cluster: str = ""  # the hub's logical cluster
    workspace: str = ""  # kcp's path, "" on a plain hub

    def fill(self, template: str) -> str:
        """Return a template of the config with its placeholders replaced."""
        return _FIELD.sub(lambda found: self.field(found[1]), template)

    def lacks(self, template: str) -> str:
        """Return the name of a placeholder of the template that is empty here, "" if none is."""
        names = _FIELD.findall(template)
        return next((name for name in names if not self.field(name)), "")

    def field(self, name: str) -> str:
        """Return the value of ``{name}``, "" for an unknown name."""
        return {
            "namespace": self.namespace,
            "target": self.target,
            "target_namespace": self.there,
            "cluster": self.cluster,
            "workspace": self.workspace,
        }.get(name, "")


@dataclass(frozen=True, slots=True)
class Impersonated:
    """Another user, to be impersonated in a request."""

    user: str  # never empty: without the header, the request would be made as ourselves
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (self.user, *self.groups):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot name a user or group")

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The request headers; the user first."""
        groups = tuple(("Impersonate-Group", group) for group in self.groups)
        return (("Impersonate-User", self.user), *groups)

    @property
    def account(self) -> tuple[str, str] | None:
        """(namespace, name) of the service account it is, None for any other user."""
        found = _ACCOUNT.fullmatch(self.user)
        return (found[1], found[2]) if found else None


@dataclass(frozen=True, slots=True)
class Ourselves:
    """The engine's own account: always explicit, never a default."""

    headers: tuple[tuple[str, str], ...] = ()


Identity = Impersonated | Ourselves


def identity_for(tenant: Tenant, settings: SyncSettings) -> Identity | Refusal:
    """Return the user to write as for a tenant; a refusal if that cannot be determined."""
    if not settings.impersonate:
        return Ourselves()
    templates = (settings.impersonate, *settings.impersonate_groups)
    missing = next(filter(None, (tenant.lacks(one) for one in templates)), "")
    if missing:
        return refuse(
            "IdentityMissing",
            f"sync.impersonate asks for {{{missing}}}, which is empty here: nothing is sent",
        )
    user, *groups = (tenant.fill(one) for one in templates)
    try:
        return Impersonated(user, tuple(groups))
    except ValueError as error:
        return refuse("IdentityMissing", f"sync.impersonate: {error}; nothing is sent")
