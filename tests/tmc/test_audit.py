# ruff: noqa: ASYNC240 - files of a few hundred bytes in a temporary folder
"""The audit log is durable before the action, chained, private, and survives crashes and damage."""

import os
import stat
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest

from tmcconsole.tmc.history import audit_file
from tmcconsole.tmc.history.audit import (
    MAX_FIELD,
    AuditLog,
    AuditUnavailable,
    MemoryAudit,
    verify,
)
from tmcconsole.tmc.history.audit_file import FileAudit, full_files, verify_files


def wall() -> float:
    return 1_700_000_000.25


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "audit.jsonl"


async def announce(log: AuditLog, action: str = "delete", **more: str) -> int:
    values = {"actor": "ann", "target": "eu", "subject": "pods/a/b", "uid": "u1", "detail": ""}
    return await log.before(action, **{**values, **more})


async def write(path: Path, count: int, **more: int) -> None:
    log = FileAudit(path, wall, **more)
    for number in range(count):
        await announce(log, f"act-{number}")
    await log.aclose()


def entries(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


async def test_an_announcement_is_on_disk_before_the_action_and_the_result_after(
    path: Path,
) -> None:
    log = FileAudit(path, wall)

    seq = await announce(log)
    announced = entries(path)
    await log.after(seq, "done")

    assert [(e["seq"], e["event"], e["action"], e["uid"]) for e in announced] == [
        (1, "before", "delete", "u1")
    ]
    assert [(e["event"], e["of"], e["outcome"]) for e in entries(path)[1:]] == [
        ("after", 1, "done")
    ]
    assert announced[0]["at"] == wall()
    await log.aclose()


async def test_both_kinds_of_log_write_the_same_lines(path: Path) -> None:
    file, memory = FileAudit(path, wall), MemoryAudit(wall)
    for log in (file, memory):
        await log.after(await announce(log), "done")
    await file.aclose()

    assert path.read_bytes() == b"".join(memory.lines)
    assert verify(memory.lines).problem == ""


async def test_the_file_is_the_owners_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        await write(path, 1)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_the_chain_goes_on_after_a_restart(path: Path) -> None:
    await write(path, 3)
    await write(path, 2)

    verdict = verify_files(path)

    assert (verdict.problem, verdict.lines, verdict.position.seq) == ("", 5, 5)


@pytest.mark.parametrize("tampering", ["change", "remove", "swap", "insert", "foreign"])
async def test_tampering_breaks_the_chain(path: Path, tampering: str) -> None:
    await write(path, 6)
    lines = path.read_bytes().splitlines(keepends=True)
    if tampering == "change":
        lines[2] = lines[2].replace(b"act-2", b"act-X")
    elif tampering == "remove":
        del lines[2]
    elif tampering == "swap":
        lines[2], lines[3] = lines[3], lines[2]
    elif tampering == "insert":
        lines.insert(3, lines[2])
    else:
        lines.insert(3, b'{"hello": 1}\n')
    path.write_bytes(b"".join(lines))

    assert verify_files(path).problem.startswith("line ")


@pytest.mark.parametrize("kept", range(1, 60, 7))
async def test_a_line_cut_short_by_a_crash_is_marked_and_the_chain_goes_on(
    path: Path, kept: int
) -> None:
    await write(path, 3)
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:2]) + whole[2][:kept])

    await write(path, 1)

    lines = path.read_bytes().splitlines(keepends=True)
    assert [orjson.loads(line)["event"] for line in lines[3:]] == ["torn", "before"]
    assert orjson.loads(lines[4])["seq"] == 4
    assert verify_files(path).problem == ""


async def test_a_line_that_lost_only_its_newline_is_whole(path: Path) -> None:
    await write(path, 2)
    path.write_bytes(path.read_bytes()[:-1])

    await write(path, 1)

    assert [entry["seq"] for entry in entries(path)] == [1, 2, 3]
    assert verify_files(path).problem == ""


async def test_a_full_file_is_renamed_and_the_chain_goes_on(path: Path) -> None:
    await write(path, 10, max_bytes=600)
    await write(path, 10, max_bytes=600)

    files = full_files(path)

    assert len(files) > 3
    verdict = verify_files(path)
    assert (verdict.problem, verdict.position.seq) == ("", 20)
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)


async def test_a_line_torn_right_after_a_rename_keeps_its_number(path: Path) -> None:
    await write(path, 3, max_bytes=1)
    path.write_bytes(b'{"seq": 4')
    path.chmod(0o600)

    await write(path, 1)

    assert verify_files(path).position.seq == 5
    assert verify_files(path).problem == ""


async def test_a_missing_middle_file_is_noticed(path: Path) -> None:
    await write(path, 10, max_bytes=300)
    full_files(path)[1].unlink()

    assert "number" in verify_files(path).problem


async def test_a_file_taken_away_from_a_running_log_is_noticed(path: Path) -> None:
    log = FileAudit(path, wall)
    await announce(log)
    path.unlink()
    await announce(log)
    await log.aclose()

    assert verify_files(path).problem == "line 1: number 2 where 1 is expected"


@pytest.mark.parametrize("fault", ["link", "hardlink", "mode", "folder", "directory"])
async def test_without_a_safe_file_the_action_is_refused(path: Path, fault: str) -> None:
    path.parent.mkdir(mode=0o700)
    if fault == "link":
        (path.parent / "else").touch()
        path.symlink_to(path.parent / "else")
    elif fault == "hardlink":
        path.touch(0o600)
        (path.parent / "else").hardlink_to(path)
    elif fault == "mode":
        path.touch()
        path.chmod(0o644)
    elif fault == "folder":
        path = path / "x"
        path.parent.touch()
    else:
        path.mkdir()

    with pytest.raises(AuditUnavailable, match=r"audit\.jsonl.* cannot be written"):
        await announce(FileAudit(path, wall))
    with pytest.raises(AuditUnavailable):
        await FileAudit(path, wall).check()


