"""Records the 49 metrics in a registry that is passed in; there is no global one.

Labels never contain names of tenants' objects or namespaces, or error text. The number of label
sets is bounded: beyond that, values are recorded under the label value ``other``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar

from tmcconsole.contract.records import Health
from tmcconsole.tmc.classify import Side
from tmcconsole.tmc.errors import Failure
from tmcconsole.tmc.metric_names import METRICS, Metric, MetricType
from tmcconsole.tmc.recovery.runner import Recovery, RecoveryState

if TYPE_CHECKING:  # the library is loaded with the first Metrics, not with this module
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
    from prometheus_client.metrics import MetricWrapperBase

Direction = Literal["kcp-to-cluster", "cluster-to-kcp"]

MAX_LABEL_SETS: Final = 2000  # of counters, gauges and histograms each
OTHER: Final = "other"
HEALTH_VALUES: Final = {
    Health.HEALTHY: 1.0,
    Health.DEGRADED: 0.5,
    Health.UNHEALTHY: 0.0,
    Health.UNKNOWN: -1.0,
}

_SYNCER: Final = "SyncTargetController"  # the component that syncs one target
_RECOVERY: Final = "RecoveryManager"
# A cancelled recovery has neither succeeded nor failed.
_RECOVERY_ENDS: Final = {
    RecoveryState.COMPLETED: "tmc_recovery_successes_total",
    RecoveryState.FAILED: "tmc_recovery_failures_total",
    RecoveryState.TIMEOUT: "tmc_recovery_failures_total",
}
_NO_NAMESPACE: Final = ""  # namespaces are tenants' names
# A syncer's id is its target's.
_TARGET_LABELS: Final = frozenset(
    {"cluster", "component_id", "source_cluster", "sync_target", "target_cluster"}
)

_F = TypeVar("_F", bound="MetricWrapperBase")


class Metrics:
    """All metrics of one engine. ``workspace`` names the hub's logical cluster, once known."""

    def __init__(self, registry: CollectorRegistry, *, max_label_sets: int = MAX_LABEL_SETS):
        import prometheus_client as library

        # An extra series for each counter and histogram, of no use here.
        library.disable_created_metrics()  # type: ignore[no-untyped-call] # the library's
        self.workspace = ""
        self._counters: _Children[Counter] = _Children(max_label_sets)
        self._gauges: _Children[Gauge] = _Children(max_label_sets)
        self._histograms: _Children[Histogram] = _Children(max_label_sets)
        for metric in METRICS:
            name, text, labels = metric.name, metric.help, metric.labels
            match metric.shape:
                case MetricType.COUNTER:
                    family = library.Counter(name, text, labels, registry=registry)
                    self._counters.add(metric, family)
                case MetricType.GAUGE:
                    self._gauges.add(metric, library.Gauge(name, text, labels, registry=registry))
                case MetricType.HISTOGRAM:
                    buckets = metric.buckets or library.Histogram.DEFAULT_BUCKETS
                    histogram = library.Histogram(
                        name, text, labels, registry=registry, buckets=buckets
                    )
                    self._histograms.add(metric, histogram)

    def count(self, name: str, *labels: str) -> None:
        """Add one to a counter."""
        self._counters.child(name, labels).inc()

    def set(self, name: str, value: float, *labels: str) -> None:
        """Set a gauge."""
        self._gauges.child(name, labels).set(value)

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Add one observation to a histogram."""
        self._histograms.child(name, labels).observe(value)

    def record_sync(
        self, target: str, gvk: str, *, direction: Direction, operation: str, seconds: float
    ) -> None:
        """Record one synced object. ``operation``: apply, delete, status."""
        workspace = self.workspace
        self.count("syncer_resources_synced_total", target, workspace, gvk, direction)
        self.observe("syncer_sync_duration_seconds", seconds, target, workspace, gvk, operation)
        self.observe("tmc_sync_duration_seconds", seconds, target, gvk, operation)
        self.count("tmc_component_operations_total", _SYNCER, target, operation, "success")

    def record_error(self, target: str, gvk: str, operation: str, failure: Failure) -> None:
        """Record one failed sync of an object."""
        kind, severity = failure.type.value, failure.severity.value
        self.count("syncer_sync_errors_total", target, self.workspace, gvk, kind)
        self.count("tmc_sync_errors_total", target, gvk, kind)
        self.count("tmc_component_errors_total", _SYNCER, target, kind, severity)
        self.count("tmc_component_operations_total", _SYNCER, target, operation, "error")

    def record_conflict(self, target: str, gvk: str, conflict_type: str, resolution: str) -> None:
        """Record a conflict, e.g. (FieldConflict, hub-wins)."""
        self.count("tmc_resource_conflicts_total", target, gvk, conflict_type, resolution)

    def record_request(self, method: str, endpoint: str, status_code: int, seconds: float) -> None:
        """Record one request to an API server. ``endpoint`` is a kind's id, never a path with
        names.
        """
        labels = (method, endpoint, str(status_code))
        self.count("tmc_api_requests_total", *labels)
        self.observe("tmc_api_request_duration_seconds", seconds, *labels)

    def record_placement(self, operation: str, status: str, seconds: float) -> None:
        """Record one placement decision. ``operation``: select, reselect, drain."""
        labels = (self.workspace, operation, status)
        self.observe("tmc_placement_duration_seconds", seconds, *labels)

    def record_placement_error(self, target: str, failure: Failure) -> None:
        """Record a placement that could not be decided or written."""
        kind = failure.type.value
        self.count("tmc_placement_errors_total", self.workspace, kind, target)

    def record_recovery(self, recovery: Recovery) -> None:
        """Record a recovery's change of state (the runner's ``on_change``)."""
        kind, strategy = recovery.failure.type.value, recovery.strategy.name
        if recovery.state is RecoveryState.PENDING:
            self.count("tmc_recovery_attempts_total", kind, strategy, _RECOVERY)
        end = _RECOVERY_ENDS.get(recovery.state)
        if end:
            self.count(end, kind, strategy, _RECOVERY)
            seconds = recovery.ended_at - recovery.started_at
            self.observe("tmc_recovery_duration_seconds", seconds, kind, strategy)

    def heartbeat(self, target: str, *, accepted: bool) -> None:
        """Record a heartbeat sent to the hub."""
        name = "syncer_heartbeat_total" if accepted else "syncer_heartbeat_errors_total"
        self.count(name, target)

    def set_backlog(self, target: str, gvk: str, depth: int, oldest_s: float) -> None:
        """Set how many keys of a kind wait, and the age of the oldest in seconds."""
        self.set("syncer_sync_backlog_size", depth, target, self.workspace, gvk)
        self.set("tmc_sync_backlog_size", depth, target, gvk)
        self.set("tmc_sync_lag_seconds", oldest_s, target, gvk)

    def set_objects(self, target: str, gvk: str, by_state: Mapping[str, int]) -> None:
        """Set the number of copies in each state; pass every state, including those at 0."""
        for state, number in by_state.items():
            self.set("tmc_sync_resources_total", number, target, _NO_NAMESPACE, gvk, state)
        total = sum(by_state.values())
        self.set("tmc_cluster_resources_total", total, target, gvk, _NO_NAMESPACE)

    def set_connection(self, target: str, side: Side, *, up: bool) -> None:
        """Set whether the hub, or the target, responds to the syncer of that target."""
        name = "kcp" if side == "hub" else "cluster"
        self.set("syncer_connection_status", float(up), target, self.workspace, name)
        if side == "target":
            self.set("tmc_cluster_connectivity", float(up), target, self.workspace)

    def set_syncer(self, target: str, *, kinds: int, uptime_s: float, health: Health) -> None:
        """Set the facts about one target's syncer."""
        value = HEALTH_VALUES[health]
        self.set("syncer_resource_controllers", kinds, target)
        self.set("syncer_uptime_seconds", uptime_s, target)
        self.set("tmc_component_uptime_seconds", uptime_s, _SYNCER, target, target)
        self.set("tmc_component_health", value, _SYNCER, target, target)
        self.set("tmc_cluster_health", value, target, self.workspace)

    def set_system_health(self, health: Health) -> None:
        """Set the health of the whole system."""
        self.set("tmc_component_health", HEALTH_VALUES[health], "TMCSystem", "overall", "")

    def set_placements(self, by_status: Mapping[str, int]) -> None:
        """Set the number of Placements in each status; pass every status, including those at 0."""
        for status, number in by_status.items():
            self.set("tmc_placements_total", number, self.workspace, _NO_NAMESPACE, status)

    def set_process(self, *, tasks: int, memory_bytes: int, cpu_percent: float) -> None:
        """Set this process's resource usage."""
        self.set("tmc_goroutines_total", tasks)
        self.set("tmc_memory_usage_bytes", memory_bytes)
        self.set("tmc_cpu_usage_percent", cpu_percent)

    def forget_target(self, target: str) -> None:
        """Drop every series of a target that is gone: a frozen value would be wrong."""
        for children in (self._counters, self._gauges, self._histograms):
            children.forget(target)


