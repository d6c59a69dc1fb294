"""Checks between a valid write and the store: namespaces, quotas, webhooks, kcp's guard."""

from __future__ import annotations

from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.admission.rbac import MASTERS
from tmcconsole.sim.request.request_info import RequestInfo
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import (
    StatusCause,
    conflict,
    forbidden,
    internal,
    namespace_not_found,
)

PROTECTED: Final = frozenset({"default", "kube-system", "kube-public"})
RESERVED: Final = "kcp.io"  # the suffix of keys kcp reserves for itself
WEBHOOK_STAMP: Final = "webhook.example.com/seen"


def admit_create(server: Server, asked: RequestInfo, tree: Json) -> Json:
    """Return a new object as admitted. Raises StatusError 403, 404 or 500."""
    _guard_reserved(server, asked, {}, tree)
    if asked.kind.namespaced:
        _check_namespace(server, asked.kind, tree)
    if server.faults.quota:
        why = "exceeded quota: compute, requested: count=1, used: count=10, limited: count=10"
        raise forbidden(asked.kind, tree["metadata"].get("name") or "", why)
    return _through_webhooks(server, asked, tree)


def admit_change(server: Server, asked: RequestInfo, old: Json, new: Json) -> Json:
    """Return a changed object as admitted. Raises StatusError 403, 409 or 500."""
    _guard_reserved(server, asked, old, new)
    if server.faults.strikes("conflict"):
        raise conflict(asked.kind, asked.name)
    return _through_webhooks(server, asked, new)


def _guard_reserved(server: Server, asked: RequestInfo, old: Json, new: Json) -> None:
    """kcp's ReservedMetadata: only system:masters may change keys ending in kcp.io."""
    if server.flavour != "kcp" or MASTERS in asked.user.groups:
        return
    for field in ("labels", "annotations"):
        before = (old.get("metadata") or {}).get(field) or {}
        after = new["metadata"].get(field) or {}
        for name in sorted({*before, *after}):
            if name.endswith(RESERVED) and before.get(name) != after.get(name):
                why = f"modification of reserved {field[:-1]}: {name!r}"
                raise forbidden(asked.kind, asked.name, why)


def _check_namespace(server: Server, kind: SimKind, tree: Json) -> None:
    namespace = tree["metadata"]["namespace"]
    found = server.store.get("namespaces", "", namespace)
    if found is None:
        raise namespace_not_found(namespace)
    if found["metadata"].get("deletionTimestamp"):
        cause = StatusCause(
            "NamespaceTerminating",
            f"namespace {namespace} is being terminated",
            "metadata.namespace",
        )
        why = (
            f"unable to create new content in namespace {namespace} because it is being terminated"
        )
        raise forbidden(kind, tree["metadata"].get("name") or "", why, [cause])


def _through_webhooks(server: Server, asked: RequestInfo, tree: Json) -> Json:
    if server.faults.webhook_fails:
        raise internal(
            'failed calling webhook "policy.example.com": failed to call'
            ' webhook: Post "https://policy.example.svc:443/admit?timeout=10s": context deadline'
            " exceeded"
        )
    if not server.faults.mutating_webhook or asked.subresource:
        return tree
    meta = tree["metadata"]
    annotations = dict(meta.get("annotations") or {})
    annotations[WEBHOOK_STAMP] = str(server.store.resource_version)
    return {**tree, "metadata": {**meta, "annotations": annotations}}
