"""What is done about an error: seven strategies as data, carried out by ``runner.py``.

A strategy lists actions of the engine, in order; the heavier ones are added only when the lighter
ones did not help.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from tmcconsole.tmc.errors import ErrorType, Failure


class RecoveryActions(Protocol):
    """What the engine can do. Each action returns when it is done and raises if it failed.

    ``subject`` is resource/namespace/name, a kind, or "" for the whole target.
    """

    async def rebuild_client(self, target: str, subject: str) -> None:
        """Close the connections to a cluster and open new ones."""
        ...

    async def reload_credentials(self, target: str, subject: str) -> None:
        """Read the kubeconfig and its credentials again."""
        ...

    async def relist(self, target: str, subject: str) -> None:
        """List the subject's kind again, or every kind."""
        ...

    async def rediscover(self, target: str, subject: str) -> None:
        """Ask the cluster again which kinds it serves."""
        ...

    async def replace(self, target: str, subject: str) -> None:
        """Decide again which targets the subject belongs on."""
        ...

    async def reapply(self, target: str, subject: str) -> None:
        """Read the subject again and write it."""
        ...

    async def probe(self, target: str, subject: str) -> None:
        """Request the cluster's version, as a sign of life."""
        ...


class RecoveryAction(StrEnum):
    """The name of a method of ``RecoveryActions``."""

    REBUILD_CLIENT = "rebuild_client"
    RELOAD_CREDENTIALS = "reload_credentials"
    RELIST = "relist"
    REDISCOVER = "rediscover"
    REPLACE = "replace"
    REAPPLY = "reapply"
    PROBE = "probe"


@dataclass(frozen=True, slots=True)
class RecoveryStep:
    """An action, and the first attempt that includes it."""

    action: RecoveryAction
    from_attempt: int = 1


@dataclass(frozen=True, slots=True)
class Strategy:
    """How to recover from some types of error."""

    name: str
    handles: frozenset[ErrorType]
    priority: int  # higher goes first
    timeout_s: float  # for all steps together
    steps: tuple[RecoveryStep, ...]
    is_for_target: bool  # acts on the whole target: one recovery for all subjects

    def actions(self, attempt: int) -> tuple[RecoveryAction, ...]:
        """Return the actions of the ``attempt``-th attempt (from 1), in order."""
        return tuple(step.action for step in self.steps if step.from_attempt <= attempt)


STRATEGIES: Final = (
    Strategy(
        name="ClusterAuth",
        handles=frozenset({ErrorType.CLUSTER_AUTHENTICATION, ErrorType.CLUSTER_CONFIGURATION}),
        priority=90,
        timeout_s=180,
        steps=(
            RecoveryStep(RecoveryAction.RELOAD_CREDENTIALS),
            RecoveryStep(RecoveryAction.REBUILD_CLIENT),
            RecoveryStep(RecoveryAction.PROBE),
        ),
        is_for_target=True,
    ),
    Strategy(
        name="Migration",
        handles=frozenset({ErrorType.MIGRATION_FAILURE, ErrorType.MIGRATION_TIMEOUT}),
        priority=85,
        timeout_s=600,
        steps=(RecoveryStep(RecoveryAction.PROBE), RecoveryStep(RecoveryAction.REPLACE)),
        is_for_target=False,
    ),
    Strategy(
        name="ClusterConnectivity",
        handles=frozenset(
            {
                ErrorType.CLUSTER_UNREACHABLE,
                ErrorType.CLUSTER_UNAVAILABLE,
                ErrorType.NETWORK_CONNECTIVITY,
            }
        ),
        priority=80,
        timeout_s=300,
        # The watches resume by themselves once connected.
        steps=(
            RecoveryStep(RecoveryAction.REBUILD_CLIENT, from_attempt=2),
            RecoveryStep(RecoveryAction.PROBE),
            RecoveryStep(RecoveryAction.REDISCOVER, from_attempt=3),
        ),
        is_for_target=True,
    ),
    Strategy(
        name="ResourceConflict",
        handles=frozenset({ErrorType.RESOURCE_CONFLICT, ErrorType.SYNC_CONFLICT}),
        priority=70,
        timeout_s=120,
        steps=(
            RecoveryStep(RecoveryAction.RELIST, from_attempt=3),
            RecoveryStep(RecoveryAction.REAPPLY),
        ),
        is_for_target=False,
    ),
    Strategy(
        name="Placement",
        handles=frozenset(
            {
                ErrorType.PLACEMENT_CONSTRAINT,
                ErrorType.PLACEMENT_CAPACITY,
                ErrorType.PLACEMENT_POLICY,
            }
        ),
        priority=60,
        timeout_s=300,
        steps=(RecoveryStep(RecoveryAction.REPLACE),),
        is_for_target=False,
    ),
    Strategy(
        name="Sync",
        handles=frozenset({ErrorType.SYNC_FAILURE, ErrorType.SYNC_TIMEOUT}),
        priority=50,
        timeout_s=240,
        steps=(
            RecoveryStep(RecoveryAction.PROBE),
            RecoveryStep(RecoveryAction.REDISCOVER, from_attempt=3),
            RecoveryStep(RecoveryAction.RELIST, from_attempt=4),
            RecoveryStep(RecoveryAction.REAPPLY),
        ),
        is_for_target=False,
    ),
    Strategy(
        name="Generic",
        handles=frozenset({ErrorType.INTERNAL_ERROR}),
        priority=10,
        timeout_s=120,
        steps=(RecoveryStep(RecoveryAction.PROBE), RecoveryStep(RecoveryAction.REAPPLY)),
        is_for_target=False,
    ),
)
_GENERIC: Final = STRATEGIES[-1]


def choose(failure: Failure) -> Strategy | None:
    """Return the strategy for a failure, the generic one if it may pass by itself, else None."""
    matching = [strategy for strategy in STRATEGIES if failure.type in strategy.handles]
    if matching:
        return max(matching, key=lambda strategy: strategy.priority)
    return _GENERIC if failure.retryable else None
