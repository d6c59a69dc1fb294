"""The two sides of syncing, as the reconcilers see them: one hub, and one target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tmcconsole.config.settings import StatusRule, SyncSettings
from tmcconsole.config.transforms import Transform
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Runtime
from tmcconsole.sync.assignment.duties import Duties
from tmcconsole.sync.assignment.selection import ANY, Selection, selected
from tmcconsole.sync.names.silent_target import SilentTarget
from tmcconsole.sync.policy import Policy, Refusal, Tenant
from tmcconsole.sync.queue.workqueue import Item, WorkQueue
from tmcconsole.sync.state.hub import Hub
from tmcconsole.sync.state.reference_index import ReferenceIndex
from tmcconsole.sync.state.stays import Stays
from tmcconsole.sync.state.target import Target
from tmcconsole.tmc.history.audit import AuditLog
from tmcconsole.tmc.history.history import History


class Placements(Protocol):
    """What the hub's Placements mean for a hub namespace; ``placement`` decides it."""

    has_decided: bool  # they have been read and decided since the start

    def divided_among(self, namespace: str) -> tuple[str, ...] | None:
        """Return the target keys among which a Placement divides replicas, else None."""

    def transforms(self, namespace: str, key: str) -> tuple[Transform, ...] | None:
        """Return the transforms for target ``key``: of Placements, then of the config.

        None if no Placement sends the namespace there any more, although one did.
        """

    def conflict_policy(self, namespace: str) -> tuple[str, str]:
        """Return the conflict policy a Placement sets, and its name; "" without one."""

    def placed_keys(self) -> frozenset[str] | None:
        """Return the keys of all targets that any Placement chose, None if one cannot be read."""

    def takes(self, namespace: str, key: str) -> str:
        """Return what goes to target ``key``: WHOLE, REFERENCED, or "" if unknown."""

    def emptied(self, key: str) -> str:
        """Return who ordered that target ``key`` be emptied whatever is lost, "" for nobody."""

    def status_rules(self, namespace: str) -> tuple[StatusRule, ...]:
        """Return how statuses are merged there; this overrides the config."""


@dataclass(slots=True)
class SyncContext:
    """What all reconcilers share."""

    runtime: Runtime
    settings: SyncSettings
    policy: Policy
    hub: Hub
    history: History
    audit: AuditLog
    placements: Placements
    referred: ReferenceIndex
    duties: Duties = field(default_factory=Duties)  # which part of the work is this replica's
    ready: frozenset[str] | None = None  # keys of targets that the hub considers ready; None: all
    # By target key. A target that loses its connection stays, with its caches: the last known state
    # is not the same as gone.
    targets: dict[str, Target] = field(default_factory=dict)
    selections: dict[str, Selection] = field(default_factory=dict)  # by key, of configured targets
    # Keys of configured targets not connected since the start: no status is written in the hub from
    # the others alone until they are, or until the heartbeat timeout.
    awaited: set[str] = field(default_factory=set)
    # By key: targets whose heartbeats are lost, according to the hub. What they reported is old.
    silent: Mapping[str, SilentTarget] = field(default_factory=dict)
    # Hub objects whose status could not be merged as the rules say: which rule, and why not.
    unmerged: dict[Item, SafeText] = field(default_factory=dict)
    stays: Stays = field(init=False)  # copies that are to leave and may not yet

    def __post_init__(self) -> None:
        self.stays = Stays(WorkQueue(self.runtime.now))

    def is_ready(self, key: str) -> bool:
        """True if the hub considers a target ready, or nobody else could report for it."""
        return self.ready is None or key in self.ready

    def unselected(self, tree: Json, key: str) -> Refusal | None:
        """Return why an object is not for a target at all, None if it is."""
        return selected(tree, self.selections.get(key, ANY))

    def tenant(self, target: Target, namespace: str) -> Tenant:
        """Return the tenant for objects of a hub namespace on a target."""
        there = target.names.on_target(namespace) if namespace else ""
        return self.policy.tenant(namespace, target.name, there)
