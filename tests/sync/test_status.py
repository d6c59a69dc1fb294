"""How several statuses become one."""

from __future__ import annotations

from typing import Any

import pytest

from tmcconsole.config.settings import StatusRule
from tmcconsole.kube.objects import Json
from tmcconsole.kube.trees.differences import diff
from tmcconsole.sync.status import merge as status
from tmcconsole.sync.status.merge import Report


def report(target: str, *, current: bool = True, generation: int = 1, **status: Any) -> Report:
    return Report(target, generation, status, current)


def merge(reports: list[Report], *, generation: int, before: Json, **given: Any) -> Json | None:
    return status.merge(reports, generation=generation, before=before, **given).status


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


def test_a_copy_of_an_older_desired_state_does_not_count_as_observed() -> None:
    old = report("a", current=False, observedGeneration=1)

    assert merge([old], generation=2, before={}) == {}


def test_no_target_reporting_is_no_status() -> None:
    assert merge([report("a")], generation=1, before={}) is None


def test_the_patch_names_only_what_changes() -> None:
    assert diff({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5}) == {"b": 5, "c": None}
    assert diff({"a": [1]}, {"a": [1]}) == {}


SAID = [report("east", number=3, ready=True), report("west", number=5, ready=False)]


def overridden(field: str, *, function: str = "", cel: str = "", **before: Any) -> status.Merged:
    rule = StatusRule("widgets.example.org", field, function, cel)
    return status.merge(
        SAID, generation=1, before=before, kind="widgets.example.org", rules=(rule,)
    )


@pytest.mark.parametrize(
    ("field", "function", "value"),
    [
        ("number", "sum", 8),
        ("number", "min", 3),
        ("number", "max", 5),
        ("number", "first", 3),
        ("ready", "any", True),
        ("ready", "all", False),
    ],
)
def test_a_rule_says_how_a_field_is_merged(field: str, function: str, value: Any) -> None:
    merged = overridden(field, function=function)

    assert merged.status is not None
    assert merged.status[field] == value
    assert merged.failures == ()


@pytest.mark.parametrize(
    ("cel", "value"),
    [
        ("values.map(v, v * 2)", [6, 10]),
        ("size(reports)", 2),
        ("reports.filter(r, r.status.ready)[0].target", "east"),
        ("before == null ? 'new' : 'known'", "new"),
        ("values.all(v, v > 2) ? 'enough' : 'few'", "enough"),
    ],
)
def test_an_expression_sees_values_reports_and_the_value_before(cel: str, value: Any) -> None:
    assert (overridden("number", cel=cel).status or {})["number"] == value


@pytest.mark.parametrize(
    ("cel", "said"),
    [
        ("values[7]", "index=7"),
        ("1 +", "Syntax error"),
        ("nobody", "undeclared reference"),
        ("1 / 0", "divide by zero"),
        ("b'bytes'", "not JSON serializable"),
        ("(" * 300 + "1" + ")" * 300, "recursion"),
    ],
)
def test_where_an_expression_fails_the_field_keeps_its_last_value(cel: str, said: str) -> None:
    merged = overridden("number", cel=cel, number=41)

    assert merged.status is not None
    assert merged.status["number"] == 41
    assert said in merged.failures[0]
    assert merged.failures[0].startswith("rule widgets.example.org number = ")


def test_an_expression_without_end_is_ended_by_its_budget() -> None:
    many = "values.map(a, values.map(b, values.map(c, values.map(d, 1))))"
    long = [report("east", number=list(range(300)))]
    rule = StatusRule("*", "number", cel=f"values[0].map(x, {many.replace('values', 'values[0]')})")

    merged = status.merge(long, generation=1, before={}, rules=(rule,))

    assert merged.status == {}
    assert "budget" in merged.failures[0].lower()


def test_a_function_that_does_not_fit_names_the_types_it_met() -> None:
    merged = overridden("ready", function="sum", ready=True)

    assert merged.failures == ("rule widgets.example.org ready = sum: sum does not fit bool",)
    assert (merged.status or {})["ready"] is True


