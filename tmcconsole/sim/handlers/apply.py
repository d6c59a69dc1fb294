"""Server-side apply: what a writer states is merged with what others own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Response
from tmcconsole.sim.admission import strategy
from tmcconsole.sim.admission.admission import admit_change
from tmcconsole.sim.admission.checks import (
    check_declared,
    check_place,
    check_type,
    check_version,
)
from tmcconsole.sim.fields import last_applied
from tmcconsole.sim.fields import managers as owners
from tmcconsole.sim.fields.fieldsets import (
    compare,
    fields_of,
    without_system_fields,
    without_trees,
)
from tmcconsole.sim.fields.managers import APPLY, UPDATE, FieldWriter, Managers
from tmcconsole.sim.fields.server_side_apply import merge, prune
from tmcconsole.sim.handlers.committing import (
    commit_change,
    commit_new,
    first_managers,
    ownable,
    unmanaged,
)
from tmcconsole.sim.request.bodies import (
    decode,
)
from tmcconsole.sim.request.request_info import RequestInfo
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import (
    bad_request,
    conflict,
    not_found,
)

_FIRST_MANAGER: Final = "before-first-apply"


def apply(server: Server, asked: RequestInfo) -> Response:
    """Answer an apply patch. Raises StatusError 400, 404, 409 or 422."""
    stated_tree = decode(asked)
    check_type(asked, stated_tree, apply=True)
    if stated_tree["metadata"].get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    kind = asked.kind
    stored = server.store.find(kind.id, asked.key)
    if stored is None and asked.subresource:
        raise not_found(kind, asked.name)
    check_declared(asked, stated_tree)
    stated = _stated(asked, stated_tree)
    writer = FieldWriter(
        name=asked.manager,
        operation=APPLY,
        api_version=kind.api_version,
        subresource=asked.subresource,
        time=server.stamp(),
        force=asked.force,
    )
    if stored is None:
        return _apply_to_nothing(server, asked, stated_tree, writer, stated)
    old = stored.tree(kind)
    check_place(asked, stated_tree)
    managers = owners.read(old) or _before_first_apply(server, kind, old)
    last = managers.get(writer.identity)
    merged = merge(unmanaged(old), _plain(kind, stated_tree), kind.shape)
    if last is not None:
        others = [entry for key, entry in managers.items() if key != writer.identity]
        kept = owners.owned([*others, writer.entry(stated or {".": {}})]) or {}
        kept = {**kept, "f:metadata": kept.get("f:metadata", {})}  # every object has metadata
        merged = prune(merged, last.fields, kept, kind.shape)
    changes_nothing = merged == unmanaged(old)
    merged = strategy.masked(kind, asked.subresource, old, merged)
    change = ownable(kind, asked.subresource, compare(unmanaged(old), merged, kind.shape))
    if changes_nothing:  # an apply without effect keeps its time, or has none
        writer = replace(writer, time=last.time if last else "")
    uncontested = last_applied.uncontested(asked.manager, old, kind.shape)
    managers = owners.after_apply(managers, writer, stated, change, uncontested)
    check_version(asked, stored, stated_tree["metadata"])
    new = strategy.complete(server, kind, admit_change(server, asked, old, merged))
    last_applied.refresh(asked.manager, new, stated_tree)
    uid = stated_tree["metadata"].get("uid") or ""
    return commit_change(server, asked, stored, old, new, managers, uid)


def _before_first_apply(server: Server, kind: SimKind, old: Json) -> Managers:
    """Return one manager that owns all fields of an object not tracked so far."""
    writer = FieldWriter(
        name=_FIRST_MANAGER,
        operation=UPDATE,
        api_version=kind.api_version,
        subresource="",
        time=server.stamp(),
    )
    return first_managers(kind, unmanaged(old), writer, None)


def _apply_to_nothing(
    server: Server, asked: RequestInfo, tree: Json, writer: FieldWriter, stated: Json | None
) -> Response:
    """Create the missing object of an apply, even if it carries a resourceVersion."""
    uid = tree["metadata"].get("uid")
    if uid:
        why = (
            f"uid mismatch: the provided object specified uid {uid}, and no existing object was"
            " found"
        )
        raise conflict(asked.kind, asked.name, why)
    return commit_new(server, asked, tree, writer, stated or {})


def _stated(asked: RequestInfo, tree: Json) -> Json | None:
    fields = without_system_fields(fields_of(_plain(asked.kind, tree), asked.kind.shape))
    return without_trees(fields, strategy.reset_fields(asked.kind, asked.subresource))


def _plain(kind: SimKind, tree: Json) -> Json:
    if kind.is_custom:
        return tree
    plain: Json = _without_nulls(tree)  # empty values stay: applying them empties the field
    return plain


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(child) for key, child in value.items() if child is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
