"""Create, update, patch and apply."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Response
from tmcconsole.sim.admission import strategy
from tmcconsole.sim.admission.admission import admit_change, admit_create
from tmcconsole.sim.admission.causes import wrong
from tmcconsole.sim.admission.checks import (
    check_declared,
    check_place,
    check_strict,
    check_type,
    check_version,
    place,
    validate,
)
from tmcconsole.sim.admission.limits import limit
from tmcconsole.sim.admission.quota import charge
from tmcconsole.sim.admission.volume_claims import check_growth
from tmcconsole.sim.fields import last_applied, patches
from tmcconsole.sim.fields import managers as owners
from tmcconsole.sim.fields.fieldsets import (
    Comparison,
    compare,
    fields_of,
    without_system_fields,
    without_trees,
)
from tmcconsole.sim.fields.managers import APPLY, UPDATE, FieldWriter, Managers
from tmcconsole.sim.fields.server_side_apply import merge, prune
from tmcconsole.sim.printing.forms import form_of
from tmcconsole.sim.request.bodies import (
    APPLY_PATCHES,
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC_PATCH,
    decode,
    decode_patch,
)
from tmcconsole.sim.request.request_info import RequestInfo
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import (
    JSON_HEADERS,
    StatusError,
    already_exists,
    bad_request,
    conflict,
    invalid,
    not_found,
    unsupported_media_type,
)
from tmcconsole.sim.storage.store import Stored, StoreKey

_FIRST_MANAGER: Final = "before-first-apply"


def create(server: Server, asked: RequestInfo) -> Response:
    """Answer a POST. Raises StatusError 400, 403, 404, 409 or 422."""
    tree = decode(asked)
    check_type(asked, tree)
    check_strict(asked, tree)
    if tree["metadata"].get("resourceVersion"):
        raise StatusError(500, "", "resourceVersion should not be set on objects to be created")
    return _create(server, asked, tree, _update_writer(server, asked), None)


def update(server: Server, asked: RequestInfo) -> Response:
    """Answer a PUT. Raises StatusError 404, 409 or 422."""
    new = decode(asked)
    check_type(asked, new)
    check_strict(asked, new)
    return _replaced(server, asked, new)


def _replaced(server: Server, asked: RequestInfo, new: Json) -> Response:
    stored = server.store.find(asked.kind.id, asked.key)
    if stored is None:
        if not asked.kind.put_creates:
            raise not_found(asked.kind, asked.name)
        _check_uid(asked, new, "")
        return _create(server, asked, new, _update_writer(server, asked), None)
    _check_uid(asked, new, stored.uid)
    version = new["metadata"].get("resourceVersion")
    if not version and asked.kind.needs_version:
        cause = wrong("metadata.resourceVersion", 0, "must be specified for an update")
        raise invalid(asked.kind.resource, asked.kind.group, asked.name, [cause])
    return _updated(server, asked, stored, stored.tree(asked.kind), new)


def patch(server: Server, asked: RequestInfo) -> Response:
    """Answer a PATCH of any type. Raises StatusError 400, 404, 409, 415 or 422."""
    if asked.content_type in APPLY_PATCHES:
        return _apply(server, asked)
    if asked.content_type not in (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH):
        raise _unknown_patch(asked)
    if asked.kind.is_custom and asked.content_type == STRATEGIC_PATCH:
        raise _unknown_patch(asked)
    stored = server.store.find(asked.kind.id, asked.key)
    if stored is None:
        raise not_found(asked.kind, asked.name)
    old = stored.tree(asked.kind)
    new = patched(asked, old, decode_patch(asked))
    check_strict(asked, new)
    return _updated(server, asked, stored, old, new)


def patched(asked: RequestInfo, tree: Json, document: Any) -> Json:
    """Return ``tree`` with a patch of the request's type applied."""
    copy: Json = orjson.loads(orjson.dumps(tree))
    if asked.content_type == JSON_PATCH:
        return _whole(patches.json_patch(copy, document))
    if not isinstance(document, dict):
        raise bad_request("cannot unmarshal the patch into a map")
    if asked.content_type == STRATEGIC_PATCH:
        result = patches.strategic_merge_patch(copy, document, asked.kind.shape)
    else:
        result = patches.merge_patch(copy, document)
    return _whole(result)


