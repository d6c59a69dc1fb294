from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.daemon.fixture_link import FixtureLink, make_engine, make_target
from tmcconsole.cli.here import serving
from tmcconsole.daemon.follow import Follower
from tmcconsole.daemon.socket_client import RemoteEngine
from tmcconsole.daemon.socket_server import claim


def test_a_console_with_its_own_engine_can_be_attached_to(tmp_path: Path) -> None:
    path = tmp_path / "state" / "engine.sock"
    link = FixtureLink(make_engine(), make_target())

    async def attach() -> list[str]:
        async with await RemoteEngine.open(path, version="1") as remote:
            board = Follower()
            return [record.key for record in await board.pull(remote)]

    with claim(path), serving(link, path):
        keys = anyio.run(attach)

    assert keys == ["engine", "eu"]


def test_a_place_where_no_socket_can_be_is_an_error_at_once(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="No such file"),
        serving(FixtureLink(), tmp_path / "no" / "engine.sock"),
    ):
        pass
