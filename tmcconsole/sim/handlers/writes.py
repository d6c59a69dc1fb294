"""Create, update and patch."""

from __future__ import annotations

from typing import Any

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Response
from tmcconsole.sim.admission import strategy
from tmcconsole.sim.admission.admission import admit_change
from tmcconsole.sim.admission.checks import (
    check_place,
    check_strict,
    check_type,
    check_version,
)
from tmcconsole.sim.fields import managers as owners
from tmcconsole.sim.fields import patches
from tmcconsole.sim.fields.fieldsets import (
    compare,
)
from tmcconsole.sim.fields.managers import UPDATE, FieldWriter
from tmcconsole.sim.handlers.apply import apply
from tmcconsole.sim.handlers.committing import commit_change, commit_new, ownable, unmanaged
from tmcconsole.sim.request.bodies import (
    APPLY_PATCHES,
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC_PATCH,
    decode,
    decode_patch,
)
from tmcconsole.sim.request.request_info import RequestInfo
from tmcconsole.sim.rules.causes import wrong_value
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import (
    StatusError,
    bad_request,
    conflict,
    invalid,
    not_found,
    unsupported_media_type,
)
from tmcconsole.sim.storage.store import Stored


def create(server: Server, asked: RequestInfo) -> Response:
    """Answer a POST. Raises StatusError 400, 403, 404, 409 or 422."""
    tree = decode(asked)
    check_type(asked, tree)
    check_strict(asked, tree)
    if tree["metadata"].get("resourceVersion"):
        raise StatusError(500, "", "resourceVersion should not be set on objects to be created")
    return commit_new(server, asked, tree, _update_writer(server, asked), None)


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
        return commit_new(server, asked, new, _update_writer(server, asked), None)
    _check_uid(asked, new, stored.uid)
    version = new["metadata"].get("resourceVersion")
    if not version and asked.kind.needs_version:
        cause = wrong_value("metadata.resourceVersion", 0, "must be specified for an update")
        raise invalid(asked.kind.resource, asked.kind.group, asked.name, [cause])
    return _updated(server, asked, stored, stored.tree(asked.kind), new)


def patch(server: Server, asked: RequestInfo) -> Response:
    """Answer a PATCH of any type. Raises StatusError 400, 404, 409, 415 or 422."""
    if asked.content_type in APPLY_PATCHES:
        return apply(server, asked)
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
        raise invalid("", "", "", [wrong_value("patch", "", why)])
    tree["metadata"] = tree["metadata"] or {}
    return tree


def _updated(server: Server, asked: RequestInfo, stored: Stored, old: Json, new: Json) -> Response:
    """Replace ``old`` by ``new``."""
    check_type(asked, new)
    check_place(asked, new)
    check_version(asked, stored, new["metadata"])
    kind, uid = asked.kind, new["metadata"].get("uid") or ""
    new = admit_change(server, asked, old, new)
    new = strategy.complete(server, kind, strategy.masked(kind, asked.subresource, old, new))
    change = compare(unmanaged(old), unmanaged(new), kind.shape)
    change = ownable(kind, asked.subresource, change)
    # A writer may send managedFields: kubectl does, to move its fields to another manager.
    managers = (owners.read(new) or owners.read(old)) if _keeps_managers(new) else {}
    if managers:  # an object without managers is not tracked until the first apply
        managers = owners.after_update(managers, _update_writer(server, asked), change)
    return commit_change(server, asked, stored, old, new, managers, uid)


def _update_writer(server: Server, asked: RequestInfo) -> FieldWriter:
    version = asked.kind.api_version
    return FieldWriter(
        name=asked.manager,
        operation=UPDATE,
        api_version=version,
        subresource=asked.subresource,
        time=server.stamp(),
    )


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
