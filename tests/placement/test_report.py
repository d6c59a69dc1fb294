"""How a Placement's decision is written to its status: kcp's phases, conditions with reasons."""

from __future__ import annotations

import pytest

from tests.placement.make import WALL, make_location, make_placement, make_target, make_tree
from tests.sync import trees
from tests.sync.trees import patched
from tmcconsole.kube.objects import Json, annotations_of, condition_of
from tmcconsole.placement.api import ONE_TO_MANY, SyncTarget, read_location
from tmcconsole.placement.report import (
    location_status,
    namespace_status,
    placement_annotation,
    placement_status,
)
from tmcconsole.placement.select import Decision, decide
from tmcconsole.sync.names.markers import SYNCTARGETS
from tmcconsole.sync.names.times import rfc3339


def decided(*targets: SyncTarget, is_anywhere: bool = True) -> Decision:
    places = [make_location()] if is_anywhere else []
    return decide(make_placement(ONE_TO_MANY), places, targets, WALL)


def written(tree: Json, decision: Decision, *, bound: bool = True, wall: float = WALL) -> Json:
    patch = placement_status(tree, decision, bound=bound, wall=wall)
    return patched(tree, patch) if patch else tree


@pytest.mark.parametrize(
    ("decision", "bound", "phase"),
    [
        (decided(make_target("east")), True, "Bound"),
        (decided(make_target("east")), False, "Unbound"),
        (decided(), True, "Bound"),
        (decided(is_anywhere=False), True, "Pending"),
    ],
    ids=["bound", "no namespace yet", "no target: the location holds", "no location"],
)
def test_phases_are_kcps(decision: Decision, bound: bool, phase: str) -> None:
    assert written(make_tree(), decision, bound=bound)["status"]["phase"] == phase


@pytest.mark.parametrize(
    ("decision", "ready", "scheduled"),
    [
        (decided(make_target("east")), ("True", None), ("True", None)),
        (decided(), ("True", None), ("False", "NoValidTarget")),
        (decided(is_anywhere=False), ("False", "LocationNoMatch"), ("False", "LocationNoMatch")),
    ],
    ids=["chosen", "no target", "no location"],
)
def test_conditions_say_what_is_missing(
    decision: Decision, ready: tuple[str, str | None], scheduled: tuple[str, str | None]
) -> None:
    tree = written(make_tree(), decision)

    for kind, expected in (("Ready", ready), ("Scheduled", scheduled)):
        found = condition_of(tree, kind)
        assert found is not None
        assert (found["status"], found.get("reason")) == expected


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    tree = written(make_tree(), decided())
    tree = written(tree, decided(make_target("east", ready=False)), wall=WALL + 60)

    found = condition_of(tree, "Scheduled")
    assert found is not None
    assert found["lastTransitionTime"] == rfc3339(WALL)
    assert "east is not ready" in found["message"]


def test_what_is_written_already_is_not_written_again() -> None:
    decision = decided(make_target("east"), make_target("west"))
    tree = written(make_tree(), decision)

    assert placement_status(tree, decision, bound=True, wall=WALL + 3600) is None


def test_the_decision_names_targets_and_reasons() -> None:
    tree = written(make_tree(), decided(make_target("west"), make_target("east")))

    assert tree["status"]["decisions"] == [
        {"target": "east", "reason": "in location default"},
        {"target": "west", "reason": "in location default"},
    ]


def test_the_chosen_keys_are_an_annotation_written_once_and_removed_with_the_last() -> None:
    east, west = make_target("east"), make_target("west")
    tree = make_tree()
    patch = placement_annotation(tree, decided(west, east))
    assert patch is not None
    tree = patched(tree, patch)

    assert annotations_of(tree)[SYNCTARGETS] == ",".join(sorted((east.key, west.key)))
    assert placement_annotation(tree, decided(east, west)) is None
    gone = placement_annotation(tree, decided())
    assert gone is not None
    assert annotations_of(patched(tree, gone)) == {}


def test_a_location_counts_its_members_and_the_open_ones() -> None:
    targets = [
        make_target("east"),
        make_target("west", cordoned=True),
        make_target("north", ready=False),
        make_target("south", evict_after=1.0),
    ]
    tree = make_tree("Location") | {"spec": {"instanceSelector": {}}}

    patch = location_status(tree, read_location(tree), targets, WALL)

    assert patch is not None
    assert patch["status"] == {"instances": 4, "availableInstances": 1}
    assert location_status(patched(tree, patch), read_location(tree), targets, WALL) is None


def namespace(*, keys: tuple[str, ...] = (), placed: bool = True, **more: object) -> Json:
    return trees.make_tree(states=dict.fromkeys(keys, "Sync"), placed=placed) | more


def scheduled(tree: Json) -> Json:
    patch = namespace_status(tree, WALL)
    assert patch is not None
    found = condition_of(patch, "NamespaceScheduled")
    assert found is not None
    return found


def test_a_namespace_says_whether_it_is_scheduled_and_why_not() -> None:
    assert scheduled(namespace(keys=("a",)))["status"] == "True"
    nowhere = scheduled(namespace())
    assert (nowhere["reason"], nowhere["message"]) == ("Unschedulable", "No available sync targets")


def test_a_namespace_that_lost_its_placements_says_so() -> None:
    before = {"conditions": [{"type": "NamespaceScheduled", "status": "True"}]}

    assert scheduled(namespace(placed=False, status=before))["message"] == "No available placements"


def test_a_namespace_that_no_placement_ever_selected_is_not_written_to() -> None:
    assert namespace_status(namespace(placed=False), WALL) is None


def test_what_a_namespace_says_already_is_not_written_again_and_others_conditions_stay() -> None:
    theirs = {"type": "NamespaceContentRemaining", "status": "False"}
    tree = namespace(keys=("a",), status={"phase": "Active", "conditions": [theirs]})
    patch = namespace_status(tree, WALL)
    assert patch is not None

    said = tree | {"status": {**tree["status"], **patch["status"]}}

    assert namespace_status(said, WALL + 60) is None
    assert theirs in said["status"]["conditions"]
