"""Refusals of the API server, as Kubernetes' Status objects.

Reasons, messages and details follow k8s.io/apimachinery/pkg/api/errors, because clients match on
the reason, people read the message, and engines read the causes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Response

if TYPE_CHECKING:
    from tmcconsole.sim.storage.kinds import SimKind


JSON_HEADERS = {"content-type": "application/json"}
MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


class StatusCause(NamedTuple):
    """One cause of a refusal: ``reason`` is machine-readable, ``field`` a path."""

    reason: str
    message: str
    field: str


class StatusError(Exception):
    """Raised for a request to be answered with a Status other than Success."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: Json | None = None,
        headers: dict[str, str] | None = None,
        metadata: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.headers = headers or {}
        self.metadata = metadata or {}

    def status(self) -> Json:
        """Return the Status object."""
        body: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        body["code"] = self.code
        return body

    def response(self) -> Response:
        """Return the HTTP answer."""
        return Response(self.code, JSON_HEADERS | self.headers, orjson.dumps(self.status()))


def not_found(kind: SimKind, name: str) -> StatusError:
    """404: no object of that name."""
    return StatusError(404, "NotFound", f'{kind.id} "{name}" not found', _details(kind, name))


def namespace_not_found(name: str) -> StatusError:
    """404: a write to a namespace that does not exist."""
    details = {"name": name, "kind": "namespaces"}
    return StatusError(404, "NotFound", f'namespaces "{name}" not found', details)


def already_exists(kind: SimKind, name: str, *, terminating: bool) -> StatusError:
    """409: a create with an existing name. The message says if that object is being deleted."""
    message = f'{kind.id} "{name}" already exists'
    if terminating:
        message = f"object is being deleted: {message}"
    return StatusError(409, "AlreadyExists", message, _details(kind, name))


def conflict(
    kind: SimKind, name: str, why: str = MODIFIED, *, by_kind: bool = False
) -> StatusError:
    """409: a precondition failed. ``by_kind`` names the Kind, as deletes do."""
    what = kind.kind if by_kind else kind.resource
    qualified = f"{what}.{kind.group}" if kind.group else what
    message = f'Operation cannot be fulfilled on {qualified} "{name}": {why}'
    return StatusError(409, "Conflict", message, _details(kind, name, what))


def apply_conflict(message: str, causes: Sequence[StatusCause]) -> StatusError:
    """409: server-side apply conflicts with fields of other managers."""
    return StatusError(409, "Conflict", message, {"causes": [_cause(cause) for cause in causes]})


def invalid(kind: str, group: str, name: str, causes: Sequence[StatusCause]) -> StatusError:
    """422: the object is invalid. ``kind`` is the Kind, not the resource."""
    problems = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    text = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    qualified = f"{kind}.{group}" if group else kind
    details: Json = {"name": name} if name else {}
    details |= {"group": group} if group else {}
    details |= {"kind": kind} if kind else {}
    details |= {"causes": [_cause(cause) for cause in causes]}
    return StatusError(422, "Invalid", f'{qualified} "{name}" is invalid: {text}', details)


def forbidden(
    kind: SimKind, name: str, why: str, causes: Sequence[StatusCause] = ()
) -> StatusError:
    """403: authenticated, but not allowed."""
    named = f'{kind.id} "{name}"' if name else kind.id
    details = _details(kind, name)
    if causes:
        details["causes"] = [_cause(cause) for cause in causes]
    return StatusError(403, "Forbidden", f"{named} is forbidden: {why}", details)


def unauthorized() -> StatusError:
    """401: missing, expired or unknown credentials."""
    return StatusError(401, "Unauthorized", "Unauthorized")


def bad_request(message: str) -> StatusError:
    """400: the request is malformed."""
    return StatusError(400, "BadRequest", message)


def expired(message: str, metadata: Json | None = None) -> StatusError:
    """410: the resourceVersion or continue token is too old."""
    return StatusError(410, "Expired", message, metadata=metadata)


def too_old(asked: int, oldest: int) -> StatusError:
    """410: a watch from before the kept history."""
    return expired(f"too old resource version: {asked} ({oldest})")


def too_large_version(asked: int, current: int) -> StatusError:
    """504: the requested resourceVersion has not been reached yet."""
    message = f"Too large resource version: {asked}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    details = {"causes": [cause], "retryAfterSeconds": 1}
    return StatusError(
        code=504,
        reason="Timeout",
        message=f"Timeout: {message}",
        details=details,
        headers={"retry-after": "1"},
    )


def method_not_allowed(kind: SimKind, verb: str) -> StatusError:
    """405: the kind does not support the verb."""
    message = f"{verb} is not supported on resources of kind {kind.id!r}".replace("'", '"')
    details = {"group": kind.group} if kind.group else {}
    return StatusError(405, "MethodNotAllowed", message, details | {"kind": kind.resource})


def wrong_method() -> StatusError:
    """405: an object's method on a collection, or vice versa."""
    message = "the server does not allow this method on the requested resource"
    return StatusError(405, "MethodNotAllowed", message, {})


def resource_not_found() -> StatusError:
    """404: the group is served, but not this resource."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def unsupported_media_type(message: str, details: Json | None = None) -> StatusError:
    """415: the body's format is not supported."""
    return StatusError(415, "UnsupportedMediaType", message, details)


def not_acceptable(message: str) -> StatusError:
    """406: none of the formats the client accepts can be served."""
    return StatusError(406, "NotAcceptable", message)


def too_large(message: str) -> StatusError:
    """413: the request is larger than the server accepts."""
    return StatusError(413, "RequestEntityTooLarge", message)


def too_many_requests(retry_after_s: int) -> StatusError:
    """429: too many requests, retry after ``retry_after_s``."""
    return StatusError(
        code=429,
        reason="TooManyRequests",
        message="Too many requests, please try again later.",
        details={"retryAfterSeconds": retry_after_s},
        headers={"retry-after": str(retry_after_s)},
    )


def internal(message: str, code: int = 500) -> StatusError:
    """5xx: the server's fault."""
    if code == 500:
        details = {"causes": [{"message": message}]}
        return StatusError(500, "InternalError", f"Internal error occurred: {message}", details)
    reasons = {503: "ServiceUnavailable", 504: "Timeout"}
    return StatusError(code, reasons.get(code, "InternalError"), message)


def untyped(message: str) -> StatusError:
    """500 without a reason, as Kubernetes answers untyped errors."""
    return StatusError(500, "", message)


def path_not_found() -> Response:
    """404 in plain text, without a Status: no API is served at this path."""
    headers = {"content-type": "text/plain; charset=utf-8"}
    return Response(404, headers, b"404 page not found\n")


def _details(kind: SimKind, name: str, what: str = "") -> Json:
    details: Json = {"name": name} if name else {}
    details |= {"group": kind.group} if kind.group else {}
    return details | {"kind": what or kind.resource}


def _cause(cause: StatusCause) -> Json:
    entry = {"reason": cause.reason, "message": cause.message, "field": cause.field}
    return {key: value for key, value in entry.items() if value}