def _whole(tree: Any) -> Json:
    """Return the result of a patch, if it still is an object. Raises StatusError 422."""
    if not isinstance(tree, dict) or not isinstance(tree.setdefault("metadata", {}) or {}, dict):
        why = "json: cannot unmarshal the patched document into an object"
        raise invalid("", "", "", [wrong("patch", "", why)])
    tree["metadata"] = tree["metadata"] or {}
    return tree


def commit_change(
    server: Server,
    asked: RequestInfo,
    stored: Stored,
    old: Json,
    new: Json,
    managers: Managers,
    uid: str = "",
) -> Response:
    """Store a masked and defaulted change, unless it changes nothing; answer the object.

    ``uid`` is the one given by the writer, if any.
    """
    kind = asked.kind
    old_managers = owners.read(old)
    if asked.subresource != "status":
        strategy.prepare_change(kind, asked.subresource, old, new)
    else:
        strategy.prepare_status(server, kind, old, new)
    validate(kind, asked, new, old, uid=uid)
    check_growth(server, kind, old, new)
    if _content(old) == _content(new) and _same_fields(old_managers, managers):
        return _answer(server, asked, stored)
    new["metadata"].pop("managedFields", None)
    if managers:
        new["metadata"]["managedFields"] = owners.entries(managers)
    new["metadata"]["resourceVersion"] = str(stored.version)
    if asked.is_dry_run:
        return Response(200, dict(JSON_HEADERS), orjson.dumps(new))
    if _may_go(new):
        server.store.remove(stored, manager=asked.manager)
        new["metadata"]["resourceVersion"] = str(stored.version)  # that of the last write
        return Response(200, dict(JSON_HEADERS), orjson.dumps(new))
    result = server.store.put(kind, new, manager=asked.manager, subresource=asked.subresource)
    return _answer(server, asked, result)


def _create(
    server: Server, asked: RequestInfo, tree: Json, writer: FieldWriter, stated: Json | None
) -> Response:
    kind = asked.kind
    place(server, asked, tree)
    meta = tree["metadata"]
    key = StoreKey(meta.get("namespace") or "", meta.get("name") or "")
    tree = admit_create(server, asked, tree)
    new = strategy.prepare_new(server, kind, tree)
    new = {"kind": kind.kind, "apiVersion": kind.api_version, **new}
    managers = _first_managers(kind, new, writer, stated)
    limit(server, asked, new)
    strategy.initialise(server, kind, new)
    validate(kind, asked, new, None)
    charge(server, asked, new)
    present = server.store.get(kind.id, *key)
    if present is not None:
        terminating = bool(present["metadata"].get("deletionTimestamp"))
        raise already_exists(kind, key.name, terminating=terminating)
    if managers:
        new["metadata"]["managedFields"] = owners.entries(managers)
    if asked.is_dry_run:
        return Response(201, dict(JSON_HEADERS), orjson.dumps(new))
    stored = server.store.put(kind, new, manager=asked.manager)
    return _answer(server, asked, stored, 201)


def _first_managers(kind: SimKind, new: Json, writer: FieldWriter, stated: Json | None) -> Managers:
    if stated is not None:
        return {writer.identity: writer.entry(stated)} if stated else {}
    change = compare(strategy.empty(kind), new, kind.shape)
    return owners.after_update({}, writer, _ownable(kind, "", change))


def _ownable(kind: SimKind, subresource: str, change: Comparison) -> Comparison:
    """Return a change without the fields that no writer of this (sub)resource can own."""
    lost = strategy.reset_fields(kind, subresource)
    sides = (without_trees(without_system_fields(side), lost) for side in change)
    return Comparison(*sides)


def _updated(server: Server, asked: RequestInfo, stored: Stored, old: Json, new: Json) -> Response:
    """Replace ``old`` by ``new``."""
    check_type(asked, new)
    check_place(asked, new)
    check_version(asked, stored, new["metadata"])
    kind, uid = asked.kind, new["metadata"].get("uid") or ""
    new = admit_change(server, asked, old, new)
    new = strategy.complete(server, kind, strategy.masked(kind, asked.subresource, old, new))
    change = compare(_unmanaged(old), _unmanaged(new), kind.shape)
    change = _ownable(kind, asked.subresource, change)
    # A writer may send managedFields: kubectl does, to move its fields to another manager.
    managers = (owners.read(new) or owners.read(old)) if _keeps_managers(new) else {}
    if managers:  # an object without managers is not tracked until the first apply
        managers = owners.after_update(managers, _update_writer(server, asked), change)
    return commit_change(server, asked, stored, old, new, managers, uid)


