"""CustomResourceDefinitions: the kinds they define are served."""

from __future__ import annotations

from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.fields import managers as owners
from tmcconsole.sim.fields.fieldsets import compare
from tmcconsole.sim.handlers.deletion import CLEANUP, CRD_ID, Options, remove
from tmcconsole.sim.storage import shapes
from tmcconsole.sim.storage.kinds import PrinterColumn, ScalePaths, SimKind
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.store import Stored

_MANAGER: Final = "kube-apiserver"


def reconcile(server: Server) -> None:
    """Serve exactly what the stored definitions define, and finish those being deleted."""
    server.terminating_definitions = 0
    for stored in server.store.items(CRD_ID):
        tree = stored.tree()
        if tree["metadata"].get("deletionTimestamp"):
            server.terminating_definitions += 1
            _finish(server, stored, tree)
        else:
            _establish(server, stored, tree)


def forget(server: Server, tree: Json) -> None:
    """Stop serving the kinds of a removed definition."""
    for kind in kinds_of(tree):
        server.kinds.remove(kind)
        server.store.wake(kind.id)


def serve_only_defined(server: Server) -> None:
    """Stop serving custom kinds without a stored definition; serve those with one."""
    defined = {kind.id for stored in server.store.items(CRD_ID) for kind in kinds_of(stored.tree())}
    for kind in list(server.kinds):
        if kind.is_custom and kind.id not in defined and kind.group != "core.kcp.io":
            server.kinds.remove(kind)
    reconcile(server)


def kinds_of(tree: Json) -> list[SimKind]:
    """Return the kinds of a definition, one for each served version."""
    spec, names = tree["spec"], tree["spec"]["names"]
    return [_kind(spec, names, version) for version in spec["versions"] if version.get("served")]


def _kind(spec: Json, names: Json, version: Json) -> SimKind:
    schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
    subresources = version.get("subresources") or {}
    scale = subresources.get("scale")
    return SimKind(
        group="" if spec["group"] == "core" else spec["group"],
        version=version["name"],
        resource=names["plural"],
        kind=names["kind"],
        singular=names.get("singular") or names["kind"].lower(),
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        has_status="status" in subresources,
        scale=_scale(scale) if scale else None,
        has_generation=True,
        needs_version=True,
        is_custom=True,
        schema=schema,
        columns=tuple(_column(column) for column in version.get("additionalPrinterColumns") or ()),
        shape=shapes.of_schema(schema),
        deprecated=_deprecation(spec, names, version),
    )


def _deprecation(spec: Json, names: Json, version: Json) -> str:
    if not version.get("deprecated"):
        return ""
    told = f"{spec['group']}/{version['name']} {names['kind']} is deprecated"
    return version.get("deprecationWarning") or told


def _scale(scale: Json) -> ScalePaths:
    return ScalePaths(
        scale["specReplicasPath"], scale["statusReplicasPath"], scale.get("labelSelectorPath", "")
    )


def _column(column: Json) -> PrinterColumn:
    return PrinterColumn(
        name=column["name"],
        type=column["type"],
        path=column["jsonPath"],
        priority=column.get("priority") or 0,
        format=column.get("format") or "",
        description=column.get("description") or "",
    )


def _establish(server: Server, stored: Stored, tree: Json) -> None:
    for kind in kinds_of(tree):
        server.kinds.add(kind)
    served = {kind.version for kind in kinds_of(tree)}
    spec = tree["spec"]
    group = "" if spec["group"] == "core" else spec["group"]
    for version in spec["versions"]:
        gone = server.kinds.find(group, version["name"], spec["names"]["plural"])
        if gone and gone.is_custom and version["name"] not in served:
            server.kinds.remove(gone)
    status = _status(server, tree)
    if tree.get("status") == status:
        return
    old = stored.tree()
    tree["status"] = status
    tree["metadata"]["managedFields"] = owners.entries(_managers(server, stored, old, tree))
    server.store.put(stored.kind, tree, manager=_MANAGER, subresource="status")


def _managers(server: Server, stored: Stored, old: Json, new: Json) -> owners.Managers:
    """Return the managers after a status update, which the server itself owns."""
    version = stored.kind.api_version
    writer = owners.FieldWriter(
        name=_MANAGER,
        operation=owners.UPDATE,
        api_version=version,
        subresource="status",
        time=server.stamp(),
    )
    before, after = ({"status": tree.get("status") or {}} for tree in (old, new))
    change = compare(before, after, stored.kind.shape)
    return owners.after_update(owners.read(old), writer, change)


def _status(server: Server, tree: Json) -> Json:
    before = tree.get("status") or {}
    versions = tree["spec"]["versions"]
    storage = next(version["name"] for version in versions if version.get("storage"))
    stored_versions = list(before.get("storedVersions") or [])
    if storage not in stored_versions:
        stored_versions.append(storage)
    conditions = before.get("conditions") or [
        _condition(server, "NamesAccepted", "NoConflicts", "no conflicts found"),
        _condition(
            server, "Established", "InitialNamesAccepted", "the initial names have been accepted"
        ),
    ]
    return {
        "conditions": conditions,
        "acceptedNames": tree["spec"]["names"],
        "storedVersions": stored_versions,
    }


def _condition(server: Server, kind: str, reason: str, message: str) -> Json:
    return {
        "type": kind,
        "status": "True",
        "lastTransitionTime": server.stamp(),
        "reason": reason,
        "message": message,
    }


def _finish(server: Server, stored: Stored, tree: Json) -> None:
    """Delete the instances of a definition being deleted, then remove it."""
    spec = tree["spec"]
    group = "" if spec["group"] == "core" else spec["group"]
    kind_id = f"{spec['names']['plural']}.{group}" if group else spec["names"]["plural"]
    for instance in server.store.items(kind_id):
        remove(server, instance, Options(), _MANAGER)
    finalizers = tree["metadata"].get("finalizers") or []
    if server.store.items(kind_id) or CLEANUP not in finalizers:
        return
    tree["metadata"]["finalizers"] = [name for name in finalizers if name != CLEANUP]
    if tree["metadata"]["finalizers"]:
        server.store.put(stored.kind, tree, manager=_MANAGER)
        return
    server.store.remove(stored, tree, manager=_MANAGER)
    forget(server, tree)
