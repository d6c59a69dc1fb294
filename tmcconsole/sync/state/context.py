"""The two sides of syncing, as the reconcilers see them: one hub, and one target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tmcconsole.config.settings import StatusRule, SyncSettings
from tmcconsole.config.transforms import Transform
from tmcconsole.contract.records import Pause, SyncState
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.reader import Reader
from tmcconsole.kube.objects import CachedObject, Json, Kind, ObjectKey
from tmcconsole.runtime import Runtime
from tmcconsole.sync.assignment.duties import Duties
from tmcconsole.sync.assignment.selection import ANY, Selection, selected
from tmcconsole.sync.names.identity import TargetIdentity
from tmcconsole.sync.names.renames import name_in_hub, name_on_target
from tmcconsole.sync.policy import Policy, Refusal, Tenant
from tmcconsole.sync.policy.mass_delete_brake import Brake
from tmcconsole.sync.policy.target_writer import Door
from tmcconsole.sync.queue.concurrency_limit import Flow
from tmcconsole.sync.queue.workqueue import Item, WorkQueue
from tmcconsole.sync.state.dependents import Waiting
from tmcconsole.sync.state.desired_cache import Wishes
from tmcconsole.sync.state.ledger import Ledger
from tmcconsole.sync.state.namespace_names import NamespaceNames
from tmcconsole.sync.state.reference_index import Referred
from tmcconsole.tmc.history.audit import AuditLog
from tmcconsole.tmc.history.history import History


@dataclass(slots=True)
class Watched:
    """A kind on one side, with the cache of its objects."""

    kind: Kind
    informer: Informer


@dataclass(slots=True)
class Hub:
    """Where desired state is written. One informer per kind, shared by all targets."""

    client: Client
    flow: Flow
    cluster: str  # logical cluster name on kcp, UID of kube-system elsewhere
    flavour: str  # kcp | kubernetes
    namespaces: Informer
    queue: WorkQueue  # objects whose assignment is to be looked at
    statuses: WorkQueue  # objects whose status is to be written
    kinds: dict[str, Watched] = field(default_factory=dict)  # by Kind.id
    ending: frozenset[str] = frozenset()  # ids of kinds being deleted with all their objects

    def cached(self, kind: str, key: ObjectKey) -> CachedObject | None:
        """Return the hub object from the cache."""
        watched = self.kinds.get(kind)
        return watched.informer.get(key) if watched else None


@dataclass(slots=True)
class Target:
    """One physical cluster, connected once at least."""

    identity: TargetIdentity
    client: Reader  # what changes something goes through the door
    door: Door
    flow: Flow
    namespaces: Informer  # all of the cluster's, to tell ours from foreign ones
    names: NamespaceNames
    queue: WorkQueue  # hub keys, in lanes by kind
    ledger: Ledger
    brake: Brake
    pause: Callable[[], Pause | None]
    draining: Callable[[], bool]  # spec.evictAfter has passed: an operator's own wish
    labels: Callable[[], tuple[tuple[str, str], ...]]  # of the SyncTarget, sorted, ours left out
    deletes_allowed_until: Callable[[], float]  # Unix seconds; an operator releases the brake
    kinds: dict[str, Watched] = field(default_factory=dict)  # by Kind.id
    waiting: Waiting = field(default_factory=Waiting)
    wishes: Wishes = field(default_factory=Wishes)
    is_connected: Callable[[], bool] = lambda: True  # it answers; what waits for it moves on
    leaving: set[str] = field(default_factory=set)  # namespaces under removal: nothing goes there

    @property
    def name(self) -> str:
        """The SyncTarget's name."""
        return self.identity.name

    @property
    def key(self) -> str:
        """The SyncTarget's key."""
        return self.identity.key

    def copy_key(self, kind: str, key: ObjectKey) -> ObjectKey:
        """Return where the copy of hub object ``key`` lives."""
        name = name_on_target(kind, key.name) if self.names.of_workspace else key.name
        return ObjectKey(self.names.on_target(key.namespace), name)

    def hub_key(self, kind: str, key: ObjectKey) -> ObjectKey | None:
        """Return which hub object a copy is of; None where its namespace stands for none."""
        namespace = self.names.in_hub(key.namespace)
        if namespace is None:
            return None
        name = name_in_hub(kind, key.name) if self.names.of_workspace else key.name
        return ObjectKey(namespace, name)

    def copy_of(self, kind: str, key: ObjectKey) -> CachedObject | None:
        """Return the cached copy of hub object ``key``."""
        watched = self.kinds.get(kind)
        return watched.informer.get(self.copy_key(kind, key)) if watched else None

    def look_again(self) -> None:
        """Queue every object that is not in sync: what held it may hold it no longer."""
        for kind, key, entry in list(self.ledger.entries()):
            if entry.standing.state is not SyncState.IN_SYNC:
                self.queue.add(kind, key, backlog=True)

    def look_at_all(self) -> None:
        """Queue every object: what the wishes depend on changed. What is settled costs little."""
        for kind in sorted(self.kinds):
            self.look_at_known(kind)

    def look_at_known(self, kind: str) -> None:
        """Queue what is remembered of a kind: what vanished unwatched leaves no event."""
        for key in self.ledger.keys(kind):
            self.queue.add(kind, key, backlog=True)


@dataclass(slots=True)
class World:
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
    referred: Referred
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
