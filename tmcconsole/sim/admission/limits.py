"""LimitRanges: what containers, pods and claims get by default, and how much they may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.admission.quota import name_of
from tmcconsole.sim.request.request_info import RequestInfo
from tmcconsole.sim.schema.quantities import amount, total
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import forbidden

RANGES: Final = "limitranges"
_NOTE: Final = "kubernetes.io/limit-ranger"


def limit(server: Server, asked: RequestInfo, tree: Json) -> None:
    """Fill in a new object's defaults, in place. Raises StatusError 403 if it asks for too much."""
    if asked.kind.id not in ("pods", "persistentvolumeclaims"):
        return
    items = [
        item
        for stored in server.store.items(RANGES, tree["metadata"]["namespace"])
        for item in (stored.tree().get("spec") or {}).get("limits") or ()
    ]
    if asked.kind.id == "pods":
        _fill(tree, [item for item in items if item.get("type") == "Container"])
    complaints = [text for item in items for text in _complaints(item, asked.kind.id, tree)]
    if complaints:
        why = complaints[0] if len(complaints) == 1 else f"[{', '.join(complaints)}]"
        raise forbidden(asked.kind, name_of(tree), why)


def _fill(pod: Json, items: list[Json]) -> None:
    said = []
    for container in pod["spec"].get("containers") or ():
        for part, key in (("requests", "defaultRequest"), ("limits", "default")):
            set_ = sorted(_filled(container, part, [item.get(key) or {} for item in items]))
            if set_:
                said.append(f"{', '.join(set_)} {part[:-1]} for container {container['name']}")
    if said:
        meta = pod["metadata"]
        note = f"LimitRanger plugin set: {'; '.join(said)}"
        meta["annotations"] = {**(meta.get("annotations") or {}), _NOTE: note}


def _filled(container: Json, part: str, defaults: list[Json]) -> list[str]:
    """Set the resources a container does not state; return their names."""
    resources = container.setdefault("resources", {})
    stated = dict(resources.get(part) or {})
    new: Json = {}
    for default in defaults:
        new |= {name: value for name, value in default.items() if name not in stated}
    if new:
        resources[part] = {**stated, **new}
    return list(new)


def _complaints(item: Json, kind_id: str, tree: Json) -> Iterator[str]:
    type_ = item.get("type")
    if kind_id == "persistentvolumeclaims" and type_ == "PersistentVolumeClaim":
        yield from _compare(item, type_, tree["spec"].get("resources") or {})
    if kind_id != "pods":
        return
    containers = tree["spec"].get("containers") or ()
    if type_ == "Container":
        for container in containers:
            yield from _compare(item, type_, container.get("resources") or {})
    if type_ == "Pod":
        yield from _compare(item, type_, _summed(containers))


def _compare(item: Json, type_: str, resources: Json) -> Iterator[str]:
    requests, limits = (resources.get(part) or {} for part in ("requests", "limits"))
    for name, least in sorted((item.get("min") or {}).items()):
        for part, stated in (("request", requests), ("limit", limits)):
            if name in stated and amount(stated[name]) < amount(least):
                yield f"minimum {name} usage per {type_} is {least}, but {part} is {stated[name]}"
        if name not in requests:
            yield f"minimum {name} usage per {type_} is {least}.  No request is specified"
    for name, most in sorted((item.get("max") or {}).items()):
        is_claim = type_ == "PersistentVolumeClaim"
        part, stated = ("request", requests) if is_claim else ("limit", limits)
        if name not in stated:
            yield f"maximum {name} usage per {type_} is {most}.  No {part} is specified"
        elif amount(stated[name]) > amount(most):
            yield f"maximum {name} usage per {type_} is {most}, but {part} is {stated[name]}"


def _summed(containers: Any) -> Json:
    whole: Json = {"requests": {}, "limits": {}}
    for container in containers:
        for part, sums in whole.items():
            for name, value in ((container.get("resources") or {}).get(part) or {}).items():
                sums[name] = total(sums.get(name, "0"), value)
    return whole
