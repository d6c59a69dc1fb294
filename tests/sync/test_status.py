"""How many statuses become one."""

from __future__ import annotations

from typing import Any

from tmcconsole.sync.status import Report, merge, patch_for


def report(target: str, *, current: bool = True, generation: int = 1, **status: Any) -> Report:
    return Report(target, generation, status, current)


def test_one_target_speaks_for_the_object() -> None:
    merged = merge([report("a", replicas=2, observedGeneration=1)], generation=7, before={})

    assert merged == {"replicas": 2, "observedGeneration": 7}


def test_replica_counters_are_summed_over_targets() -> None:
    merged = merge(
        [report("a", replicas=2, readyReplicas=2), report("b", replicas=3, readyReplicas=1)],
        generation=1,
        before={},
    )

    assert merged == {"replicas": 5, "readyReplicas": 3}


def test_the_worst_condition_wins_and_names_its_target() -> None:
    good = {"type": "Available", "status": "True", "message": "fine"}
    bad = {"type": "Available", "status": "False", "message": "no pods"}

    merged = merge(
        [report("a", conditions=[good]), report("b", conditions=[bad])], generation=1, before={}
    )

    assert merged == {"conditions": [{**bad, "message": "b: no pods"}]}


def test_a_condition_that_is_bad_when_true_is_worse_when_true() -> None:
    yes = {"type": "ReplicaFailure", "status": "True", "message": "quota"}
    no = {"type": "ReplicaFailure", "status": "False", "message": ""}

    merged = merge(
        [report("a", conditions=[yes]), report("b", conditions=[no])], generation=1, before={}
    )

    assert merged is not None
    assert merged["conditions"][0]["message"] == "a: quota"


def test_observed_generation_waits_for_the_slowest_target() -> None:
    behind = report("b", generation=4, observedGeneration=3)

    merged = merge(
        [report("a", observedGeneration=1), behind],
        generation=9,
        before={"observedGeneration": 8},
    )

    assert merged == {"observedGeneration": 8}


def test_a_copy_of_an_older_wish_does_not_count_as_observed() -> None:
    old = report("a", current=False, observedGeneration=1)

    assert merge([old], generation=2, before={}) == {}


def test_no_target_reporting_is_no_status() -> None:
    assert merge([report("a")], generation=1, before={}) is None


def test_the_patch_names_only_what_changes() -> None:
    assert patch_for({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5}) == {"b": 5, "c": None}
    assert patch_for({"a": [1]}, {"a": [1]}) == {}
