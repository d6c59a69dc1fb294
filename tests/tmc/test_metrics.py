"""The names, labels and values that dashboards and alert rules rely on."""

import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from tmcconsole.contract.records import Health
from tmcconsole.tmc.errors import ErrorType, failure
from tmcconsole.tmc.metric_names import METRICS, MetricType
from tmcconsole.tmc.metrics import OTHER, Metrics, exposition, new_registry
from tmcconsole.tmc.recovery.recovery import choose
from tmcconsole.tmc.recovery.runner import Recovery, RecoveryState

GVK = "apps/v1, Kind=Deployment"
LATE = failure(ErrorType.SYNC_TIMEOUT, "late")


@pytest.fixture
def registry() -> CollectorRegistry:
    return new_registry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    metrics = Metrics(registry)
    metrics.workspace = "root:org"
    return metrics


def test_there_are_forty_and_nine_with_unique_names() -> None:
    names = [metric.name for metric in METRICS]

    assert len([n for n in names if n.startswith("tmc_")]) == 40
    assert len([n for n in names if n.startswith("syncer_")]) == 9
    assert len(set(names)) == len(names) == 49


def test_every_metric_can_be_recorded_and_is_exposed_under_its_name(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    for metric in METRICS:
        labels = [f"v{number}" for number in range(len(metric.labels))]
        match metric.shape:
            case MetricType.COUNTER:
                metrics.count(metric.name, *labels)
            case MetricType.GAUGE:
                metrics.set(metric.name, 1.0, *labels)
            case MetricType.HISTOGRAM:
                metrics.observe(metric.name, 1.0, *labels)

    samples = {
        sample.name: sample.labels
        for family in text_string_to_metric_families(exposition(registry).decode())
        for sample in family.samples
    }

    for metric in METRICS:
        suffix = "_count" if metric.shape is MetricType.HISTOGRAM else ""
        assert set(samples[metric.name + suffix]) == set(metric.labels)
    assert not [name for name in samples if name.endswith("_created")]


def test_a_sync_shows_in_both_families(registry: CollectorRegistry, metrics: Metrics) -> None:
    metrics.record_sync("eu", GVK, direction="kcp-to-cluster", operation="apply", seconds=0.2)

    synced = {"sync_target": "eu", "workspace": "root:org", "gvk": GVK}
    assert (
        registry.get_sample_value(
            "syncer_resources_synced_total", {**synced, "direction": "kcp-to-cluster"}
        )
        == 1
    )
    assert (
        registry.get_sample_value(
            "tmc_sync_duration_seconds_sum", {"cluster": "eu", "gvk": GVK, "operation": "apply"}
        )
        == 0.2
    )


def test_an_error_is_counted_by_type_and_severity(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    metrics.record_error("eu", GVK, "apply", LATE)

    assert (
        registry.get_sample_value(
            "tmc_component_errors_total",
            {
                "component_type": "SyncTargetController",
                "component_id": "eu",
                "error_type": "SyncTimeout",
                "severity": "Low",
            },
        )
        == 1
    )


@pytest.mark.parametrize(
    ("health", "value"),
    [
        (Health.HEALTHY, 1),
        (Health.DEGRADED, 0.5),
        (Health.UNHEALTHY, 0),
        (Health.UNKNOWN, -1),
    ],
)
def test_health_has_four_values(
    registry: CollectorRegistry, metrics: Metrics, health: Health, value: float
) -> None:
    metrics.set_syncer("eu", kinds=4, uptime_s=9.0, health=health)

    labels = {"cluster": "eu", "logical_cluster": "root:org"}
    assert registry.get_sample_value("tmc_cluster_health", labels) == value


def test_several_engines_are_told_apart(registry: CollectorRegistry, metrics: Metrics) -> None:
    metrics.heartbeat("eu", accepted=True)
    metrics.heartbeat("us", accepted=False)

    def value(name: str, target: str) -> float | None:
        return registry.get_sample_value(name, {"sync_target": target})

    assert value("syncer_heartbeat_total", "eu") == 1
    assert value("syncer_heartbeat_errors_total", "us") == 1
    assert value("syncer_heartbeat_total", "us") is None


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (RecoveryState.PENDING, "tmc_recovery_attempts_total"),
        (RecoveryState.COMPLETED, "tmc_recovery_successes_total"),
        (RecoveryState.FAILED, "tmc_recovery_failures_total"),
        (RecoveryState.TIMEOUT, "tmc_recovery_failures_total"),
    ],
)
def test_a_recovery_is_counted_where_it_begins_and_ends(
    registry: CollectorRegistry, metrics: Metrics, state: RecoveryState, name: str
) -> None:
    strategy = choose(LATE)
    assert strategy is not None

    metrics.record_recovery(Recovery(1, strategy, LATE, "eu", "", 1, 1.0, state, 2.0, 5.0))

    labels = {"error_type": "SyncTimeout", "strategy": "Sync", "component": "RecoveryManager"}
    assert registry.get_sample_value(name, labels) == 1


def test_a_target_that_is_gone_leaves_no_series(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    for target in ("eu", "us"):
        metrics.record_sync(target, GVK, direction="kcp-to-cluster", operation="apply", seconds=1)
        metrics.record_error(target, GVK, "apply", LATE)
        metrics.set_backlog(target, GVK, 1, 2.0)
        metrics.set_objects(target, GVK, {"InSync": 3})
        metrics.set_connection(target, "target", up=True)
        metrics.set_syncer(target, kinds=1, uptime_s=1, health=Health.HEALTHY)
        metrics.heartbeat(target, accepted=True)

    metrics.forget_target("eu")

    text = exposition(registry).decode()
    assert '"eu"' not in text
    assert '"us"' in text


def test_the_number_of_series_is_bounded(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry, max_label_sets=10)

    for number in range(1000):
        metrics.heartbeat(f"target-{number}", accepted=True)

    text = exposition(registry).decode()
    assert text.count("syncer_heartbeat_total{") == 11
    other = {"sync_target": OTHER}
    assert registry.get_sample_value("syncer_heartbeat_total", other) == 990


def test_two_engines_with_registries_of_their_own_do_not_meet() -> None:
    first, second = new_registry(), new_registry()
    Metrics(first).heartbeat("eu", accepted=True)
    Metrics(second)

    assert second.get_sample_value("syncer_heartbeat_total", {"sync_target": "eu"}) is None


def test_the_library_is_loaded_with_the_first_metrics_and_not_before() -> None:
    program = (
        "import sys, tmcconsole.tmc.metrics as m\n"
        "before = 'prometheus_client' in sys.modules\n"
        "m.Metrics(m.new_registry())\n"
        "print(before, 'prometheus_client' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )

    assert done.stdout.split() == ["False", "True"]