async def test_two_processes_never_share_a_file(path: Path) -> None:
    first, second = FileAudit(path, wall), FileAudit(path, wall)
    await announce(first)

    with pytest.raises(AuditUnavailable, match="another process"):
        await announce(second)
    await first.aclose()

    assert await announce(second) == 2
    await second.aclose()


async def test_it_works_again_once_the_fault_is_gone(path: Path) -> None:
    log = FileAudit(path, wall)
    await announce(log)
    path.chmod(0o644)
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")
    with pytest.raises(AuditUnavailable):
        await announce(log)

    path.unlink()
    path.with_name("moved").rename(path)
    path.chmod(0o600)

    assert await announce(log) == 2
    await log.aclose()
    assert verify_files(path).problem == ""


async def test_e6_a_full_disk_refuses_and_leaves_a_chain_that_goes_on(path: Path) -> None:
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    log = FileAudit(path, wall)
    await announce(log)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:  # the kernel writes part of the next line, then returns EFBIG
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 40, limits[1]))
        with pytest.raises(AuditUnavailable, match="too large"):
            await announce(log)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)

    assert await announce(log) == 3
    await log.aclose()
    assert [orjson.loads(x)["event"] for x in path.read_bytes().splitlines()[2:]] == [
        "torn",
        "before",
    ]
    assert verify_files(path).problem == ""


async def test_many_at_once_each_get_a_number_of_their_own(path: Path) -> None:
    log = FileAudit(path, wall)
    numbers: list[int] = []

    async def act(number: int) -> None:
        seq = await announce(log, f"act-{number}")
        numbers.append(seq)
        await log.after(seq, "done")

    async with anyio.create_task_group() as group:
        for number in range(200):
            group.start_soon(act, number)
    await log.aclose()

    assert len(set(numbers)) == 200
    by_number = {e["seq"]: e for e in entries(path)}
    assert all(by_number[seq]["event"] == "before" for seq in numbers)
    assert sorted(e["of"] for e in entries(path) if e["event"] == "after") == sorted(numbers)
    assert verify_files(path).problem == ""


async def test_a_cancelled_caller_leaves_the_others_alone(path: Path) -> None:
    log = FileAudit(path, wall)
    numbers: list[int] = []

    async def act() -> None:
        numbers.append(await announce(log))

    async with anyio.create_task_group() as group:
        group.start_soon(act)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await announce(log, "cancelled")
        group.start_soon(act)
    await log.aclose()

    assert sorted(numbers) == [1, 2]
    assert [e["action"] for e in entries(path)] == ["delete", "delete"]


@pytest.mark.parametrize("hostile", ["a\nb", "\x1b[2J", '"},{"seq": 9', "\ud800", "x" * 9000])
async def test_no_text_can_forge_a_line(path: Path, hostile: str) -> None:
    log = FileAudit(path, wall)
    await announce(log, detail=hostile, actor=hostile)
    await log.aclose()

    (entry,) = entries(path)
    assert len(entry["detail"]) <= MAX_FIELD
    assert "\x1b" not in entry["actor"]
    assert verify_files(path).problem == ""


async def test_what_was_announced_is_recalled_with_what_came_of_it_by_another_process(
    path: Path,
) -> None:
    log = FileAudit(path, wall)
    seq = await announce(log, "delete-copy", uid="u1", detail="HubGone")
    await log.after(seq, "accepted")
    await announce(log, "PauseTarget")
    await announce(log, "delete-copy", uid="u2")  # and the process has ended
    await log.aclose()

    found = await FileAudit(path, wall).recall(frozenset({"delete-copy"}))

    assert [(one.uid, one.outcome, one.at) for one in found] == [
        ("u1", "accepted", wall()),
        ("u2", "", wall()),
    ]


async def test_nothing_is_recalled_where_there_is_no_log_and_an_unreadable_one_says_so(
    path: Path,
) -> None:
    assert await FileAudit(path, wall).recall(frozenset({"delete-copy"})) == ()
    path.mkdir(parents=True)

    with pytest.raises(AuditUnavailable, match="cannot be read"):
        await FileAudit(path, wall).recall(frozenset({"delete-copy"}))


async def test_old_files_go_and_what_stays_is_still_a_chain(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_file, "KEPT_FILES", 3)
    audit = FileAudit(path, wall=lambda: 1_000_000.0, max_bytes=1)
    for number in range(6):
        await audit.before(f"act-{number}", actor="a", target="t", subject="s", uid="u", detail="")

    assert len(full_files(path)) == 3
    verdict = verify_files(path)
    assert (verdict.problem, verdict.lines, verdict.position.seq) == ("", 3, 6)

    monkeypatch.setattr(audit_file, "KEPT_S", 0.0)
    late = full_files(path)[-1].stat().st_mtime + 3600
    audit = FileAudit(path, wall=lambda: late, max_bytes=1)
    await audit.before("act-7", actor="a", target="t", subject="s", uid="u", detail="")
    await audit.aclose()

    assert len(full_files(path)) == 1
    assert verify_files(path).problem == ""


async def test_a_file_that_was_opened_to_a_group_is_closed_again(path: Path) -> None:
    await write(path, 1)
    path.chmod(0o660)

    await write(path, 1)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert verify_files(path).problem == ""
