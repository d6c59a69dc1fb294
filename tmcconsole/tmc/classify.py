"""From an exception to a ``Failure``: the only place that interprets an API server's errors.

Types follow the Kubernetes status codes; the phrases matched are those of kube-apiserver's
admission plugins (ResourceQuota, LimitRanger, PodSecurity, webhooks, NamespaceLifecycle).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Literal

from tmcconsole.kube.errors import (
    ApiError,
    BadAnswer,
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    ServerFailure,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from tmcconsole.runtime import TransportError
from tmcconsole.tmc.errors import ErrorType, Failure, Pace, Severity, failure

Side = Literal["hub", "target"]
_Make = Callable[[ApiError], Failure]

# Types that concern the cluster, not one object on it.
CLUSTER_WIDE: Final = frozenset(
    {
        ErrorType.CLUSTER_UNREACHABLE,
        ErrorType.CLUSTER_UNAVAILABLE,
        ErrorType.CLUSTER_AUTHENTICATION,
        ErrorType.CLUSTER_CONFIGURATION,
        ErrorType.CONFIGURATION_ERROR,
        ErrorType.NETWORK_CONNECTIVITY,
    }
)


def classify(error: BaseException, *, side: Side) -> Failure:
    """Return what any error means; never raises.

    A cluster-wide error is Critical for the hub and High for a target: without the hub, nothing
    syncs.
    """
    found = _understood(error)
    if side == "hub" and found.type in CLUSTER_WIDE and found.severity is Severity.HIGH:
        return replace(found, severity=Severity.CRITICAL)
    return found


def _understood(error: BaseException) -> Failure:
    match error:
        case Unreachable() | TransportError():
            return _unreachable(str(error), error.reason, sent=error.sent)
        case BadAnswer():
            return failure(ErrorType.NETWORK_CONNECTIVITY, error, reason="BadAnswer")
        case ApiError():
            return _by_wording(error) or _by_class(error)
        case TimeoutError():
            return failure(ErrorType.SYNC_TIMEOUT, str(error) or "timed out", reason="Timeout")
        case _:
            name = type(error).__name__
            return failure(ErrorType.INTERNAL_ERROR, f"{name}: {error}", reason=name)


def _unreachable(message: str, reason: str, *, sent: bool) -> Failure:
    if reason == "Certificate":
        hint = "Check the CA in the kubeconfig and the server certificate's names and expiry."
        return failure(
            ErrorType.CLUSTER_CONFIGURATION,
            message,
            reason=reason,
            hint=hint,
            severity=Severity.HIGH,
        )
    if reason == "Kubeconfig":
        return failure(
            ErrorType.CONFIGURATION_ERROR, message, reason=reason, severity=Severity.HIGH
        )
    if reason == "Credentials":
        return failure(ErrorType.CLUSTER_AUTHENTICATION, message, reason=reason)
    if reason == "Timeout" and sent:
        return failure(ErrorType.SYNC_TIMEOUT, message, reason=reason)
    return failure(ErrorType.CLUSTER_UNREACHABLE, message)


def _by_class(error: ApiError) -> Failure:
    for kind, make in _CLASSES:
        if isinstance(error, kind):
            return make(error)
    return failure(ErrorType.INTERNAL_ERROR, error, reason=error.reason)


def _by_wording(error: ApiError) -> Failure | None:
    """Return what the status code alone does not tell."""
    if any(cause.reason == "NamespaceTerminating" for cause in error.causes):
        return _terminating(error)
    text = str(error)
    for kinds, fragments, make in _WORDINGS:
        if isinstance(error, kinds) and any(fragment in text for fragment in fragments):
            return make(error)
    return None


def _terminating(error: ApiError) -> Failure:
    return failure(
        ErrorType.SYNC_FAILURE,
        error,
        reason="NamespaceTerminating",
        hint="Wait until the namespace is gone; it is then recreated.",
    )


def _kind_leaving(error: ApiError) -> Failure:
    return failure(
        ErrorType.SYNC_FAILURE,
        error,
        reason="KindTerminating",
        hint="Wait until the CRD is gone or back; the object is then retried.",
    )


def _over_quota(error: ApiError) -> Failure:
    return failure(
        ErrorType.PLACEMENT_CAPACITY,
        error,
        reason="QuotaExceeded",
        retryable=True,
        hint="Raise the quota named in the message, or free some of it.",
    )


def _over_limit(error: ApiError) -> Failure:
    return failure(
        ErrorType.PLACEMENT_CAPACITY,
        error,
        reason="LimitRangeExceeded",
        retryable=True,
        hint="Change the LimitRange on the target, or the requests of the object.",
    )


def _denied(error: ApiError) -> Failure:
    return failure(
        ErrorType.RESOURCE_VALIDATION,
        error,
        reason="AdmissionDenied",
        hint="A policy on the cluster denies it: change the object or the policy named.",
    )


def _webhook_failed(error: ApiError) -> Failure:
    return failure(
        ErrorType.SYNC_FAILURE,
        error,
        reason="WebhookFailed",
        hint="Check the admission webhook named in the message on that cluster.",
    )


def _too_large(error: ApiError) -> Failure:
    return failure(
        ErrorType.RESOURCE_VALIDATION,
        error,
        reason="TooLarge",
        hint="Make the object smaller (about 1.5 MB in all); split it if it is data.",
    )


def _no_room(error: ApiError) -> Failure:
    return failure(
        ErrorType.RESOURCE_VALIDATION,
        error,
        reason="TooLarge",
        hint="Make its annotations smaller: all together may have 262,144 bytes, and those of the "
        "sync need up to a thousand of them.",
    )


def _immutable(error: ApiError) -> Failure:
    return failure(
        ErrorType.RESOURCE_VALIDATION,
        error,
        reason="ImmutableField",
        hint="Undo the change in the hub, or delete and recreate the object.",
    )


def _stands_twice(error: ApiError) -> Failure:
    return failure(
        ErrorType.RESOURCE_VALIDATION,
        error,
        reason="DuplicateEntries",
        hint="Leave one of the entries with the same key in the hub: an apply cannot carry both.",
    )


def _not_found(error: ApiError) -> Failure:
    if str(error).startswith('namespaces "'):  # created before the next attempt
        return failure(
            ErrorType.RESOURCE_NOT_FOUND, error, reason="NamespaceMissing", retryable=True
        )
    if isinstance(error, NotFound) and error.is_kind:
        return failure(
            ErrorType.RESOURCE_NOT_FOUND,
            error,
            reason="KindNotServed",
            hint="Install the CRD on the cluster, or stop syncing the kind.",
            pace=Pace.SLOW,
        )
    return failure(ErrorType.RESOURCE_NOT_FOUND, error)


def _conflict(error: ApiError) -> Failure:
    fields = [cause for cause in error.causes if cause.reason == "FieldManagerConflict"]
    if not fields:
        return failure(ErrorType.RESOURCE_CONFLICT, error, reason=error.reason)
    owned = "; ".join(sorted(f"{cause.field}: {cause.message}" for cause in fields))
    return failure(ErrorType.SYNC_CONFLICT, owned, reason="FieldConflict")


def _server_failure(error: ApiError) -> Failure:
    if error.code == 503 or error.reason == "ServerTimeout":
        return _unavailable(error)
    if error.code == 504:
        return failure(ErrorType.SYNC_TIMEOUT, error, reason="Timeout")
    # The cluster's fault, not ours: Critical is reserved for errors in this program.
    return failure(
        ErrorType.INTERNAL_ERROR,
        error,
        reason=error.reason,
        severity=Severity.MEDIUM,
        hint="See the API server's log; the request is retried.",
    )


def _unavailable(error: ApiError) -> Failure:
    return failure(
        ErrorType.CLUSTER_UNAVAILABLE,
        error,
        reason=error.reason,
        retry_after_s=error.retry_after_s,
    )


def _bad_request(error: ApiError) -> Failure:
    if error.code == 408:
        return failure(ErrorType.SYNC_TIMEOUT, error, reason="Timeout")
    return failure(ErrorType.RESOURCE_VALIDATION, error, reason=error.reason)


def _expired(error: ApiError) -> Failure:
    return failure(ErrorType.SYNC_FAILURE, error, reason="Expired")


def _of(kind: ErrorType) -> Callable[[ApiError], Failure]:
    return lambda error: failure(kind, error, reason=error.reason)


_WORDINGS: Final[
    tuple[tuple[type[ApiError] | tuple[type[ApiError], ...], tuple[str, ...], _Make], ...]
] = (
    ((Forbidden, Conflict), ("because it is being terminated",), _terminating),
    (Forbidden, ("while custom resource definition is terminating",), _kind_leaving),
    (Forbidden, ("exceeded quota",), _over_quota),
    (Forbidden, (" usage per ", "limit to request ratio"), _over_limit),
    (Forbidden, ("violates PodSecurity",), _denied),
    ((Forbidden, BadRequest, Invalid), ("denied the request", "denied request"), _denied),
    (ServerFailure, ("failed calling webhook",), _webhook_failed),
    (ServerFailure, ("request is too large", "larger than max"), _too_large),
    (Invalid, ("Too long: may not be more than 262144", "must have at most 262144"), _no_room),
    (Invalid, ("duplicate entries for ",), _stands_twice),
    (Invalid, ("field is immutable", "updates to statefulset spec for fields"), _immutable),
)

# Subclasses before their parents: the first match wins.
_CLASSES: Final[tuple[tuple[type[ApiError], _Make], ...]] = (
    (Unauthorized, _of(ErrorType.CLUSTER_AUTHENTICATION)),
    (Forbidden, _of(ErrorType.RESOURCE_PERMISSION)),
    (NotFound, _not_found),
    (Conflict, _conflict),
    (Gone, _expired),
    (TooLarge, _too_large),
    (Invalid, _of(ErrorType.RESOURCE_VALIDATION)),
    (TooManyRequests, _unavailable),
    (ServerFailure, _server_failure),
    (BadRequest, _bad_request),
)
