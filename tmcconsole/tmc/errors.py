"""The 24 things that can go wrong, how bad each is, and what the user can do about it.

The table is the one place for severity, retry and advice. ``classify`` (in ``classify.py``) turns
an exception into a ``Failure``; for problems it finds itself, the engine calls ``failure``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tmcconsole.contract.secret_text import cut_and_hide
from tmcconsole.contract.text import MAX_LENGTH, SafeText


class ErrorType(StrEnum):
    """Every error on a screen, in a metric or in the history has one of these types."""

    RESOURCE_NOT_FOUND = "ResourceNotFound"
    RESOURCE_CONFLICT = "ResourceConflict"
    RESOURCE_VALIDATION = "ResourceValidation"
    RESOURCE_PERMISSION = "ResourcePermission"
    CLUSTER_UNREACHABLE = "ClusterUnreachable"
    CLUSTER_UNAVAILABLE = "ClusterUnavailable"
    CLUSTER_AUTHENTICATION = "ClusterAuthentication"
    CLUSTER_CONFIGURATION = "ClusterConfiguration"
    PLACEMENT_CONSTRAINT = "PlacementConstraint"
    PLACEMENT_CAPACITY = "PlacementCapacity"
    PLACEMENT_POLICY = "PlacementPolicy"
    SYNC_FAILURE = "SyncFailure"
    SYNC_CONFLICT = "SyncConflict"
    SYNC_TIMEOUT = "SyncTimeout"
    MIGRATION_FAILURE = "MigrationFailure"
    MIGRATION_TIMEOUT = "MigrationTimeout"
    MIGRATION_ROLLBACK = "MigrationRollback"
    AGGREGATION_FAILURE = "AggregationFailure"
    AGGREGATION_CONFLICT = "AggregationConflict"
    PROJECTION_FAILURE = "ProjectionFailure"
    PROJECTION_TRANSFORM = "ProjectionTransform"
    INTERNAL_ERROR = "InternalError"
    CONFIGURATION_ERROR = "ConfigurationError"
    NETWORK_CONNECTIVITY = "NetworkConnectivity"


class Severity(StrEnum):
    """Severity, from informative to worth a page."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"
    CRITICAL = "Critical"


class Pace(StrEnum):
    """How soon retrying makes sense; ``retry_pacing.py`` has the seconds."""

    PROMPT = "Prompt"  # lost a race: read again and retry
    NORMAL = "Normal"
    SLOW = "Slow"  # somebody has to free quota, grant a permission, renew a token
    REFUSED = "Refused"  # not until the object changes


@dataclass(frozen=True, slots=True)
class Trait:
    """What applies to every error of a type."""

    severity: Severity
    retryable: bool
    hint: str  # one or two imperative clauses
    pace: Pace


@dataclass(frozen=True, slots=True)
class Failure:
    """One classified error. ``retryable``: the same attempt may succeed unchanged."""

    type: ErrorType
    severity: Severity
    retryable: bool
    message: SafeText
    hint: SafeText
    reason: SafeText  # one word, more specific than the type: QuotaExceeded, NamespaceTerminating
    pace: Pace
    retry_after_s: float | None = None  # as requested by the server


_LOW, _MEDIUM, _HIGH, _CRITICAL = Severity
_PROMPT, _NORMAL, _SLOW, _REFUSED = Pace

