"""Who am I, and may I: the review kinds that are answered and never stored."""

from __future__ import annotations

from typing import Any

import orjson

from tmcconsole.runtime import Response
from tmcconsole.sim.asked import Asked, User
from tmcconsole.sim.bodies import decode
from tmcconsole.sim.failures import JSON_HEADERS
from tmcconsole.sim.server import Server

Json = dict[str, Any]


def answer(server: Server, asked: Asked) -> Response:
    """Return the review in the body with its status filled in."""
    tree = decode(asked)
    spec = tree.get("spec") or {}
    match asked.kind.kind:
        case "SelfSubjectAccessReview" | "SubjectAccessReview" | "LocalSubjectAccessReview":
            status = _access(server, spec)
        case "SelfSubjectRulesReview":
            status = _rules()
        case "SelfSubjectReview":
            status = {"userInfo": _user(asked.user)}
        case "TokenReview":
            status = {"authenticated": False, "error": "no token of this server is known"}
        case _:
            status = {}
    head = {"kind": asked.kind.kind, "apiVersion": asked.kind.api_version}
    body = {**tree, **head, "metadata": {"creationTimestamp": None}, "spec": spec, "status": status}
    return Response(201, dict(JSON_HEADERS), orjson.dumps(body))


def _access(server: Server, spec: Json) -> Json:
    asks = spec.get("resourceAttributes") or {}
    resource, group = asks.get("resource", ""), asks.get("group", "")
    kind_id = f"{resource}.{group}" if group else resource
    if server.faults.forbids(asks.get("verb", ""), kind_id):
        return {"allowed": False, "reason": "the permission was withdrawn"}
    return {"allowed": True}


def _rules() -> Json:
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    return {
        "resourceRules": [everything],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        "incomplete": False,
    }


def _user(user: User) -> Json:
    return {"username": user.name, "groups": list(user.groups)} | (
        {"uid": user.uid} if user.uid else {}
    )
