"""What a request asks for, parsed once from its URL and parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from tmcconsole.runtime import Request
from tmcconsole.sim.request.options import check_options
from tmcconsole.sim.storage.kinds import Kinds, SimKind
from tmcconsole.sim.storage.status_errors import bad_request
from tmcconsole.sim.storage.store import StoreKey

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True, slots=True)
class User:
    """The user who makes a request."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""


ADMIN = User("system:admin", ("system:masters", "system:authenticated"))


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """A request for objects of one kind."""

    verb: str
    kind: SimKind
    namespace: str
    name: str
    subresource: str
    query: Mapping[str, str]
    body: bytes
    content_type: str
    accept: str
    user_agent: str
    user: User
    warnings: list[str] = field(default_factory=list)  # appended to while the request is handled

    @property
    def key(self) -> StoreKey:
        """The key of the requested object."""
        return StoreKey(self.namespace, self.name)

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing is to be stored."""
        return bool(self.query.get("dryRun"))

    @property
    def force(self) -> bool:
        """Whether an apply takes fields from other managers."""
        return is_true(self.query.get("force"))

    @property
    def manager(self) -> str:
        """The field manager, by default the program's name in the user agent."""
        return self.query.get("fieldManager") or self.user_agent.partition("/")[0] or "unknown"

    def at(self, name: str) -> RequestInfo:
        """Return the same request for one object of the collection."""
        return replace(self, name=name)


def parse(request: Request, kinds: Kinds, user: User) -> RequestInfo | None:
    """Return what a resource path asks for, or None if nothing is served at it.

    Raises StatusError 400 or 422 for parameters that make no sense.
    """
    parts = [unquote(part) for part in request.path.strip("/").split("/")]
    located = _locate(parts, kinds)
    if located is None:
        return None
    kind, namespace, name, subresource = located
    query = dict(reversed(request.query))
    verb = _verb(request.method, name, query)
    content_type = request.content_type.partition(";")[0].strip().lower()
    check_options(verb, content_type, query)
    headers = {key.lower(): value for key, value in request.headers}
    return RequestInfo(
        verb=verb,
        kind=kind,
        namespace=namespace,
        name=name,
        subresource=subresource,
        query=query,
        body=request.body,
        content_type=content_type,
        accept=request.accept,
        user_agent=headers.get("user-agent", ""),
        user=user,
    )


def is_true(value: str | None) -> bool:
    """Return a boolean parameter's value."""
    return value in ("true", "1", "t", "T", "TRUE", "True")


def version_number(value: str) -> int:
    """Return a resourceVersion as a number. Raises StatusError 400 if it is not one."""
    if not re.fullmatch(r"\d*", value):
        raise bad_request(f'Invalid value: "{value}": resourceVersion must be an unsigned integer')
    return int(value or 0)


def _locate(parts: list[str], kinds: Kinds) -> tuple[SimKind, str, str, str] | None:
    """Return kind, namespace, name and subresource of a path."""
    if parts[0] == "api" and len(parts) >= 3:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) >= 4:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) >= 3 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    kind = kinds.find(group, version, rest[0])
    if kind is None or len(rest) > 3:
        return None
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if kind.namespaced != bool(namespace) and (name or namespace):
        return None
    return kind, namespace, name, subresource


def _verb(method: str, name: str, query: Mapping[str, str]) -> str:
    if method in ("GET", "HEAD"):
        if is_true(query.get("watch")):
            return "watch"
        return "get" if name else "list"
    if method == "DELETE":
        return "delete" if name else "deletecollection"
    return _VERBS.get(method, method.lower())
