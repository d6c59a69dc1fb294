"""What the board holds: one frozen record for everything a user can look at.

Times are Unix seconds on the engine's wall clock; the viewer computes ages. Every string that came
from a cluster is ``SafeText``. A record is identified by ``(kind tag, key)`` and replaced as a
whole; an equal record is not a change.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from tmcconsole.contract.text import SafeText


class Health(StrEnum):
    """Four statuses, worst-of upward: Unhealthy > Degraded > Unknown > Healthy."""

    HEALTHY = "Healthy"
    DEGRADED = "Degraded"
    UNHEALTHY = "Unhealthy"
    UNKNOWN = "Unknown"


class TargetState(StrEnum):
    """What the engine is doing with one SyncTarget."""

    CONNECTING = "Connecting"
    SYNCING = "Syncing"
    STANDBY = "Standby"  # connected and watching; another replica writes, or no replica may now
    UNREACHABLE = "Unreachable"
    UNAUTHORIZED = "Unauthorized"
    REFUSED = "Refused"  # another cluster behind the same name, or a config error; see reason
    STOPPED = "Stopped"


class KindState(StrEnum):
    """The state of one kind on one target."""

    PENDING = "Pending"  # not checked yet, or waiting for its definition
    ACCEPTED = "Accepted"  # synced
    INCOMPATIBLE = "Incompatible"  # the target would reject or drop what the hub accepts
    REFUSED = "Refused"  # denied by policy or config
    UNAUTHORIZED = "Unauthorized"  # synced as far as RBAC allows; some verbs are missing
    GONE = "Gone"  # was synced, but one side no longer serves it; its copies are left alone


class SyncState(StrEnum):
    """The state of one object on one target."""

    IN_SYNC = "InSync"
    PENDING = "Pending"  # queued or being written
    DRIFTED = "Drifted"  # the copy differs, and the engine knows it
    FAILED = "Failed"  # the last attempt failed; it will be retried
    REFUSED = "Refused"  # denied by policy or the API server; waits for a change
    COLLISION = "Collision"  # a foreign object has the name; left untouched
    DELETING = "Deleting"
    HELD = "Held"  # paused, braked, or waiting for an operator
    STALE = "Stale"  # last known state of an unreachable target


class Record(msgspec.Struct, frozen=True, tag=True, kw_only=True, gc=False):
    """Base of all records."""

    @property
    def key(self) -> str:
        """Identity within the kind of record."""
        raise NotImplementedError


class Condition(msgspec.Struct, frozen=True, gc=False):
    """A Kubernetes condition, as shown."""

    type: str
    status: str  # True | False | Unknown
    reason: SafeText
    message: SafeText
    since: float


class Pause(msgspec.Struct, frozen=True, gc=False):
    """Why and until when writes to a target are paused. ``until`` 0 means until resumed."""

    until: float
    by: SafeText
    why: SafeText


class EngineRecord(Record, frozen=True):
    """The engine itself; there is one, with key ``engine``."""

    version: str
    started_at: float
    hub: SafeText  # the hub's address, or a name for it
    hub_flavour: str = ""  # kcp | kubernetes | "" while unknown
    hub_workspace: SafeText = SafeText()
    hub_connected: bool = False
    hub_reason: SafeText = SafeText()  # why not connected, or why degraded
    hub_since: float = 0.0  # when hub_connected last changed
    hub_next_try_at: float = 0.0  # when the next probe is due; 0 = connected, or not known
    placed: int = 0  # (object, target) pairs that should exist
    in_sync: int = 0
    pending: int = 0
    failed: int = 0
    held: int = 0  # on purpose, or until a person decides: pause, brake, kind not served
    stale: int = 0  # in sync when their target last answered, or never seen there; not known now
    write_attempts: int = 0  # to hub and targets since start, except heartbeats and leases
    read_only: bool = False
    replica: SafeText = SafeText()  # this engine, if replicas share the targets; "" = alone
    hub_holder: SafeText = SafeText()  # the replica that decides placements; "" = none, or alone
    notes: tuple[SafeText, ...] = ()  # e.g. the demo's kubeconfig paths

    @property
    def key(self) -> str:
        """There is only one engine."""
        return "engine"


class TargetRecord(Record, frozen=True):
    """One SyncTarget and what the engine does with it."""

    name: SafeText
    target_key: str  # kcp's SyncTarget key
    state: TargetState
    ready: bool = False
    health: Health = Health.UNKNOWN
    reason: SafeText = SafeText()  # one word, e.g. ClusterUnreachable
    message: SafeText = SafeText()  # one sentence with the remedy
    since: float = 0.0  # when ``state`` last changed
    next_try_at: float = 0.0  # when the next connection attempt is due; 0 when connected
    heartbeat_at: float = 0.0  # last heartbeat the hub accepted; 0 = never
    contact_at: float = 0.0  # last answer from the cluster; 0 = never
    conditions: tuple[Condition, ...] = ()
    labels: tuple[tuple[SafeText, SafeText], ...] = ()
    cordoned: bool = False
    evict_after: float = 0.0  # 0 = not draining
    pause: Pause | None = None
    deletes_held: int = 0  # deletions the mass-delete brake is holding back
    deletes_held_since: float = 0.0  # when the brake tripped; 0 = it has not, or not known
    kinds: int = 0  # kinds synced
    objects: int = 0  # objects that should be on this target
    in_sync: int = 0  # according to the target now: 0 while it does not respond
    pending: int = 0
    failed: int = 0
    held: int = 0  # copies in state Held, including held deletions
    stale: int = 0  # in sync when it last answered, or never seen there; not known now
    upsynced: int = 0  # objects the target owns that the hub shows
    upsync_failed: int = 0  # objects the target owns that the hub does not show, or shows outdated
    queue_depth: int = 0
    oldest_queued_at: float = 0.0
    lag_p50_ms: float = 0.0  # from seeing a hub change to writing the copy, recent window
    lag_p95_ms: float = 0.0
    concurrency: int = 0  # writes allowed in parallel now
    version: SafeText = SafeText()  # of the cluster's API server
    address: SafeText = SafeText()
    cluster_uid: SafeText = SafeText()  # UID of kube-system
    holder: SafeText = SafeText()  # the replica that syncs it; "" = none, or not shared

    @property
    def key(self) -> str:
        """The SyncTarget's name."""
        return self.name


