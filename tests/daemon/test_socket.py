from __future__ import annotations

import os
import pwd
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import pytest

from tests.daemon.fixture_link import FixtureLink, make_engine, make_target
from tmcconsole.contract.changes import NOTHING_SEEN, Revision
from tmcconsole.contract.commands import Accepted, PauseTarget, Reply
from tmcconsole.contract.link import LinkLost
from tmcconsole.contract.text import SafeText
from tmcconsole.contract.wire import PROTOCOL, Hello, decode, encode
from tmcconsole.daemon.socket_client import RemoteEngine
from tmcconsole.daemon.socket_server import (
    MAX_ASK_BYTES,
    MAX_CONNECTIONS,
    SocketTaken,
    claim,
    serve,
)


@asynccontextmanager
async def served(link: FixtureLink, path: Path) -> AsyncIterator[Path]:
    with claim(path):
        async with anyio.create_task_group() as group:
            await group.start(partial(serve, link, path, version="1.2.3"))
            yield path
            group.cancel_scope.cancel()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    return folder / "engine.sock"


async def test_records_and_commands_cross_the_socket_unchanged(place: Path) -> None:
    target, engine = make_target("eu"), make_engine()
    link = FixtureLink(target, engine)

    async with served(link, place), await RemoteEngine.open(place, version="1") as remote:
        changes = await remote.changes(NOTHING_SEEN)
        reply = await remote.request(PauseTarget(target="eu", why="night"))
        link.remove(target)
        later = await remote.changes(changes.revision)

    assert changes.snapshot
    assert changes.upserted == (target, engine)
    assert isinstance(changes.upserted[0].key, SafeText)
    assert changes.wall == 100.0
    assert reply == Accepted(message=SafeText("done"))
    assert later.revision == Revision("e", 3)
    assert [ref.key for ref in later.removed] == ["eu"]


async def test_the_actor_is_who_the_kernel_says_whatever_the_peer_claims(place: Path) -> None:
    link = FixtureLink()

    async with served(link, place), await RemoteEngine.open(place, version="1") as remote:
        await remote.request(PauseTarget(target="eu", actor="root"))

    name = pwd.getpwuid(os.geteuid()).pw_name
    assert link.asked[0].actor == f"{name} (pid {os.getpid()})"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_socket_and_folder_are_private_and_the_socket_goes_with_the_engine(
    place: Path,
) -> None:
    async with served(FixtureLink(), place):
        modes = [mode(place), mode(place.parent), mode(place.with_name("engine.sock.lock"))]

    assert modes == [0o600, 0o700, 0o600]
    assert os.listdir(place.parent) == ["engine.sock.lock"]


async def test_a_second_engine_is_refused_and_told_what_to_do(place: Path) -> None:
    async with served(FixtureLink(), place):
        with pytest.raises(SocketTaken, match=r"already runs .* attach"), claim(place):
            pass

        async with await RemoteEngine.open(place, version="1") as remote:
            assert (await remote.changes(NOTHING_SEEN)).snapshot


async def test_a_socket_left_by_a_dead_process_is_replaced(place: Path) -> None:
    place.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place))

    async with served(FixtureLink(), place), await RemoteEngine.open(place, version="1") as remote:
        assert (await remote.changes(NOTHING_SEEN)).snapshot


def test_a_folder_that_others_can_write_is_refused(place: Path) -> None:
    place.parent.mkdir()
    place.parent.chmod(0o777)

    with pytest.raises(SocketTaken, match="chmod 700"), claim(place):
        pass


def test_a_path_too_long_for_the_kernel_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SocketTaken, match=r"set daemon\.socket"), claim(tmp_path / ("x" * 108)):
        pass


async def test_a_broken_link_is_reported_and_the_connection_lives_on(place: Path) -> None:
    link = FixtureLink(make_engine())

    async with served(link, place), await RemoteEngine.open(place, version="1") as remote:
        link.failure = LinkLost("the engine failed: boom")
        with pytest.raises(LinkLost, match="boom"):
            await remote.changes(NOTHING_SEEN)
        link.failure = None
        assert (await remote.changes(NOTHING_SEEN)).snapshot


async def test_a_vanished_engine_is_a_lost_link(place: Path) -> None:
    async with served(FixtureLink(), place):
        remote = await RemoteEngine.open(place, version="1")
        await remote.changes(NOTHING_SEEN)

    with pytest.raises(LinkLost):
        await remote.changes(NOTHING_SEEN)
    with pytest.raises(LinkLost):
        await remote.request(PauseTarget(target="eu"))
    await remote.aclose()


async def test_no_engine_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(LinkLost, match="no engine answers at"):
        await RemoteEngine.open(tmp_path / "none.sock", version="1")


async def test_an_answer_given_up_on_does_not_confuse_the_next_question(place: Path) -> None:
    gate = anyio.Event()

    class Slow(FixtureLink):
        async def request(self, command: object) -> Reply:  # type: ignore[override]  # any command
            await gate.wait()
            return Accepted(message=SafeText("late"))

    link = Slow(make_engine())
    async with served(link, place), await RemoteEngine.open(place, version="1") as remote:
        with anyio.move_on_after(0.01) as scope:
            await remote.request(PauseTarget(target="eu"))
        gate.set()
        changes = await remote.changes(NOTHING_SEEN)

    assert scope.cancelled_caught
    assert changes.snapshot


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        encode(Hello(PROTOCOL + 1, "9")),
        encode(Hello(PROTOCOL, "1")) + b'{"type":"Ask","id":1}\n',
        encode(Hello(PROTOCOL, "1")) + b'{"type":"Ask","id":1,"command":{"type":"Nope"}}\n',
        encode(Hello(PROTOCOL, "1")) + b"[" * 100_000 + b"\n",
        encode(Hello(PROTOCOL, "1")) + b"x" * (MAX_ASK_BYTES + 1),
    ],
    ids=["http", "other version", "no question", "unknown command", "deep", "endless line"],
)
async def test_a_peer_that_talks_nonsense_is_let_go_and_others_are_served(
    place: Path, garbage: bytes
) -> None:
    async with served(FixtureLink(make_engine()), place):
        async with await anyio.connect_unix(place) as stream:
            assert isinstance(decode((await stream.receive()).rstrip(b"\n")), Hello)
            with anyio.fail_after(60):
                try:
                    await stream.send(garbage)
                    while True:
                        await stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    pass
        async with await RemoteEngine.open(place, version="1") as remote:
            assert (await remote.changes(NOTHING_SEEN)).snapshot


async def test_connections_are_bounded(place: Path) -> None:
    async with served(FixtureLink(), place):
        held = [await RemoteEngine.open(place, version="1") for _ in range(MAX_CONNECTIONS)]
        with pytest.raises(LinkLost, match="refused the connection"):
            await RemoteEngine.open(place, version="1")
        for remote in held:
            await remote.aclose()


async def test_a_front_end_that_asks_nothing_makes_room_for_another(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tmcconsole.daemon.socket_server.IDLE_S", 0.0)
    async with served(FixtureLink(make_engine()), place):
        idle = [await RemoteEngine.open(place, version="1") for _ in range(MAX_CONNECTIONS)]
        async with await RemoteEngine.open(place, version="1") as late:
            changes = await late.changes(NOTHING_SEEN)
        for one in idle:
            await one.aclose()

    assert changes.snapshot
