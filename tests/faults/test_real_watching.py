"""A on real API servers: watches and lists broken by a proxy."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import orjson
import pytest

from tests.faultproxy.faults import (
    Blackhole,
    Corrupt,
    CutBody,
    EditEvents,
    FrozenReplica,
    Replace,
    Rewrite,
    Sliced,
)
from tests.faults.real import COPY, GREEN, RealStage, refusal
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, NAMESPACES, make_deployment
from tmcconsole.contract.records import SyncState, TargetState
from tmcconsole.kube.cache import informer

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]

MAPS = r"/configmaps\?"
WATCHES = "watch=1"
LISTS = r"/configmaps\?(?!watch)"
EXPIRED = (
    b'{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},'
    b'"status":"Failure","message":"too old resource version","reason":"Expired","code":410}}\n'
)
SOME_AT_ONCE = 600  # more than a page of 500


def no_deletion(stage: RealStage) -> bool:
    """Assert that nothing was deleted on any target."""
    return not any(stage.asked(name, "DELETE") for name in stage.names)


@pytest.mark.parametrize(
    "expired", [refusal(410, "Expired"), Replace(200, EXPIRED)], ids=["as status", "in stream"]
)
async def test_A2_after_410_what_happened_meanwhile_is_found_by_lists(
    stage: RealStage, expired: Replace
) -> None:
    rules = stage.proxies["hub"].rules
    await stage.apply("other", **COPY)
    await stage.has(COPY, "other", *stage.names)
    hold = rules.on(Blackhole(), path=f"{MAPS}.*{WATCHES}")
    await stage.delete("settings")
    await stage.apply("other", **GREEN)
    rules.on(expired, path=f"{MAPS}.*{WATCHES}", times=2)
    before = len(stage.proxies["hub"].seen)
    rules.off(hold)
    stage.proxies["hub"].listener.reset_connections()

    await stage.has(None, "settings", "hub", *stage.names)
    await stage.has(GREEN, "other", *stage.names)
    lists, _ = stage.opened("hub", CONFIGMAPS, since=before)
    assert 1 <= lists <= 4


async def test_A4_a_replica_that_lives_in_the_past_neither_takes_nor_brings_back(
    stage: RealStage,
) -> None:
    await stage.apply("gone", **COPY)
    await stage.has(COPY, "gone", *stage.names)
    await stage.delete("gone")
    await stage.has(None, "gone", "hub", *stage.names)
    before = {side: len(proxy.seen) for side, proxy in stage.proxies.items()}
    frozen = {
        side: proxy.rules.on(FrozenReplica(quorum_reads_too=True), path=LISTS)
        for side, proxy in stage.proxies.items()
    }
    for proxy in stage.proxies.values():
        proxy.rules.on(refusal(410, "Expired"), path=f"{MAPS}.*{WATCHES}", times=1)
        proxy.listener.reset_connections()
    await anyio.sleep(5)  # meanwhile lists from before "settings" was made are answered

    for target in stage.names:
        assert stage.opened(target, CONFIGMAPS, since=before[target])[0] >= 1
        assert stage.asked(target, "DELETE", since=before[target]) == []
        assert stage.asked(target, "PATCH", since=before[target]) == []
        assert await stage.data(target, "settings") == COPY
    for side, rule in frozen.items():
        stage.proxies[side].rules.off(rule)
        stage.proxies[side].listener.reset_connections()
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", *stage.names)


async def test_A6_a_watch_that_died_without_a_word_is_no_illness_and_is_opened_anew(
    stage: RealStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = stage.names[0]
    monkeypatch.setattr(informer, "IDLE_S", 4.0)  # instead of 90
    stage.proxies[target].listener.reset_connections()  # the new watches have the short timeout
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", *stage.names)
    await anyio.sleep(1)
    before = len(stage.proxies[target].seen)
    rule = stage.proxies[target].rules.on(Blackhole(), path=WATCHES)
    await anyio.sleep(3)
    assert (await stage.record(target)).state is TargetState.SYNCING
    await stage.delete("settings", target)
    await anyio.sleep(4)
    stage.proxies[target].rules.off(rule)

    await stage.has(GREEN, "settings", target)
    assert stage.opened(target, CONFIGMAPS, since=before)[1] >= 1


def without_bookmarks(line: bytes) -> bytes:
    return b"" if b'"type":"BOOKMARK"' in line else line


def with_bookmarks(line: bytes) -> bytes:
    """Send a bookmark behind every event."""
    event = orjson.loads(line)
    if event["type"] not in ("ADDED", "MODIFIED", "DELETED"):
        return line
    whole = event["object"]
    mark = {name: whole[name] for name in ("kind", "apiVersion") if name in whole}
    mark["metadata"] = {"resourceVersion": whole["metadata"]["resourceVersion"]}
    return line + orjson.dumps({"type": "BOOKMARK", "object": mark}) + b"\n"


@pytest.mark.parametrize("edit", [without_bookmarks, with_bookmarks])
async def test_A7_watches_resume_where_they_were_with_bookmarks_and_without(
    stage: RealStage, edit: Callable[[bytes], bytes]
) -> None:
    for proxy in stage.proxies.values():
        proxy.rules.on(EditEvents(edit), path=WATCHES)
        proxy.listener.reset_connections()
    before = {side: len(proxy.seen) for side, proxy in stage.proxies.items()}
    for number in range(3):
        await stage.apply("settings", colour=f"shade {number}")
        await stage.has({"colour": f"shade {number}"}, "settings", *stage.names)
        for proxy in stage.proxies.values():
            proxy.listener.reset_connections()
    await stage.delete("settings", stage.names[0])
    await stage.has({"colour": "shade 2"}, "settings", stage.names[0])

    lists = [stage.opened(side, CONFIGMAPS, since=before[side])[0] for side in stage.proxies]
    assert lists == [0, 0, 0]


async def test_A8_no_streamed_list_is_asked_for_that_a_server_could_refuse_or_never_end(
    stage: RealStage,
) -> None:
    for proxy in stage.proxies.values():
        proxy.rules.on(refusal(422, "Invalid"), path="sendInitialEvents=true")
        proxy.rules.on(refusal(410, "Expired"), path=WATCHES, times=3)
        proxy.listener.reset_connections()
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", *stage.names)

    asked = [one.path for proxy in stage.proxies.values() for one in proxy.seen]
    assert not [path for path in asked if "sendInitialEvents" in path]


def disorder() -> Callable[[bytes], bytes]:
    """Duplicate every event, repeat the first ones late, and mix strange ones in."""
    earlier: list[bytes] = []

    def edit(line: bytes) -> bytes:
        event = orjson.loads(line)
        strange = {**event, "type": "GREETING"}
        foreign = {**event, "object": {**event["object"], "kind": "Toaster"}}
        late = earlier[0] if earlier else b""
        if event["type"] in ("ADDED", "MODIFIED"):
            earlier.append(line)
        mixed = [orjson.dumps(one) + b"\n" for one in (strange, foreign)]
        return b"".join((line, line, late, *mixed))

    return edit


async def test_A9_events_doubled_late_and_strange_change_nothing_that_is_true(
    stage: RealStage,
) -> None:
    for proxy in stage.proxies.values():
        proxy.rules.on(EditEvents(disorder()), path=f"{MAPS}.*{WATCHES}")
        proxy.listener.reset_connections()
    for number in range(5):
        await stage.apply("settings", colour=f"shade {number}")
        await stage.has({"colour": f"shade {number}"}, "settings", *stage.names)
    await stage.apply("other", **COPY)
    await stage.has(COPY, "other", *stage.names)
    assert no_deletion(stage)
    await stage.delete("settings")

    await stage.has(None, "settings", "hub", *stage.names)
    assert all(len(stage.asked(name, "DELETE")) == 1 for name in stage.names)


BROKEN_ZIP = Replace(200, b"\x1f\x8b no gzip at all", headers=(("Content-Encoding", "gzip"),))


@pytest.mark.parametrize(
    ("fault", "path"),
    [
        (Corrupt(every=50), WATCHES),
        (CutBody(300, clean=True), MAPS),
        (BROKEN_ZIP, MAPS),
        (BROKEN_ZIP, WATCHES),
        (Replace(200, b'{"type":"ADDED","object":{"kind":"Conf\n'), WATCHES),
    ],
    ids=["garbage", "truncated", "gzip of a list", "gzip of a watch", "half an object"],
)
async def test_A10_what_cannot_be_read_is_an_error_and_never_an_absence(
    stage: RealStage, fault: Corrupt | CutBody | Replace, path: str
) -> None:
    rules = {
        side: proxy.rules.on(fault, methods=("GET",), path=path)
        for side, proxy in stage.proxies.items()
    }
    for proxy in stage.proxies.values():
        if path == MAPS:
            proxy.rules.on(refusal(410, "Expired"), path=f"{MAPS}.*{WATCHES}", times=1)
        proxy.listener.reset_connections()
    await anyio.sleep(3)
    assert no_deletion(stage)
    for side, rule in rules.items():
        stage.proxies[side].rules.off(rule)
    await stage.apply("settings", **GREEN)

    await stage.has(GREEN, "settings", *stage.names)
    assert no_deletion(stage)


async def test_A10_split_characters_and_ten_megabyte_lines_are_read(stage: RealStage) -> None:
    def padded(line: bytes) -> bytes:
        return line[:-1] + b" " * (10 << 20) + b"\n"

    first, second = stage.names
    stage.proxies[first].rules.on(Sliced(1), path=WATCHES)
    stage.proxies[second].rules.on(EditEvents(padded), path=f"{MAPS}.*{WATCHES}")
    stage.proxies["hub"].rules.on(Sliced(3), path=f"{MAPS}.*{WATCHES}")
    for proxy in stage.proxies.values():
        proxy.listener.reset_connections()
    words = {"colour": "grün \N{GRINNING FACE} 青"}
    await stage.apply("settings", **words)
    await stage.has(words, "settings", *stage.names)
    for target in stage.names:
        await stage.apply("settings", target, colour="by hand")

    await stage.has(words, "settings", *stage.names)


async def test_A11_a_page_that_expires_begins_the_list_anew(stage: RealStage) -> None:
    hub = stage.world.hub
    elsewhere = f"{stage.space}-crowd"  # placed nowhere
    await hub.apply(NAMESPACES, {"metadata": {"name": elsewhere}})
    async with anyio.create_task_group() as group:
        for start in range(8):
            group.start_soon(fill, stage, elsewhere, range(start, SOME_AT_ONCE, 8))
    rules = stage.proxies["hub"].rules
    rules.on(refusal(410, "Expired"), path="/configmaps.*continue=", times=2)
    rules.on(refusal(410, "Expired"), path=f"{MAPS}.*{WATCHES}", times=1)
    stage.proxies["hub"].listener.reset_connections()
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", *stage.names)
    await anyio.sleep(1)

    continued = [one for one in stage.proxies["hub"].seen if "continue=" in one.path]
    await hub.delete(NAMESPACES, "", elsewhere)
    assert continued
    assert no_deletion(stage)


async def fill(stage: RealStage, namespace: str, numbers: range) -> None:
    for number in numbers:
        tree = {"metadata": {"name": f"map-{number}", "namespace": namespace}}
        await stage.world.hub.apply(CONFIGMAPS, tree)


async def test_A11_an_empty_list_empties_nothing(stage: RealStage) -> None:
    def emptied(body: bytes) -> bytes:
        return orjson.dumps({**orjson.loads(body), "items": []})

    rules = [
        (proxy.rules, proxy.rules.on(Rewrite(emptied), methods=("GET",), path=MAPS))
        for proxy in stage.proxies.values()
    ]
    for proxy in stage.proxies.values():
        proxy.rules.on(refusal(410, "Expired"), path=f"{MAPS}.*{WATCHES}", times=1)
        proxy.listener.reset_connections()
    await anyio.sleep(4)
    assert no_deletion(stage)
    assert [await stage.data(name, "settings") for name in stage.names] == [COPY, COPY]
    for owner, rule in rules:
        owner.off(rule)
    for proxy in stage.proxies.values():
        proxy.rules.on(refusal(410, "Expired"), path=f"{MAPS}.*{WATCHES}", times=1)
        proxy.listener.reset_connections()
    await stage.apply("settings", **GREEN)

    await stage.has(GREEN, "settings", *stage.names)


async def test_A12_a_slow_list_delays_only_the_kind_that_is_listed(stage: RealStage) -> None:
    target = stage.names[0]
    rules = stage.proxies[target].rules
    rule = rules.on(Blackhole(), methods=("GET",), path=r"/deployments\?")
    rules.on(refusal(410, "Expired"), path=rf"/deployments\?.*{WATCHES}", times=1)
    stage.proxies[target].listener.reset_connections()
    await stage.apply("settings", **GREEN)
    with anyio.fail_after(60):
        await stage.has(GREEN, "settings", *stage.names)
    rules.off(rule)
    await stage.world.hub.apply(DEPLOYMENTS, make_deployment("web", 1, stage.space))

    await stage.until(
        lambda: stage.standing(target, "web", DEPLOYMENTS).state is SyncState.IN_SYNC, "web"
    )


async def test_A13_watches_that_end_at_once_are_not_opened_in_a_hurry(stage: RealStage) -> None:
    target = stage.names[0]
    rule = stage.proxies[target].rules.on(Replace(200), path=f"{MAPS}.*{WATCHES}")
    stage.proxies[target].listener.reset_connections()
    before = len(stage.proxies[target].seen)
    await anyio.sleep(6)
    lists, watches = stage.opened(target, CONFIGMAPS, since=before)
    assert lists == 0
    assert 2 <= watches <= 12  # backoff: from 0.8 s, doubling, randomly shortened
    stage.proxies[target].rules.off(rule)
    await stage.delete("settings", target)

    await stage.has(COPY, "settings", target)


NOT_SERVED = Replace(404, b"404 page not found\n", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    "away", [refusal(500, "InternalError", "conversion webhook failed"), NOT_SERVED]
)
async def test_A14_A15_a_kind_that_cannot_be_read_degrades_only_itself(
    stage: RealStage, away: Replace
) -> None:
    target = stage.names[0]
    await stage.world.hub.apply(DEPLOYMENTS, make_deployment("web", 1, stage.space))
    await stage.until(
        lambda: stage.standing(target, "web", DEPLOYMENTS).state is SyncState.IN_SYNC, "web"
    )
    rule = stage.proxies[target].rules.on(away, methods=("GET",), path="/deployments")
    stage.proxies[target].listener.reset_connections()
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", *stage.names)
    await anyio.sleep(2)
    assert no_deletion(stage)
    assert (await stage.record(target)).state is TargetState.SYNCING
    stage.proxies[target].rules.off(rule)
    await stage.world.hub.patch(DEPLOYMENTS, stage.space, "web", {"spec": {"replicas": 3}})

    async def scaled() -> bool:
        found = await stage.world.clusters[target].get(DEPLOYMENTS, stage.space, "web")
        return found is not None and found["spec"]["replicas"] == 3

    await stage.world.eventually(scaled, "three replicas", 60)
