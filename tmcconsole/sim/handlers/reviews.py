"""SelfSubjectReview and the like: kinds that are answered and never stored."""

from __future__ import annotations

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Response
from tmcconsole.sim.admission.rbac import MASTERS, RequestAttributes, may, rules_of
from tmcconsole.sim.request.bodies import decode
from tmcconsole.sim.request.request_info import RequestInfo, User
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import JSON_HEADERS


def answer(server: Server, asked: RequestInfo) -> Response:
    """Return the review in the body with its status filled in."""
    tree = decode(asked)
    spec = tree.get("spec") or {}
    match asked.kind.kind:
        case "SelfSubjectAccessReview":
            status = _access(server, asked.user, spec)
        case "SubjectAccessReview" | "LocalSubjectAccessReview":
            status = _access(server, _subject(spec), spec)
        case "SelfSubjectRulesReview":
            status = _rules(server, asked.user, spec)
        case "SelfSubjectReview":
            status = {"userInfo": _user(asked.user)}
        case "TokenReview":
            status = {"authenticated": False, "error": "no token of this server is known"}
        case _:
            status = {}
    head = {"kind": asked.kind.kind, "apiVersion": asked.kind.api_version}
    body = {**tree, **head, "metadata": {"creationTimestamp": None}, "spec": spec, "status": status}
    return Response(201, dict(JSON_HEADERS), orjson.dumps(body))


def _access(server: Server, user: User, spec: Json) -> Json:
    asks = spec.get("resourceAttributes")
    if asks is None:
        return {"allowed": True}  # non-resource paths are open to all
    action = RequestAttributes(
        verb=asks.get("verb", ""),
        group=asks.get("group", ""),
        resource=asks.get("resource", ""),
        subresource=asks.get("subresource", ""),
        namespace=asks.get("namespace", ""),
        name=asks.get("name", ""),
    )
    kind_id = f"{action.resource}.{action.group}" if action.group else action.resource
    if server.faults.forbids(action.verb, kind_id):
        return {"allowed": False, "reason": "the permission was withdrawn"}
    return {"allowed": may(server, user, action)}


def _subject(spec: Json) -> User:
    return User(spec.get("user") or "", tuple(spec.get("groups") or ()), spec.get("uid") or "")


def _rules(server: Server, user: User, spec: Json) -> Json:
    is_master = MASTERS in user.groups
    found = [] if is_master else list(rules_of(server, user, spec.get("namespace") or "default"))
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    return {
        "resourceRules": [everything] if is_master else found,
        "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["*"]}],
        "incomplete": False,
    }


def _user(user: User) -> Json:
    return {"username": user.name, "groups": list(user.groups)} | (
        {"uid": user.uid} if user.uid else {}
    )
