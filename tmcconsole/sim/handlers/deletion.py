"""Delete: preconditions, finalizers, grace period, and the fate of dependents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Response
from tmcconsole.sim.admission.warnings import JOB_KEEPS_PODS
from tmcconsole.sim.handlers.reads import selection
from tmcconsole.sim.request.bodies import decode
from tmcconsole.sim.request.options import unsupported_dry_run
from tmcconsole.sim.request.request_info import RequestInfo
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.server import Server, rfc3339
from tmcconsole.sim.storage.status_errors import (
    JSON_HEADERS,
    StatusCause,
    bad_request,
    conflict,
    forbidden,
    invalid,
    not_found,
)
from tmcconsole.sim.storage.store import Stored

CRD_ID: Final = "customresourcedefinitions.apiextensions.k8s.io"
CLEANUP: Final = "customresourcecleanup.apiextensions.k8s.io"
ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"
_POLICIES: Final = ("Background", "Foreground", "Orphan")
_OPTION_TYPES: Final[dict[str, type]] = {
    "gracePeriodSeconds": int,
    "preconditions": dict,
    "orphanDependents": bool,
    "propagationPolicy": str,
    "dryRun": list,
}
_OWN_WAYS: Final = ("namespaces", CRD_ID)  # deleted in their own way, without a grace period
_UNDELETABLE: Final = frozenset({"default", "kube-system", "kube-public"})


@dataclass(frozen=True, slots=True)
class Options:
    """How to delete."""

    uid: str = ""
    version: str = ""
    grace_s: int | None = None
    policy: str = ""
    is_dry_run: bool = False


def delete(server: Server, asked: RequestInfo) -> Response:
    """Answer a DELETE of one object. Raises StatusError 403, 404, 409 or 422."""
    options = _options(asked)
    stored = server.store.find(asked.kind.id, asked.key)
    if stored is None:
        raise not_found(asked.kind, asked.name)
    if asked.kind.id == "namespaces" and asked.name in _UNDELETABLE:
        raise forbidden(asked.kind, asked.name, "this namespace may not be deleted")
    _check_preconditions(asked, stored, options)
    marked = _marked(server, stored, options)
    removed = stored
    if not options.is_dry_run:
        removed = _carry_out(server, stored, marked, asked.manager)
    if marked is not None:
        if not options.is_dry_run:
            marked = server.store.get(asked.kind.id, *asked.key) or marked
        head = {"kind": asked.kind.kind, "apiVersion": asked.kind.api_version}
        return Response(200, dict(JSON_HEADERS), orjson.dumps(head | marked | head))
    if asked.kind.returns_deleted:
        return Response(200, dict(JSON_HEADERS), removed.raw(asked.kind))
    return Response(200, dict(JSON_HEADERS), orjson.dumps(_success(asked, stored)))


def delete_collection(server: Server, asked: RequestInfo) -> Response:
    """Answer a DELETE of all selected objects, with the list of them."""
    options = _options(asked)
    selected = selection(asked)
    found = [s for s in server.store.items(asked.kind.id, asked.namespace) if selected.takes(s)]
    limit = int(asked.query.get("limit") or 0)
    found = found[:limit] if limit > 0 else found
    for stored in found:
        if not options.is_dry_run:
            remove(server, stored, options, asked.manager)
    kind = asked.kind
    items = [orjson.Fragment(s.raw(kind) if kind.is_custom else s.body) for s in found]
    untyped = {"continue": ""} if kind.is_custom else {}
    body = {
        "kind": kind.list_kind,
        "apiVersion": kind.api_version,
        "metadata": {"resourceVersion": str(server.store.resource_version), **untyped},
        "items": items,
    }
    return Response(200, dict(JSON_HEADERS), orjson.dumps(body))


def remove(server: Server, stored: Stored, options: Options, manager: str) -> None:
    """Remove an object, or mark it terminating if something must happen first."""
    _carry_out(server, stored, _marked(server, stored, options), manager)


def _carry_out(server: Server, stored: Stored, marked: Json | None, manager: str) -> Stored:
    """Return the object as it is afterwards, or its last state if removed."""
    if marked is None:
        return server.store.remove(stored, manager=manager)
    if marked == stored.tree():
        return stored
    return server.store.put(stored.kind, marked, manager=manager)


def _marked(server: Server, stored: Stored, options: Options) -> Json | None:
    """Return the object marked as terminating, or None if it can go at once."""
    tree = stored.tree()
    meta = tree["metadata"]
    before = meta.get("finalizers") or []
    finalizers = _finalizers(stored, before, options.policy)
    grace = _grace(stored, tree, options)
    if not (finalizers or grace or _stays(stored, tree)):
        return None
    meta["finalizers"] = finalizers
    if not finalizers:
        del meta["finalizers"]
    is_news = not meta.get("deletionTimestamp")
    if not (is_news or finalizers != before or _shortens(meta, grace)):
        return tree
    if is_news:
        _mark(server, stored.kind, tree, grace)
    if stored.kind.id not in _OWN_WAYS:
        last = meta.get("deletionGracePeriodSeconds", grace)
        meta["deletionGracePeriodSeconds"] = min(grace, last)
    return tree


def _mark(server: Server, kind: SimKind, tree: Json, grace: int) -> None:
    meta = tree["metadata"]
    meta["deletionTimestamp"] = rfc3339(server.wall() + grace)
    if kind.id == "namespaces":
        tree["status"] = {**(tree.get("status") or {}), "phase": "Terminating"}
    elif kind.id == CRD_ID:
        meta["finalizers"] = [*(meta.get("finalizers") or ()), CLEANUP]
        _mark_definition(server, tree)
    elif kind.has_generation:
        meta["generation"] = (meta.get("generation") or 0) + 1


def _mark_definition(server: Server, definition: Json) -> None:
    """Set the condition that says the definition waits for its instances to be deleted."""
    condition = {
        "type": "Terminating",
        "status": "True",
        "lastTransitionTime": server.stamp(),
        "reason": "InstanceDeletionPending",
        "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will"
        " begin soon",
    }
    status = definition["status"] = dict(definition.get("status") or {})
    status["conditions"] = [*(status.get("conditions") or ()), condition]


def _shortens(meta: Json, grace: int) -> bool:
    return grace < int(meta.get("deletionGracePeriodSeconds") or 0)


def _finalizers(stored: Stored, present: list[str], policy: str) -> list[str]:
    others = [name for name in present if name not in (ORPHAN, FOREGROUND)]
    policy = policy or _default_policy(stored, present)
    if policy == "Orphan":
        return [*others, ORPHAN]
    return [*others, FOREGROUND] if policy == "Foreground" else others


def _default_policy(stored: Stored, present: list[str]) -> str:
    if ORPHAN in present:
        return "Orphan"
    if FOREGROUND in present:
        return "Foreground"
    return "Orphan" if stored.kind.id == "jobs.batch" else "Background"


def _grace(stored: Stored, tree: Json, options: Options) -> int:
    """Return the grace period in seconds: only pods on a node have one."""
    if stored.kind.id != "pods":
        return 0
    spec, status = tree.get("spec") or {}, tree.get("status") or {}
    if not spec.get("nodeName") or status.get("phase") in ("Succeeded", "Failed"):
        return 0
    if options.grace_s is not None:
        return options.grace_s
    return int(spec.get("terminationGracePeriodSeconds", 30))


def _stays(stored: Stored, tree: Json) -> bool:
    """Whether deletion has to wait for something that metadata.finalizers does not name."""
    if stored.kind.id == "namespaces":
        return bool((tree.get("spec") or {}).get("finalizers"))
    return stored.kind.id == CRD_ID


def _check_preconditions(asked: RequestInfo, stored: Stored, options: Options) -> None:
    if options.uid and options.uid != stored.uid:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record"
            f" ({stored.uid}). The object might have been deleted and then recreated"
        )
        raise conflict(asked.kind, asked.name, why, by_kind=True)
    if options.version and options.version != str(stored.version):
        why = (
            f"the ResourceVersion in the precondition ({options.version}) does not match the"
            f" ResourceVersion in record ({stored.version}). The object might have been modified"
        )
        raise conflict(asked.kind, asked.name, why, by_kind=True)


def _options(asked: RequestInfo) -> Options:
    body = decode(asked) if asked.body else _of_query(asked.query)
    _check_types(body)
    preconditions = body.get("preconditions") or {}
    grace = body.get("gracePeriodSeconds")
    dry_run = body.get("dryRun") or []
    if any(stage != "All" for stage in dry_run):
        cause = unsupported_dry_run(orjson.dumps(dry_run).decode())
        raise invalid("DeleteOptions", "meta.k8s.io", "", [cause])
    policy = body.get("propagationPolicy") or ""
    if asked.kind.id == "jobs.batch" and not policy and body.get("orphanDependents") is None:
        asked.warnings.append(JOB_KEEPS_PODS)
    if body.get("orphanDependents") is not None and policy:
        why = "orphanDependents and deletionPropagation cannot be both set"
        cause = StatusCause(
            "FieldValueInvalid", f'Invalid value: "{policy}": {why}', "propagationPolicy"
        )
        raise invalid("DeleteOptions", "meta.k8s.io", "", [cause])
    if body.get("orphanDependents") is not None:
        policy = "Orphan" if body["orphanDependents"] else "Background"
    if policy and policy not in _POLICIES:
        shown = 'supported values: "Foreground", "Background", "Orphan", "nil"'
        cause = StatusCause(
            "FieldValueNotSupported", f'Unsupported value: "{policy}": {shown}', "propagationPolicy"
        )
        raise invalid("DeleteOptions", "meta.k8s.io", "", [cause])
    return Options(
        uid=preconditions.get("uid") or "",
        version=preconditions.get("resourceVersion") or "",
        grace_s=None if grace is None else int(grace),
        policy=policy,
        is_dry_run=bool(dry_run),
    )


def _check_types(body: Json) -> None:
    """Raise StatusError 400 for options of the wrong type."""
    for name, type_ in _OPTION_TYPES.items():
        value = body.get(name)
        if value is not None and not isinstance(value, type_):
            raise bad_request(f"json: cannot unmarshal DeleteOptions.{name}: {value!r}")
    preconditions = body.get("preconditions") or {}
    dry_run = body.get("dryRun") or []
    if not all(isinstance(text, str) for text in (*preconditions.values(), *dry_run)):
        raise bad_request("json: cannot unmarshal DeleteOptions")


def _of_query(query: Mapping[str, str]) -> Json:
    """Return the options in the query, which counts only for requests without a body."""
    options: Json = {}
    for name in ("propagationPolicy", "gracePeriodSeconds"):
        if query.get(name):
            is_number = name == "gracePeriodSeconds"
            options[name] = int(query[name]) if is_number else query[name]
    return options | ({"dryRun": [query["dryRun"]]} if query.get("dryRun") else {})


def _success(asked: RequestInfo, stored: Stored) -> Json:
    kind = asked.kind
    details = {"name": asked.name, **({"group": kind.group} if kind.group else {})}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {**details, "kind": kind.resource, "uid": stored.uid},
    }
