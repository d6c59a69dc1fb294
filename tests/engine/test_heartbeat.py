"""What the heartbeat on a SyncTarget says of its target, who writes it, and when nobody does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.placement.make import WALL, make_tree
from tests.sync.trees import patched
from tmcconsole.engine.hub.sync_target_status import (
    StatusInputs,
    SyncedResource,
    silence_patch,
    status_patch,
    summary,
)
from tmcconsole.kube.objects import Json, condition_of, conditions_of
from tmcconsole.sync.names.times import rfc3339

MAPS = SyncedResource("", "configmaps", ("v1",), "Accepted")
WELL = StatusInputs(True, "", "", False, (), (MAPS,), ())
KINDS = ("Ready", "SyncerReady", "HeartbeatReady", "APIImportsReady", "SyncerAuthorized")


def written(tree: Json, signs: StatusInputs, *, wall: float = WALL, beat: bool = False) -> Json:
    patch = status_patch(tree, signs, wall=wall, beat=beat)
    return patched(tree, patch) if patch else tree


def silent(tree: Json, *, wall: float = WALL, silent_s: float = 61.0) -> Json:
    patch = silence_patch(tree, wall=wall, silent_s=silent_s)
    return patched(tree, patch) if patch else tree


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        (WELL, {}),
        (replace(WELL, connected=False, reason="Timeout"), {"SyncerReady": "Timeout"}),
        (
            replace(WELL, connected=False, reason="Timeout", heartbeat_lost=True),
            {
                "SyncerReady": "Timeout",
                "HeartbeatReady": "HeartbeatLost",
                "Ready": "HeartbeatLost",
            },
        ),
        (
            replace(WELL, imports_missing=("widgets.example.com: Gone",)),
            {"APIImportsReady": "KindsMissing"},
        ),
        (
            replace(WELL, unauthorized=("patch secrets on east",)),
            {"SyncerAuthorized": "SyncerUnauthorized"},
        ),
    ],
    ids=["well", "a moment without contact", "silent", "one kind missing", "one right missing"],
)
def test_the_conditions_are_distinct(signs: StatusInputs, expected: dict[str, str]) -> None:
    tree = written(make_tree(), signs)

    for kind in KINDS:
        found = condition_of(tree, kind)
        assert found is not None
        assert found["status"] == ("False" if kind in expected else "True")
        assert found["reason"] == expected.get(kind, "OK")


def test_nothing_is_written_between_two_beats_where_nothing_changed() -> None:
    tree = written(make_tree(), WELL, beat=True)

    assert status_patch(tree, WELL, wall=WALL + 10, beat=False) is None


def test_a_beat_writes_the_time_and_nothing_else() -> None:
    tree = written(make_tree(), WELL, beat=True)

    patch = status_patch(tree, WELL, wall=WALL + 20, beat=True)

    assert patch == {
        "metadata": {"resourceVersion": "7"},
        "status": {"lastSyncerHeartbeatTime": rfc3339(WALL + 20)},
    }


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    tree = written(make_tree(), WELL)
    tree = written(tree, replace(WELL, connected=False, reason="Timeout"), wall=WALL + 5)
    tree = written(tree, replace(WELL, connected=False, reason="Refused"), wall=WALL + 10)

    found = {entry["type"]: entry["lastTransitionTime"] for entry in conditions_of(tree)}
    assert found["SyncerReady"] == rfc3339(WALL + 5)
    assert found["Ready"] == rfc3339(WALL)


def test_what_was_synced_is_not_taken_back_while_there_is_no_connection() -> None:
    tree = written(make_tree(), WELL)

    patch = status_patch(
        tree, replace(WELL, connected=False, synced_resources=()), wall=WALL, beat=False
    )

    assert patch is not None
    assert "syncedResources" not in patch["status"]


def test_silence_takes_readiness_and_leaves_what_others_said() -> None:
    tree = silent(written(make_tree(), replace(WELL, imports_missing=("x: Gone",))))

    ready, reason, message = summary(list(conditions_of(tree)))
    assert (ready, reason) == (False, "HeartbeatLost")
    assert message == f"no heartbeat since {rfc3339(WALL - 61)}"
    imports = condition_of(tree, "APIImportsReady")
    assert imports is not None
    assert imports["reason"] == "KindsMissing"


def test_silence_is_written_once_however_long_it_lasts() -> None:
    tree = silent(written(make_tree(), WELL))

    assert silence_patch(tree, wall=WALL + 3600, silent_s=3600.0) is None


def test_a_sync_target_nobody_ever_reported_on_is_not_ready_with_a_reason() -> None:
    assert summary([]) == (False, "NoHeartbeat", "no engine has reported yet")


def test_rights_that_are_not_reviewed_yet_leave_what_was_told_of_them() -> None:
    refused = replace(WELL, unauthorized=("patch secrets on east",))
    tree = written(make_tree(), refused)

    assert condition_of(written(make_tree(), replace(WELL, unauthorized=None)), "Ready")
    assert not condition_of(
        written(make_tree(), replace(WELL, unauthorized=None)), "SyncerAuthorized"
    )
    assert status_patch(tree, replace(refused, unauthorized=None), wall=WALL, beat=False) is None


def test_synced_resources_have_kcps_form() -> None:
    widgets = SyncedResource("example.com", "widgets", ("v2", "v1"), "Incompatible", "abc")
    tree = written(make_tree(), replace(WELL, synced_resources=(MAPS, widgets)))

    assert tree["status"]["syncedResources"] == [
        {"group": "", "resource": "configmaps", "versions": ["v1"], "state": "Accepted"},
        {
            "group": "example.com",
            "resource": "widgets",
            "versions": ["v2", "v1"],
            "state": "Incompatible",
            "identityHash": "abc",
        },
    ]