def new_registry() -> CollectorRegistry:
    """Return an empty registry."""
    from prometheus_client import CollectorRegistry

    return CollectorRegistry()


def exposition(registry: CollectorRegistry) -> bytes:
    """Return the text of a scrape. Takes milliseconds: run it in a thread."""
    from prometheus_client import generate_latest

    return generate_latest(registry)


class _Children(Generic[_F]):
    """The metrics of one type, and their labelled children in one dictionary."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._families: dict[str, tuple[Metric, _F]] = {}
        self._children: dict[tuple[str, tuple[str, ...]], _F] = {}

    def add(self, metric: Metric, family: _F) -> None:
        self._families[metric.name] = (metric, family)

    def child(self, name: str, labels: tuple[str, ...]) -> _F:
        found = self._children.get((name, labels))
        return found if found is not None else self._new(name, labels)

    def _new(self, name: str, labels: tuple[str, ...]) -> _F:
        metric, family = self._families[name]
        if len(self._children) >= self._most and any(label != OTHER for label in labels):
            return self.child(name, (OTHER,) * len(metric.labels))
        child = family.labels(*labels) if metric.labels else family
        self._children[name, labels] = child
        return child

    def forget(self, target: str) -> None:
        for name, labels in list(self._children):
            metric, family = self._families[name]
            pairs = zip(metric.labels, labels, strict=True)
            if any(label in _TARGET_LABELS and value == target for label, value in pairs):
                del self._children[name, labels]
                family.remove(*labels)
