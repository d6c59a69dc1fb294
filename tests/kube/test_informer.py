"""The informer without faults, and with writes of our own, in virtual time."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.kube.informing import VIRTUAL_TIME, make_cached, running
from tests.kube.scripted import (
    HANG,
    event,
    key,
    listing,
    make_tree,
)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return VIRTUAL_TIME


async def test_lists_then_watches_from_the_lists_version() -> None:
    lists = [listing(10, make_tree("a", 5), make_tree("b", 7))]
    watch = (
        event("ADDED", make_tree("c", 11)),
        event("MODIFIED", make_tree("a", 12, x="1")),
        event("DELETED", make_tree("b", 13)),
        HANG,
    )

    async with running(lists, [watch]) as seen:
        await seen.informer.wait_synced()
        await anyio.sleep(1)

        assert seen.names() == ["a", "c"]
        assert seen.data("a") == {"x": "1"}
        assert seen.told == ["added a", "added b", "added c", "changed a", "deleted b"]
        query = seen.transport.queries(watch=True)[0]
        assert query["resourceVersion"] == "10"
        assert query["allowWatchBookmarks"] == "true"
        assert 300 <= int(query["timeoutSeconds"]) <= 600
        assert "resourceVersion" not in seen.transport.queries(watch=False)[0]
        assert [c.name for c in seen.informer.in_namespace("shop")] == ["a", "c"]
        assert seen.informer.in_namespace("elsewhere") == []
        assert seen.informer.is_empty_in("elsewhere")
        assert not seen.informer.is_empty_in("shop")


async def test_our_own_write_is_read_back_and_older_events_do_not_undo_it() -> None:
    watch = (
        1.0,
        event("MODIFIED", make_tree("a", 12, x="older")),
        event("MODIFIED", make_tree("b", 13, x="other")),
        HANG,
    )

    async with running([listing(10, make_tree("a", 5), make_tree("b", 6))], [watch]) as seen:
        await anyio.sleep(0.5)
        seen.informer.observe(make_cached("a", 14, x="ours"))
        assert seen.data("a") == {"x": "ours"}

        await anyio.sleep(2)
        assert seen.data("a") == {"x": "ours"}
        assert seen.data("b") == {"x": "other"}


async def test_a_late_answer_does_not_bring_back_what_the_watch_saw_deleted() -> None:
    watch = (event("DELETED", make_tree("a", 15)), HANG)

    async with running([listing(10, make_tree("a", 5))], [watch]) as seen:
        await anyio.sleep(1)
        seen.informer.observe(make_cached("a", 14))

        assert seen.names() == []


async def test_a_forgotten_object_does_not_return_by_a_late_event() -> None:
    watch = (1.0, event("MODIFIED", make_tree("a", 12)), event("DELETED", make_tree("a", 13)), HANG)

    async with running([listing(10, make_tree("a", 5))], [watch]) as seen:
        await anyio.sleep(0.5)
        seen.informer.forget(key("a"), "uid-a")
        await anyio.sleep(2)

        assert seen.told == ["added a", "deleted a"]


async def test_small_pages_and_short_watches_are_taken_when_the_simulation_says_so() -> None:
    lists, watches = [listing(10, make_tree("a", 5))], [(3.0,)]
    async with running(lists, watches, sometimes=lambda _name: True) as seen:
        await anyio.sleep(20)

        assert int(seen.transport.queries(watch=False)[0]["limit"]) <= 3
        assert all(int(q["timeoutSeconds"]) <= 5 for q in seen.transport.queries(watch=True))
