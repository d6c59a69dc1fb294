"""What is never taken over, whatever the rules say."""

from __future__ import annotations

from typing import Any

import pytest

from tmcconsole.kube.objects import Json
from tmcconsole.sync.down.takeover import claimed_by

OWNER = {"kind": "ReplicaSet", "name": "web", "controller": True}


def make_object(**metadata: Any) -> Json:
    return {"metadata": {"name": "web", "namespace": "shop", **metadata}}


@pytest.mark.parametrize(
    ("metadata", "named"),
    [
        ({"labels": {"internal.workload.kcp.io/cluster": "k"}}, "internal.workload.kcp.io"),
        ({"annotations": {"kcp.io/namespace-locator": "{}"}}, "kcp.io/namespace-locator"),
        ({"labels": {"karmada.io/managed": "true"}}, "karmada.io/managed"),
        ({"ownerReferences": [OWNER]}, "ReplicaSet web"),
        ({"deletionTimestamp": "2026-01-01T00:00:00Z"}, "being deleted"),
    ],
    ids=["label of a hub", "locator of a hub", "another syncer", "a controller", "on its way out"],
)
def test_C6_what_somebody_claims_is_never_taken_over(metadata: Json, named: str) -> None:
    assert named in claimed_by(make_object(**metadata))


def test_C6_what_a_tool_of_a_person_applied_may_be_taken_over() -> None:
    labels = {"app.kubernetes.io/managed-by": "Helm", "app": "web"}

    assert claimed_by(make_object(labels=labels, annotations={"notkcp.io/x": "y"})) == ""
