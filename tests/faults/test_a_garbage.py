"""A10: what cannot be parsed is an error of the stream or list; it never means an absence."""

from __future__ import annotations

import anyio
import pytest

from tests.faults.stage import Stage, open_shop
from tests.world.world import CONFIGMAPS
from tmcconsole.contract.records import KindRecord, KindState
from tmcconsole.runtime import Request, Response

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}
BROKEN = {
    "cut off": b'{"kind":"ConfigMapList","apiVersion":"v1","metadata":{},"items":[{"meta',
    "not UTF-8": b'{"kind":"ConfigMapList","apiVersion":"v1","items":["\xff\xfe"]}',
    "nothing": b"",
    "of another kind": b'{"kind":"SecretList","apiVersion":"v1","metadata":{},"items":{}}',
    "no list": b"null",
}


def garble(world: Stage, side: str, body: bytes) -> None:
    """Let every list of ConfigMaps there answer this; all watches end, and none resumes."""

    def answer(cluster: str, request: Request) -> Response | None:
        is_list = request.method == "GET" and request.path == "/api/v1/configmaps"
        return Response(200, JSON, body) if cluster == side and is_list else None

    world.meddle = answer
    world.sims[side].faults.switch("watch_410")
    world.sims[side].faults.switch("cut_watches")


@pytest.mark.parametrize("side", ["hub", "east"])
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
async def test_A10_a_list_that_cannot_be_read_is_no_emptiness(side: str, body: bytes) -> None:
    async with open_shop(("east", "west"), maps=("other", "settings")) as world:
        garble(world, side, body)
        await world.hub.patch(CONFIGMAPS, "shop", "settings", {"data": {"colour": "green"}})
        await anyio.sleep(120)
        began = world.now()
        await anyio.sleep(300)
        assert 1 <= len(world.lists(side, CONFIGMAPS, began)) <= 60
        assert world.deletions() == []
        assert [world.names_on(name) for name in world.clusters] == [["other", "settings"]] * 2
        world.meddle = lambda _cluster, _request: None
        world.sims[side].faults.switch("watch_410", on=False)

        def is_green() -> bool:
            return all(world.data_on(name) == {"colour": "green"} for name in world.clusters)

        await world.until(is_green, "read again", 90)
        assert world.deletions() == []
        kinds = await world.records(KindRecord)
        assert {one.state for one in kinds if one.kind == "configmaps"} == {KindState.ACCEPTED}
