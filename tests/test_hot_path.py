"""The way of one change from the hub to a cluster is the one that the architecture page tells."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

import pytest

from tests.world.world import CONFIGMAPS, World, open_world, place_everywhere
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.reader import Reader
from tmcconsole.kube.objects import ObjectKey
from tmcconsole.sync.down.plan import decide
from tmcconsole.sync.queue.workqueue import WorkQueue
from tmcconsole.sync.state.desired_state import desired_state

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

ROOT = Path(__file__).parent.parent
CODE = f"{ROOT / 'tmcconsole'}/"
MOST_FILES = 13
PARTS = ("engine/", "kube/", "placement/", "sync/")
KEY = ObjectKey("shop", "settings")
# A key enters a queue, it is decided what is desired and what to do: who calls is on the way.
STATIONS: Final[set[CodeType]] = {
    WorkQueue.add.__code__,
    desired_state.__code__,
    decide.__code__,
}


@dataclass(slots=True)
class Way:
    """Notes who called whom, from an event in the hub to the first write to a cluster."""

    client: Reader  # of the cluster
    files: set[str] = field(default_factory=set)
    is_over: bool = False

    def look(self, frame: FrameType, event: str, _argument: object) -> None:
        if event != "call" or self.is_over:
            return
        if frame.f_code in STATIONS and frame.f_locals.get("key", KEY) == KEY:
            self.files |= callers(frame)
        if frame.f_code is Client._send.__code__ and frame.f_locals["self"] is self.client:
            self.is_over = frame.f_locals["request"].method == "PATCH"
            self.files |= callers(frame) if self.is_over else set()


def callers(frame: FrameType | None) -> set[str]:
    """Return the files of ours from the one a frame is in to the loop of its task."""
    found = set()
    while frame is not None and frame.f_code.co_filename.startswith(CODE):
        found.add(frame.f_code.co_filename.removeprefix(CODE))
        if frame.f_code.co_name == "run":
            break
        frame = frame.f_back
    return {file for file in found if file.startswith(PARTS)}


def steps_told() -> list[tuple[str, str]]:
    """Return the file and the sentence of each step of the way down."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    listed = text.partition("### Down")[2].partition("\n### ")[0]
    return re.findall(r"(?ms)^\d+\. `([\w/]+\.py)`: (.+?)(?=^\d|\Z)", listed)


async def change_seen(world: World) -> Way:
    await place_everywhere(world, "shop")
    tree = {"metadata": {"name": KEY.name, "namespace": KEY.namespace}, "data": {"colour": "red"}}
    await world.hub.apply(CONFIGMAPS, tree)
    await world.on("east", CONFIGMAPS, *KEY)
    await world.settle()
    assert world.engine.session is not None
    way = Way(next(iter(world.engine.session.shared.targets.values())).client)

    async def is_there() -> bool:
        copy = await world.clusters["east"].get(CONFIGMAPS, *KEY)
        return copy is not None and copy["data"]["colour"] == "blue"

    before = sys.getprofile()
    sys.setprofile(way.look)
    try:
        await world.hub.patch(CONFIGMAPS, *KEY, {"data": {"colour": "blue"}})
        await world.eventually(is_there, "the change on the cluster")
    finally:
        sys.setprofile(before)
    return way


async def test_a_change_takes_the_way_that_the_architecture_tells_and_no_other() -> None:
    async with open_world(("east",)) as world:
        way = await change_seen(world)

    told = [file for file, _ in steps_told()]
    assert way.files == set(told)
    assert len(told) == len(way.files) <= MOST_FILES


def test_each_step_of_the_way_is_one_sentence() -> None:
    sentences = {file: re.sub(r"`[^`]*`", "", text).strip() for file, text in steps_told()}

    assert {file: text for file, text in sentences.items() if text.find(".") != len(text) - 1} == {}
