"""A namespace's labels and annotations follow the targets its Placements chose."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.placement.make import WALL, make_target
from tests.sync.trees import make_tree, patched
from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.placement.api import SyncTarget
from tmcconsole.placement.namespace_labels import (
    REMOVAL_GRACE_S,
    SYSTEM,
    NamespacePlan,
    plan_namespace,
)
from tmcconsole.sync.names.markers import DELETION, PLACED, deletion_keys, state_keys
from tmcconsole.sync.names.times import rfc3339

EAST, WEST = make_target("east"), make_target("west")
E, W = EAST.key, WEST.key


def plan(
    tree: Json,
    *chosen: SyncTarget,
    selected: bool = True,
    may_leave: bool = True,
    wall: float = WALL,
) -> NamespacePlan:
    return plan_namespace(tree, chosen, selected=selected, may_leave=may_leave, wall=wall)


def after(tree: Json, *chosen: SyncTarget, **more: Any) -> Json:
    found = plan(tree, *chosen, **more)
    return patched(tree, found.patch) if found.patch else tree


def stamped(tree: Json, key: str, at: float) -> Json:
    tree["metadata"]["annotations"][DELETION + key] = rfc3339(at)
    return tree


def test_a_chosen_target_gets_its_label_at_once() -> None:
    tree = after(make_tree(), EAST, WEST)

    assert state_keys(tree) == dict(sorted({E: "Sync", W: "Sync"}.items()))
    assert PLACED in annotations_of(tree)


def test_a_target_no_longer_chosen_is_stamped_and_its_label_stays_for_the_grace() -> None:
    tree = make_tree(states={E: "Sync", W: "Sync"}, placed=True)

    left = after(tree, EAST)

    assert deletion_keys(left) == {W: rfc3339(WALL)}
    assert set(state_keys(left)) == {E, W}
    assert plan(tree, EAST).again_at == pytest.approx(WALL + REMOVAL_GRACE_S, abs=1)


@pytest.mark.parametrize(
    ("age", "is_gone"), [(0.0, False), (4.0, False), (5.0, True), (600.0, True)]
)
def test_label_and_stamp_go_together_after_the_grace(age: float, is_gone: bool) -> None:
    tree = stamped(make_tree(states={W: "Sync"}, placed=True), W, WALL - age)

    left = after(tree)

    assert (W not in state_keys(left)) is is_gone
    assert (W not in deletion_keys(left)) is is_gone


def test_when_to_look_again_is_the_end_of_the_grace() -> None:
    tree = stamped(make_tree(states={W: "Sync"}, placed=True), W, WALL - 2)

    assert plan(tree) == NamespacePlan(None, WALL - 2 + REMOVAL_GRACE_S)


def test_a_target_chosen_again_in_time_loses_its_stamp() -> None:
    tree = stamped(make_tree(states={W: "Sync"}, placed=True), W, WALL - 2)

    left = after(tree, WEST)

    assert (state_keys(left), deletion_keys(left)) == ({W: "Sync"}, {})


def test_an_unreadable_stamp_counts_as_long_past() -> None:
    tree = make_tree(states={W: "Sync"}, placed=True)
    tree["metadata"]["annotations"][DELETION + W] = "yesterday"

    assert state_keys(after(tree)) == {}


def test_a_cordoned_target_gets_nothing_new_and_loses_nothing() -> None:
    closed = make_target("east", cordoned=True)

    assert state_keys(after(make_tree(), closed)) == {}
    held = make_tree(states={E: "Sync"}, placed=True)
    assert after(held, closed) == held


def test_where_a_placement_cannot_be_read_nothing_leaves_but_others_may_come() -> None:
    tree = make_tree(states={W: "Sync"}, placed=True)

    left = after(tree, EAST, selected=False, may_leave=False)

    assert set(state_keys(left)) == {E, W}
    assert deletion_keys(left) == {}
    assert PLACED in annotations_of(left)


@pytest.mark.parametrize("name", sorted(SYSTEM))
def test_system_namespaces_are_left_alone(name: str) -> None:
    assert plan(make_tree(name=name), EAST).patch is None


def test_a_namespace_being_deleted_is_left_alone() -> None:
    assert plan(make_tree(states={W: "Sync"}, deleting=True), EAST).patch is None


def test_every_patch_is_fenced_by_uid_and_version() -> None:
    patch = plan(make_tree(), EAST).patch

    assert patch is not None
    assert patch["metadata"]["uid"] == "uid-settings"
    assert patch["metadata"]["resourceVersion"] == "7"


_keys = st.sets(st.sampled_from([E, W, "third"])).map(tuple)


@given(
    states=_keys,
    stamps=_keys,
    chosen=st.sets(st.sampled_from(["east", "west"])),
    cordoned=st.booleans(),
    selected=st.booleans(),
    may_leave=st.booleans(),
)
def test_one_patch_is_enough_at_any_moment(
    states: tuple[str, ...],
    stamps: tuple[str, ...],
    chosen: set[str],
    cordoned: bool,
    selected: bool,
    may_leave: bool,
) -> None:
    tree = make_tree(states=dict.fromkeys(states, "Sync"))
    for key in stamps:
        stamped(tree, key, WALL - 60)
    targets = tuple(make_target(name, cordoned=cordoned) for name in sorted(chosen))

    left = after(tree, *targets, selected=selected, may_leave=may_leave)

    assert plan(left, *targets, selected=selected, may_leave=may_leave).patch is None


@given(states=_keys, chosen=st.sets(st.sampled_from(["east", "west"]), min_size=1))
def test_in_the_end_the_labels_are_the_choice(states: tuple[str, ...], chosen: set[str]) -> None:
    tree = make_tree(states=dict.fromkeys(states, "Sync"))
    targets = tuple(make_target(name) for name in sorted(chosen))
    wall = WALL
    for _ in range(4):
        found = plan(tree, *targets, wall=wall)
        tree = patched(tree, found.patch) if found.patch else tree
        wall = found.again_at or wall

    assert set(state_keys(tree)) == {target.key for target in targets}
    assert deletion_keys(tree) == {}