class QueueRecord(Record, frozen=True):
    """One work queue: a target (or ``hub``) and a kind."""

    target: SafeText
    kind: SafeText  # e.g. deployments.apps
    depth: int = 0  # ready to run
    in_flight: int = 0
    delayed: int = 0  # waiting for a backoff or a deadline
    retrying: int = 0  # keys whose last attempt failed
    dead: int = 0  # keys refused, or failed so often that an operator should look
    done_total: int = 0
    failed_total: int = 0
    oldest_at: float = 0.0  # 0 when empty
    last_error: SafeText = SafeText()
    last_error_at: float = 0.0

    @property
    def key(self) -> str:
        """``target/kind``."""
        return f"{self.target}/{self.kind}"


class Cell(msgspec.Struct, frozen=True, gc=False):
    """One object on one target."""

    target: SafeText
    state: SyncState
    reason: SafeText = SafeText()
    message: SafeText = SafeText()
    since: float = 0.0
    ready: str = ""  # e.g. "2/3 ready": a summary of the copy's own status; "" without one
    health: Health = Health.UNKNOWN  # of this copy
    told: SafeText = SafeText()  # why ``health`` has its value
    heard_at: float = 0.0  # last answer of a target that does not respond; 0 = it responds
    ill_since: float = 0.0  # when the copy's conditions say that it became unwell; 0 = none says


class ObjectRecord(Record, frozen=True):
    """One logical object: its desired state in the hub, and a cell for each target."""

    kind: SafeText  # e.g. Deployment
    resource: SafeText  # e.g. deployments.apps
    namespace: SafeText
    name: SafeText
    uid: str = ""
    created_at: float = 0.0
    generation: int = 0
    deleting_since: float = 0.0
    health: Health = Health.UNKNOWN  # the worst of all cells, except copies being removed
    summary: SafeText = SafeText()  # e.g. "3/4 ready; west: 1/2 ready"
    placement: SafeText = SafeText()  # why these targets
    cells: tuple[Cell, ...] = ()  # sorted by target
    reason: SafeText = SafeText()  # why ``health`` has its value
    reason_target: SafeText = SafeText()  # whose copy decides ``health``

    @property
    def key(self) -> str:
        """``resource/namespace/name``, without the middle where there is no namespace."""
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.resource}/{place}{self.name}"


class KindRecord(Record, frozen=True):
    """One kind of the hub on one target."""

    target: SafeText
    kind: SafeText  # e.g. deployments.apps
    state: KindState
    reason: SafeText = SafeText()  # one word, e.g. KindAway
    message: SafeText = SafeText()  # names the field, the verbs and the side, with the remedy
    version: SafeText = SafeText()  # used with both sides; "" if there is none
    hub_versions: tuple[SafeText, ...] = ()  # preferred first
    target_versions: tuple[SafeText, ...] = ()
    since: float = 0.0  # when state or reason last changed
    objects: int = 0  # known copies

    @property
    def key(self) -> str:
        """``target/kind``."""
        return f"{self.target}/{self.kind}"


class PlacementRecord(Record, frozen=True):
    """One Placement and its decision."""

    name: SafeText
    phase: str
    strategy: str
    targets: tuple[SafeText, ...]
    reason: SafeText

    @property
    def key(self) -> str:
        """The Placement's name."""
        return self.name


class HealthRecord(Record, frozen=True):
    """One node of the health tree: system, workspace, target, or kind on a target."""

    path: SafeText  # e.g. system, system/targets/eu, system/targets/eu/deployments.apps
    label: SafeText
    status: Health
    reason: SafeText = SafeText()
    since: float = 0.0

    @property
    def key(self) -> str:
        """The path in the tree."""
        return self.path


class HistoryRecord(Record, frozen=True):
    """An event: an error and its recovery, an action, a drift, a decision."""

    id: str
    at: float
    category: str  # error | hold | recovery | action | drift | placement | lifecycle
    severity: str  # Low | Medium | High | Critical
    event: str  # one of the 24 error types, or the action's name
    target: SafeText = SafeText()
    subject: SafeText = SafeText()  # the object or kind, as resource/namespace/name
    message: SafeText = SafeText()
    hint: SafeText = SafeText()  # what the user can do
    count: int = 1  # occurrences folded into this record
    last_at: float = 0.0
    recovered_at: float = 0.0  # 0 = not recovered
    actor: SafeText = SafeText()

    @property
    def key(self) -> str:
        """The entry's id."""
        return self.id


AnyRecord = (
    EngineRecord
    | TargetRecord
    | QueueRecord
    | ObjectRecord
    | KindRecord
    | PlacementRecord
    | HealthRecord
    | HistoryRecord
)
