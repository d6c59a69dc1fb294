"""The informer under faults of watches, lists and servers, in virtual time."""

from __future__ import annotations

from collections import deque
from typing import Any

import anyio
import pytest

from tests.kube.informing import VIRTUAL_TIME, running
from tests.kube.scripted import (
    HANG,
    bookmark,
    event,
    expired,
    failure,
    key,
    listing,
    make_tree,
    refused,
)
from tmcconsole.kube.cache.cache import Shrink
from tmcconsole.kube.cache.informer_state import Phase
from tmcconsole.runtime import Response, TransportError

Watch = Response | tuple[object, ...] | Exception


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return VIRTUAL_TIME


async def test_A1_watch_eof_mid_line_resumes_without_relist() -> None:
    whole, cut = event("ADDED", make_tree("b", 11)), event("ADDED", make_tree("c", 12))
    broken = TransportError("reset", sent=True)
    watches = [(whole + cut[:40], broken), (cut, HANG)]

    async with running([listing(10, make_tree("a", 5))], watches) as seen:
        await anyio.sleep(5)

        assert seen.names() == ["a", "b", "c"]
        assert seen.told == ["added a", "added b", "added c"]
        assert len(seen.transport.queries(watch=False)) == 1
        assert [q["resourceVersion"] for q in seen.transport.queries(watch=True)] == ["10", "11"]


@pytest.mark.parametrize("gone", [failure(410, "Expired"), (expired(),)])
async def test_A2_410_lists_not_older_than_the_last_version(
    gone: Watch,
) -> None:
    lists = [listing(10, make_tree("a", 5)), listing(30, make_tree("b", 20))]
    watches: list[Watch] = [(bookmark(15), HANG), gone, (HANG,)]

    async with running(lists, watches) as seen:
        await anyio.sleep(100)

        second = seen.transport.queries(watch=False)[1]
        assert (second["resourceVersion"], second["resourceVersionMatch"]) == ("15", "NotOlderThan")
        assert seen.names() == ["b"]
        assert seen.told == ["added a", "added b", "deleted a"]


async def test_A2_a_version_too_new_for_the_server_falls_back_to_the_newest_list() -> None:
    too_large = failure(504, "Timeout", "Too large resource version: 10, current: 9")
    lists = [listing(10), too_large, listing(30, make_tree("b", 20))]

    async with running(lists, [(expired(),), (HANG,)]) as seen:
        await anyio.sleep(5)

        assert "resourceVersion" not in seen.transport.queries(watch=False)[2]
        assert seen.names() == ["b"]
        assert seen.phases[-1] == "Watching"


async def test_A2_endless_410_backs_off() -> None:
    async with running([listing(10, make_tree("a", 5))], [failure(410, "Expired")]) as seen:
        await anyio.sleep(300)

        assert len(seen.transport.queries(watch=True)) < 20
        assert seen.names() == ["a"]


async def test_A4_a_list_older_than_the_high_water_mark_changes_nothing() -> None:
    lists = [listing(100, make_tree("a", 90))]
    lists += [listing(50), *[listing(60)] * 3, listing(120, make_tree("a", 110))]
    watches: list[Watch] = [failure(410, "Expired"), (HANG,)]

    async with running(lists, watches) as seen:
        await anyio.sleep(60)

        assert seen.told == ["added a", "changed a"]
        assert seen.phases == ["Stale LaggingServer", "Stale TimeTravel", "Watching"]


async def test_A4_a_store_that_went_back_is_flagged_until_a_person_accepts_it() -> None:
    lists = [listing(100, make_tree("a", 90), make_tree("b", 91)), listing(50, make_tree("a", 40))]

    async with running(lists, [(expired(),), (HANG,)]) as seen:
        await anyio.sleep(600)
        assert seen.names() == ["a", "b"]
        assert (seen.informer.state.phase, seen.informer.state.reason) == (
            Phase.STALE,
            "TimeTravel",
        )

        seen.informer.request_relist(accept_older=True)
        await anyio.sleep(5)
        assert seen.names() == ["a"]
        assert seen.phase is Phase.WATCHING
        assert seen.transport.queries(watch=True)[-1]["resourceVersion"] == "50"


async def test_A5_another_uid_is_a_deletion_and_an_addition() -> None:
    lists = [listing(10, make_tree("a", 5), make_tree("b", 6))]
    lists.append(listing(30, make_tree("a", 20, uid="second"), make_tree("b", 6)))
    watches = [(expired(),), (event("ADDED", make_tree("b", 31, uid="second")), HANG)]

    async with running(lists, watches) as seen:
        await anyio.sleep(5)

        assert seen.told[2:] == ["deleted a", "added a", "deleted b", "added b"]


