"""The next step in the hub for an object that a target owns, and which Endpoints are upsynced."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.client.ingest import to_cached
from tmcconsole.kube.objects import CachedObject, Json, Kind
from tmcconsole.kube.trees.differences import merge_patch
from tmcconsole.sync.names.markers import (
    CLUSTER,
    DELETION,
    DERIVED,
    DIGEST,
    FINALIZER,
    ORIGIN,
    STATE,
    UPSYNC_RV,
    UPSYNCED,
    is_bookkeeping,
    place_of,
)
from tmcconsole.sync.policy import Refusal
from tmcconsole.sync.up.hub_object import Lifted, is_lifted, is_selected, lift, why_not_derived
from tmcconsole.sync.up.plan import (
    CompareHubObject,
    Even,
    LetGo,
    Make,
    NameTaken,
    Reject,
    Rest,
    Rewrite,
    Stamp,
    TakeDown,
    UpFacts,
    Wait,
    WriteStatus,
    decide_up,
    normal_of,
)

PODS = Kind("", "v1", "pods", "Pod", subresources=frozenset({"status"}))
THEN = "2026-01-01T00:00:00Z"
AWAY = Wait("NamespaceAway", "no")
NO = Refusal("UpsyncDiffInvalid", SafeText("no"))


def below_tree(*, version: str = "40", deleting: bool = False, uid: str = "uid-below") -> Json:
    meta: Json = {
        "name": "worker",
        "namespace": "kcp-x",
        "uid": uid,
        "resourceVersion": version,
        "labels": {"app": "worker", CLUSTER: "a", STATE + "a": "Upsync"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web", "controller": True}],
        "finalizers": ["example.com/theirs"],
    }
    if deleting:
        meta["deletionTimestamp"] = THEN
    spec = {"containers": [{"name": "main", "image": "web:1"}], "nodeName": "node-1"}
    return {"metadata": meta, "spec": spec, "status": {"phase": "Running"}}


def lifted_of(tree: Json) -> Lifted:
    found = lift(PODS, tree, key="a", namespace="shop")
    assert isinstance(found, Lifted)
    return found


def above_tree(below: Json, *, whole: bool = True, **meta: Any) -> Json:
    """The hub's object as our writes left it."""
    tree: Json = orjson.loads(orjson.dumps(lifted_of(below).desired.tree))
    tree["metadata"] |= {"uid": "uid-above", "resourceVersion": "7", **meta}
    if whole:
        tree["status"] = below["status"]
        tree["metadata"]["annotations"][UPSYNC_RV] = below["metadata"]["resourceVersion"]
    return tree


def cache(tree: Json | None) -> CachedObject | None:
    return to_cached(orjson.dumps(tree), PODS) if tree else None


def facts(
    below: Json | None,
    above: Json | None,
    *,
    waits: Wait | None = None,
    lifted: Lifted | Refusal | None = None,
    normal: frozenset[str] = frozenset(),
    reported: bytes = b"",
    unselected: str = "",
) -> UpFacts:
    return UpFacts(
        key="a",
        place=place_of("a", "kcp-x", "worker"),
        below=cache(below),
        below_tree=below,
        unselected=unselected,
        lifted=lifted or (lifted_of(below) if below else None),
        waits=waits,
        above=cache(above),
        above_tree=above,
        normal=normal,
        reported=reported,
    )


BELOW = below_tree()
NEWER = below_tree(version="41")
BUSY = below_tree(version="41") | {"status": {"phase": "Succeeded"}}
OLD_WISH = above_tree(BELOW)
OLD_WISH["metadata"]["annotations"][DIGEST] = "older"
CHANGED = merge_patch(above_tree(BELOW), {"spec": {"nodeName": "node-9"}})
UNSTATED = merge_patch(above_tree(BELOW), {"metadata": {"labels": {STATE + "a": None}}})
FOREIGN = {"metadata": {"name": "worker", "namespace": "shop", "uid": "u", "resourceVersion": "1"}}
BUSY_CACHED = cache(BUSY)
assert BUSY_CACHED is not None


