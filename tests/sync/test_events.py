"""A cluster's events as the hub has them: equal ones merged with a count, and not too many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tmcconsole.kube.objects import Json, Kind, ObjectKey
from tmcconsole.sync.up.events import (
    BURST,
    MOST,
    PER_S,
    QUIET_S,
    EventMirror,
    event_name,
    involved_in,
)

DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment")
ABOUT: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "uid": "uid-hub"},
}


@dataclass
class Clock:
    seconds: float = 1000.0

    def now(self) -> float:
        return self.seconds


def make_event(message: str = "scaled up", *, uid: str = "e1", count: int = 1, **more: Any) -> Json:
    involved = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "x", "name": "web"}
    return {
        "metadata": {"name": "web.1", "uid": uid},
        "involvedObject": involved,
        "type": "Normal",
        "reason": "ScalingReplicaSet",
        "message": message,
        "count": count,
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:01:00Z",
        **more,
    }


def test_the_hubs_event_is_about_the_hubs_object_and_says_where_it_comes_from() -> None:
    found = EventMirror("east", Clock().now).take(make_event(), ABOUT)

    assert found is not None
    assert found["metadata"]["namespace"] == "shop"
    assert found["involvedObject"]["uid"] == "uid-hub"
    assert found["message"] == "east: scaled up"
    assert found["source"] == {"component": "tmc-console", "host": "east"}
    assert found["count"] == 1


def test_equal_events_are_one_with_the_sum_of_their_counts() -> None:
    clock = Clock()
    mirror = EventMirror("east", clock.now)
    mirror.take(make_event(uid="e1", count=2), ABOUT)
    assert mirror.take(make_event(uid="e2", count=3), ABOUT) is None

    clock.seconds += QUIET_S
    found = mirror.take(make_event(uid="e2", count=4), ABOUT)

    assert found is not None
    assert found["count"] == 6


def test_the_same_event_of_two_targets_or_with_other_words_is_another() -> None:
    names = {
        event_name("east", make_event(), ABOUT),
        event_name("west", make_event(), ABOUT),
        event_name("east", make_event("scaled down"), ABOUT),
    }

    assert len(names) == 3


def test_a_storm_is_cut_to_the_rate_and_what_is_left_out_is_counted() -> None:
    clock = Clock()
    mirror = EventMirror("east", clock.now)

    written = [mirror.take(make_event(str(number)), ABOUT) for number in range(100)]
    clock.seconds += 10
    later = [mirror.take(make_event(f"later {number}"), ABOUT) for number in range(100)]

    assert sum(one is not None for one in written) == BURST
    assert sum(one is not None for one in later) == 10 * PER_S
    assert mirror.left_out == 200 - BURST - 10 * PER_S


def test_memory_is_bounded() -> None:
    mirror = EventMirror("east", Clock().now)

    for number in range(2 * MOST):
        mirror.take(make_event(str(number)), ABOUT)

    assert len(mirror._told) == MOST


@pytest.mark.parametrize(
    ("involved", "found"),
    [
        (make_event()["involvedObject"], ("deployments.apps", ObjectKey("x", "web"))),
        ({"apiVersion": "v1", "kind": "Deployment", "name": "web"}, None),
        ({"apiVersion": "apps/v1", "kind": "Pod", "name": "web"}, None),
        ({"apiVersion": "apps/v1", "kind": "Deployment"}, None),
        ("nonsense", None),
        (None, None),
    ],
)
def test_what_an_event_is_about(involved: Any, found: Any) -> None:
    event = make_event(involvedObject=involved)

    assert involved_in(event, {"deployments.apps": DEPLOYMENTS}) == found
