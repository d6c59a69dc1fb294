"""Permits: the only thing that a target's writer accepts, and the only way to get one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tmcconsole.config.settings import SyncSettings
from tmcconsole.kube.objects import NAMESPACES, Json, Kind, ObjectKey, key_of, labels_of
from tmcconsole.sync.policy.definitions import judge_definition
from tmcconsole.sync.policy.kinds import judge_kind
from tmcconsole.sync.policy.metadata import Trimmed, trim
from tmcconsole.sync.policy.objects import is_protected, judge_object, judge_source
from tmcconsole.sync.policy.profiles import RESTRICTED
from tmcconsole.sync.policy.refusal import NotPermitted, Refusal, refuse
from tmcconsole.sync.policy.tenant import Identity, Ourselves, Tenant, identity_for

_SEAL: Final = object()
_CHECKED: Final = {"pod-security.kubernetes.io/enforce": "baseline"}
_DEFINITIONS: Final = "customresourcedefinitions.apiextensions.k8s.io"


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission to write one object, as one identity. It carries exactly what was judged."""

    kind: Kind  # as in the target's discovery
    key: ObjectKey  # on the target
    identity: Identity
    tree: Json | None  # what may be applied; None for a permit to delete
    seal: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise TypeError("only a Policy gives permits")


@dataclass(frozen=True, slots=True)
class Policy:
    """The one policy point: every request that changes something on a target starts here."""

    settings: SyncSettings
    cluster: str = ""  # the hub's logical cluster
    workspace: str = ""  # kcp's path

    @property
    def profile(self) -> str:
        """The profile's name."""
        return self.settings.profile

    @property
    def needs_own_namespaces(self) -> bool:
        """True if namespaces that the engine did not create must not be written to."""
        return self.profile == RESTRICTED

    def tenant(self, namespace: str, target: str, there: str) -> Tenant:
        """Return a hub namespace as a target sees it: ``there`` is its namespace on the target."""
        return Tenant(
            namespace=namespace,
            target=target,
            there=there,
            cluster=self.cluster,
            workspace=self.workspace,
        )

    def trim(self, kind: Kind, source: Mapping[str, Any]) -> Trimmed:
        """Return the hub object without the metadata that is not synced."""
        return trim(kind, source, self.settings)

    def judge(self, kind: Kind, tree: Mapping[str, Any], tenant: Tenant) -> Refusal | None:
        """Return why ``tree``, as it should be written, is not written for ``tenant``, or None."""
        found = judge_kind(kind, self.settings, hub_runs_pods=False) or judge_object(
            kind, tree, tenant, self.settings
        )
        if found is not None:
            return found
        identity = identity_for(tenant, self.settings)
        return identity if isinstance(identity, Refusal) else None

    def judge_source(self, source: Mapping[str, Any]) -> Refusal | None:
        """Return why a hub object is not synced in any form, or None."""
        return judge_source(source)

    def permit(self, kind: Kind, tree: Json, tenant: Tenant) -> Permit:
        """Return the permit to apply ``tree``. Raises ``NotPermitted``."""
        refusal = self.judge(kind, tree, tenant)
        if refusal is not None:
            raise NotPermitted(refusal)
        return Permit(
            kind=kind, key=key_of(tree), identity=self._identity(tenant), tree=tree, seal=_SEAL
        )

    def permit_removal(self, kind: Kind, key: ObjectKey, tenant: Tenant) -> Permit:
        """Return the permit to delete a copy. Raises ``NotPermitted``.

        Its content is not judged: a copy that would be refused today may be deleted. Whether it is
        ours and unassigned is for the delete gate to check.
        """
        if key.namespace and is_protected(key.namespace, self.settings):
            raise NotPermitted(_protected(key.namespace))
        return Permit(kind=kind, key=key, identity=self._identity(tenant), tree=None, seal=_SEAL)

    def permit_namespace(self, kind: Kind, tree: Json) -> Permit:
        """Return the permit to create a namespace: as ourselves, since tenants create none.

        Under ``restricted`` the cluster is told to check pods there, too.
        """
        key = key_of(tree)
        self._require_namespace(kind, key)
        if self.profile == RESTRICTED:
            meta = tree["metadata"]
            tree = {**tree, "metadata": {**meta, "labels": {**labels_of(tree), **_CHECKED}}}
        return Permit(kind=kind, key=key, identity=Ourselves(), tree=tree, seal=_SEAL)

    def permit_namespace_removal(self, kind: Kind, key: ObjectKey) -> Permit:
        """Return the permit to delete a namespace that the engine created."""
        self._require_namespace(kind, key)
        return Permit(kind=kind, key=key, identity=Ourselves(), tree=None, seal=_SEAL)

    def require_definition(self, source: Mapping[str, Any]) -> None:
        """Return if a CRD may be synced with its objects. Raises ``NotPermitted``."""
        refusal = judge_definition(source, self.settings)
        if refusal is not None:
            raise NotPermitted(refusal)

    def permit_definition(self, kind: Kind, tree: Json) -> Permit:
        """Return the permit to apply a CRD, as ourselves. Raises ``NotPermitted``."""
        if kind.id != _DEFINITIONS:
            raise NotPermitted(refuse("KindNotAllowed", f"{kind.id} define no kinds"))
        self.require_definition(tree)
        return Permit(kind=kind, key=key_of(tree), identity=Ourselves(), tree=tree, seal=_SEAL)

    def _require_namespace(self, kind: Kind, key: ObjectKey) -> None:
        if kind.id != NAMESPACES.id:
            raise NotPermitted(refuse("KindNotAllowed", f"{kind.id} are no namespaces"))
        if is_protected(key.name, self.settings):
            raise NotPermitted(_protected(key.name))

    def _identity(self, tenant: Tenant) -> Identity:
        found = identity_for(tenant, self.settings)
        if isinstance(found, Refusal):
            raise NotPermitted(found)
        return found


def _protected(namespace: str) -> Refusal:
    return refuse("ProtectedNamespace", f"namespace {namespace} belongs to the cluster")
