"""The next step for one object on one target, for each combination of the two sides' states."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.sync.trees import make_tree
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.client.ingest import to_cached
from tmcconsole.kube.objects import CachedObject, Json, Kind, annotations_of
from tmcconsole.kube.trees.differences import Difference
from tmcconsole.sync.conflicts.copy_differences import fingerprint
from tmcconsole.sync.desired.build import PLAIN, Desired, build
from tmcconsole.sync.down.plan import (
    AwaitFinalizer,
    AwaitGone,
    AwaitStamp,
    Collide,
    Create,
    Delete,
    Facts,
    Hold,
    InSync,
    Nothing,
    Refuse,
    Release,
    Update,
    decide,
)
from tmcconsole.sync.names.markers import CLUSTER, DIGEST, ORIGIN, origin_of
from tmcconsole.sync.policy import Refusal

CONFIGMAPS = Kind("", "v1", "configmaps", "ConfigMap")
HUB = "hub-cluster"
NO = Refusal("KindDenied", SafeText("no"))


def wanted_tree(**more: Any) -> Json:
    """A hub object that belongs on target ``a`` and is marked so."""
    return make_tree(states={"a": "Sync"}, held=("a",), data={"colour": "blue"}, **more)


def cache(tree: Json) -> CachedObject:
    return to_cached(orjson.dumps(tree), CONFIGMAPS)


def desired_of(source: Json) -> Desired:
    return build(CONFIGMAPS, source, key="a", hub_cluster=HUB, namespace="shop")


def copy_of(source: Json, *, deleting: bool = False, **meta: Any) -> Json:
    """The copy as our apply left it on the target."""
    tree = desired_of(source).tree
    tree["metadata"] |= {"uid": "uid-copy", "resourceVersion": "40", **meta}
    if deleting:
        tree["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return tree


def facts(
    source: Json | None,
    copy: Json | None,
    *,
    refusal: Refusal | None = None,
    normal: frozenset[str] = frozenset(),
    known_uid: str = "",
) -> Facts:
    return Facts(
        key="a",
        place=origin_of(HUB, source or make_tree()).rpartition("/")[0],
        origin=origin_of(HUB, source) if source else "",
        source=source,
        source_digest=b"s" if source else b"",
        inputs=PLAIN,
        desired=desired_of(source) if source else None,
        refusal=refusal,
        copy=cache(copy) if copy else None,
        copy_tree=copy,
        known_uid=known_uid,
        normal=normal,
    )


def foreign() -> Json:
    """An object of the same name that somebody else made."""
    return make_tree() | {"data": {"theirs": "yes"}}


RECREATED = make_tree(states={"a": "Sync"}, held=("a",), data={"colour": "blue"})
RECREATED["metadata"]["uid"] = "uid-second-life"
STRIPPED = copy_of(wanted_tree())
del STRIPPED["metadata"]["annotations"][ORIGIN]
UNLABELLED = copy_of(wanted_tree())
del UNLABELLED["metadata"]["labels"][CLUSTER]
BY_HAND = copy_of(wanted_tree())
BY_HAND["metadata"]["annotations"][ORIGIN] = origin_of(HUB, make_tree()).replace("/", "/x", 1)
OTHER_TARGETS = copy_of(wanted_tree())
OTHER_TARGETS["metadata"]["labels"][CLUSTER] = "b"


@pytest.mark.parametrize(
    ("given", "step"),
    [
        pytest.param(facts(wanted_tree(), None), Create, id="no copy yet"),
        pytest.param(facts(wanted_tree(), copy_of(wanted_tree())), InSync, id="as wanted"),
        pytest.param(
            facts(make_tree(states={"a": "Sync"}), None), AwaitFinalizer, id="not marked yet"
        ),
        pytest.param(
            facts(make_tree(states={"a": "Sync"}), copy_of(wanted_tree())),
            AwaitFinalizer,
            id="a copy without the hub's finalizer is not written",
        ),
        pytest.param(
            facts(wanted_tree(), copy_of(wanted_tree(), deleting=True)),
            AwaitGone,
            id="the copy is on its way out",
        ),
        pytest.param(facts(wanted_tree(), foreign()), Collide, id="foreign object"),
        pytest.param(facts(wanted_tree(), STRIPPED), Collide, id="origin stripped: one proof only"),
        pytest.param(
            facts(wanted_tree(), STRIPPED, known_uid="uid-copy"),
            Update,
            id="origin stripped: what we wrote is known by its UID",
        ),
        pytest.param(
            facts(wanted_tree(), STRIPPED, known_uid="uid-another"),
            Collide,
            id="origin stripped: another UID than what we wrote",
        ),
        pytest.param(
            facts(make_tree(held=("a",), stamps=("a",)), UNLABELLED, known_uid="uid-copy"),
            Delete,
            id="left, label stripped: what we wrote is known by its UID",
        ),
        pytest.param(
            facts(None, BY_HAND), Nothing, id="somebody's copy of our copy under another name"
        ),
        pytest.param(facts(wanted_tree(), OTHER_TARGETS), Collide, id="another target's copy"),
        pytest.param(
            facts(RECREATED, copy_of(wanted_tree())), Delete, id="copy of an earlier life"
        ),
        pytest.param(
            facts(RECREATED, copy_of(wanted_tree(), deleting=True)),
            AwaitGone,
            id="copy of an earlier life, leaving",
        ),
        pytest.param(facts(wanted_tree(), None, refusal=NO), Refuse, id="refused"),
        pytest.param(
            facts(make_tree(states={"a": "Sync"}), None, refusal=NO),
            Refuse,
            id="refused: the reason comes before the missing mark",
        ),
        pytest.param(
            facts(wanted_tree(), copy_of(wanted_tree()), refusal=NO),
            Refuse,
            id="refused later: the copy is left as it is",
        ),
        pytest.param(facts(make_tree(), None), Nothing, id="not placed here"),
        pytest.param(facts(make_tree(held=("a",)), None), Release, id="left, nothing there"),
        pytest.param(
            facts(make_tree(held=("a",)), foreign()), Release, id="left, a foreign object there"
        ),
        pytest.param(
            facts(make_tree(held=("a",), stamps=("a",)), copy_of(wanted_tree())),
            Delete,
            id="left, copy there",
        ),
        pytest.param(
            facts(make_tree(held=("a",)), copy_of(wanted_tree())),
            AwaitStamp,
            id="label taken off, and nobody said yet that the copy may leave",
        ),
        pytest.param(
            facts(make_tree(held=("a",)), copy_of(wanted_tree(), deleting=True)),
            AwaitGone,
            id="left, copy leaving",
        ),
        pytest.param(
            facts(wanted_tree(deleting=True), copy_of(wanted_tree())), Delete, id="hub deleting"
        ),
        pytest.param(facts(wanted_tree(deleting=True), None), Release, id="hub deleting, no copy"),
        pytest.param(
            facts(wanted_tree(deleting=True, soft=("a",)), copy_of(wanted_tree())),
            InSync,
            id="hub deleting, soft finalizer",
        ),
        pytest.param(facts(make_tree(states={"a": ""}), None), Hold, id="on hold, no copy"),
        pytest.param(
            facts(make_tree(states={"a": ""}, held=("a",)), copy_of(wanted_tree())),
            Hold,
            id="on hold: the copy stays as it is",
        ),
        pytest.param(
            facts(make_tree(states={"a": ""}, held=("a",), stamps=("a",)), copy_of(wanted_tree())),
            Delete,
            id="on hold, to leave: the copy goes",
        ),
        pytest.param(facts(None, None), Nothing, id="neither side"),
        pytest.param(facts(None, copy_of(wanted_tree())), Delete, id="hub gone"),
        pytest.param(
            facts(None, copy_of(wanted_tree(), deleting=True)), AwaitGone, id="both going"
        ),
        pytest.param(facts(None, foreign()), Nothing, id="a foreign object alone"),
        pytest.param(facts(None, STRIPPED), Nothing, id="hub gone, one proof only"),
        pytest.param(facts(None, OTHER_TARGETS), Nothing, id="hub gone, another target's"),
        pytest.param(
            facts(make_tree(states={"a": "Upsync"}, held=("a",)), foreign()),
            Nothing,
            id="owned by a target",
        ),
    ],
)
def test_the_step(given: Facts, step: type) -> None:
    assert isinstance(decide(given), step)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (facts(None, copy_of(wanted_tree())), "HubGone"),
        (facts(RECREATED, copy_of(wanted_tree())), "HubGone"),
        (facts(wanted_tree(deleting=True), copy_of(wanted_tree())), "HubDeleting"),
        (facts(make_tree(held=("a",), stamps=("a",)), copy_of(wanted_tree())), "Unassigned"),
    ],
    ids=["gone", "recreated", "deleting", "unassigned"],
)
def test_a_deletion_carries_its_reason_and_the_very_copy(given: Facts, reason: str) -> None:
    step = decide(given)

    assert isinstance(step, Delete)
    assert (step.copy, step.reason) == (given.copy, reason)


def test_another_desired_state_is_an_update_and_not_drift() -> None:
    old, new = wanted_tree(), wanted_tree()
    new["data"] = {"colour": "red"}

    assert decide(facts(new, copy_of(old))) == Update("uid-copy")


def test_a_changed_copy_of_the_same_desired_state_is_drift_that_names_the_field() -> None:
    copy = copy_of(wanted_tree())
    copy["data"]["colour"] = "green"

    assert decide(facts(wanted_tree(), copy)) == Update(
        "uid-copy", (Difference("data.colour", "blue", "green"),)
    )


def test_the_servers_own_defaulting_is_not_drift_but_a_further_change_is() -> None:
    copy = copy_of(wanted_tree())
    copy["data"]["colour"] = "BLUE"
    known = frozenset({fingerprint(Difference("data.colour", "blue", "BLUE"))})

    assert decide(facts(wanted_tree(), copy, normal=known)) == InSync()
    copy["data"]["colour"] = "green"
    assert isinstance(decide(facts(wanted_tree(), copy, normal=known)), Update)


def test_what_others_add_is_no_drift() -> None:
    copy = copy_of(wanted_tree())
    copy["data"]["more"] = "theirs"
    copy["metadata"]["labels"]["team"] = "theirs"

    assert decide(facts(wanted_tree(), copy)) == InSync()


def test_a_digest_removed_by_hand_is_written_again() -> None:
    copy = copy_of(wanted_tree())
    del copy["metadata"]["annotations"][DIGEST]
    assert DIGEST not in annotations_of(copy)

    assert decide(facts(wanted_tree(), copy)) == Update("uid-copy")


def test_a_collision_tells_who_is_in_the_way() -> None:
    tree = foreign()
    tree["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm"

    step = decide(facts(wanted_tree(), tree))

    assert isinstance(step, Collide)
    assert "managed by Helm" in step.message
    assert "left alone" in step.message
