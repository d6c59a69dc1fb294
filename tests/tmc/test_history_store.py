"""The history file survives restarts, stays bounded, and a broken one is set aside."""

import sqlite3
import stat
from pathlib import Path

import anyio
import pytest

from tmcconsole.contract.text import SafeText
from tmcconsole.tmc.errors import ErrorType, failure
from tmcconsole.tmc.history.history import History
from tmcconsole.tmc.history.history_store import (
    HistoryStore,
    HistoryUnavailable,
    keep_saved,
    save_pending,
)


def make_history(count: int = 3) -> History:
    history = History()
    for at in range(1, count + 1):
        history.record("action", "Resync", at=float(at), message="line one\nline two")
    history.record_error(
        failure(ErrorType.SYNC_TIMEOUT, "späť"), target="eu", subject="pods/a/b", at=count + 1
    )
    return history


async def saved(path: Path, history: History, **more: int) -> None:
    store = HistoryStore(path, **more)
    await store.save(history.pending())
    await store.aclose()


async def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    history = make_history()
    await saved(tmp_path / "h.db", history)

    store = HistoryStore(tmp_path / "h.db")
    found = await store.load()
    await store.aclose()

    assert found == history.records()
    assert all(type(record.message) is SafeText for record in found)


async def test_the_file_is_bounded_to_the_newest(tmp_path: Path) -> None:
    await saved(tmp_path / "h.db", make_history(20), keep=5)

    store = HistoryStore(tmp_path / "h.db", keep=100)
    found = await store.load()
    await store.aclose()

    assert [record.last_at for record in found] == [17, 18, 19, 20, 21]


async def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "h.db"
    await saved(path, make_history())

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", ["garbage", "middle", "version", "record"])
async def test_an_unreadable_file_is_set_aside_and_a_new_one_works(
    tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "h.db"
    await saved(path, make_history(300))
    ruin(path, damage)
    ruined = path.read_bytes()

    store = HistoryStore(path)
    found = await store.load()
    await store.save(make_history().pending())
    again = await store.load()
    await store.aclose()

    aside = tmp_path / "h.db.unreadable-1"
    assert (found, len(again)) == ((), 4)
    assert str(aside) in store.set_aside
    assert damage == "record" or aside.read_bytes() == ruined


def ruin(path: Path, damage: str) -> None:
    if damage == "garbage":
        path.write_bytes(b"not a database at all" * 300)
    elif damage == "middle":
        content = bytearray(path.read_bytes())
        content[4096:-4096] = b"\xff" * len(content[4096:-4096])
        path.write_bytes(content)
    else:
        database = sqlite3.connect(path)
        if damage == "version":
            database.execute("pragma user_version = 99")
        else:
            database.execute("update history set record = '{}'")
        database.commit()
        database.close()


async def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"precious")
    (tmp_path / "h.db").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(HistoryUnavailable, match=r"h\.db"):
        await HistoryStore(tmp_path / "h.db").load()

    assert (tmp_path / "elsewhere").read_bytes() == b"precious"


async def test_what_cannot_be_saved_stays_pending_and_is_saved_later(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.write_text("a file where the folder should be")
    history, store = make_history(), HistoryStore(folder / "h.db")

    why = await save_pending(history, store)
    folder.unlink()
    after = await save_pending(history, store)
    found = await store.load()
    await store.aclose()

    assert "h.db" in why
    assert after == ""
    assert found == history.records()


async def test_the_writer_saves_what_is_left_when_it_is_stopped(tmp_path: Path) -> None:
    history, store = make_history(), HistoryStore(tmp_path / "h.db")
    reports: list[SafeText] = []

    async with anyio.create_task_group() as group:
        group.start_soon(keep_saved, history, store, anyio.sleep, reports.append)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()

    reopened = HistoryStore(tmp_path / "h.db")
    assert await reopened.load() == history.records()
    await reopened.aclose()
    assert reports == [""]


async def test_an_open_error_comes_back_with_all_that_still_have_it(tmp_path: Path) -> None:
    history, store = History(), HistoryStore(tmp_path / "h.db")
    for name in ("a", "b", "c"):
        history.record_error(
            failure(ErrorType.SYNC_TIMEOUT, "late"), target="eu", subject=f"pods/x/{name}", at=1
        )
    await save_pending(history, store)
    history.record_recovery("eu", "pods/x/b", at=2)
    await save_pending(history, store)

    after = History()
    after.load(await store.load(), await store.load_subjects())
    await store.aclose()

    after.record_recovery("eu", "pods/x/c", at=3)
    halfway = after.records()[0].recovered_at
    after.record_recovery("eu", "pods/x/a", at=4)
    assert (halfway, after.records()[0].recovered_at) == (0.0, 4)