@pytest.mark.parametrize(
    ("given", "step"),
    [
        pytest.param(facts(None, None), Rest(), id="neither side"),
        pytest.param(facts(BELOW, None), Make(), id="not in the hub yet"),
        pytest.param(facts(BELOW, None, waits=AWAY), AWAY, id="no namespace for it"),
        pytest.param(facts(BELOW, None, lifted=NO), Reject(NO), id="a diff that cannot be used"),
        pytest.param(facts(below_tree(deleting=True), None), Rest(), id="going, and never was"),
        pytest.param(facts(BELOW, above_tree(BELOW)), Even(), id="whole"),
        pytest.param(facts(NEWER, above_tree(BELOW)), Even(), id="newer, and nothing differs"),
        pytest.param(
            facts(BELOW, above_tree(BELOW, whole=False)),
            WriteStatus({"phase": "Running"}),
            id="created, status missing: a crash came between",
        ),
        pytest.param(
            facts(BELOW, merge_patch(above_tree(BELOW, whole=False), {"status": BELOW["status"]})),
            Stamp("40"),
            id="status written, stamp missing: a crash came between",
        ),
        pytest.param(
            facts(BUSY, above_tree(BELOW)), WriteStatus({"phase": "Succeeded"}), id="status"
        ),
        pytest.param(
            facts(BUSY, above_tree(BELOW), reported=BUSY_CACHED.status_digest),
            Stamp("41"),
            id="the hub keeps less of the status than it was given",
        ),
        pytest.param(facts(BELOW, OLD_WISH), Rewrite(), id="another desired state"),
        pytest.param(facts(BELOW, CHANGED), CompareHubObject(), id="differs, for a reason unknown"),
        pytest.param(
            facts(BELOW, CHANGED, normal=normal_of(lifted_of(BELOW), CHANGED)),
            Even(),
            id="differs as the hub's own defaulting has it",
        ),
        pytest.param(
            facts(BELOW, CHANGED, normal=normal_of(lifted_of(BELOW), above_tree(BELOW))),
            Rewrite(),
            id="differs, and not by defaulting",
        ),
        pytest.param(
            facts(BELOW, UNSTATED, normal=normal_of(lifted_of(BELOW), above_tree(BELOW))),
            Rewrite(),
            id="somebody took the state label off",
        ),
        pytest.param(facts(BELOW, FOREIGN), NameTaken(), id="a foreign object of that name"),
        pytest.param(facts(None, FOREIGN), Rest(), id="a foreign object, and nothing below"),
        pytest.param(
            facts(None, above_tree(BELOW, finalizers=[])), Rest(), id="our finalizer taken off"
        ),
        pytest.param(facts(None, above_tree(BELOW)), TakeDown("Gone"), id="gone below"),
        pytest.param(
            facts(None, above_tree(BELOW), unselected="no label"),
            TakeDown("no label"),
            id="there, and to go up no longer",
        ),
        pytest.param(
            facts(below_tree(uid="uid-second"), above_tree(BELOW)),
            TakeDown("Replaced"),
            id="another object of that name below",
        ),
        pytest.param(
            facts(None, above_tree(BELOW, deletionTimestamp=THEN)), LetGo(), id="deleted in the hub"
        ),
        pytest.param(
            facts(BELOW, above_tree(BELOW, deletionTimestamp=THEN)),
            LetGo(),
            id="deleted in the hub, there below",
        ),
        pytest.param(
            facts(below_tree(deleting=True), above_tree(BELOW)),
            Wait("AwaitingDeletion", "the target is deleting it"),
            id="going below",
        ),
    ],
)
def test_one_step(given: UpFacts, step: object) -> None:
    assert decide_up(given) == step


def test_what_goes_up_is_cleaned_of_the_targets_own() -> None:
    tree = lifted_of(BELOW).desired.tree
    meta = tree["metadata"]

    assert set(meta) == {"name", "namespace", "labels", "annotations", "finalizers"}
    assert meta["namespace"] == "shop"
    assert meta["finalizers"] == [FINALIZER + "a"]
    assert meta["labels"] == {"app": "worker", STATE + "a": "Upsync", UPSYNCED: "a"}
    assert "status" not in tree


def test_a_kind_without_a_status_subresource_carries_the_status_itself() -> None:
    plain = Kind("", "v1", "pods", "Pod")

    found = lift(plain, BELOW, key="a", namespace="shop")

    assert isinstance(found, Lifted)
    assert found.desired.tree["status"] == {"phase": "Running"}
    assert found.status is None


