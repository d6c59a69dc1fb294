"""A pod's eviction: a deletion that the pod's disruption budget must allow."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Response
from tmcconsole.sim.fields import managers as owners
from tmcconsole.sim.fields.fieldsets import compare
from tmcconsole.sim.handlers.deletion import delete
from tmcconsole.sim.request.bodies import decode
from tmcconsole.sim.request.request_info import RequestInfo
from tmcconsole.sim.storage.list_selectors import matches
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import (
    JSON_HEADERS,
    StatusError,
    bad_request,
    not_found,
    untyped,
)
from tmcconsole.sim.storage.store import Stored

BUDGETS: Final = "poddisruptionbudgets.policy"
_MANAGER: Final = "kube-apiserver"
_REFUSED: Final = "Cannot evict pod as it would violate the pod's disruption budget."


def evict(server: Server, asked: RequestInfo) -> Response:
    """Answer a POST of an Eviction. Raises StatusError 400, 404, 409, 429 or 500."""
    eviction = decode(asked)
    named = (eviction.get("metadata") or {}).get("name")
    if named and named != asked.name:
        raise bad_request("name in URL does not match name in Eviction object")
    stored = server.store.find("pods", asked.key)
    if stored is None:
        raise not_found(asked.kind, asked.name)
    pod = stored.tree()
    if not _is_free(pod):
        _take_one(server, asked, pod)
    options = {**(eviction.get("deleteOptions") or {})}
    if asked.is_dry_run:
        options["dryRun"] = ["All"]
    body = orjson.dumps(options)
    delete(server, replace(asked, verb="delete", subresource="", query={}, body=body))
    success = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return Response(201, dict(JSON_HEADERS), orjson.dumps(success | {"code": 201}))


def covers(budget: Json, pod: Json) -> bool:
    """Whether a budget covers a pod."""
    return matches((budget.get("spec") or {}).get("selector"), pod["metadata"].get("labels") or {})


def _is_free(pod: Json) -> bool:
    """Whether evicting a pod disrupts nothing: it does not run, or is terminating already."""
    phase = (pod.get("status") or {}).get("phase")
    is_going = bool(pod["metadata"].get("deletionTimestamp"))
    return is_going or phase in ("Succeeded", "Failed", "Pending")


def _take_one(server: Server, asked: RequestInfo, pod: Json) -> None:
    found = [s for s in server.store.items(BUDGETS, asked.namespace) if covers(s.tree(), pod)]
    if len(found) > 1:
        raise untyped(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does"
            " not support."
        )
    for stored in found:
        budget = stored.tree()
        if _is_lost_anyway(budget, pod):
            continue
        _check(budget)
        if not asked.is_dry_run:
            _lower(server, stored, budget, asked.name)


def _is_lost_anyway(budget: Json, pod: Json) -> bool:
    """Whether a pod is not ready, and either the others suffice or the budget allows it."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    if any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions):
        return False
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    healthy, needed = status.get("currentHealthy") or 0, status.get("desiredHealthy") or 0
    return bool(needed) and healthy >= needed


def _check(budget: Json) -> None:
    name, status = budget["metadata"]["name"], budget.get("status") or {}
    if (status.get("observedGeneration") or 0) < (budget["metadata"].get("generation") or 0):
        raise _too_many(f"The disruption budget {name} is still being processed by the server.", 10)
    if not status.get("disruptionsAllowed"):
        needs, has = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        raise _too_many(
            f"The disruption budget {name} needs {needs} healthy pods and has {has} currently", 0
        )


def _too_many(why: str, retry_after_s: int) -> StatusError:
    details: Json = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    headers = {}
    if retry_after_s:
        details["retryAfterSeconds"] = retry_after_s
        headers = {"retry-after": str(retry_after_s)}
    return StatusError(
        code=429, reason="TooManyRequests", message=_REFUSED, details=details, headers=headers
    )


def _lower(server: Server, stored: Stored, budget: Json, pod: str) -> None:
    """Allow one disruption fewer until the controller has counted again."""
    old = budget["status"]
    disrupted = {**(old.get("disruptedPods") or {}), pod: server.stamp()}
    status = {
        **old,
        "disruptionsAllowed": old["disruptionsAllowed"] - 1,
        "disruptedPods": disrupted,
    }
    new = {**budget, "status": status}
    writer = owners.FieldWriter(
        name=_MANAGER,
        operation=owners.UPDATE,
        api_version=stored.kind.api_version,
        subresource="status",
        time=server.stamp(),
    )
    change = compare({"status": old}, {"status": status}, stored.kind.shape)
    managers = owners.after_update(owners.read(budget), writer, change)
    new["metadata"] = {**budget["metadata"], "managedFields": owners.entries(managers)}
    server.store.put(stored.kind, new, manager=_MANAGER, subresource="status")
