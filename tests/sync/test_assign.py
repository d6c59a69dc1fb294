"""Where a hub object belongs, and the one patch that writes it down.

The cases follow kcp's table for ``computePlacement`` where they have one.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.trees import NOW, THEN, make_tree, patched
from tmcconsole.kube.objects import Json, annotations_of, finalizers_of, labels_of
from tmcconsole.sync.assignment.plan import (
    Expected,
    expected_keys,
    is_assigned,
    plan_assignment,
    plan_release,
)
from tmcconsole.sync.names.markers import (
    ASSIGNED,
    DELETION,
    FINALIZER,
    OLD_STATUS,
    SPEC_DIFF,
    STATE,
    STATUS_DIFF,
    deletion_keys,
    finalizer_keys,
    state_keys,
)

BOTH = frozenset({"a", "b"})


def by_namespace(*keys: str) -> Expected:
    return Expected(frozenset(keys), by_namespace=True)


def by_labels(*keys: str) -> Expected:
    return Expected(frozenset(keys), by_namespace=False)


def after(tree: Json, expected: Expected, served: frozenset[str] = BOTH) -> Json:
    """Return the tree after patching until nothing is left to patch."""
    for _ in range(5):
        patch = plan_assignment(tree, expected, served, NOW)
        if patch is None:
            return tree
        tree = patched(tree, patch)
    raise AssertionError("it never settles")


# Where it belongs


@pytest.mark.parametrize(
    ("namespace", "tree", "keys", "follows_namespace"),
    [
        pytest.param(make_tree(), make_tree(), (), False, id="nothing says anything"),
        pytest.param(
            make_tree(states={"a": "Sync"}), make_tree(), ("a",), True, id="scheduled namespace"
        ),
        pytest.param(
            make_tree(states={"a": "Sync", "b": "Sync"}, stamps=("b",)),
            make_tree(),
            ("a",),
            True,
            id="a stamped target of the namespace counts no more",
        ),
        pytest.param(
            make_tree(states={"a": "Sync"}),
            make_tree(states={"b": "Sync"}),
            ("a",),
            True,
            id="the namespace decides over the object's own labels",
        ),
        pytest.param(
            make_tree(),
            make_tree(states={"b": "Sync"}),
            ("b",),
            False,
            id="without a Placement the object's own labels decide",
        ),
        pytest.param(
            make_tree(placed=True),
            make_tree(states={"b": "Sync"}),
            (),
            True,
            id="a Placement that has no target takes the object from all",
        ),
        pytest.param(
            make_tree(),
            make_tree(states={"a": "Sync"}, assigned=True),
            (),
            True,
            id="labels that came from the namespace go with it",
        ),
    ],
)
def test_where_an_object_belongs(
    namespace: Json, tree: Json, keys: tuple[str, ...], follows_namespace: bool
) -> None:
    found = expected_keys(tree, namespace)

    assert (found.keys, found.by_namespace) == (frozenset(keys), follows_namespace)


# Arrivals


def test_label_finalizer_and_fence_are_one_patch() -> None:
    patch = plan_assignment(make_tree(), by_namespace("a"), BOTH, NOW)

    assert patch == {
        "metadata": {
            "uid": "uid-settings",
            "resourceVersion": "7",
            "labels": {STATE + "a": "Sync"},
            "annotations": {ASSIGNED: "namespace"},
            "finalizers": [FINALIZER + "a"],
        }
    }


def test_only_targets_that_serve_the_kind_get_a_finalizer() -> None:
    tree = after(make_tree(), by_namespace("a", "b"), served=frozenset({"a"}))

    assert state_keys(tree) == {"a": "Sync", "b": "Sync"}
    assert finalizer_keys(tree) == {"a"}


def test_finalizers_of_others_stay_and_stay_first() -> None:
    tree = make_tree()
    tree["metadata"]["finalizers"] = ["example.com/theirs"]

    assert finalizers_of(after(tree, by_namespace("a"))) == (
        "example.com/theirs",
        FINALIZER + "a",
    )


def test_a_label_set_by_hand_gets_a_finalizer_and_no_mark_of_the_namespace() -> None:
    tree = after(make_tree(states={"a": "Sync"}), by_labels("a"))

    assert finalizer_keys(tree) == {"a"}
    assert ASSIGNED not in annotations_of(tree)


def test_a_target_chosen_again_before_it_was_left_loses_its_stamp() -> None:
    tree = make_tree(states={"a": "Sync"}, stamps=("a",), held=("a",), assigned=True)

    assert deletion_keys(after(tree, by_namespace("a"))) == {}


# Departures


def test_a_target_that_may_hold_a_copy_is_stamped_and_keeps_its_label() -> None:
    tree = after(make_tree(states={"a": "Sync"}, held=("a",), assigned=True), by_namespace())

    assert deletion_keys(tree) == {"a": NOW}
    assert state_keys(tree) == {"a": "Sync"}
    assert finalizer_keys(tree) == {"a"}


@pytest.mark.parametrize("stamps", [(), ("a",)], ids=["unstamped", "stamped"])
def test_a_target_that_never_held_a_copy_is_left_without_trace(stamps: tuple[str, ...]) -> None:
    tree = make_tree(states={"a": "Sync"}, stamps=stamps, assigned=True)

    left = after(tree, by_namespace())

    assert state_keys(left) == {}
    assert deletion_keys(left) == {}


def test_an_object_that_left_every_target_may_be_assigned_by_hand_again() -> None:
    tree = make_tree(states={"a": "Sync"}, assigned=True)

    assert ASSIGNED not in annotations_of(after(tree, by_namespace()))


def test_a_soft_finalizer_prevents_the_label_from_going() -> None:
    tree = after(make_tree(states={"a": "Sync"}, soft=("a",), assigned=True), by_namespace())

    assert state_keys(tree) == {"a": "Sync"}
    assert deletion_keys(tree) == {"a": NOW}


def test_an_older_stamp_keeps_its_time() -> None:
    tree = make_tree(states={"a": "Sync"}, stamps=("a",), held=("a",), assigned=True)

    assert deletion_keys(after(tree, by_namespace())) == {"a": THEN}


def test_a_finalizer_whose_label_somebody_removed_is_stamped_for_departure() -> None:
    assert deletion_keys(after(make_tree(held=("a",)), by_labels())) == {"a": NOW}


# Left alone


@pytest.mark.parametrize(
    "expected",
    [by_namespace("a", "b"), by_namespace(), by_labels("a")],
    ids=["two targets", "no target", "by labels"],  # a set's repr differs between processes
)
@pytest.mark.parametrize(
    "tree",
    [
        pytest.param(
            make_tree(states={"a": "Sync"}, stamps=("a",), held=("a",), deleting=True),
            id="deleting, stamped",
        ),
        pytest.param(make_tree(states={"a": "Upsync"}, deleting=True), id="upsync, deleting"),
        pytest.param(make_tree(states={"a": "Upsync"}), id="upsync"),
        pytest.param(make_tree(states={"a": "Upsync"}, held=("a",)), id="upsync, held"),
    ],
)
def test_what_is_being_deleted_or_owned_by_a_target_is_left_alone(
    tree: Json, expected: Expected
) -> None:
    assert plan_assignment(tree, expected, BOTH, NOW) is None


def test_a_deleted_object_is_stamped_with_its_own_time_for_each_target() -> None:
    tree = make_tree(states={"a": "Sync", "b": ""}, held=("a", "c"), deleting=True)

    patch = plan_assignment(tree, by_namespace("d"), BOTH, NOW)

    assert patch is not None
    assert patch["metadata"]["annotations"] == {DELETION + key: THEN for key in "abc"}
    assert set(patch["metadata"]) == {"uid", "resourceVersion", "annotations"}


# Release


def test_release_takes_the_targets_marks_and_nothing_else() -> None:
    tree = make_tree(
        states={"a": "Sync", "b": "Sync"}, stamps=("a",), held=("a", "b"), assigned=True
    )

    left = patched(tree, plan_release(tree, "a"))

    assert state_keys(left) == {"b": "Sync"}
    assert finalizer_keys(left) == {"b"}
    assert deletion_keys(left) == {}
    assert annotations_of(left) == {ASSIGNED: "namespace"}


@pytest.mark.parametrize("held", [("a",), ()], ids=["a copy was there", "none was"])
def test_what_was_said_for_one_target_leaves_with_it(held: tuple[str, ...]) -> None:
    """kcp leaves the spec diff behind, so that it would count again if the target came back."""
    tree = make_tree(states={"a": "Sync", "b": "Sync"}, stamps=("a",), held=held, assigned=True)
    said = {prefix + key: "[]" for prefix in (SPEC_DIFF, STATUS_DIFF, OLD_STATUS) for key in "ab"}
    tree["metadata"]["annotations"] |= said

    left = patched(tree, plan_release(tree, "a")) if held else after(tree, by_namespace("b"))

    notes = annotations_of(left)
    assert not any(name.endswith("/a") for name in notes)
    assert {name for name in notes if name.endswith("/b")} == {n for n in said if n[-1] == "b"}


def test_the_last_release_forgets_that_the_namespace_had_assigned_it() -> None:
    tree = make_tree(states={"a": "Sync"}, stamps=("a",), held=("a",), assigned=True)

    left = patched(tree, plan_release(tree, "a"))

    assert labels_of(left) == {}
    assert annotations_of(left) == {}
    assert finalizers_of(left) == ()


def test_release_of_a_deleted_object_touches_its_finalizers_only() -> None:
    tree = make_tree(states={"a": "Sync"}, held=("a", "b"), deleting=True)

    patch = plan_release(tree, "a")

    assert set(patch["metadata"]) == {"uid", "resourceVersion", "finalizers"}


# Wanted


@pytest.mark.parametrize(
    ("tree", "wanted"),
    [
        pytest.param(make_tree(), False, id="unassigned"),
        pytest.param(make_tree(states={"a": "Sync"}), True, id="sync"),
        pytest.param(make_tree(states={"b": "Sync"}), False, id="of another target"),
        pytest.param(make_tree(states={"a": ""}), False, id="on hold"),
        pytest.param(make_tree(states={"a": "Upsync"}), False, id="upsync"),
        pytest.param(make_tree(states={"a": "Sync"}, stamps=("a",)), False, id="leaving"),
        pytest.param(make_tree(states={"a": "Sync"}, stamps=("b",)), True, id="leaving another"),
        pytest.param(make_tree(states={"a": "Sync"}, deleting=True), False, id="deleting"),
        pytest.param(
            make_tree(states={"a": "Sync"}, stamps=("a",), soft=("a",)), True, id="soft finalizer"
        ),
        pytest.param(
            make_tree(states={"a": "Sync"}, deleting=True, soft=("a",)),
            True,
            id="deleting, soft finalizer",
        ),
    ],
)
def test_whether_a_target_should_hold_a_copy(tree: Json, wanted: bool) -> None:
    assert is_assigned(tree, "a") is wanted


# Whatever the marks are


_keys = st.sets(st.sampled_from("abc")).map(lambda keys: tuple(sorted(keys)))
_trees = st.builds(
    make_tree,
    states=st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "Sync", "Upsync"])),
    stamps=_keys,
    held=_keys,
    soft=_keys,
    assigned=st.booleans(),
    deleting=st.booleans(),
)


@given(
    tree=_trees,
    namespace=_trees,
    placed=st.booleans(),
    served=st.frozensets(st.sampled_from("abc")),
)
def test_one_patch_is_enough(
    tree: Json, namespace: Json, placed: bool, served: frozenset[str]
) -> None:
    """Deciding again after the patch asks for nothing, so there can be no loop."""
    if placed:
        namespace["metadata"]["annotations"]["scheduling.kcp.io/placement"] = ""
    patch = plan_assignment(tree, expected_keys(tree, namespace), served, NOW)
    if patch is not None:
        tree = patched(tree, patch)

    assert plan_assignment(tree, expected_keys(tree, namespace), served, NOW) is None


@given(tree=_trees, key=st.sampled_from("abc"))
def test_a_release_leaves_nothing_to_release_and_other_targets_as_they_were(
    tree: Json, key: str
) -> None:
    left = patched(tree, plan_release(tree, key))

    assert patched(left, plan_release(left, key)) == left
    assert finalizer_keys(left) == finalizer_keys(tree) - {key}
    others = {k: v for k, v in state_keys(tree).items() if k != key}
    assert {k: v for k, v in state_keys(left).items() if k != key} == others
    if not tree["metadata"].get("deletionTimestamp"):
        assert key not in deletion_keys(left)
        assert STATE + key not in labels_of(left)
        assert DELETION + key not in annotations_of(left)


@given(tree=_trees, namespace=_trees)
def test_no_copy_is_wanted_without_a_finalizer_once_the_patch_is_applied(
    tree: Json, namespace: Json
) -> None:
    """The hub finalizer comes before the first write, on every target that serves the kind."""
    expected = expected_keys(tree, namespace)
    patch = plan_assignment(tree, expected, frozenset("abc"), NOW)
    done = patched(tree, patch) if patch is not None else tree
    if tree["metadata"].get("deletionTimestamp") or "Upsync" in state_keys(tree).values():
        return

    for key in expected.keys:
        if state_keys(done)[key] == "Sync":
            assert key in finalizer_keys(done)