@pytest.mark.parametrize(
    "part",
    [
        {"labels": {UPSYNCED: None}},
        {"labels": {UPSYNCED: "b"}},
        {"annotations": {ORIGIN: "a/kcp-x/another/uid-below"}},
        {"finalizers": None},
    ],
)
def test_an_object_is_ours_only_where_every_mark_says_so(part: Json) -> None:
    place, tree = place_of("a", "kcp-x", "worker"), above_tree(BELOW)
    assert is_lifted(tree, "a", place)

    assert not is_lifted(merge_patch(tree, {"metadata": part}), "a", place)


def make_service(**more: Any) -> Json:
    service: Json = {
        "metadata": {
            "name": "web",
            "labels": {STATE + "a": "Sync"},
            "annotations": {DERIVED: "endpoints"},
        }
    }
    found: Json = merge_patch(service, {"metadata": more})
    return found


COPY: Json = {"metadata": {"name": "web", "labels": {CLUSTER: "a"}}}
OWNED = [{"kind": "Gateway", "name": "gw"}]


@pytest.mark.parametrize(
    ("service", "copy", "why"),
    [
        (make_service(), COPY, ""),
        (make_service(annotations={DERIVED: "pods , endpoints"}), COPY, ""),
        (None, COPY, "no such Service"),
        (None, None, "no such Service"),
        (make_service(annotations={DERIVED: None}), COPY, "does not ask"),
        (make_service(annotations={DERIVED: ""}), COPY, "does not ask"),
        (make_service(annotations={DERIVED: "pods"}), COPY, "does not ask"),
        (make_service(annotations={DERIVED: "endpointslices"}), COPY, "does not ask"),
        (make_service(deletionTimestamp=THEN), COPY, "leaving"),
        (make_service(annotations={DELETION + "a": THEN}), COPY, "leaving"),
        (make_service(labels={STATE + "a": None}), COPY, "not synced"),
        (make_service(labels={STATE + "a": ""}), COPY, "not synced"),
        (make_service(labels={STATE + "a": "Upsync"}), COPY, "not synced"),
        (make_service(), None, "not on the target"),
        (make_service(), merge_patch(COPY, {"metadata": {"deletionTimestamp": THEN}}), "not on"),
        (make_service(), merge_patch(COPY, {"metadata": {"labels": None}}), "not ours"),
        (make_service(), merge_patch(COPY, {"metadata": {"labels": {CLUSTER: "b"}}}), "not ours"),
        (make_service(), merge_patch(COPY, {"metadata": {"ownerReferences": OWNED}}), "belongs"),
        (make_service(ownerReferences=OWNED), COPY, "belongs"),
    ],
)
def test_which_endpoints_go_up(service: Json | None, copy: Json | None, why: str) -> None:
    found = why_not_derived(service, copy, "a")

    assert why in found
    assert bool(found) == bool(why)


_names = st.sampled_from(["app", CLUSTER, STATE + "a", STATE + "b", "example.com/x", UPSYNCED])
_labels = st.dictionaries(_names, st.sampled_from(["a", "Upsync", "Sync"]))


@given(labels=_labels, notes=st.dictionaries(_names, st.text(max_size=3)))
def test_of_our_own_bookkeeping_only_the_marks_of_this_target_go_up(
    labels: dict[str, str], notes: dict[str, str]
) -> None:
    tree = merge_patch(BELOW, {"metadata": {"labels": labels, "annotations": notes}})

    meta = lifted_of(tree).desired.tree["metadata"]

    marks = {name for name in {**meta["labels"], **meta["annotations"]} if is_bookkeeping(name)}
    assert marks == {STATE + "a", UPSYNCED, ORIGIN, DIGEST}
    assert is_lifted({"metadata": meta}, "a", place_of("a", "kcp-x", "worker"))


@given(labels=_labels)
def test_both_labels_send_an_object_up_and_nothing_less(labels: dict[str, str]) -> None:
    tree: Json = {"metadata": {"labels": labels}}

    both = labels.get(CLUSTER) == "a" and labels.get(STATE + "a") == "Upsync"
    assert is_selected(tree, "a") == both
