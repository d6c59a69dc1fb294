"""What an API server's answer means: type, severity, pace, reason."""

import pytest

from tmcconsole.contract.text import SafeText
from tmcconsole.kube import errors as kube
from tmcconsole.runtime import TransportError
from tmcconsole.tmc.classify import classify
from tmcconsole.tmc.errors import TRAITS, ErrorType, Pace, Severity, failure


def api_error(
    kind: type[kube.ApiError], code: int, message: str, *, reason: str = "", **more: object
) -> kube.ApiError:
    return kind(code, reason or kind.__name__, message, **more)  # type: ignore[arg-type] # test data


QUOTA = 'pods "web-1" is forbidden: exceeded quota: small, used: pods=2, limited: pods=2'
LIMIT = 'pods "web-1" is forbidden: maximum cpu usage per Container is 100m, but limit is 2'
SECURITY = 'pods "web-1" is forbidden: violates PodSecurity "baseline:latest": host namespaces'
KIND_LEAVES = (
    'widgets.example.com "one" is forbidden: create not allowed while custom resource definition'
    " is terminating"
)
TERMINATING = (
    'configmaps "a" is forbidden: unable to create new content in namespace shop '
    "because it is being terminated"
)
WEBHOOK = 'Internal error occurred: failed calling webhook "v.io": context deadline exceeded'
DENIED = 'admission webhook "policy.io" denied the request: no latest tags'
TWICE = "failed to create typed patch object: .spec.ports: duplicate entries for key [port=53]"
ETCD = "etcdserver: request is too large"

TABLE = [
    (kube.Unreachable("refused", sent=False), "ClusterUnreachable", "ClusterUnreachable", "Normal"),
    (
        kube.Unreachable("no answer", sent=False, reason="Timeout"),
        "ClusterUnreachable",
        "ClusterUnreachable",
        "Normal",
    ),
    (kube.Unreachable("late", sent=True, reason="Timeout"), "SyncTimeout", "Timeout", "Normal"),
    (
        kube.Unreachable("expired", sent=False, reason="Certificate"),
        "ClusterConfiguration",
        "Certificate",
        "Slow",
    ),
    (
        TransportError("no kubeconfig", sent=False, reason="Kubeconfig"),
        "ConfigurationError",
        "Kubeconfig",
        "Slow",
    ),
    (
        TransportError("expired", sent=False, reason="Credentials"),
        "ClusterAuthentication",
        "Credentials",
        "Slow",
    ),
    (kube.BadAnswer("<html>"), "NetworkConnectivity", "BadAnswer", "Normal"),
    (api_error(kube.Unauthorized, 401, "no"), "ClusterAuthentication", "Unauthorized", "Slow"),
    (api_error(kube.Forbidden, 403, "cannot patch"), "ResourcePermission", "Forbidden", "Slow"),
    (api_error(kube.Forbidden, 403, QUOTA), "PlacementCapacity", "QuotaExceeded", "Slow"),
    (api_error(kube.Forbidden, 403, LIMIT), "PlacementCapacity", "LimitRangeExceeded", "Slow"),
    (api_error(kube.Forbidden, 403, SECURITY), "ResourceValidation", "AdmissionDenied", "Refused"),
    (api_error(kube.BadRequest, 400, DENIED), "ResourceValidation", "AdmissionDenied", "Refused"),
    (api_error(kube.Forbidden, 403, TERMINATING), "SyncFailure", "NamespaceTerminating", "Normal"),
    (api_error(kube.Conflict, 409, TERMINATING), "SyncFailure", "NamespaceTerminating", "Normal"),
    (api_error(kube.Forbidden, 403, KIND_LEAVES), "SyncFailure", "KindTerminating", "Normal"),
    (api_error(kube.NotFound, 404, 'pods "a" not found'), "ResourceNotFound", None, "Normal"),
    (
        api_error(kube.NotFound, 404, 'namespaces "a" not found'),
        "ResourceNotFound",
        "NamespaceMissing",
        "Normal",
    ),
    (api_error(kube.Conflict, 409, "modified"), "ResourceConflict", "Conflict", "Prompt"),
    (api_error(kube.AlreadyExists, 409, "exists"), "ResourceConflict", "AlreadyExists", "Prompt"),
    (api_error(kube.Gone, 410, "too old"), "SyncFailure", "Expired", "Normal"),
    (api_error(kube.TooLarge, 413, "too big"), "ResourceValidation", "TooLarge", "Refused"),
    (api_error(kube.ServerFailure, 500, ETCD), "ResourceValidation", "TooLarge", "Refused"),
    (api_error(kube.Invalid, 422, "bad spec"), "ResourceValidation", "Invalid", "Refused"),
    (api_error(kube.Invalid, 500, TWICE), "ResourceValidation", "DuplicateEntries", "Refused"),
    (
        api_error(kube.Invalid, 422, "spec.selector: field is immutable"),
        "ResourceValidation",
        "ImmutableField",
        "Refused",
    ),
    (api_error(kube.TooManyRequests, 429, "slow down"), "ClusterUnavailable", None, "Normal"),
    (api_error(kube.ServerFailure, 503, "starting"), "ClusterUnavailable", None, "Normal"),
    (api_error(kube.ServerFailure, 504, "late"), "SyncTimeout", "Timeout", "Normal"),
    (
        api_error(kube.ServerFailure, 500, "wait", reason="ServerTimeout"),
        "ClusterUnavailable",
        "ServerTimeout",
        "Normal",
    ),
    (api_error(kube.ServerFailure, 500, WEBHOOK), "SyncFailure", "WebhookFailed", "Normal"),
    (api_error(kube.ServerFailure, 500, "boom"), "InternalError", None, "Normal"),
    (api_error(kube.BadRequest, 408, "late"), "SyncTimeout", "Timeout", "Normal"),
    (api_error(kube.BadRequest, 415, "protobuf?"), "ResourceValidation", "BadRequest", "Refused"),
    (TimeoutError(), "SyncTimeout", "Timeout", "Normal"),
    (KeyError("spec"), "InternalError", "KeyError", "Normal"),
]


