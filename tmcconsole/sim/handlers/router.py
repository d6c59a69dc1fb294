"""The request core: answers each request synchronously.

Both faces, HTTP and in-process, come through here; what takes time happens around it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import orjson

from tmcconsole.runtime import Request, Response
from tmcconsole.sim.admission import warnings
from tmcconsole.sim.admission.rbac import action_of, impersonated, may
from tmcconsole.sim.handlers import crds, deletion, reads, reviews, subresources, writes
from tmcconsole.sim.handlers.altered import alter_answer
from tmcconsole.sim.handlers.eviction import evict
from tmcconsole.sim.handlers.watch import Watch
from tmcconsole.sim.request.request_info import RequestInfo, User, parse
from tmcconsole.sim.schema import discovery_documents as discovery
from tmcconsole.sim.schema import openapi
from tmcconsole.sim.storage.kinds import Kinds
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import (
    JSON_HEADERS,
    StatusError,
    bad_request,
    forbidden,
    internal,
    method_not_allowed,
    not_found,
    path_not_found,
    resource_not_found,
    unauthorized,
    wrong_method,
)
from tmcconsole.sim.storage.store import Snapshot

VERSION: Final = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0-tmc.sim",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "go1.26",
    "compiler": "gc",
    "platform": "linux/amd64",
}
_HEALTH: Final = ("/healthz", "/readyz", "/livez")
_NAMED_OR_NOT: Final = ("create", "update", "patch")  # of these only create takes no name
_SUBRESOURCE_VERBS: Final = ("get", "update", "patch")
WRITES: Final = ("create", "update", "patch", "delete", "deletecollection")


def handle(server: Server, request: Request, user: User) -> Response | Watch:
    """Answer a request; for a watch, return the Watch that yields its lines."""
    try:
        return _answer(server, request, user)
    except StatusError as failure:
        return failure.response()
    except Exception as error:  # noqa: BLE001  # told, and answered as a real server's panic is
        server.store.mishaps.tell(f"{request.method} {request.path[:200]}", error)
        why = f"this request caused apiserver to panic. Look in the logs for details: {error}"
        return internal(why).response()


def _answer(server: Server, request: Request, user: User) -> Response | Watch:
    if server.faults.unauthorized:
        raise unauthorized()
    fixed = _fixed(server, request)
    if fixed is not None:
        return fixed
    asked = parse(request, server.kinds, impersonated(server, request, user))
    if asked is None or asked.kind.id in server.faults.hidden_kinds:
        return _nothing_there(server, request)
    asked.warnings.extend(warnings.deprecation(asked.kind))
    try:
        answer = _permitted(server, asked)
    except StatusError as failure:
        answer = failure.response()
    if isinstance(answer, Response) and asked.warnings:
        return replace(answer, headers={**answer.headers, **warnings.header(asked.warnings)})
    return answer


def _permitted(server: Server, asked: RequestInfo) -> Response | Watch:
    if server.faults.forbids(asked.verb, asked.kind.id) or not may(
        server, asked.user, action_of(asked)
    ):
        raise _forbidden(asked)
    if asked.subresource:
        return _subresource(server, asked)
    is_nowhere = asked.kind.namespaced and not asked.namespace
    if is_nowhere and asked.verb in ("create", "deletecollection"):
        raise wrong_method()
    if asked.verb not in asked.kind.verbs:
        raise method_not_allowed(asked.kind, asked.verb)
    return _resource(server, _rightly_named(asked))


def _rightly_named(asked: RequestInfo) -> RequestInfo:
    """Return the request if it is named as its verb requires. Raises StatusError 405."""
    if asked.verb not in _NAMED_OR_NOT or bool(asked.name) != (asked.verb == "create"):
        return asked
    if asked.kind.is_custom and asked.name:
        return asked.at("")  # a custom resource can be created at any path below its collection
    if asked.kind.is_custom:
        raise bad_request("name is required")
    raise wrong_method()


def _fixed(server: Server, request: Request) -> Response | None:
    """Answer the paths that are not about objects."""
    path = request.path.rstrip("/") or "/"
    if path == "/version":
        return Response(200, dict(JSON_HEADERS), orjson.dumps(VERSION))
    if path.startswith(_HEALTH):
        return Response(200, {"content-type": "text/plain; charset=utf-8"}, b"ok")
    if path == "/metrics":
        text = f"apiserver_storage_objects {server.store.count}\n"
        return Response(200, {"content-type": "text/plain; version=0.0.4"}, text.encode())
    kinds = _visible(server)
    return openapi.answer(path, request.accept, kinds) or discovery.answer(
        path, request.accept, kinds
    )


def _visible(server: Server) -> Kinds:
    """Return the kinds that are not hidden by a fault."""
    hidden = server.faults.hidden_kinds
    if not hidden:
        return server.kinds
    return Kinds(kind for kind in server.kinds if kind.id not in hidden)


def _resource(server: Server, asked: RequestInfo) -> Response | Watch:
    match asked.verb:
        case "get" | "list" | "watch":
            return _read(server, asked)
        case "create":
            return _create(server, asked)
        case "update":
            answer = writes.update(server, asked)
        case "patch":
            answer = writes.patch(server, asked)
        case "delete":
            answer = deletion.delete(server, asked)
        case _:
            answer = deletion.delete_collection(server, asked)
    _settle_definitions(server, asked)
    return answer


def _read(server: Server, asked: RequestInfo) -> Response | Watch:
    faults = server.faults
    if asked.kind.id in faults.failing_kinds:
        raise internal(f"conversion webhook for {asked.kind.id} failed: connection refused")
    if asked.verb == "get":
        found = reads.get(server.store, asked, server.wall())
        return alter_answer(faults, asked, found)
    if asked.verb == "watch":
        if faults.watch_410 and asked.query.get("resourceVersion"):
            raise StatusError(410, "Expired", "too old resource version")
        return Watch(asked, server)
    return _list(server, asked)


def _list(server: Server, asked: RequestInfo) -> Response:
    faults = server.faults
    if faults.expired_continue:
        server.pages.forget()
    source = faults.source()
    version = source.version if isinstance(source, Snapshot) else source.resource_version
    if faults.empty_lists and faults.empty_resource in ("", asked.kind.id):
        source = Snapshot(version, {})
    if faults.short_pages and asked.query.get("limit"):
        limit = max(1, int(asked.query["limit"]) // 3)
        asked = replace(asked, query={**asked.query, "limit": str(limit)})
    listed = reads.list_objects(source, version, asked, server.pages, server.wall())
    return alter_answer(faults, asked, listed)


def _create(server: Server, asked: RequestInfo) -> Response:
    if asked.kind.verbs == ("create",):
        return reviews.answer(server, asked)
    answer = writes.create(server, asked)
    _settle_definitions(server, asked)
    return answer


def _subresource(server: Server, asked: RequestInfo) -> Response:
    kind, name = asked.kind, asked.subresource
    if name == "finalize" and kind.id == "namespaces" and asked.verb == "update":
        return subresources.finalize(server, asked)
    if name == "scale" and kind.scale and asked.verb in _SUBRESOURCE_VERBS:
        return subresources.scale(server, asked)
    if name == "eviction" and kind.id == "pods" and asked.verb == "create":
        return evict(server, asked)
    subresources.refuse(asked)
    if name != "status" or not kind.has_status or asked.verb not in _SUBRESOURCE_VERBS:
        raise not_found(kind, asked.name) if kind.is_custom else resource_not_found()
    if asked.verb == "get":
        return reads.get(server.store, asked, server.wall())
    return writes.update(server, asked) if asked.verb == "update" else writes.patch(server, asked)


def _settle_definitions(server: Server, asked: RequestInfo) -> None:
    """Put definitions into effect after a write to them or to their last instance."""
    if asked.is_dry_run:
        return
    if asked.kind.id == deletion.CRD_ID or server.terminating_definitions:
        crds.reconcile(server)


def _nothing_there(server: Server, request: Request) -> Response:
    """Answer 404: in a group of built-in kinds with a Status, elsewhere with plain text."""
    parts = request.path.strip("/").split("/")
    group = parts[1] if parts[0] == "apis" and len(parts) > 1 else ""
    if any(kind.group == group and not kind.is_custom for kind in server.kinds):
        return resource_not_found().response()
    return path_not_found()


def _forbidden(asked: RequestInfo) -> StatusError:
    group = f'API group "{asked.kind.group}"'
    scope = f' in the namespace "{asked.namespace}"' if asked.namespace else " at the cluster scope"
    what = asked.kind.resource + (f"/{asked.subresource}" if asked.subresource else "")
    why = f'User "{asked.user.name}" cannot {asked.verb} resource "{what}" in {group}{scope}'
    return forbidden(asked.kind, asked.name, why)
