"""Health is aggregated worst-of, with a reason, and counts staleness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmcconsole.contract.records import Health, HealthRecord
from tmcconsole.tmc.health.health import (
    CopyCounts,
    Reading,
    TargetFacts,
    aged,
    kind_health,
    kind_path,
    parent_of,
    roll_up,
    target_health,
    target_path,
    worst,
)

H, D, U, X = Health.HEALTHY, Health.DEGRADED, Health.UNHEALTHY, Health.UNKNOWN
NOW = 1000.0


def make_reading(path: str, status: Health = H, **more: object) -> Reading:
    values = {"label": path.rpartition("/")[2], "reason": "because", "since": 1.0, **more}
    return Reading(path=path, status=status, **values)  # type: ignore[arg-type] # test data


def tree(*readings: Reading, now: float = NOW) -> dict[str, HealthRecord]:
    return roll_up(readings, now, {})


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [([], X), ([H], H), ([H, X], X), ([X, D], D), ([D, U, H], U)],
)
def test_the_worst_wins(statuses: list[Health], expected: Health) -> None:
    assert worst(statuses) is expected


def test_a_bad_kind_shows_in_its_target_and_the_system_and_nowhere_else() -> None:
    found = tree(
        make_reading(target_path("eu")),
        make_reading(kind_path("eu", "deployments.apps"), D, reason="1 of 9 failed"),
        make_reading(target_path("us")),
    )

    assert {path: record.status for path, record in found.items()} == {
        "system": D,
        "system/targets/eu": D,
        "system/targets/eu/deployments.apps": D,
        "system/targets/us": H,
    }
    assert found["system/targets/eu"].reason == "deployments.apps: 1 of 9 failed"
    assert found["system"].reason == "eu: deployments.apps: 1 of 9 failed (1 of 2)"


def test_a_workspace_stands_between_target_and_system() -> None:
    path = target_path("eu", workspace="root:org")

    found = tree(make_reading(path, U))

    assert parent_of(path) == "system/workspaces/root:org"
    assert list(found) == ["system", "system/workspaces/root:org", path]
    assert found["system/workspaces/root:org"].status is U


def test_nothing_known_is_unknown() -> None:
    assert tree()["system"].status is X


@pytest.mark.parametrize(
    ("silence", "expected"), [(119, H), (121, D), (299, D), (301, U), (0, H), (-5, H)]
)
def test_silence_counts_against_health(silence: float, expected: Health) -> None:
    reading = make_reading(target_path("eu"), seen_at=NOW - silence)

    assert tree(reading)["system"].status is expected


@given(status=st.sampled_from(Health), silence=st.floats(0, 1e6))
def test_silence_never_makes_better(status: Health, silence: float) -> None:
    reading = make_reading(target_path("eu"), status, seen_at=NOW - silence)

    after = aged(reading, NOW).status

    assert worst([after, status]) is after


def test_the_age_of_a_status_outlives_its_first_cause() -> None:
    both = [
        make_reading(target_path("a"), U, since=10),
        make_reading(target_path("b"), U, since=20),
    ]
    before = roll_up(both, NOW, {})
    mended = [make_reading(target_path("a"), H, since=30), both[1]]

    after = roll_up(mended, NOW, before)

    assert before["system"].since == 10
    assert after["system"].since == 10
    assert after["system/targets/a"].since == 30


def test_a_whole_tree_is_healthy_since_its_last_part_became_so() -> None:
    found = tree(make_reading(target_path("a"), since=10), make_reading(target_path("b"), since=20))

    assert found["system"].since == 20
    assert found["system"].reason == "2 of 2 healthy"


def test_the_same_readings_make_equal_records() -> None:
    readings = [make_reading(target_path(name), seen_at=900.0) for name in ("b", "a")]
    first = roll_up(readings, NOW, {})

    assert roll_up(reversed(readings), NOW + 1, first) == first


def make_facts(**more: object) -> TargetFacts:
    values: dict[str, object] = {
        "is_connected": True,
        "why_not": "",
        "kinds": 4,
        "error_rate": 0.0,
        "heartbeat_at": NOW - 10,
        "heartbeat_s": 20.0,
        **more,
    }
    return TargetFacts(**values)  # type: ignore[arg-type] # test data


@pytest.mark.parametrize(
    ("facts", "expected", "reason"),
    [
        (make_facts(), H, "4 kinds synced"),
        (make_facts(is_connected=False, why_not="ClusterUnreachable"), U, "ClusterUnreachable"),
        (make_facts(error_rate=0.51), U, "MostAttemptsFail"),
        (make_facts(error_rate=0.11), D, "ManyAttemptsFail"),
        (make_facts(heartbeat_at=NOW - 41), D, "HeartbeatLate"),
        (make_facts(heartbeat_at=NOW - 301), U, "HeartbeatLost"),
        (make_facts(heartbeat_at=0.0), U, "HeartbeatLost"),
        (make_facts(is_paused=True), D, "Paused"),
        (make_facts(kinds=0), D, "NoKindsSynced"),
    ],
)
def test_a_target_is_judged_by_its_worst_fact(
    facts: TargetFacts, expected: Health, reason: str
) -> None:
    assert target_health(facts, NOW) == (expected, reason)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((5, 5, 0), H), ((0, 0, 0), H), ((9, 0, 1), D), ((1, 0, 1), D), ((1, 0, 2), U)],
)
def test_a_kind_is_judged_by_its_share_of_failures(
    counts: tuple[int, int, int], expected: Health
) -> None:
    in_sync, pending, failed = counts

    assert kind_health(CopyCounts(in_sync, pending, failed))[0] is expected


def test_copies_that_do_not_work_are_not_healthy_because_they_are_in_sync() -> None:
    facts = CopyCounts(in_sync=3, pending=0, failed=0, unhealthy=1, example="web 0/3 ready")

    assert kind_health(facts) == (D, "1 of 3 not healthy: web 0/3 ready")
    assert kind_health(CopyCounts(1, 0, 0, unhealthy=1, example="web"))[0] is U
    assert kind_health(CopyCounts(1, 0, 0, degraded=1, example="web"))[0] is D
    assert kind_health(CopyCounts(1, 0, 0, held=2)) == (D, "2 of 3 held")
    assert kind_health(CopyCounts(1, 0, 0, stale=1)) == (X, "1 of 2 not known")
