"""RBAC manifests for what an engine needs on one side, derived from its settings. Pure.

The rules in words: docs/operating.md, "Rights". Kinds are those listed in ``sync.kinds_allow`` and
``sync.kinds_named``; without a list, the built-in kinds that the profile allows, since a config
does not say which custom resources a server has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tmcconsole.config.settings import SyncSettings
from tmcconsole.engine.connection.rights import HUB_VERBS, READING_VERBS, TARGET_VERBS
from tmcconsole.kube.objects import Json, Kind
from tmcconsole.sync.policy import FOLLOW, judge_kind
from tmcconsole.sync.policy.kinds import BUILTIN_KINDS, SENSITIVE_KINDS

HUB: Final = "hub"
TARGET: Final = "target"
NAME: Final = "tmc-console"
_GROUP: Final = "rbac.authorization.k8s.io"
_API: Final = f"{_GROUP}/v1"
_OWN_VERBS: Final = (*READING_VERBS, "create", "patch")
_UP_VERBS: Final = (*READING_VERBS, "create", "patch", "delete")
_LEASE_VERBS: Final = ("get", "list", "create", "patch", "delete")
_ALL_VERBS: Final = frozenset({"create", "delete", "get", "list", "patch", "update", "watch"})
_SERVICE_ACCOUNT: Final = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class Rule:
    """Verbs on resources of one API group; ``resources`` may name subresources."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]


def manifests(settings: SyncSettings, side: str, subject: Json) -> list[Json]:
    """Return the roles and bindings for ``side``, hub or target, of one account.

    ``subject`` is one of RBAC's: a ServiceAccount, User or Group.
    """
    name = f"{NAME}-{side}"
    role = {"metadata": {"name": name}, "rules": [_tree(one) for one in rules(settings, side)]}
    found = [
        {"apiVersion": _API, "kind": "ClusterRole", **role},
        {"apiVersion": _API, "kind": "ClusterRoleBinding", "metadata": {"name": name},
         **_binds("ClusterRole", name, subject)},
    ]  # fmt: skip
    return found if side == TARGET else [*found, *_for_leases(settings, subject)]


def rules(settings: SyncSettings, side: str) -> list[Rule]:
    """Return what a ClusterRole for ``side`` must allow, one rule for equal verbs of a group."""
    found = _hub_rules(settings) if side == HUB else _target_rules(settings)
    merged: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for rule in found:
        merged.setdefault((rule.group, rule.verbs), set()).update(rule.resources)
    return [Rule(group, tuple(sorted(names)), verbs) for (group, verbs), names in merged.items()]


def synced_kinds(settings: SyncSettings) -> tuple[str, ...]:
    """Return the ids of the kinds that the settings allow to be synced, sorted."""
    listed = settings.kinds_allow or tuple(BUILTIN_KINDS)
    ids = sorted({*listed, *(() if settings.kinds_allow else settings.kinds_named)})
    return tuple(
        id for id in ids if judge_kind(_as_kind(id), settings, hub_runs_pods=False) is None
    )


def _hub_rules(settings: SyncSettings) -> Iterator[Rule]:
    yield Rule("workload.kcp.io", ("synctargets", "synctargets/status"), _OWN_VERBS)
    own = ("locations", "locations/status", "placements", "placements/status")
    yield Rule("scheduling.kcp.io", own, _OWN_VERBS)
    yield Rule("core.kcp.io", ("logicalclusters",), ("get",))
    yield Rule("", ("namespaces", "namespaces/status"), HUB_VERBS)
    # To detect a hub that runs workloads itself.
    yield Rule("", ("nodes",), ("list",))
    yield Rule("apps", ("replicasets",), ("list",))
    yield Rule("coordination.k8s.io", ("leases",), ("get",))
    yield from _definitions(settings, ("get", "list", "watch"))
    yield from _of_each(synced_kinds(settings), HUB_VERBS)
    yield from _of_each(synced_kinds(settings), ("patch",), "/status")
    yield from _of_each(_upsynced(settings), _UP_VERBS)
    yield from _of_each(_upsynced(settings), _UP_VERBS, "/status")
    # Only to be told of: what the profile does not take stays where it is.
    yield from _of_each(sorted(SENSITIVE_KINDS - {*synced_kinds(settings)}), ("list", "watch"))
    yield Rule("", ("events",), ("create", "patch"))


def _target_rules(settings: SyncSettings) -> Iterator[Rule]:
    yield Rule("", ("namespaces",), TARGET_VERBS)
    yield from _definitions(settings, ("get", "list", "watch", "create", "patch"))
    by_tenants = bool(settings.impersonate)
    yield from _of_each(synced_kinds(settings), READING_VERBS if by_tenants else TARGET_VERBS)
    yield from _of_each(_upsynced(settings), READING_VERBS)
    if settings.impersonate.startswith(_SERVICE_ACCOUNT):
        yield Rule("", ("serviceaccounts",), ("get", "impersonate"))
    elif by_tenants:
        yield Rule("", ("users",), ("impersonate",))
    if settings.impersonate_groups:
        yield Rule("", ("groups",), ("impersonate",))
    # To tell why a copy is not well.
    yield Rule("", ("events", "pods"), ("list",))
    yield Rule("apps", ("replicasets",), ("list",))
    yield Rule("batch", ("jobs",), ("list",))
    if settings.events:
        yield Rule("", ("events",), ("list", "watch"))


def _definitions(settings: SyncSettings, to_follow: tuple[str, ...]) -> Iterator[Rule]:
    verbs = to_follow if settings.crds == FOLLOW else ("list", "watch")
    yield Rule("apiextensions.k8s.io", ("customresourcedefinitions",), verbs)


def _upsynced(settings: SyncSettings) -> tuple[str, ...]:
    secrets = ("secrets",) if settings.upsync_secrets else ()
    return tuple(sorted({*settings.upsync_kinds, *secrets}))


def _of_each(ids: Iterable[str], verbs: tuple[str, ...], subresource: str = "") -> Iterator[Rule]:
    for id in ids:
        kind = _as_kind(id)
        yield Rule(kind.group, (kind.resource + subresource,), verbs)


def _as_kind(id: str) -> Kind:
    resource, _, group = id.partition(".")
    return Kind(group, "v1", resource, resource, verbs=_ALL_VERBS)


def _for_leases(settings: SyncSettings, subject: Json) -> list[Json]:
    if not settings.leases:
        return []
    name = f"{NAME}-leases"
    meta = {"name": name, "namespace": settings.lease_namespace or "kube-system"}
    rule = Rule("coordination.k8s.io", ("leases",), _LEASE_VERBS)
    return [
        {"apiVersion": _API, "kind": "Role", "metadata": meta, "rules": [_tree(rule)]},
        {"apiVersion": _API, "kind": "RoleBinding", "metadata": meta,
         **_binds("Role", name, subject)},
    ]  # fmt: skip


def _binds(kind: str, name: str, subject: Json) -> Json:
    role = {"apiGroup": _GROUP, "kind": kind, "name": name}
    return {"roleRef": role, "subjects": [subject]}


def _tree(rule: Rule) -> Json:
    return {"apiGroups": [rule.group], "resources": [*rule.resources], "verbs": [*rule.verbs]}