async def test_A6_a_silent_watch_is_reopened_after_the_idle_deadline() -> None:
    watches = [(HANG,), (event("ADDED", make_tree("b", 11)), HANG)]

    async with running([listing(10)], watches) as seen:
        await anyio.sleep(89)
        assert seen.names() == []

        await anyio.sleep(3)
        assert seen.names() == ["b"]
        assert len(seen.transport.queries(watch=False)) == 1
        assert seen.phases == ["Watching"]


async def test_A9_double_old_and_unknown_events_are_ignored_and_counted() -> None:
    wrong_kind = make_tree("a", 14) | {"kind": "Secret"}
    watch = (
        event("MODIFIED", make_tree("a", 12, x="new")),
        event("MODIFIED", make_tree("a", 12, x="new")),
        event("MODIFIED", make_tree("a", 11, x="old")),
        event("DELETED", make_tree("a", 11)),
        event("ADDED", make_tree("b", 9)),
        event("DELETED", make_tree("a", 13, uid="another")),
        event("SURPRISE", make_tree("a", 13)),
        event("MODIFIED", wrong_kind),
        HANG,
    )

    async with running([listing(10, make_tree("a", 5))], [watch]) as seen:
        await anyio.sleep(1)

        assert seen.told == ["added a", "changed a"]
        assert seen.data("a") == {"x": "new"}
        assert seen.informer.ignored == 5
        assert key("a") in seen.informer.quarantined
        assert seen.phases == ["Watching"]


async def test_A10_garbage_drops_the_stream_and_backs_off() -> None:
    watches = [(b'{"type":"ADDED","object":{"meta\n',), (event("ADDED", make_tree("b", 11)), HANG)]

    async with running([listing(10)], watches) as seen:
        await anyio.sleep(5)

        assert seen.names() == ["b"]
        assert seen.phases == ["Watching", "Stale BadAnswer", "Watching"]
        assert seen.transport.times[-1] >= 0.8
        assert len(seen.transport.queries(watch=False)) == 1


async def test_A10_a_character_split_between_chunks_is_one_character() -> None:
    line = event("ADDED", make_tree("b", 11, x="Zürich ☂"))
    pieces = tuple(line[i : i + 1] for i in range(len(line)))

    async with running([listing(10)], [(*pieces, HANG)]) as seen:
        await anyio.sleep(1)

        assert seen.data("b") == {"x": "Zürich ☂"}


async def test_A11_an_expired_continue_token_restarts_the_list() -> None:
    a, b = make_tree("a", 5), make_tree("b", 6)
    lists = [listing(10, a, token="t"), failure(410, "Expired"), listing(12, a, b)]

    async with running(lists, [(HANG,)]) as seen:
        await anyio.sleep(1)

        assert seen.names() == ["a", "b"]
        first, continued, again = seen.transport.queries(watch=False)
        assert continued["continue"] == "t"
        assert "continue" not in again
        assert first == again


async def test_A11_a_list_whose_tokens_always_expire_is_asked_for_whole() -> None:
    a, cut = make_tree("a", 5), failure(410, "Expired")
    lists = [listing(10, a, token="t"), cut, listing(11, a, token="t"), cut, listing(12, a)]

    async with running(lists, [(HANG,)]) as seen:
        await anyio.sleep(1)

        assert seen.names() == ["a"]
        assert "limit" not in seen.transport.queries(watch=False)[-1]


async def test_A11_of_an_object_on_two_pages_the_newer_counts() -> None:
    lists = [listing(10, make_tree("a", 9, v="new"), token="t"), listing(10, make_tree("a", 5))]

    async with running(lists, [(HANG,)]) as seen:
        await anyio.sleep(1)

        found = seen.informer.get(key("a"))
        assert found is not None
        assert found.decode()["data"] == {"v": "new"}


@pytest.mark.parametrize(
    "watch",
    [
        failure(500, "InternalError"),
        failure(413, "RequestEntityTooLarge"),
        Response(200, {"content-type": "text/html"}, b"<h1>sign in</h1>"),
        (event("ERROR", {"kind": "Status", "code": "many", "details": []}),),
        (event("ERROR", {"kind": "Status", "code": 500, "details": ["a"]}),),
    ],
)
async def test_a_watch_that_keeps_failing_leads_to_a_new_list(watch: Watch) -> None:
    lists = [listing(10, make_tree("a", 5)), listing(20, make_tree("b", 15))]

    async with running(lists, [watch]) as seen:
        await anyio.sleep(30)

        assert seen.names() == ["b"]


