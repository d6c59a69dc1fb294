"""SyncTargets, Locations and Placements as users write them, mistakes included."""

from __future__ import annotations

from typing import Any

import pytest

from tests.placement.make import WALL, make_tree
from tmcconsole.contract.records import Pause
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import Json
from tmcconsole.placement.api import (
    ONE_TO_ANY,
    pause_text,
    read_location,
    read_placement,
    read_sync_target,
)
from tmcconsole.sync.names.markers import ALLOW_DELETES, PAUSE, SYNCTARGETS
from tmcconsole.sync.names.times import rfc3339, unix_time


def make_sync_target(annotations: Json | None = None, **more: Any) -> Json:
    return make_tree("SyncTarget", annotations=annotations or {}) | more


def test_a_sync_target_as_kcp_writes_it() -> None:
    tree = make_sync_target(
        spec={"unschedulable": True, "evictAfter": "2026-01-01T00:00:00Z"},
        status={
            "lastSyncerHeartbeatTime": "2026-01-02T00:00:00Z",
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    )

    found = read_sync_target(tree, "hub")

    assert (found.name, found.identity.uid, found.identity.cluster) == ("shop", "u", "hub")
    assert found.unschedulable
    assert found.ready
    assert rfc3339(found.evict_after) == "2026-01-01T00:00:00Z"
    assert rfc3339(found.heartbeat_at) == "2026-01-02T00:00:00Z"


@pytest.mark.parametrize(
    "tree",
    [
        make_sync_target(),
        make_sync_target(spec=None, status=None),
        make_sync_target(spec={}, status={"conditions": None}),
        make_sync_target(status={"conditions": ["junk", 7, {"status": "True"}]}),
        make_sync_target(spec={"evictAfter": 7, "unschedulable": None}),
        make_sync_target(spec={"evictAfter": "soon"}, status={"lastSyncerHeartbeatTime": []}),
        make_sync_target(spec=["junk"], status="junk"),
        {"metadata": {"name": "shop", "labels": None, "annotations": "junk"}},
    ],
    ids=str,
)
def test_a_sync_target_with_gaps_and_junk_is_open_not_ready_and_not_paused(tree: Json) -> None:
    found = read_sync_target(tree, "hub")

    assert not found.ready
    assert not found.unschedulable
    assert not found.is_evicting(WALL)
    assert found.pause is None
    assert found.allow_deletes_until == 0.0


@pytest.mark.parametrize(
    ("text", "is_paused"),
    [
        ("", False),
        ("{}", True),
        ("yes", True),
        ("[]", True),
        ("7", True),
        ('{"until": "never"}', True),
        ('{"until": 7}', True),
        ('{"until": "2020-01-01T00:00:00Z"}', False),
        ('{"until": "2099-01-01T00:00:00Z"}', True),
    ],
)
def test_a_pause_that_is_mistyped_still_pauses(text: str, is_paused: bool) -> None:
    found = read_sync_target(make_sync_target({PAUSE: text}), "hub")

    assert (found.pause_at(WALL) is not None) is is_paused


@pytest.mark.parametrize("until", [0.0, WALL + 60])
def test_a_pause_is_read_as_it_was_written(until: float) -> None:
    pause = Pause(until, SafeText("ann"), SafeText("upgrade"))

    found = read_sync_target(make_sync_target({PAUSE: pause_text(pause)}), "hub")

    assert found.pause == pause


@pytest.mark.parametrize("text", ["", "true", "always", "2026-13-99T00:00:00Z", "99999999999999"])
def test_deletions_are_allowed_by_a_time_and_by_nothing_else(text: str) -> None:
    found = read_sync_target(make_sync_target({ALLOW_DELETES: text}), "hub")

    assert found.allow_deletes_until <= WALL


def test_a_placement_without_strategy_is_kcps() -> None:
    found = read_placement(make_tree() | {"spec": {"namespaceSelector": {}}})

    assert found.strategy == ONE_TO_ANY
    assert found.location_selectors == ()
    assert found.namespace_selector == {}
    assert found.phase == "Pending"


@pytest.mark.parametrize(
    "spec",
    [
        None,
        "junk",
        {"locationSelectors": "junk"},
        {"locationSelectors": [None, 7, "junk"]},
        {"namespaceSelector": "junk"},
        {"namespaceSelector": []},
        {"strategy": {"not": "a string"}},
    ],
    ids=str,
)
def test_a_placement_of_junk_selects_nothing_and_raises_nothing(spec: object) -> None:
    found = read_placement(make_tree() | {"spec": spec, "status": "junk"})

    assert found.location_selectors == ()
    assert found.namespace_selector is None
    assert found.strategy == ONE_TO_ANY


def test_the_keys_of_the_last_decision_are_read_back() -> None:
    found = read_placement(make_tree(annotations={SYNCTARGETS: "a,b,,"}))

    assert found.current_keys == ("a", "b")


@pytest.mark.parametrize("spec", [None, {}, {"instanceSelector": None}, {"instanceSelector": 7}])
def test_a_location_without_a_selector_has_no_members(spec: object) -> None:
    assert read_location(make_tree() | {"spec": spec}).selector is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T00:00:10.500000Z", 10.5),
        ("1970-01-01T01:00:10+01:00", 10.0),
        ("1970-01-01T00:00:10", 10.0),
        ("", 0.0),
        (None, 0.0),
        ("soon", 0.0),
        (7, 0.0),
    ],
)
def test_times(text: object, seconds: float) -> None:
    assert unix_time(text) == seconds