TRAITS: Final[dict[ErrorType, Trait]] = {
    ErrorType.RESOURCE_NOT_FOUND: Trait(
        _LOW, False, "Check that the object and its namespace still exist.", _NORMAL
    ),
    # A lost race is nobody's failure: always retried.
    ErrorType.RESOURCE_CONFLICT: Trait(
        _MEDIUM, True, "Usually passes; if not, check who else writes this object.", _PROMPT
    ),
    ErrorType.RESOURCE_VALIDATION: Trait(
        _LOW, False, "Correct the object in the hub; it is retried when it changes.", _REFUSED
    ),
    ErrorType.RESOURCE_PERMISSION: Trait(
        _HIGH, False, "Grant the verb named in the message to the account in use.", _SLOW
    ),
    ErrorType.CLUSTER_UNREACHABLE: Trait(
        _HIGH, True, "Check the API server's address, the network and firewalls.", _NORMAL
    ),
    ErrorType.CLUSTER_UNAVAILABLE: Trait(
        _MEDIUM, True, "The API server is overloaded or starting; the request is retried.", _NORMAL
    ),
    ErrorType.CLUSTER_AUTHENTICATION: Trait(
        _CRITICAL, False, "Renew the credentials in the kubeconfig; they are reloaded.", _SLOW
    ),
    ErrorType.CLUSTER_CONFIGURATION: Trait(
        _MEDIUM, False, "Correct the server address, CA or context in the kubeconfig.", _SLOW
    ),
    ErrorType.PLACEMENT_CONSTRAINT: Trait(
        _HIGH, False, "Compare the Placement's selectors with the targets' labels.", _REFUSED
    ),
    ErrorType.PLACEMENT_CAPACITY: Trait(
        _MEDIUM, False, "Add capacity or quota, or let the Placement choose more targets.", _SLOW
    ),
    ErrorType.PLACEMENT_POLICY: Trait(
        _MEDIUM, False, "Change the object or the policy that denies it.", _REFUSED
    ),
    ErrorType.SYNC_FAILURE: Trait(
        _MEDIUM, True, "It is retried; see the message if it persists.", _NORMAL
    ),
    ErrorType.SYNC_CONFLICT: Trait(
        _MEDIUM,
        False,
        "Decide who owns the named fields, and remove them from the other side.",
        _SLOW,
    ),
    ErrorType.SYNC_TIMEOUT: Trait(
        _LOW, True, "It is retried; check the API server's latency if it persists.", _NORMAL
    ),
    ErrorType.MIGRATION_FAILURE: Trait(
        _HIGH, False, "Check source, destination and dependencies; consider a rollback.", _SLOW
    ),
    ErrorType.MIGRATION_TIMEOUT: Trait(
        _MEDIUM, True, "Check that the copy becomes ready on the destination.", _NORMAL
    ),
    ErrorType.MIGRATION_ROLLBACK: Trait(
        _CRITICAL,
        False,
        "The object is back at its source; check it before another move.",
        _REFUSED,
    ),
    ErrorType.AGGREGATION_FAILURE: Trait(
        _MEDIUM, True, "Data from a target is missing; check that target.", _NORMAL
    ),
    ErrorType.AGGREGATION_CONFLICT: Trait(
        _MEDIUM, False, "The copies differ between targets; choose a merge policy.", _SLOW
    ),
    ErrorType.PROJECTION_FAILURE: Trait(
        _MEDIUM, True, "The copy could not be written; check the destination.", _NORMAL
    ),
    ErrorType.PROJECTION_TRANSFORM: Trait(
        _MEDIUM, False, "Correct the transformation; preview it with a dry run.", _REFUSED
    ),
    ErrorType.INTERNAL_ERROR: Trait(
        _CRITICAL, True, "Please report this with the log; everything else continues.", _NORMAL
    ),
    ErrorType.CONFIGURATION_ERROR: Trait(
        _MEDIUM,
        False,
        "Correct the configuration; `tmc-console config check` names the line.",
        _SLOW,
    ),
    ErrorType.NETWORK_CONNECTIVITY: Trait(
        _MEDIUM, True, "Look for a proxy or load balancer between here and the cluster.", _NORMAL
    ),
}


def failure(
    kind: ErrorType,
    message: object,
    *,
    reason: str = "",
    hint: str = "",
    severity: Severity | None = None,
    retryable: bool | None = None,
    pace: Pace | None = None,
    retry_after_s: float | None = None,
) -> Failure:
    """Return a failure of that type; defaults come from ``TRAITS``."""
    trait = TRAITS[kind]
    return Failure(
        type=kind,
        severity=severity or trait.severity,
        retryable=trait.retryable if retryable is None else retryable,
        message=SafeText(cut_and_hide(str(message), MAX_LENGTH)),
        hint=SafeText(hint or trait.hint),
        reason=SafeText(reason or kind.value),
        pace=pace or trait.pace,
        retry_after_s=retry_after_s,
    )
