"""Assigned and on hold: the empty state, and where cluster-scoped objects begin."""

from __future__ import annotations

import pytest

from tests.sync.test_assign import BOTH, after, by_labels, by_namespace
from tests.sync.trees import NOW, make_tree
from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.sync.assignment.plan import expected_without_namespace, is_on_hold
from tmcconsole.sync.names.markers import ASSIGNED, deletion_keys, finalizer_keys, state_keys


def test_what_is_on_hold_gets_no_finalizer_and_keeps_its_state() -> None:
    tree = after(make_tree(states={"a": ""}), by_namespace("a"))

    assert state_keys(tree) == {"a": ""}
    assert finalizer_keys(tree) == frozenset()


def test_a_hold_that_ends_brings_the_finalizer() -> None:
    tree = after(make_tree(states={"a": "Sync"}, assigned=True), by_namespace("a"))

    assert finalizer_keys(tree) == {"a"}


def test_a_held_object_that_has_a_copy_is_stamped_when_it_is_to_leave() -> None:
    tree = after(make_tree(states={"a": ""}, held=("a",), assigned=True), by_namespace())

    assert deletion_keys(tree) == {"a": NOW}
    assert state_keys(tree) == {"a": ""}


def test_a_held_object_without_a_copy_leaves_at_once() -> None:
    assert state_keys(after(make_tree(states={"a": ""}, assigned=True), by_namespace())) == {}


@pytest.mark.parametrize(
    ("tree", "held"),
    [
        pytest.param(make_tree(states={"a": ""}), True, id="empty"),
        pytest.param(make_tree(states={"a": "Later"}), True, id="a state that nobody knows"),
        pytest.param(make_tree(states={"a": "Sync"}), False, id="sync"),
        pytest.param(make_tree(states={"a": "Upsync"}), False, id="upsync"),
        pytest.param(make_tree(), False, id="unassigned"),
        pytest.param(make_tree(states={"a": ""}, stamps=("a",)), False, id="leaving"),
        pytest.param(make_tree(states={"a": ""}, deleting=True), False, id="deleting"),
        pytest.param(
            make_tree(states={"a": ""}, stamps=("a",), soft=("a",)), True, id="soft finalizer"
        ),
    ],
)
def test_whether_a_target_waits_for_a_coordinator(tree: Json, held: bool) -> None:
    assert is_on_hold(tree, "a") is held


# Without a namespace


def test_a_cluster_scoped_object_begins_on_hold_on_every_target_of_any_placement() -> None:
    tree = make_tree()

    left = after(tree, expected_without_namespace(tree, BOTH))

    assert state_keys(left) == {"a": "", "b": ""}
    assert finalizer_keys(left) == frozenset()
    assert annotations_of(left)[ASSIGNED] == "placements"


def test_a_cluster_scoped_object_set_to_sync_stays_so() -> None:
    tree = make_tree(states={"a": "Sync"}, assigned=True)

    left = after(tree, expected_without_namespace(tree, frozenset({"a"})))

    assert state_keys(left) == {"a": "Sync"}
    assert finalizer_keys(left) == {"a"}


def test_a_cluster_scoped_object_leaves_a_target_that_no_placement_chose() -> None:
    tree = make_tree(states={"a": "Sync"}, held=("a",), assigned=True)

    left = after(tree, expected_without_namespace(tree, frozenset()))

    assert deletion_keys(left) == {"a": NOW}


def test_a_cluster_scoped_object_labelled_by_hand_needs_no_placement() -> None:
    tree = make_tree(states={"a": "Sync"})

    assert expected_without_namespace(tree, frozenset()) == by_labels("a")