def _apply(server: Server, asked: RequestInfo) -> Response:
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
    merged = merge(_unmanaged(old), _plain(kind, stated_tree), kind.shape)
    if last is not None:
        others = [entry for key, entry in managers.items() if key != writer.identity]
        kept = owners.owned([*others, writer.entry(stated or {".": {}})]) or {}
        kept = {**kept, "f:metadata": kept.get("f:metadata", {})}  # every object has metadata
        merged = prune(merged, last.fields, kept, kind.shape)
    changes_nothing = merged == _unmanaged(old)
    merged = strategy.masked(kind, asked.subresource, old, merged)
    change = _ownable(kind, asked.subresource, compare(_unmanaged(old), merged, kind.shape))
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
    return _first_managers(kind, _unmanaged(old), writer, None)


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
    return _create(server, asked, tree, writer, stated or {})


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


def _may_go(tree: Json) -> bool:
    """Whether an object is terminating and has nothing left to wait for."""
    meta = tree["metadata"]
    if not meta.get("deletionTimestamp") or meta.get("finalizers"):
        return False
    if (tree.get("spec") or {}).get("finalizers") and tree.get("kind") == "Namespace":
        return False
    return not meta.get("deletionGracePeriodSeconds")


def _update_writer(server: Server, asked: RequestInfo) -> FieldWriter:
    version = asked.kind.api_version
    return FieldWriter(
        name=asked.manager,
        operation=UPDATE,
        api_version=version,
        subresource=asked.subresource,
        time=server.stamp(),
    )


def _unmanaged(tree: Json) -> Json:
    meta = {k: v for k, v in tree["metadata"].items() if k != "managedFields"}
    return {**tree, "metadata": meta}


def _content(tree: Json) -> Json:
    """Return the part of an object that decides whether a write changes anything."""
    ignored = ("managedFields", "resourceVersion")
    meta = {key: value for key, value in tree["metadata"].items() if key not in ignored}
    return {**tree, "metadata": meta}


def _same_fields(old: Managers, new: Managers) -> bool:
    return old.keys() == new.keys() and all(old[key].fields == new[key].fields for key in old)


def _keeps_managers(new: Json) -> bool:
    """Whether managedFields is kept; an explicitly emptied one resets the tracking."""
    return new["metadata"].get("managedFields") not in ([], [{}])


def _check_uid(asked: RequestInfo, new: Json, found: str) -> None:
    """Check the uid that a PUT names, if any."""
    wanted = new["metadata"].get("uid")
    if not wanted or wanted == found:
        return
    kind = asked.kind
    folder = f"{kind.group}/{kind.resource}" if kind.is_custom else kind.resource
    folder = "services/specs" if kind.id == "services" else folder
    root = "" if asked.is_dry_run else "/registry"
    path = f"{root}/{folder}/{'/'.join(part for part in asked.key if part)}"
    why = (
        f"StorageError: invalid object, Code: 4, Key: {path}, ResourceVersion: 0,"
        f" AdditionalErrorMsg: Precondition failed: UID in precondition: {wanted},"
        f" UID in object meta: {found}"
    )
    raise conflict(kind, asked.name, why)


def _unknown_patch(asked: RequestInfo) -> StatusError:
    served = [JSON_PATCH, MERGE_PATCH, *APPLY_PATCHES]
    if not asked.kind.is_custom:
        served.insert(2, STRATEGIC_PATCH)
    else:
        served.remove("application/apply-patch+cbor")
    return unsupported_media_type(
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(served),
        None if asked.kind.is_custom else {},
    )


def _answer(server: Server, asked: RequestInfo, stored: Stored, code: int = 200) -> Response:
    form = form_of(asked)
    body = stored.raw(asked.kind) if form.is_plain else form.one(stored, server.wall())
    return Response(code, dict(JSON_HEADERS), body)