async def test_a_retry_after_of_a_day_stops_no_kind() -> None:
    busy = failure(429, "TooManyRequests")
    asked = Response(429, {**busy.headers, "retry-after": "86400"}, busy.body)
    lists = [asked, listing(10, make_tree("a", 5))]

    async with running(lists, [(HANG,)]) as seen:
        await anyio.sleep(15)

        assert seen.names() == ["a"]


async def test_A11_an_empty_list_after_a_full_one_is_asked_for_again() -> None:
    full = listing(10, make_tree("a", 5), make_tree("b", 6))
    lists = [full, listing(20), listing(21, make_tree("a", 5), make_tree("b", 6))]

    async with running(lists, [(expired(),), (HANG,)]) as seen:
        await anyio.sleep(5)

        assert seen.told == ["added a", "added b"]
        assert not seen.informer.shrinks


async def test_A11_a_list_that_lost_more_than_half_says_so_before_it_tells_of_deletions() -> None:
    trees = [make_tree(name, 5) for name in "abcd"]

    async with running([listing(10, *trees), listing(20, trees[0])], [(HANG,)]) as seen:
        await seen.informer.wait_synced()
        seen.informer.request_relist()
        await anyio.sleep(1)

        assert seen.shrank == [False] * 4 + [True] * 3
        assert list(seen.informer.shrinks) == [Shrink(1, before=4, kept=1)]


async def test_A13_watches_that_are_accepted_and_closed_back_off() -> None:
    async with running([listing(10, make_tree("a", 5))], [()]) as seen:
        await anyio.sleep(300)

        assert len(seen.transport.queries(watch=True)) < 20
        watches = len(seen.transport.queries(watch=True))
        assert len(seen.transport.queries(watch=False)) <= 1 + watches / 3
        assert seen.informer.state.reason == "ShortWatch"


async def test_A14_a_kind_that_is_gone_keeps_its_objects_and_is_probed_slowly() -> None:
    missing = failure(404, "NotFound")
    lists = [listing(10, make_tree("a", 5)), missing, missing, missing, listing(20)]
    lists.append(listing(20))

    async with running(lists, [missing, (HANG,)]) as seen:
        await anyio.sleep(80)
        assert seen.names() == ["a"]
        assert seen.phases == ["Gone NotFound"]
        assert len(seen.transport.requests) <= 5

        await anyio.sleep(60)
        assert seen.names() == []
        assert seen.phases == ["Gone NotFound", "Watching"]


async def test_F3_a_revoked_verb_keeps_the_cache_and_says_denied() -> None:
    watches: list[Watch] = [(2.0,), failure(403, "Forbidden")]

    async with running([listing(10, make_tree("a", 5))], watches) as seen:
        await anyio.sleep(120)

        assert seen.names() == ["a"]
        assert seen.informer.synced
        assert seen.phase is Phase.DENIED


async def test_N1_an_unreachable_server_is_tried_at_most_every_thirty_seconds() -> None:
    watches: list[Watch] = [(2.0,), refused()]

    async with running([listing(10, make_tree("a", 5))], watches) as seen:
        await anyio.sleep(100)
        tries = len(seen.transport.requests)
        await anyio.sleep(600)

        assert len(seen.transport.requests) - tries <= 20
        assert seen.names() == ["a"]
        assert seen.phase is Phase.STALE


async def test_N1_another_requests_success_ends_the_wait() -> None:
    watches: list[Watch] = [(2.0,), refused()]

    async with running([listing(10, make_tree("a", 5))], watches) as seen:
        await anyio.sleep(200)
        assert seen.phase is Phase.STALE
        asked = len(seen.transport.requests)
        seen.transport.watches = deque([(HANG,)])
        await seen.client.get_json("/version")
        await anyio.sleep(3)

        assert seen.phases[-1] == "Watching"
        assert len(seen.transport.requests) == asked + 2


async def test_G1_an_unreadable_object_is_no_deletion_and_stops_no_other() -> None:
    poison = make_tree("a", 15) | {"status": "not an object"}
    lists = [listing(10, make_tree("a", 5), make_tree("b", 6)), listing(20, poison)]

    async with running(lists, [(expired(),), (HANG,)]) as seen:
        await anyio.sleep(5)

        assert seen.told == ["added a", "added b", "deleted b"]
        assert list(seen.informer.quarantined) == [key("a")]