def test_addresses_of_all_targets_are_the_service_s() -> None:
    said = [
        report("a", loadBalancer={"ingress": [{"ip": "10.0.0.1"}]}),
        report("b", loadBalancer={"ingress": [{"ip": "10.0.0.2"}]}),
        report("c", loadBalancer={}),
    ]

    merged = status.merge(said, generation=1, before={}, kind="services").status

    assert merged == {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]}}
    assert said[0].status == {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}


def test_a_job_is_complete_once_it_is_complete_everywhere() -> None:
    done: Json = {
        "succeeded": 1,
        "startTime": "2026-01-01T00:00:05Z",
        "completionTime": "2026-01-01T00:01:00Z",
        "conditions": [{"type": "Complete", "status": "True"}],
    }
    going: Json = {"active": 1, "startTime": "2026-01-01T00:00:01Z"}

    half = status.merge(
        [report("a", **done), report("b", **going)], generation=1, before={}, kind="jobs.batch"
    ).status
    whole = status.merge(
        [report("a", **done), report("b", **done)], generation=1, before={}, kind="jobs.batch"
    ).status

    assert half == {
        "succeeded": 1,
        "active": 1,
        "startTime": "2026-01-01T00:00:01Z",
        "conditions": [],
    }
    assert whole is not None
    assert whole["completionTime"] == "2026-01-01T00:01:00Z"
    assert whole["conditions"] == done["conditions"]


def test_a_claim_is_as_bound_as_its_least_bound_copy() -> None:
    said = [report("a", phase="Bound"), report("b", phase="Pending")]

    merged = status.merge(said, generation=1, before={}, kind="persistentvolumeclaims").status

    assert merged == {"phase": "Pending"}


def test_only_what_we_wrote_is_cleared() -> None:
    mine = {"manager": "tmc-console", "fieldsV1": {"f:status": {"f:ready": {}, "f:empty": {}}}}
    other = {"manager": "someone", "fieldsV1": {"f:status": {"f:note": {}}}}
    live: Json = {
        "metadata": {"managedFields": [mine, other]},
        "status": {"ready": 3, "empty": 0, "note": "kept"},
    }

    assert status.clearing_patch(live) == {"status": {"ready": None}}
    assert status.clearing_patch({**live, "status": {"ready": 3}}) == {"status": None}
    assert status.clearing_patch({**live, "status": {"note": "kept"}}) is None


def test_a_field_within_a_field_is_patched_alone() -> None:
    assert diff({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "d": 3}}) == {"a": {"c": None, "d": 3}}


AVAILABLE = {"type": "Available", "status": "True", "message": "has minimum availability"}


def test_what_is_good_is_not_true_of_a_target_without_a_word() -> None:
    told = report(
        "a", observedGeneration=1, readyReplicas=2, conditions=[AVAILABLE, {"type": "Failed"}]
    )
    given: dict[str, Any] = {"generation": 3, "before": {"observedGeneration": 2}}

    whole = merge([told], kind="deployments.apps", **given)
    partly = merge([told], kind="deployments.apps", missing=("b",), **given)
    mute = merge([told, report("b")], kind="deployments.apps", **given)

    assert whole is not None
    assert (whole["observedGeneration"], whole["conditions"][0]["status"]) == (3, "True")
    assert partly == mute
    assert partly is not None
    assert (partly["observedGeneration"], partly["readyReplicas"]) == (2, 2)
    available, failed = partly["conditions"]
    assert (available["status"], available["reason"]) == ("Unknown", "TargetMissing")
    assert available["message"] == "no word from b; the others: has minimum availability"
    assert failed == {"type": "Failed"}


def test_a_job_is_not_complete_while_a_target_has_nothing() -> None:
    done: dict[str, Any] = {
        "completionTime": "2026-01-01T00:00:00Z",
        "conditions": [{"type": "Complete", "status": "True"}],
    }

    merged = merge(
        [report("a", **done)], generation=1, before={}, kind="jobs.batch", missing=("b",)
    )

    assert merged == {"conditions": []}
