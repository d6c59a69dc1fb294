"""What can go wrong with one API server.

    KubeError
    ├── Unreachable            no HTTP answer; ``sent`` says whether a write may have happened
    ├── BadAnswer              an answer that is not the API's: HTML, truncated or wrong JSON
    └── ApiError               a Status: code, reason, message, causes
        ├── Unauthorized 401   ├── Forbidden 403       ├── NotFound 404
        ├── Conflict 409       │   └── AlreadyExists   ├── Gone 410 (expired)
        ├── TooLarge 413       ├── Invalid 422         ├── TooManyRequests 429
        ├── BadRequest 400     └── ServerFailure 5xx

An error is never an absence: only ``NotFound`` for one named object, from a live read, is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tmcconsole.contract.secret_text import cut_and_hide
from tmcconsole.contract.text import MAX_LENGTH, SafeText
from tmcconsole.runtime import Response

MAX_RETRY_AFTER_S: Final = 60.0  # whoever answers, a gateway too: no longer is waited for that


class KubeError(Exception):
    """Any failed request to an API server. Its text is inert, and has no secrets: servers quote
    what they refuse.
    """

    reason: str = "Unknown"
    retry_after_s: float | None = None

    def __init__(self, message: str = "") -> None:
        super().__init__(_said(message))


class Unreachable(KubeError):
    """No HTTP response. ``reason``: Unreachable, Timeout, Certificate, Credentials or Moved."""

    def __init__(self, message: str, *, sent: bool, reason: str = "Unreachable") -> None:
        super().__init__(message)
        self.sent = sent  # False only if the request certainly never arrived
        self.reason = reason


class BadAnswer(KubeError):
    """A response that is not from a Kubernetes API, or is garbled."""

    reason = "BadAnswer"


def _said(text: str) -> SafeText:
    return SafeText(cut_and_hide(text, MAX_LENGTH))


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause in a Status: for a conflict, the field and the manager that owns it."""

    reason: SafeText
    message: SafeText
    field: SafeText


class ApiError(KubeError):
    """The API server answered with a Status that is not Success."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        causes: tuple[Cause, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = SafeText(reason)
        self.causes = causes
        self.retry_after_s = retry_after_s


class BadRequest(ApiError):
    """400, and any other 4xx without its own class: our request is wrong."""


class Unauthorized(ApiError):
    """401: the credentials are missing, expired or unknown."""


class Forbidden(ApiError):
    """403: authenticated, but not allowed (or over quota, or the namespace is terminating)."""


class NotFound(ApiError):
    """404: the object, or the whole kind, does not exist. ``is_kind`` tells which."""

    is_kind: bool = False


class Conflict(ApiError):
    """409: a precondition failed, or other managers own the fields in ``causes``."""


class AlreadyExists(Conflict):
    """409 on a create: the name is taken."""


class Gone(ApiError):
    """410: the resourceVersion or the continue token is too old."""


class TooLarge(ApiError):
    """413: the object is larger than the server accepts."""


class Invalid(ApiError):
    """422, or 500 for an entry stated twice: the object will never be accepted as it is."""


class TooManyRequests(ApiError):
    """429: retry after ``retry_after_s``."""


class ServerFailure(ApiError):
    """5xx: the server's fault. A write may have happened (504)."""


_BY_CODE: Final[dict[int, type[ApiError]]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: TooLarge,
    422: Invalid,
    429: TooManyRequests,
}


# For these it does not matter who answers: credentials not accepted, too large, too often.
NOT_SERVED: Final = "404 page not found"
_UNDERSTOOD: Final = frozenset({401, 413, 429})
# kube-apiserver answers 500 for an apply that states an entry of a list twice: a fault of the
# object, which no retry mends.
_TWICE: Final = ("failed to create typed patch object", "duplicate entries for ")


def error_from(response: Response) -> KubeError:
    """Return the error in a response other than 2xx."""
    status = _status_of(response)
    if status is None:
        return _without_status(response)
    details = status.get("details") or {}
    if not isinstance(details, dict):
        return BadAnswer(f"HTTP {response.status} with a malformed Status: its details are no map")
    retry_after = _retry_after(response, details)
    reason = str(status.get("reason") or response.status)
    message = str(status.get("message") or reason)
    is_twice = response.status == 500 and all(said in message for said in _TWICE)
    kind = Invalid if is_twice else _class_for(response.status, reason)
    error = kind(response.status, reason, message, _causes(details), retry_after)
    if isinstance(error, NotFound):
        error.is_kind = not details.get("name")
    return error


def error_from_status(status: dict[str, Any]) -> KubeError:
    """Return the error in an ERROR watch event's Status object."""
    code = status.get("code") or 500
    if not isinstance(code, int) or not 400 <= code <= 599:
        return BadAnswer(f"an ERROR event whose Status has no error's code: {str(code)[:80]}")
    return error_from(Response(code, {"content-type": "application/json"}, orjson.dumps(status)))


def _class_for(code: int, reason: str) -> type[ApiError]:
    if reason == "AlreadyExists":
        return AlreadyExists
    if reason == "Expired":
        return Gone
    if code >= 500:
        return ServerFailure
    return _BY_CODE.get(code, BadRequest)


def _status_of(response: Response) -> dict[str, Any] | None:
    if response.content_type != "application/json":
        return None
    try:
        document = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return None
    is_status = isinstance(document, dict) and document.get("kind") == "Status"
    return document if is_status else None


def _without_status(response: Response) -> KubeError:
    """A response without a Status, as something in between gives: it says nothing of objects.

    An API server's own page for what it does not serve is an exception; discovery decides.
    """
    text = response.body[:200].decode("utf-8", "replace").strip()
    message = f"HTTP {response.status} {response.content_type or 'without a type'}: {text}"
    is_own = (response.content_type, text) == ("text/plain", NOT_SERVED)
    if response.status < 500 and response.status not in _UNDERSTOOD and not is_own:
        return BadAnswer(SafeText(message))
    kind = _class_for(response.status, "")
    error = kind(response.status, str(response.status), message, (), _retry_after(response, {}))
    if isinstance(error, NotFound):
        error.is_kind = True
    return error


def _retry_after(response: Response, details: dict[str, Any]) -> float | None:
    value = response.headers.get("retry-after") or details.get("retryAfterSeconds")
    try:
        seconds = float(value) if value else math.nan
    except (TypeError, ValueError, OverflowError):
        return None  # a date, or nonsense
    return None if math.isnan(seconds) else min(max(0.0, seconds), MAX_RETRY_AFTER_S)


def _causes(details: dict[str, Any]) -> tuple[Cause, ...]:
    causes = details.get("causes")
    if not isinstance(causes, list):
        return ()
    return tuple(
        Cause(
            SafeText(cause.get("reason", "")),
            _said(str(cause.get("message", ""))),
            SafeText(cause.get("field", "")),
        )
        for cause in causes
        if isinstance(cause, dict)
    )
