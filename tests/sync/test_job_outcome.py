"""A Job's merged status is always one that an API server accepts after the present one."""

from __future__ import annotations

from typing import Any

from tmcconsole.kube.objects import Json
from tmcconsole.sync.status.acceptable import Acceptable, acceptable

FIRST, LATER = "2026-12-01T02:00:00Z", "2026-12-01T02:00:05Z"


def made(merged: Json, before: Json, **spec: Any) -> Acceptable:
    return acceptable("jobs.batch", merged, before, spec, 2)


def true(*types: str) -> list[Json]:
    return [{"type": one, "status": "True", "lastTransitionTime": LATER} for one in types]


def types_of(status: Json) -> list[str]:
    return [one["type"] for one in status["conditions"]]


def test_the_first_start_stands_and_that_is_said() -> None:
    status, kept = made({"startTime": FIRST, "active": 2}, {"startTime": LATER})

    assert status == {"startTime": LATER, "active": 2}
    assert list(kept) == ["startTime"]
    assert (
        made({"startTime": FIRST}, {"startTime": LATER}, suspend=True).status["startTime"] == FIRST
    )


def test_a_job_that_has_moved_counts_on_from_where_it_was() -> None:
    status, kept = made({"startTime": FIRST, "failed": 0}, {"startTime": FIRST, "failed": 3})

    assert status["failed"] == 3
    assert list(kept) == ["failed"]


def test_one_has_failed_only_once_no_other_is_active() -> None:
    failed = {"startTime": FIRST, "conditions": true("FailureTarget", "Failed")}

    assert types_of(made(failed | {"active": 1}, {}).status) == ["FailureTarget"]
    assert types_of(made(failed | {"active": 0}, {}).status) == ["Failed", "FailureTarget"]


def test_an_outcome_stays_whatever_is_reported_later() -> None:
    done = {"startTime": FIRST, "completionTime": LATER,
            "conditions": true("SuccessCriteriaMet", "Complete")}  # fmt: skip
    status, kept = made({"startTime": LATER, "active": 1}, done)

    assert status == done
    assert list(kept) == ["conditions"]
    assert made(done, done) == (done, {})


def test_an_end_is_not_before_its_start_though_two_clocks_say_so() -> None:
    done = {"startTime": LATER, "completionTime": FIRST, "conditions": true("Complete")}
    status, _ = made(done, {})

    assert status["completionTime"] == LATER
    assert types_of(status) == ["Complete", "SuccessCriteriaMet"]


def test_indexes_of_several_jobs_are_not_those_of_one() -> None:
    said = {"completedIndexes": "0-2", "failedIndexes": "3"}

    assert made(said, {}, completionMode="Indexed", backoffLimitPerIndex=1).status == {}
    one = acceptable("jobs.batch", said, {}, {"completionMode": "Indexed"}, 1)
    assert one.status == {"completedIndexes": "0-2"}


def test_what_other_kinds_count_up_is_not_taken_back() -> None:
    status, kept = acceptable("deployments.apps", {"replicas": 1}, {"collisionCount": 2}, {}, 1)

    assert status == {"replicas": 1, "collisionCount": 2}
    assert list(kept) == ["collisionCount"]


def test_a_counter_is_not_more_than_what_it_is_part_of_whatever_a_rule_makes_of_it() -> None:
    merged = {"replicas": 4, "readyReplicas": 2, "availableReplicas": 4}
    status, kept = acceptable("deployments.apps", merged, {}, {}, 2)

    assert status == {"replicas": 4, "readyReplicas": 2, "availableReplicas": 2}
    assert list(kept) == ["availableReplicas"]
