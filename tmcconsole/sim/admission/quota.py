"""ResourceQuotas: what an object would use, and the refusal of what would exceed them.

As in kube-apiserver, admission relies on the quota's status, which a controller keeps current: a
quota whose usage has not been counted yet limits nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.fields import managers as owners
from tmcconsole.sim.fields.fieldsets import compare
from tmcconsole.sim.request.request_info import RequestInfo
from tmcconsole.sim.schema.quantities import amount, total
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import forbidden
from tmcconsole.sim.storage.store import Stored

Usage = dict[str, str]  # quantities by resource name, as in a quota's spec.hard

QUOTAS: Final = "resourcequotas"
_MANAGER: Final = "kube-apiserver"
# Kinds that have a name of their own in quotas; every kind has one under count/.
_COUNTED: Final = frozenset(
    {
        "configmaps",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "services",
    }
)
_COMPUTE: Final = ("cpu", "memory", "ephemeral-storage")


def usage_of(kind_id: str, tree: Json) -> Usage:
    """Return how much one object uses of each resource a quota can limit."""
    if kind_id == "pods" and is_done(tree):
        return {"count/pods": "1"}
    used = {f"count/{kind_id}": "1"}
    if kind_id in _COUNTED:
        used[kind_id] = "1"
    spec = tree.get("spec") or {}
    match kind_id:
        case "pods":
            used |= _compute(spec)
        case "services":
            used |= _of_service(spec)
        case "persistentvolumeclaims":
            size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
            used |= {"requests.storage": total(size)} if size else {}
    return used


def sum_of(usages: Iterable[Usage]) -> Usage:
    """Return the usages added up."""
    whole: Usage = {}
    for usage in usages:
        for name, value in usage.items():
            whole[name] = total(whole.get(name, "0"), value)
    return whole


def is_done(pod: Json) -> bool:
    """Whether a pod has ended and so no longer counts as usage."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def in_scope(quota: Json, kind_id: str, tree: Json) -> bool:
    """Whether an object is within a quota's scopes."""
    scopes = (quota.get("spec") or {}).get("scopes") or ()
    if not scopes:
        return True
    if kind_id != "pods":
        return False
    return all(_is_of_scope(scope, tree) for scope in scopes)


def charge(server: Server, asked: RequestInfo, tree: Json) -> None:
    """Charge a new object to its namespace's quotas. Raises StatusError 403 if one is exceeded."""
    namespace = tree["metadata"].get("namespace")
    if not namespace:
        return
    used = usage_of(asked.kind.id, tree)
    charged = []
    for stored in server.store.items(QUOTAS, namespace):
        quota = stored.tree()
        limited = [name for name in used if name in _of_status(quota, "hard")]
        if not in_scope(quota, asked.kind.id, tree):
            continue
        _check_stated(asked, quota, tree)
        if limited:
            _check_room(asked, quota, tree, {name: used[name] for name in sorted(limited)})
            charged.append((stored, quota, limited))
    if asked.is_dry_run:
        return
    for stored, quota, limited in charged:
        status = quota["status"]
        before = status.get("used") or {}
        after = {name: total(before.get(name, "0"), used[name]) for name in limited}
        _set_status(server, stored, quota, {**status, "used": {**before, **after}})


def _check_room(asked: RequestInfo, quota: Json, tree: Json, wanted: Usage) -> None:
    hard, used = (_of_status(quota, part) for part in ("hard", "used"))
    unknown = [name for name in wanted if name not in used]
    if unknown:
        why = f"status unknown for quota: {_name(quota)}, resources: {','.join(unknown)}"
        raise forbidden(asked.kind, name_of(tree), why)
    over = [
        name
        for name, more in wanted.items()
        if amount(used.get(name, 0)) + amount(more) > amount(hard[name])
    ]
    if over:
        why = (
            f"exceeded quota: {_name(quota)}, requested: {_shown(wanted, over)},"
            f" used: {_shown(used, over)}, limited: {_shown(hard, over)}"
        )
        raise forbidden(asked.kind, name_of(tree), why)


def _check_stated(asked: RequestInfo, quota: Json, tree: Json) -> None:
    """A quota on compute resources requires every container to state them."""
    if asked.kind.id != "pods":
        return
    lacking = []
    for name in sorted(_of_status(quota, "hard")):
        part, resource = _part_of(name)
        if resource not in _COMPUTE:
            continue
        containers = tree["spec"].get("containers") or []
        without = [
            container["name"]
            for container in containers
            if resource not in ((container.get("resources") or {}).get(part) or {})
        ]
        if without:
            lacking.append(f"{name} for: {','.join(sorted(without))}")
    if lacking:
        why = f"failed quota: {_name(quota)}: must specify {'; '.join(lacking)}"
        raise forbidden(asked.kind, name_of(tree), why)


def _part_of(name: str) -> tuple[str, str]:
    part, _, resource = name.rpartition(".")
    return part or "requests", resource


def _compute(spec: Json) -> Usage:
    used: Usage = {}
    for container in spec.get("containers") or ():
        resources = container.get("resources") or {}
        for part in ("requests", "limits"):
            for name, value in (resources.get(part) or {}).items():
                used[f"{part}.{name}"] = total(used.get(f"{part}.{name}", "0"), value)
    for name in _COMPUTE:
        if f"requests.{name}" in used:
            used[name] = used[f"requests.{name}"]
    return used


def _of_service(spec: Json) -> Usage:
    used: Usage = {}
    kind = spec.get("type")
    if kind in ("NodePort", "LoadBalancer"):
        used["services.nodeports"] = str(len(spec.get("ports") or ()))
    if kind == "LoadBalancer":
        used["services.loadbalancers"] = "1"
    return used


def _is_of_scope(scope: str, pod: Json) -> bool:
    ends = pod["spec"].get("activeDeadlineSeconds") is not None
    is_best_effort = not any(c.get("resources") for c in pod["spec"].get("containers") or ())
    holds: Mapping[str, bool] = {
        "Terminating": ends,
        "NotTerminating": not ends,
        "BestEffort": is_best_effort,
        "NotBestEffort": not is_best_effort,
    }
    return holds.get(scope, False)


def _of_status(quota: Json, part: str) -> Json:
    found: Json = (quota.get("status") or {}).get(part) or {}
    return found


def name_of(tree: Json) -> str:
    """Return an object's name, or "" if it has none yet."""
    return str(tree["metadata"].get("name") or "")


def _name(quota: Json) -> str:
    return str(quota["metadata"]["name"])


def _shown(amounts: Mapping[str, Any], names: list[str]) -> str:
    return ",".join(f"{name}={amounts.get(name, 0)}" for name in sorted(names))


def _set_status(server: Server, stored: Stored, quota: Json, status: Json) -> None:
    new = {**quota, "status": status}
    version = stored.kind.api_version
    writer = owners.FieldWriter(
        name=_MANAGER,
        operation=owners.UPDATE,
        api_version=version,
        subresource="status",
        time=server.stamp(),
    )
    before, after = ({"status": tree.get("status") or {}} for tree in (quota, new))
    change = compare(before, after, stored.kind.shape)
    managers = owners.after_update(owners.read(quota), writer, change)
    new["metadata"] = {**quota["metadata"], "managedFields": owners.entries(managers)}
    server.store.put(stored.kind, new, manager=_MANAGER, subresource="status")
