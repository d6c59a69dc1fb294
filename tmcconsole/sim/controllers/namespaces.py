"""Namespaces: what each one starts with, and how it is emptied before removal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.controllers.conditions import with_condition
from tmcconsole.sim.controllers.local import Local
from tmcconsole.sim.controllers.loop import ClusterController
from tmcconsole.sim.controllers.ownership import is_terminating
from tmcconsole.sim.storage.store import Commit, StoreKey

_ROOT_CA: Final = "kube-root-ca.crt"
_ROOT_CA_DATA: Final = {
    "ca.crt": "-----BEGIN CERTIFICATE-----\nsimulated\n-----END CERTIFICATE-----\n"
}


def namespaces(local: Local, *, furnished: bool) -> ClusterController:
    """Return the namespace controller. If ``furnished``, namespaces get the usual first objects."""

    def keys_of(commit: Commit) -> Iterable[StoreKey]:
        if commit.kind_id == "namespaces":
            return [commit.key]
        return [StoreKey("", commit.key.namespace)] if commit.verb == "delete" else ()

    def reconcile(key: StoreKey) -> None:
        namespace = local.get("namespaces", key)
        if namespace is None:
            return
        if is_terminating(namespace):
            _empty(local, key.name, namespace)
        elif furnished:
            _furnish(local, key.name)

    return ClusterController("namespace", keys_of, reconcile)


def _furnish(local: Local, name: str) -> None:
    meta = {"namespace": name}
    if local.get("serviceaccounts", StoreKey(name, "default")) is None:
        local.create("serviceaccounts", {"metadata": {**meta, "name": "default"}})
    if local.get("configmaps", StoreKey(name, _ROOT_CA)) is None:
        tree = {"metadata": {**meta, "name": _ROOT_CA}, "data": _ROOT_CA_DATA}
        local.create("configmaps", tree)


def _empty(local: Local, name: str, namespace: Json) -> None:
    """Delete what is left in a namespace; once nothing is, finalize it."""
    store = local.server.store
    left: list[str] = []
    for kind_id in store.kind_ids():
        for stored in store.items(kind_id, name):
            local.delete(kind_id, stored.key, stored.uid)
        remaining = len(store.items(kind_id, name))
        if remaining:
            left.append(f"{kind_id} has {remaining} resource instances")
    fresh = local.get("namespaces", StoreKey("", name)) or namespace
    if not left:
        local.finalize(name, fresh)
        return
    text = f"Some resources are remaining: {', '.join(left)}"
    status = dict(fresh.get("status") or {})
    status["conditions"] = with_condition(
        status.get("conditions"),
        "NamespaceContentRemaining",
        "True",
        "SomeResourcesRemain",
        text,
        local.server.stamp(),
    )
    local.set_status("namespaces", fresh, status)
