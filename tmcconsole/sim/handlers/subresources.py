"""The subresources scale and finalize, and those that are never served."""

from __future__ import annotations

from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Response
from tmcconsole.sim.fields import managers as owners
from tmcconsole.sim.fields.fieldsets import Comparison, intersection
from tmcconsole.sim.fields.managers import UPDATE, FieldWriter, Managers
from tmcconsole.sim.handlers.committing import commit_change
from tmcconsole.sim.handlers.writes import patched
from tmcconsole.sim.request.bodies import APPLY_PATCHES, decode, decode_patch
from tmcconsole.sim.request.request_info import RequestInfo
from tmcconsole.sim.rules.causes import wrong_value
from tmcconsole.sim.schema.jsonpath import at_path
from tmcconsole.sim.storage.kinds import ScalePaths
from tmcconsole.sim.storage.list_selectors import text_of
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import (
    JSON_HEADERS,
    StatusError,
    bad_request,
    conflict,
    internal,
    invalid,
    not_found,
    unsupported_media_type,
)
from tmcconsole.sim.storage.store import Stored

_NOTHING_RUNS: Final = "pods of a simulated cluster run nothing: there is nothing to talk to"
_NEVER: Final = {
    ("pods", "log"): "pods of a simulated cluster run nothing: there are no logs",
    ("pods", "exec"): _NOTHING_RUNS,
    ("pods", "attach"): _NOTHING_RUNS,
    ("pods", "portforward"): _NOTHING_RUNS,
    ("pods", "proxy"): _NOTHING_RUNS,
    ("services", "proxy"): _NOTHING_RUNS,
    ("nodes", "proxy"): _NOTHING_RUNS,
    ("serviceaccounts", "token"): "a simulated cluster issues no tokens",
}


def refuse(asked: RequestInfo) -> None:
    """Raise StatusError 405, with the reason, for a subresource that is never simulated."""
    why = _NEVER.get((asked.kind.id, asked.subresource))
    if why is not None:
        raise StatusError(405, "MethodNotAllowed", why)


def scale(server: Server, asked: RequestInfo) -> Response:
    """Answer a request for the scale subresource. Raises StatusError 404, 409, 415 or 422."""
    paths = asked.kind.scale or ScalePaths()
    stored = server.store.find(asked.kind.id, asked.key)
    if stored is None:
        raise not_found(asked.kind, asked.name)
    old = stored.tree(asked.kind)
    if asked.verb == "get":
        if asked.kind.is_custom and at_path(old, paths.spec) is None:
            raise internal(f'the spec replicas field "{paths.spec}" does not exist')
        return _answer(_scale_of(old, paths))
    wanted = _wanted_scale(asked, _scale_of(old, paths))
    if not all(isinstance(wanted.get(name) or {}, dict) for name in ("spec", "metadata")):
        raise bad_request("json: cannot unmarshal the document into a Scale")
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or replicas < 0:
        raise _negative(asked, paths, replicas)
    version = (wanted.get("metadata") or {}).get("resourceVersion")
    if version and version != str(stored.version):
        raise conflict(asked.kind, asked.name)
    result = _set_replicas(server, asked, stored, paths, replicas)
    return _answer(_scale_of(result, paths))


def finalize(server: Server, asked: RequestInfo) -> Response:
    """Answer a PUT of a namespace's spec.finalizers; without any, the namespace can go."""
    stored = server.store.find("namespaces", asked.key)
    if stored is None:
        raise not_found(asked.kind, asked.name)
    wanted = decode(asked)
    old = stored.tree(asked.kind)
    finalizers = (wanted.get("spec") or {}).get("finalizers") or []
    new = {**old, "spec": {**(old.get("spec") or {}), "finalizers": finalizers}}
    return commit_change(server, asked, stored, old, _copy(new), owners.read(old))


def _wanted_scale(asked: RequestInfo, current: Json) -> Json:
    if asked.verb == "update":
        return decode(asked)
    if asked.content_type in APPLY_PATCHES:
        raise unsupported_media_type("apply is not supported on the scale subresource here")
    return patched(asked, current, decode_patch(asked))


def _set_replicas(
    server: Server, asked: RequestInfo, stored: Stored, paths: ScalePaths, replicas: int
) -> Json:
    old = stored.tree(asked.kind)
    new: Json = _copy(old)
    *parents, last = paths.spec.strip(".").split(".")
    place = new
    for name in parents:
        place = place.setdefault(name, {})
    changed = place.get(last) != replicas
    place[last] = replicas
    managers = owners.read(old)
    if changed:
        managers = _scaled_managers(server, asked, managers, paths, replicas)
    response = commit_change(server, asked, stored, old, new, managers)
    result: Json = orjson.loads(response.body)
    return result


def _scaled_managers(
    server: Server, asked: RequestInfo, managers: Managers, paths: ScalePaths, replicas: int
) -> Managers:
    """Make the writer the owner of replicas; of 0 nobody is, since a Scale omits it."""
    writer = FieldWriter(asked.manager, UPDATE, asked.kind.api_version, "scale", time="")
    owned: Json = {}
    for name in reversed(paths.spec.strip(".").split(".")):
        owned = {"f:" + name: owned}
    if intersection(owners.owned(managers.values()), owned) is None:
        return managers  # nobody owns replicas yet: scaling is not tracked then
    change = Comparison(None, owned, None) if replicas else Comparison(None, None, owned)
    return owners.after_update(managers, writer, change)


def _negative(asked: RequestInfo, paths: ScalePaths, replicas: Any) -> StatusError:
    if asked.kind.is_custom:
        cause = wrong_value(paths.spec, replicas, "should be a non-negative integer")
        return invalid(asked.kind.kind, asked.kind.group, asked.name, [cause])
    cause = wrong_value("spec.replicas", replicas, "must be greater than or equal to 0")
    return invalid("Scale", "autoscaling", asked.name, [cause])


def _scale_of(tree: Json, paths: ScalePaths) -> Json:
    meta = tree["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    replicas = at_path(tree, paths.spec)
    status: Json = {"replicas": at_path(tree, paths.status) or 0}
    selector = at_path(tree, paths.selector) if paths.selector else None
    selector = selector or text_of((tree.get("spec") or {}).get("selector"))
    if selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: meta[name] for name in kept if name in meta},
        "spec": {"replicas": replicas} if replicas else {},  # Go omits 0
        "status": status,
    }


def _copy(tree: Json) -> Json:
    copy: Json = orjson.loads(orjson.dumps(tree))
    return copy


def _answer(body: Json) -> Response:
    return Response(200, dict(JSON_HEADERS), orjson.dumps(body))
