"""The settings, as frozen data. Every default and unit is defined here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tmcconsole.config.transforms import Transform


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """How to reach one API server."""

    kubeconfig: Path | None = None  # None with in_cluster
    context: str = ""  # "" = the file's current context
    in_cluster: bool = False
    insecure_skip_tls_verify: bool = False  # must be set here; a kubeconfig alone cannot turn it on


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """One SyncTarget that this engine serves."""

    name: str  # of the SyncTarget in the hub
    access: ClusterAccess
    labels: tuple[tuple[str, str], ...] = ()  # set on the SyncTarget by init --install
    # Fields of SyncSettings that this target overrides, with their values.
    overrides: tuple[tuple[str, Any], ...] = ()


# How the values of a status field on several targets are merged; see docs/configuration.md.
STATUS_FUNCTIONS: Final = ("sum", "min", "max", "first", "any", "all", "union", "worst")


@dataclass(frozen=True, slots=True)
class StatusRule:
    """How one status field is merged over targets: by a function or a CEL expression."""

    kind: str  # resource.group, or "*" for every kind
    field: str  # within the status, dotted: loadBalancer.ingress
    function: str = ""  # one of STATUS_FUNCTIONS; "" with cel
    cel: str = ""
    problem: str = ""  # set if the rule could not be parsed: what is wrong, and the fix

    def __str__(self) -> str:
        return f"{self.kind} {self.field} = {self.function or self.cel}"


IMMEDIATE: Final = "immediate"
BATCHED: Final = "batched"
DELAYED: Final = "delayed"


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """How objects are synced."""

    namespaces: str = "auto"  # auto | same | kcp | prefix: name of the namespace on a target
    namespace_prefix: str = ""  # with namespaces = "prefix"
    kinds_deny: tuple[str, ...] = ()  # resource.group, e.g. "jobs.batch"
    kinds_allow: tuple[str, ...] = ()  # empty = all that the policy permits
    namespaces_include: tuple[str, ...] = ()  # in the hub, as globs; empty = all
    namespaces_exclude: tuple[str, ...] = ()
    selector: str = ""  # label selector in kubectl's syntax; "" = all
    field_selector: str = ""  # metadata.name, spec...., in kubectl's syntax; "" = all
    policy: str = IMMEDIATE  # immediate | batched | delayed: when changes are written
    batch_interval_s: float = 10.0  # batched: an object's changes within this time become one write
    delay_s: float = 10.0  # delayed: an object is written after being unchanged for this long
    upsync_kinds: tuple[str, ...] = ("endpoints", "persistentvolumes", "pods")  # may be upsynced
    upsync_pods: bool = False  # label pod templates, so that pods of synced workloads go up
    events: bool = False  # copy targets' events about synced objects to the hub
    upsync_secrets: tuple[str, ...] = ()  # namespace/name: created on a target by operators
    workers: int = 16  # parallel reconciles per target
    crds: str = "never"  # never | follow: create a missing CRD before its objects
    profile: str = "baseline"  # restricted | baseline | trusted
    kinds_named: tuple[str, ...] = ()  # kinds that the profile allows only when named here
    service_types: tuple[str, ...] = ()  # that restricted allows besides ClusterIP and NodePort
    ingress_hosts: tuple[str, ...] = ()  # a tenant's, with {namespace}; empty = by profile
    metadata_keep: tuple[str, ...] = ()  # prefixes of labels and annotations that are synced
    metadata_drop: tuple[str, ...] = ()  # prefixes of labels and annotations that are never synced
    protected_namespaces: tuple[str, ...] = ()  # on targets, besides the cluster's own; or PREFIX*
    impersonate: str = ""  # user to impersonate, with {namespace}; "" = the engine's own account
    impersonate_groups: tuple[str, ...] = ()
    allow_workload_hub: bool = False  # sync pod-making kinds from a hub that runs them itself
    heartbeat_s: float = 20.0
    heartbeat_timeout_s: float = 60.0  # time without a heartbeat after which a target is not ready
    leases: bool = True  # share the targets with other replicas; false = this is the only one
    lease_namespace: str = ""  # in the hub; "" = kube-system, on kcp default
    lease_duration_s: float = 15.0  # without a renewal for this long, another replica takes over
    lease_renew_deadline_s: float = 10.0  # without one for this long, this one stops writing
    lease_retry_s: float = 2.0
    brake_deletes: int = 10  # per target and 10 minutes; the larger of this and
    brake_percent: float = 5.0  # this share of the target's objects
    conflict_policy: str = "hub-wins"  # see config/policies.py, aliases resolved
    takeover: str = "Never"  # Never | IfNoDiff | Always: of foreign objects with our names
    write_mode: str = "Apply"  # Apply | CreateOnly | ReportDiff
    ignore_fields: tuple[str, ...] = ()  # JSON pointers, "KIND:" in front for one kind
    # Managers whose fields are left to them: NAME, or NAME/SUBRESOURCE. The default is the
    # autoscaler's.
    ignore_managers: tuple[str, ...] = ("kube-controller-manager/scale",)
    run_to_end: tuple[str, ...] = ()  # kinds that reach an end of their own, besides Jobs and Pods
    status: str = "aggregate"  # aggregate | promote: how the hub object's status is made
    status_rules: tuple[StatusRule, ...] = ()  # in addition to the defaults of each kind


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """The console."""

    theme: str = "tmc-dark"
    refresh_hz: float = 2.0  # 0.2 .. 10
    ascii_only: bool = False
    read_only: bool = False
    mouse: bool = False  # off: the terminal's own selecting and copying works


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """The headless engine."""

    socket: Path | None = None  # None = <state_dir>/engine.sock
    log_format: str = "text"  # text | json
    log_level: str = "info"  # debug | info | warning | error
    log_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """One whole configuration."""

    hub: ClusterAccess
    targets: tuple[TargetSettings, ...]
    state_dir: Path
    sync: SyncSettings = field(default_factory=SyncSettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
    daemon: DaemonSettings = field(default_factory=DaemonSettings)
    transforms: tuple[Transform, ...] = ()  # in the order in which they are applied
    source: Path | None = None  # the file it was read from
