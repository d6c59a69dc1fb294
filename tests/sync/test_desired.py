"""What a target should have of a hub object: the desired state, without the hub's own fields."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.trees import make_tree
from tmcconsole.kube.objects import Json, Kind, annotations_of, labels_of
from tmcconsole.sync.desired.build import Desired, DesiredInputs, build
from tmcconsole.sync.desired.replica_division import share
from tmcconsole.sync.names.markers import CLUSTER, DIGEST, ORIGIN

CONFIGMAPS = Kind("", "v1", "configmaps", "ConfigMap")
DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment")
SERVICES = Kind("", "v1", "services", "Service")
JOBS = Kind("batch", "v1", "jobs", "Job")
CLAIMS = Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
PODS = Kind("", "v1", "pods", "Pod")


def desired(kind: Kind, source: Json, **more: Any) -> Desired:
    return build(kind, source, key="a", hub_cluster="hub", namespace="there", **more)


def test_a_desired_state_is_the_object_under_our_marks_in_the_targets_namespace() -> None:
    source = make_tree(states={"a": "Sync", "b": "Sync"}, held=("a",), assigned=True, stamps=("b",))
    source["metadata"]["labels"]["team"] = "shop"
    source["metadata"]["annotations"]["note"] = "kept"

    found = desired(CONFIGMAPS, source | {"data": {"k": "v"}})

    assert found.tree == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "settings",
            "namespace": "there",
            "labels": {"team": "shop", CLUSTER: "a"},
            "annotations": {
                "note": "kept",
                ORIGIN: "hub/shop/settings/uid-settings",
                DIGEST: found.digest,
            },
        },
        "data": {"k": "v"},
    }


@pytest.mark.parametrize(
    "field",
    [
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "managedFields",
        "ownerReferences",
        "finalizers",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
        "selfLink",
    ],
)
def test_metadata_of_the_hubs_own_does_not_travel(field: str) -> None:
    source = make_tree()
    source["metadata"][field] = "something"

    assert field not in desired(CONFIGMAPS, source).tree["metadata"]


@pytest.mark.parametrize(
    "name",
    [
        "kubectl.kubernetes.io/last-applied-configuration",
        "deployment.kubernetes.io/revision",
        "pv.kubernetes.io/bind-completed",
        "kcp.io/cluster",
        "internal.workload.kcp.io/workspace-url",
        "diff.syncer.internal.kcp.io/a",
        "scheduling.kcp.io/placement",
    ],
)
def test_bookkeeping_annotations_do_not_travel(name: str) -> None:
    source = make_tree()
    source["metadata"]["annotations"][name] = "something"

    assert name not in annotations_of(desired(CONFIGMAPS, source).tree)


def test_status_does_not_travel_and_the_source_is_not_changed() -> None:
    source = make_tree(status={"phase": "Bound"}, spec={"clusterIP": "10.0.0.1"})
    before = copy.deepcopy(source)

    found = desired(SERVICES, source)

    assert "status" not in found.tree
    assert source == before


@pytest.mark.parametrize(
    ("kind", "spec", "wanted"),
    [
        pytest.param(
            SERVICES,
            {
                "clusterIP": "10.0.0.1",
                "clusterIPs": ["10.0.0.1"],
                "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "SingleStack",
                "healthCheckNodePort": 31000,
                "ports": [{"port": 80, "nodePort": 30080}],
            },
            {"ports": [{"port": 80}]},
            id="service: addresses the hub handed out",
        ),
        pytest.param(
            SERVICES,
            {"clusterIP": "None", "clusterIPs": ["None"]},
            {"clusterIP": "None", "clusterIPs": ["None"]},
            id="service: headless is a desired state",
        ),
        pytest.param(
            SERVICES,
            {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4", "IPv6"]},
            {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4", "IPv6"]},
            id="service: dual stack is a desired state",
        ),
        pytest.param(
            JOBS,
            {
                "selector": {"matchLabels": {"controller-uid": "u"}},
                "template": {"metadata": {"labels": {"controller-uid": "u", "app": "x"}}},
            },
            {"template": {"metadata": {"labels": {"app": "x"}}}},
            id="job: a selector made of the hub's UID",
        ),
        pytest.param(
            JOBS,
            {"manualSelector": True, "selector": {"matchLabels": {"job": "x"}}},
            {"manualSelector": True, "selector": {"matchLabels": {"job": "x"}}},
            id="job: a selector made by hand",
        ),
        pytest.param(
            CLAIMS,
            {"volumeName": "pv-7", "storageClassName": "fast"},
            {"storageClassName": "fast"},
            id="claim: the hub's volume",
        ),
        pytest.param(
            PODS, {"nodeName": "n1", "containers": []}, {"containers": []}, id="pod: the hub's node"
        ),
    ],
)
def test_fields_that_mean_something_in_the_hub_only_are_left_out(
    kind: Kind, spec: Json, wanted: Json
) -> None:
    assert desired(kind, make_tree(spec=spec)).tree["spec"] == wanted


def test_equal_states_have_equal_digests_whatever_the_order_and_the_bookkeeping() -> None:
    one = make_tree(states={"a": "Sync"}, data={"x": "1", "y": "2"})
    two = make_tree(held=("a",), assigned=True, data={"y": "2", "x": "1"})
    two["metadata"]["resourceVersion"] = "99"

    assert desired(CONFIGMAPS, one).digest == desired(CONFIGMAPS, two).digest


def test_a_different_desired_state_has_a_different_digest() -> None:
    digests = {
        desired(CONFIGMAPS, make_tree(data={"x": "1"})).digest,
        desired(CONFIGMAPS, make_tree(data={"x": "2"})).digest,
        desired(CONFIGMAPS, make_tree(name="other", data={"x": "1"})).digest,
        desired(
            DEPLOYMENTS, make_tree(spec={"replicas": 4}), inputs=DesiredInputs(("a", "b"))
        ).digest,
        desired(DEPLOYMENTS, make_tree(spec={"replicas": 4})).digest,
    }

    assert len(digests) == 5


@pytest.mark.parametrize(
    ("kind", "spec", "among", "replicas"),
    [
        (DEPLOYMENTS, {"replicas": 5}, ("a", "b"), 3),
        (DEPLOYMENTS, {"replicas": 5}, None, 5),
        (DEPLOYMENTS, {}, ("a", "b"), 1),
        (DEPLOYMENTS, {"replicas": 0}, ("a", "b"), 0),
        (DEPLOYMENTS, {"replicas": 4}, ("b",), 2),
        (JOBS, {"replicas": 5}, ("a", "b"), 5),
    ],
    ids=["divided", "whole", "the default is one", "none", "leaving target", "other kinds"],
)
def test_replicas_are_divided_where_a_placement_says_so(
    kind: Kind, spec: Json, among: tuple[str, ...] | None, replicas: int
) -> None:
    assert (
        desired(kind, make_tree(spec=spec), inputs=DesiredInputs(among)).tree["spec"]["replicas"]
        == replicas
    )


_members = st.lists(st.text("abcdef", min_size=1, max_size=3), min_size=1, unique=True)


@given(total=st.integers(0, 10_000), keys=_members)
def test_shares_add_up_and_differ_by_one_at_most(total: int, keys: list[str]) -> None:
    shares = [share(total, keys, key) for key in keys]

    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1


@given(total=st.integers(0, 10_000), keys=_members, seed=st.randoms())
def test_a_share_depends_on_nothing_but_who_takes_part(
    total: int, keys: list[str], seed: Any
) -> None:
    shuffled = list(keys)
    seed.shuffle(shuffled)

    assert [share(total, keys, k) for k in keys] == [share(total, shuffled, k) for k in keys]


@given(total=st.integers(0, 10_000), keys=_members)
def test_the_share_of_a_target_being_left_does_not_grow(total: int, keys: list[str]) -> None:
    leaving, rest = keys[0], keys[1:]

    assert share(total, rest, leaving) == share(total, keys, leaving)


def test_labels_of_jobs_that_carry_the_hubs_uid_do_not_travel() -> None:
    source = make_tree(spec={})
    source["metadata"]["labels"] |= {"batch.kubernetes.io/job-name": "x", "app": "x"}

    assert set(labels_of(desired(JOBS, source).tree)) == {"app", CLUSTER}