@pytest.mark.parametrize(("error", "kind", "reason", "pace"), TABLE)
def test_every_answer_has_its_type_reason_and_pace(
    error: BaseException, kind: str, reason: str | None, pace: str
) -> None:
    found = classify(error, side="target")

    assert (found.type, found.pace) == (kind, pace)
    assert reason is None or found.reason == reason
    assert found.hint


def test_every_type_has_traits_and_a_hint() -> None:
    assert set(TRAITS) == set(ErrorType)
    assert len(ErrorType) == 24
    assert all(trait.hint.endswith(".") for trait in TRAITS.values())


def test_what_only_a_change_can_mend_is_never_retryable() -> None:
    refused = [t for t in TRAITS.values() if t.pace is Pace.REFUSED]

    assert refused
    assert not any(trait.retryable for trait in refused)


@pytest.mark.parametrize("kind", [ErrorType.RESOURCE_CONFLICT, ErrorType.SYNC_FAILURE])
def test_conflicts_and_sync_failures_are_retryable(kind: ErrorType) -> None:
    assert failure(kind, "x").retryable


def test_quota_is_retried_although_capacity_as_such_is_not() -> None:
    assert classify(api_error(kube.Forbidden, 403, QUOTA), side="target").retryable
    assert not failure(ErrorType.PLACEMENT_CAPACITY, "full").retryable


def test_a_missing_kind_is_told_from_a_missing_object() -> None:
    error = kube.NotFound(404, "NotFound", "the server could not find the requested resource")
    error.is_kind = True

    found = classify(error, side="target")

    assert (found.reason, found.pace) == ("KindNotServed", Pace.SLOW)


def test_a_field_conflict_names_managers_and_fields() -> None:
    cause = kube.Cause(
        *map(SafeText, ("FieldManagerConflict", 'conflict with "kubectl"', ".spec.replicas"))
    )
    error = kube.Conflict(409, "Conflict", "Apply failed with 1 conflict", (cause,))

    found = classify(error, side="target")

    assert found.type is ErrorType.SYNC_CONFLICT
    assert found.message == '.spec.replicas: conflict with "kubectl"'
    assert not found.retryable


def test_a_lost_hub_is_worse_than_a_lost_target() -> None:
    lost = kube.Unreachable("refused", sent=False)

    assert classify(lost, side="target").severity is Severity.HIGH
    assert classify(lost, side="hub").severity is Severity.CRITICAL


def test_a_clusters_own_500_is_not_called_critical() -> None:
    boom = api_error(kube.ServerFailure, 500, "boom")

    assert classify(boom, side="target").severity is Severity.MEDIUM
    assert classify(ZeroDivisionError(), side="target").severity is Severity.CRITICAL


def test_retry_after_is_kept() -> None:
    busy = api_error(kube.TooManyRequests, 429, "busy", retry_after_s=7.0)

    assert classify(busy, side="target").retry_after_s == 7.0


def test_messages_are_inert_text() -> None:
    found = classify(ValueError("\x1b[31m red"), side="target")

    assert "\x1b" not in found.message
