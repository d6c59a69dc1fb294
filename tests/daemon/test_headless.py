from __future__ import annotations

import logging

import anyio
import msgspec
import pytest

from tests.daemon.fixture_link import FixtureLink, make_engine, make_target
from tmcconsole.contract.link import LinkLost
from tmcconsole.contract.records import HistoryRecord, TargetState
from tmcconsole.contract.text import SafeText
from tmcconsole.daemon.follow import Follower
from tmcconsole.daemon.headless import run_headless
from tmcconsole.daemon.printer import document, is_settled, to_json, to_table

LOG = logging.getLogger("test.headless")


def make_error(
    *,
    recovered_at: float = 0.0,
    count: int = 1,
    event: str = "ClusterUnreachable",
    message: str = "no route",
) -> HistoryRecord:
    return HistoryRecord(
        id="h1",
        at=90.0,
        last_at=90.0,
        category="error",
        severity="High",
        event=event,
        target=SafeText("eu"),
        message=SafeText(message),
        hint=SafeText("check the network"),
        count=count,
        recovered_at=recovered_at,
    )


async def once(link: FixtureLink) -> Follower:
    stop, board = anyio.Event(), Follower()
    stop.set()
    await run_headless(link, stop=stop, log=LOG, board=board)
    return board


async def said(link: FixtureLink, caplog: pytest.LogCaptureFixture, *steps: object) -> list[str]:
    """Run, with one change after each pull; return what was logged."""
    caplog.set_level(logging.INFO)
    stop, board = anyio.Event(), Follower()
    async with anyio.create_task_group() as group:

        async def run() -> None:
            await run_headless(link, stop=stop, log=LOG, board=board)

        group.start_soon(run)
        for step in steps:
            await link.next_pull()
            link.put(step)  # type: ignore[arg-type]  # any record
        await link.next_pull()
        stop.set()
    return [record.getMessage() for record in caplog.records if record.name == LOG.name]


async def test_each_change_of_state_is_one_line_and_counters_are_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    link = FixtureLink(make_engine(), make_target())
    busy = make_target(heartbeat_at=99.0)
    gone = make_target(state=TargetState.UNREACHABLE, ready=False)

    lines = await said(link, caplog, busy, gone, make_error(), make_error(recovered_at=95.0))

    assert lines == [
        "hub connected",
        "target is Syncing, ready",
        "target is Unreachable, not ready",
        "no route",
        "recovered: no route",
    ]


async def test_an_engine_that_has_not_tried_its_hub_yet_is_no_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lost = msgspec.structs.replace(make_engine(hub_connected=False), hub_since=90.0)

    lines = await said(FixtureLink(make_engine(hub_connected=False)), caplog, make_engine(), lost)

    assert lines == ["hub connected", "hub not connected"]


async def test_a_lost_link_ends_the_headless_run() -> None:
    link = FixtureLink()
    link.failure = LinkLost("boom")

    with pytest.raises(LinkLost, match="boom"):
        await run_headless(link, stop=anyio.Event(), log=LOG)


async def test_the_document_has_targets_objects_errors_and_engine() -> None:
    status = document(await once_pulled(make_engine(), make_target(), make_error()))

    assert status["targets"][0] | {"state": "", "reason": "", "message": ""} == {
        "name": "eu",
        "ready": True,
        "paused": False,
        "cordoned": False,
        "heartbeat_age_s": 5.0,
        "queue_depth": 0,
        "objects": 3,
        "in_sync": 3,
        "stale": 0,
        "state": "",
        "reason": "",
        "holder": "",
        "message": "",
    }
    assert status["objects"] == {
        "placed": 3,
        "in_sync": 3,
        "pending": 0,
        "failed": 0,
        "held": 0,
        "stale": 0,
    }
    assert status["errors"][0]["event"] == "ClusterUnreachable"
    assert status["engine"]["version"] == "1.2.3"
    assert status["engine"]["uptime_s"] == 60.0
    assert status["engine"]["revision"] == 3
    assert '"heartbeat_age_s": 5.0' in to_json(status)


async def once_pulled(*records: object) -> Follower:
    board = Follower()
    await board.pull(FixtureLink(*records))  # type: ignore[arg-type]  # any records
    return board


async def test_recovered_errors_are_history_not_errors() -> None:
    board = await once_pulled(make_engine(), make_error(recovered_at=95.0))

    assert document(board)["errors"] == []


async def test_settled_means_all_ready_and_all_in_sync_and_something_placed() -> None:
    settled = await once_pulled(make_engine(), make_target())
    unready = await once_pulled(make_engine(), make_target(ready=False))
    behind = await once_pulled(make_engine(in_sync=2), make_target())
    idle = await once_pulled(make_engine(placed=0, in_sync=0), make_target())

    assert is_settled(document(settled))
    assert not is_settled(document(unready))
    assert not is_settled(document(behind))
    assert not is_settled(document(idle))
    assert not is_settled(document(Follower()))


async def test_the_table_is_aligned_and_never_hides_an_error() -> None:
    board = await once_pulled(
        make_engine(), make_target("eu"), make_target("ap-south", heartbeat_at=0.0), make_error()
    )

    assert to_table(document(board)).splitlines() == [
        "TARGET    READY  STATE    HEARTBEAT  QUEUE  OBJECTS  IN SYNC",
        "ap-south  yes    Syncing  never      0      3        3",
        "eu        yes    Syncing  5s         0      3        3",
        "",
        "objects: 3 placed, 3 in sync, 0 pending, 0 failed",
        "error: cluster unreachable, eu: no route (check the network)",
    ]


async def test_the_table_tells_reasons_in_words_and_what_is_held_as_held() -> None:
    error = make_error(event="PlacementCapacity", message="exceeded quota: pods")
    engine = msgspec.structs.replace(make_engine(in_sync=1), pending=0, held=2)
    table = to_table(document(await once_pulled(engine, error)))

    assert "objects: 3 placed, 1 in sync, 0 pending, 0 failed, 2 held" in table
    assert "error: over quota or limit, eu: exceeded quota: pods" in table


async def test_a_snapshot_of_another_epoch_replaces_the_mirror() -> None:
    board = await once_pulled(make_engine(), make_target("old"))
    link = FixtureLink(make_engine())
    board.revision = type(board.revision)("other", 9)

    await board.pull(link)

    assert [target["name"] for target in document(board)["targets"]] == []
