"""kcp's promotion of what targets report, as a function."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tmcconsole.kube.objects import Json
from tmcconsole.sync.desired.target_view import ViewInvalid, read_view
from tmcconsole.sync.names.markers import PROMOTED, STATE, STATUS_DIFF, SUMMARIZING
from tmcconsole.sync.status.promotion import plan_promotion


def tree(
    *keys: str, status: Json | None = None, notes: dict[str, Any] | None = None, **fields: Any
) -> Json:
    texts = {
        name: value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in (notes or {}).items()
    }
    meta = {"name": "a", "labels": {STATE + key: "Sync" for key in keys}, "annotations": texts}
    return {"metadata": meta, "status": status or {}, **fields}


def told(plan_main: Json) -> dict[str, Any]:
    notes = plan_main.get("metadata", {}).get("annotations", {})
    return {name: value and orjson.loads(value) for name, value in notes.items()}


READY: Json = {"status": {"ready": 2}}
MARKED = {STATUS_DIFF + "K": {"status": PROMOTED}}


def test_the_status_of_the_only_target_is_promoted_and_marked() -> None:
    plan = plan_promotion(tree("K"), {"K": READY})

    assert plan.status == {"ready": 2}
    assert told(plan.main) == MARKED
    assert plan.wanted == {"ready": 2}


def test_what_is_promoted_already_is_not_written_again() -> None:
    plan = plan_promotion(tree("K", status={"ready": 2}, notes=MARKED), {"K": READY})

    assert (plan.status, plan.main) == ({}, {})


def test_what_a_target_does_not_report_any_more_leaves_the_promoted_status() -> None:
    plan = plan_promotion(tree("K", status={"ready": 2, "old": 1}, notes=MARKED), {"K": READY})

    assert plan.status == {"old": None}


def test_with_two_targets_each_keeps_its_own_and_none_is_promoted() -> None:
    other: Json = {"status": {"ready": 1}}
    plan = plan_promotion(tree("K", "L"), {"K": READY, "L": other})

    assert plan.wanted is None
    assert told(plan.main) == {
        STATUS_DIFF + "K": READY,
        STATUS_DIFF + "L": {"status": {"ready": 1}},
    }


def test_when_a_second_joins_the_promoted_value_moves_back_although_its_target_is_silent() -> None:
    before = tree("K", "L", status={"ready": 2}, notes=MARKED)

    plan = plan_promotion(before, {})

    assert plan.wanted is None
    assert told(plan.main) == {STATUS_DIFF + "K": READY}


def test_when_targets_shrink_to_one_its_stored_value_is_promoted_although_it_is_silent() -> None:
    plan = plan_promotion(tree("K", notes={STATUS_DIFF + "K": READY}), {})

    assert plan.status == {"ready": 2}
    assert told(plan.main) == MARKED


def test_a_rule_without_promotion_keeps_the_field_in_the_annotation() -> None:
    rules = [{"fieldPath": "status", "promoteToUpstream": False}]

    plan = plan_promotion(tree("K", notes={SUMMARIZING: rules}), {"K": READY})

    assert plan.wanted is None
    assert told(plan.main) == {STATUS_DIFF + "K": READY}


def test_rules_choose_fields_and_promote_some_of_them() -> None:
    rules = [
        {"fieldPath": "status.ready", "promoteToUpstream": True},
        {"fieldPath": "status.address", "promoteToUpstream": False},
        {"fieldPath": "spec.clusterIP", "promoteToUpstream": True},
    ]
    copy: Json = {"status": {"ready": 2, "address": "10.0.0.1"}, "spec": {"clusterIP": "10.0.0.2"}}
    before = tree("K", status={"mine": 1}, notes={SUMMARIZING: rules}, spec={"type": "ClusterIP"})

    plan = plan_promotion(before, {"K": copy})

    assert plan.status == {"ready": 2}
    assert plan.main["spec"] == {"clusterIP": "10.0.0.2"}
    assert told(plan.main) == {
        STATUS_DIFF + "K": {
            "status.ready": PROMOTED,
            "status.address": "10.0.0.1",
            "spec.clusterIP": PROMOTED,
        }
    }


def test_only_what_is_promoted_has_the_hub_s_generation() -> None:
    copy: Json = {"status": {"observedGeneration": 1}}
    own: Json = {"observedGeneration": 7}

    assert plan_promotion(tree("K"), {"K": copy}, own).status == own
    rules = [{"fieldPath": "status", "promoteToUpstream": False}]
    kept = plan_promotion(tree("K", notes={SUMMARIZING: rules}), {"K": copy}, own)
    assert told(kept.main) == {STATUS_DIFF + "K": copy}


def test_a_cluster_cannot_report_metadata() -> None:
    rules = [{"fieldPath": "metadata.labels", "promoteToUpstream": True}]

    with pytest.raises(ViewInvalid):
        plan_promotion(tree("K", notes={SUMMARIZING: rules}), {"K": READY})


def test_a_target_on_hold_reports_nothing() -> None:
    held = tree("K")
    held["metadata"]["labels"][STATE + "K"] = ""

    assert plan_promotion(held, {"K": READY}).main == {}


def test_each_target_s_view_shows_what_it_reported() -> None:
    alone = tree("K", status={"ready": 2}, notes=MARKED)
    both = tree("K", "L", notes={STATUS_DIFF + "K": READY})

    assert read_view(alone, "K")["status"] == {"ready": 2}
    assert read_view(both, "K")["status"] == {"ready": 2}
    assert "status" not in read_view(both, "L")
