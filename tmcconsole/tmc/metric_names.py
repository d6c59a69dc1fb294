"""The 49 metrics: names, types, labels and buckets, as dashboards and alerts expect them.

``sync_target`` is added where the original has no label to tell engines apart.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple


class MetricType(Enum):
    """What kind of metric it is."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(NamedTuple):
    """One metric. ``buckets`` () means the library's own."""

    name: str
    shape: MetricType
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


_C, _G, _H = MetricType.COUNTER, MetricType.GAUGE, MetricType.HISTOGRAM
_PLACEMENT: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_SYNC: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_MIGRATION: Final = (1, 5, 10, 30, 60, 300, 600, 1800, 3600)
_KIB: Final = 1024
_SIZES: Final = (
    tuple(_KIB * 10**power for power in range(3))
    + tuple(_KIB**2 * 10**power for power in range(3))
    + (_KIB**3,)
)
_RECOVERY: Final = (1, 5, 10, 30, 60, 300, 600)
_SYNCER: Final = (0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30)

_COMPONENT: Final = ("component_type", "component_id")
_MOVE: Final = ("source_cluster", "target_cluster")
_SYNCED: Final = ("sync_target", "workspace", "gvk")
_REPAIR: Final = ("error_type", "strategy", "component")

METRICS: Final = (
    Metric("tmc_component_health", _G, (*_COMPONENT, "cluster"),
           "Health of a component: 1 healthy, 0.5 degraded, 0 unhealthy, -1 unknown"),
    Metric("tmc_component_uptime_seconds", _G, (*_COMPONENT, "cluster"),
           "Seconds since a component started"),
    Metric("tmc_component_operations_total", _C, (*_COMPONENT, "operation", "status"),
           "Operations of a component"),
    Metric("tmc_component_errors_total", _C, (*_COMPONENT, "error_type", "severity"),
           "Errors of a component"),
    Metric("tmc_component_operation_duration_seconds", _H, (*_COMPONENT, "operation"),
           "Duration of a component's operations"),
    Metric("tmc_placements_total", _G, ("logical_cluster", "namespace", "status"),
           "Placements by status"),
    Metric("tmc_placement_duration_seconds", _H, ("logical_cluster", "operation", "status"),
           "Duration of placement decisions", _PLACEMENT),
    Metric("tmc_placement_errors_total", _C, ("logical_cluster", "error_type", "cluster"),
           "Errors of placement"),
    Metric("tmc_placement_retries_total", _C, ("logical_cluster", "reason"),
           "Placement decisions repeated"),
    Metric("tmc_placement_clusters", _G, ("logical_cluster", "namespace", "placement"),
           "Clusters chosen by a placement"),
    Metric("tmc_sync_resources_total", _G, ("cluster", "namespace", "gvk", "status"),
           "Objects by state on a cluster"),
    Metric("tmc_sync_duration_seconds", _H, ("cluster", "gvk", "operation"),
           "Duration of syncing one object", _SYNC),
    Metric("tmc_sync_errors_total", _C, ("cluster", "gvk", "error_type"),
           "Failed syncs of one object"),
    Metric("tmc_sync_backlog_size", _G, ("cluster", "queue"), "Keys waiting in a work queue"),
    Metric("tmc_sync_lag_seconds", _G, ("cluster", "gvk"), "Age of the oldest waiting key"),
    Metric("tmc_migrations_total", _G, (*_MOVE, "status"), "Migrations by status"),
    Metric("tmc_migration_duration_seconds", _H, (*_MOVE, "strategy"),
           "Duration of migrations", _MIGRATION),
    Metric("tmc_migration_errors_total", _C, (*_MOVE, "error_type", "phase"),
           "Errors of migrations"),
    Metric("tmc_migration_rollbacks_total", _C, (*_MOVE, "reason"), "Migrations rolled back"),
    Metric("tmc_migration_data_size_bytes", _H, (*_MOVE, "resource_type"),
           "Size of migrated objects", _SIZES),
    Metric("tmc_cluster_health", _G, ("cluster", "logical_cluster"),
           "Health of a cluster: 1 healthy, 0.5 degraded, 0 unhealthy, -1 unknown"),
    Metric("tmc_cluster_connectivity", _G, ("cluster", "logical_cluster"),
           "1 if a cluster responds, else 0"),
    Metric("tmc_cluster_capacity_utilization", _G, ("cluster", "resource_type"),
           "Share of a cluster's capacity in use, 0 to 1"),
    Metric("tmc_cluster_resources_total", _G, ("cluster", "gvk", "namespace"),
           "Objects that should be on a cluster"),
    Metric("tmc_resource_aggregations_total", _C, ("gvk", "strategy", "status"),
           "Aggregations of one object over clusters"),
    Metric("tmc_resource_projections_total", _C, (*_MOVE, "gvk", "status"),
           "Projections of objects to clusters"),
    Metric("tmc_resource_conflicts_total", _C, ("cluster", "gvk", "conflict_type", "resolution"),
           "Conflicts and how they were resolved"),
    Metric("tmc_resource_transformations_total", _C, ("transformation_type", "gvk", "status"),
           "Transformations of objects"),
    Metric("tmc_virtual_workspaces_total", _G, ("logical_cluster", "status"),
           "Virtual workspaces by status"),
    Metric("tmc_virtual_workspace_operation_duration_seconds", _H, ("operation", "workspace"),
           "Duration of a virtual workspace's operations"),
    Metric("tmc_virtual_workspace_errors_total", _C, ("workspace", "error_type", "component"),
           "Errors of virtual workspaces"),
    Metric("tmc_recovery_attempts_total", _C, _REPAIR, "Recoveries started"),
    Metric("tmc_recovery_successes_total", _C, _REPAIR, "Recoveries completed"),
    Metric("tmc_recovery_failures_total", _C, _REPAIR, "Recoveries that failed or timed out"),
    Metric("tmc_recovery_duration_seconds", _H, ("error_type", "strategy"),
           "Duration of recoveries", _RECOVERY),
    Metric("tmc_goroutines_total", _G, (), "Tasks of the event loop"),
    Metric("tmc_memory_usage_bytes", _G, (), "Resident memory of the process"),
    Metric("tmc_cpu_usage_percent", _G, (), "Processor time used, in percent of one core"),
    Metric("tmc_api_request_duration_seconds", _H, ("method", "endpoint", "status_code"),
           "Duration of requests to API servers"),
    Metric("tmc_api_requests_total", _C, ("method", "endpoint", "status_code"),
           "Requests to API servers"),
    Metric("syncer_resources_synced_total", _C, (*_SYNCED, "direction"), "Objects synced"),
    Metric("syncer_sync_duration_seconds", _H, (*_SYNCED, "operation"),
           "Duration of syncing one object", _SYNCER),
    Metric("syncer_sync_errors_total", _C, (*_SYNCED, "error_type"), "Failed syncs of one object"),
    Metric("syncer_sync_backlog_size", _G, _SYNCED, "Keys waiting in a work queue"),
    Metric("syncer_heartbeat_total", _C, ("sync_target",), "Heartbeats the hub accepted"),
    Metric("syncer_heartbeat_errors_total", _C, ("sync_target",), "Heartbeats that failed"),
    Metric("syncer_connection_status", _G, ("sync_target", "workspace", "target"),
           "1 if kcp or the cluster responds, else 0"),
    Metric("syncer_resource_controllers", _G, ("sync_target",), "Kinds synced"),
    Metric("syncer_uptime_seconds", _G, ("sync_target",), "Seconds since the syncer started"),
)  # fmt: skip
