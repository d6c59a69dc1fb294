"""A small RBAC: who may do what, according to the stored roles and bindings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Request
from tmcconsole.sim.request.request_info import RequestInfo, User
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import StatusError, bad_request

MASTERS: Final = "system:masters"
_GROUP: Final = "rbac.authorization.k8s.io"
_EVERYTHING: Final[Json] = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
# Roles that exist without being stored.
_GIVEN: Final[dict[str, list[Json]]] = {"cluster-admin": [_EVERYTHING]}
_SERVICE_ACCOUNT: Final = re.compile(r"system:serviceaccount:([^:]+):([^:]+)")
# Any authenticated user may ask about itself.
_REVIEWS: Final = ("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews")


@dataclass(frozen=True, slots=True)
class RequestAttributes:
    """One action to be authorized."""

    verb: str
    group: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""


def action_of(asked: RequestInfo) -> RequestAttributes:
    """Return what a request does."""
    kind = asked.kind
    return RequestAttributes(
        verb=asked.verb,
        group=kind.group,
        resource=kind.resource,
        subresource=asked.subresource,
        namespace=asked.namespace,
        name=asked.name,
    )


def may(server: Server, user: User, action: RequestAttributes) -> bool:
    """Return whether the user has the permission."""
    if MASTERS in user.groups or action.resource in _REVIEWS:
        return True
    return any(_covers(rule, action) for rule in rules_of(server, user, action.namespace))


def rules_of(server: Server, user: User, namespace: str) -> Iterator[Json]:
    """Yield the rules that apply to a user cluster-wide, and those in one namespace."""
    for binding in server.store.trees(f"clusterrolebindings.{_GROUP}"):
        if _binds(binding, user):
            yield from _rules(server, binding["roleRef"], "")
    if not namespace:
        return
    for binding in server.store.trees(f"rolebindings.{_GROUP}", namespace):
        if _binds(binding, user):
            yield from _rules(server, binding["roleRef"], namespace)


def impersonated(server: Server, request: Request, user: User) -> User:
    """Return the user a request acts as. Raises StatusError 400 or 403."""
    headers = [(name.lower(), value) for name, value in request.headers]
    names = [value for name, value in headers if name == "impersonate-user"]
    groups = [value for name, value in headers if name == "impersonate-group"]
    if not names and not groups:
        return user
    if not names or not names[0]:
        raise bad_request("requested groups without impersonating a user")
    _require_may_act_as(server, user, _acted(names[0]))
    for group in groups:
        _require_may_act_as(
            server, user, RequestAttributes("impersonate", "", "groups", name=group)
        )
    known = () if names[0] == "system:anonymous" else ("system:authenticated",)
    account = _SERVICE_ACCOUNT.fullmatch(names[0])
    if account and not groups:
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{account[1]}"]
    return replace(user, name=names[0], groups=(*groups, *known), uid="")


def _acted(name: str) -> RequestAttributes:
    account = _SERVICE_ACCOUNT.fullmatch(name)
    if account is None:
        return RequestAttributes("impersonate", "", "users", name=name)
    return RequestAttributes(
        "impersonate", "", "serviceaccounts", namespace=account[1], name=account[2]
    )


def _require_may_act_as(server: Server, user: User, action: RequestAttributes) -> None:
    if may(server, user, action):
        return
    resource = action.resource
    why = f'User "{user.name}" cannot impersonate resource "{resource}" in API group ""'
    where = f'in the namespace "{action.namespace}"' if action.namespace else "at the cluster scope"
    message = f'{resource} "{action.name}" is forbidden: {why} {where}'
    raise StatusError(403, "Forbidden", message, {"name": action.name, "kind": resource})


def _rules(server: Server, reference: Json, namespace: str) -> list[Json]:
    is_namespaced = reference["kind"] == "Role"
    resource = "roles" if is_namespaced else "clusterroles"
    place = namespace if is_namespaced else ""
    found = server.store.get(f"{resource}.{_GROUP}", place, reference["name"])
    if found is None:
        return [] if is_namespaced else _GIVEN.get(reference["name"], [])
    rules: list[Json] = found.get("rules") or []
    return rules


def _binds(binding: Json, user: User) -> bool:
    return any(_is_subject(subject, user) for subject in binding.get("subjects") or ())


def _is_subject(subject: Json, user: User) -> bool:
    match subject["kind"]:
        case "User":
            return bool(subject["name"] == user.name)
        case "Group":
            return subject["name"] in user.groups
        case _:
            account = f"system:serviceaccount:{subject.get('namespace', '')}:{subject['name']}"
            return account == user.name


def _covers(rule: Json, action: RequestAttributes) -> bool:
    names = rule.get("resourceNames")
    if names and action.name not in names:
        return False
    verbs, groups = rule.get("verbs") or (), rule.get("apiGroups") or ()
    if not ({"*", action.verb} & set(verbs) and {"*", action.group} & set(groups)):
        return False
    wanted = {action.resource, "*"}
    if action.subresource:
        wanted = {f"{action.resource}/{action.subresource}", f"*/{action.subresource}", "*"}
    return bool(wanted & set(rule.get("resources") or ()))
