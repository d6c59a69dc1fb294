"""What a front end may rely on when it pulls from the board."""

from __future__ import annotations

from tmcconsole.contract.changes import NOTHING_SEEN, RecordRef, Revision
from tmcconsole.contract.records import QueueRecord
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.board import board as board_module
from tmcconsole.engine.board.board import Board


def queue(target: str, depth: int = 0) -> QueueRecord:
    return QueueRecord(target=SafeText(target), kind=SafeText("configmaps"), depth=depth)


def test_the_first_pull_is_a_snapshot_of_everything() -> None:
    board = Board("e")
    board.put(queue("a"))
    board.put(queue("b"))

    changes = board.changes(NOTHING_SEEN, wall=5.0)

    assert changes.snapshot
    assert changes.upserted == (queue("a"), queue("b"))
    assert changes.wall == 5.0


def test_changes_are_coalesced_by_key_into_the_newest_form() -> None:
    board = Board("e")
    board.put(queue("a"))
    seen = board.changes(NOTHING_SEEN, 0.0).revision
    for depth in range(5):
        board.put(queue("b", depth))

    changes = board.changes(seen, 0.0)

    assert not changes.snapshot
    assert changes.upserted == (queue("b", 4),)


def test_an_equal_record_is_no_change() -> None:
    board = Board("e")
    board.put(queue("a"))
    seen = board.revision
    board.put(queue("a"))

    assert board.changes(seen, 0.0).upserted == ()
    assert board.revision == seen


def test_a_removal_is_told_once_and_undone_by_a_new_record() -> None:
    board = Board("e")
    board.put(queue("a"))
    seen = board.revision
    board.remove(RecordRef("QueueRecord", "a/configmaps"))

    changes = board.changes(seen, 0.0)
    board.put(queue("a"))

    assert changes.removed == (RecordRef("QueueRecord", "a/configmaps"),)
    assert board.changes(changes.revision, 0.0).removed == ()
    assert board.changes(changes.revision, 0.0).upserted == (queue("a"),)


def test_a_revision_of_another_run_gets_a_snapshot() -> None:
    board = Board("e")
    board.put(queue("a"))

    assert board.changes(Revision("other", 1), 0.0).snapshot
    assert board.changes(Revision("e", 99), 0.0).snapshot


def test_a_mirror_older_than_the_remembered_removals_gets_a_snapshot(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(board_module, "KEEP_REMOVED", 2)
    board = Board("e")
    for name in "abcd":
        board.put(queue(name))
    seen = board.revision
    for name in "abc":
        board.remove(RecordRef("QueueRecord", f"{name}/configmaps"))

    assert board.changes(seen, 0.0).snapshot
    assert not board.changes(Revision("e", seen.number + 1), 0.0).snapshot
