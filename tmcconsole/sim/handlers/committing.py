"""How a new object or a change that is complete is judged, counted and stored."""

from __future__ import annotations

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Response
from tmcconsole.sim.admission import strategy
from tmcconsole.sim.admission.admission import admit_create
from tmcconsole.sim.admission.checks import (
    place,
    validate,
)
from tmcconsole.sim.admission.limits import limit
from tmcconsole.sim.admission.quota import charge
from tmcconsole.sim.admission.volume_claims import check_growth
from tmcconsole.sim.fields import managers as owners
from tmcconsole.sim.fields.fieldsets import (
    Comparison,
    compare,
    without_system_fields,
    without_trees,
)
from tmcconsole.sim.fields.managers import FieldWriter, Managers
from tmcconsole.sim.printing.forms import form_of
from tmcconsole.sim.request.request_info import RequestInfo
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import (
    JSON_HEADERS,
    already_exists,
)
from tmcconsole.sim.storage.store import Stored, StoreKey


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


def commit_new(
    server: Server, asked: RequestInfo, tree: Json, writer: FieldWriter, stated: Json | None
) -> Response:
    """Store a new object as ``writer`` sent it; ``stated`` are an applier's fields, else None."""
    kind = asked.kind
    place(server, asked, tree)
    meta = tree["metadata"]
    key = StoreKey(meta.get("namespace") or "", meta.get("name") or "")
    tree = admit_create(server, asked, tree)
    new = strategy.prepare_new(server, kind, tree)
    new = {"kind": kind.kind, "apiVersion": kind.api_version, **new}
    managers = first_managers(kind, new, writer, stated)
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


def first_managers(kind: SimKind, new: Json, writer: FieldWriter, stated: Json | None) -> Managers:
    """Return who owns what of an object that nobody has owned so far."""
    if stated is not None:
        return {writer.identity: writer.entry(stated)} if stated else {}
    change = compare(strategy.empty(kind), new, kind.shape)
    return owners.after_update({}, writer, ownable(kind, "", change))


def ownable(kind: SimKind, subresource: str, change: Comparison) -> Comparison:
    """Return a change without the fields that no writer of this (sub)resource can own."""
    lost = strategy.reset_fields(kind, subresource)
    sides = (without_trees(without_system_fields(side), lost) for side in change)
    return Comparison(*sides)


def _may_go(tree: Json) -> bool:
    """Whether an object is terminating and has nothing left to wait for."""
    meta = tree["metadata"]
    if not meta.get("deletionTimestamp") or meta.get("finalizers"):
        return False
    if (tree.get("spec") or {}).get("finalizers") and tree.get("kind") == "Namespace":
        return False
    return not meta.get("deletionGracePeriodSeconds")


def unmanaged(tree: Json) -> Json:
    """Return an object without its managedFields."""
    meta = {k: v for k, v in tree["metadata"].items() if k != "managedFields"}
    return {**tree, "metadata": meta}


def _content(tree: Json) -> Json:
    """Return the part of an object that decides whether a write changes anything."""
    ignored = ("managedFields", "resourceVersion")
    meta = {key: value for key, value in tree["metadata"].items() if key not in ignored}
    return {**tree, "metadata": meta}


def _same_fields(old: Managers, new: Managers) -> bool:
    return old.keys() == new.keys() and all(old[key].fields == new[key].fields for key in old)


def _answer(server: Server, asked: RequestInfo, stored: Stored, code: int = 200) -> Response:
    form = form_of(asked)
    body = stored.raw(asked.kind) if form.is_plain else form.one(stored, server.wall())
    return Response(code, dict(JSON_HEADERS), body)
