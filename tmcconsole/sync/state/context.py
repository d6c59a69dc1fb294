"""The two sides of syncing, as the reconcilers see them: one hub, and one target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tmcconsole.config.settings import StatusRule, SyncSettings
from tmcconsole.config.transforms import Transform
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Runtime
from tmcconsole.sync.assignment.duties import Duties
from tmcconsole.sync.assignment.selection import ANY, Selection, selected
from tmcconsole.sync.policy import Policy, Refusal, Tenant
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.hub import Hub
from tmcconsole.sync.state.reference_index import ReferenceIndex
from tmcconsole.sync.state.target import Target
from tmcconsole.tmc.history.audit import AuditLog
from tmcconsole.tmc.history.history import History


@dataclass(slots=True)
class SyncContext:
    """What all reconcilers share."""

    runtime: Runtime
    settings: SyncSettings
    policy: Policy
    hub: Hub
    history: History
    audit: AuditLog
    has_decided: Callable[[], bool]  # Placements have been read and decided since the start
    # Of a hub namespace: the target keys among which a Placement divides replicas, else None.
    divided_among: Callable[[str], tuple[str, ...] | None]
    # Of a hub namespace and a target key: the transforms of Placements, then those of the config;
    # None where no Placement sends it there any more, although one did.
    transforms: Callable[[str, str], tuple[Transform, ...] | None]
    # Of a hub namespace: the conflict policy its Placement asks for, and whose; "" without one.
    conflict_policy: Callable[[str], tuple[str, str]]
    # Keys of all targets that any Placement chose, None where one cannot be read.
    placed_keys: Callable[[], frozenset[str] | None]
    # Of a hub namespace and a target key: WHOLE or REFERENCED, "" where it is not known (any more).
    takes: Callable[[str, str], str]
    referred: ReferenceIndex
    duties: Duties = field(default_factory=Duties)  # which part of the work is this replica's
    is_ready: Callable[[str], bool] = lambda _key: True  # the hub calls a target ready
    # By target key. A target that loses its connection stays, with the caches it had: last known
    # is not the same as gone.
    targets: dict[str, Target] = field(default_factory=dict)
    selections: dict[str, Selection] = field(default_factory=dict)  # by key, of configured targets
    # Keys of configured targets not connected since the start: no status is written in the hub
    # from the others alone until they are, or until the heartbeat timeout.
    awaited: set[str] = field(default_factory=set)
    # What Placements say of merging statuses in a hub namespace; it stands above the config.
    status_rules: Callable[[str], tuple[StatusRule, ...]] = lambda _namespace: ()
    # Of hub objects whose status could not be merged as the rules say: which rule, and why not.
    unmerged: dict[Item, SafeText] = field(default_factory=dict)

    def unselected(self, tree: Json, key: str) -> Refusal | None:
        """Return why an object is not for a target at all, None where it is."""
        return selected(tree, self.selections.get(key, ANY))

    def tenant(self, target: Target, namespace: str) -> Tenant:
        """Return on whose behalf objects of a hub namespace are written on a target."""
        there = target.names.on_target(namespace) if namespace else ""
        return self.policy.tenant(namespace, target.name, there)
