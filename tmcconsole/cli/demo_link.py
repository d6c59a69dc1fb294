"""The demo's link: the engine's own, plus the faults of its clusters and the story being told."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio.to_thread
import msgspec

from tmcconsole.cli.failure import one_line
from tmcconsole.contract.changes import Changes, Revision
from tmcconsole.contract.commands import Accepted, AnyCommand, AnyReply, Refused, SimFault
from tmcconsole.contract.link import EngineLink
from tmcconsole.contract.records import AnyRecord, HistoryRecord
from tmcconsole.contract.text import SafeText

CONTROL_S: Final = 5.0
# What the fault menu calls them, and what the simulator does.
FAULTS: Final = {"throttle": "reject_429", "cut-watch": "cut_watches"}
# What a fault of single kinds is about, where a person only says that it is on.
ABOUT: Final[dict[str, dict[str, object]]] = {
    "kind_500": {"failing_kinds": ["configmaps"]},
    "kind_gone": {"hidden_kinds": ["configmaps"]},
}

Story = Callable[[], tuple[tuple[int, float, str], ...]]


@dataclass(frozen=True, slots=True)
class FleetAddress:
    """Where the simulated fleet takes orders."""

    url: str
    token: str


class DemoLink:
    """An ``EngineLink`` around the engine's. Owns where each line of the story belongs."""

    def __init__(self, engine: EngineLink, control: FleetAddress, story: Story) -> None:
        self._engine = engine
        self._control = control
        self._story = story
        self._newest = 0  # the largest revision anybody was given
        self._told_at: dict[
            int, int
        ] = {}  # a story line's number -> _newest when it was first seen

    async def changes(self, since: Revision) -> Changes:
        """Return the engine's changes, with the story among the history."""
        changes = await self._engine.changes(since)
        seen = -1 if changes.snapshot else since.number
        records = (*changes.upserted, *self._history(seen))
        self._newest = max(self._newest, changes.revision.number)
        return msgspec.structs.replace(changes, upserted=records)

    async def request(self, command: AnyCommand) -> AnyReply:
        """Switch a fault of a simulated cluster, or pass the command on."""
        if not isinstance(command, SimFault):
            return await self._engine.request(command)
        fault = FAULTS.get(command.fault, command.fault)
        body: dict[str, object] = {"cluster": command.target, "fault": fault, "on": command.on}
        if command.on and fault in ABOUT:
            body["parameters"] = ABOUT[fault]
        return await anyio.to_thread.run_sync(_order, self._control, body)

    def _history(self, seen: int) -> list[AnyRecord]:
        """Return the story lines first told at or after revision ``seen``.

        A line belongs to the newest revision given out before it: whoever has a newer one has
        got the line with it. One told at the very revision may come twice, and be equal.
        """
        lines = self._story()
        for number, _at, _text in lines:
            self._told_at.setdefault(number, self._newest)
        for number in [number for number in self._told_at if lines and number < lines[0][0]]:
            del self._told_at[number]
        return [
            HistoryRecord(
                id=f"story-{number:04}",
                at=at,
                last_at=at,
                category="action",
                severity="Low",
                event="Story",
                message=SafeText(text),
                actor=SafeText("demo"),
            )
            for number, at, text in lines
            if self._told_at[number] >= seen
        ]


def _order(control: FleetAddress, body: dict[str, object]) -> AnyReply:
    request = urllib.request.Request(
        f"{control.url}/faults",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {control.token}", "Content-Type": "application/json"},
    )
    # No proxy: the address is on loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=CONTROL_S):
            state = "on" if body["on"] else "off"
            return Accepted(message=SafeText(f"{body['fault']} is {state} at {body['cluster']}"))
    except urllib.error.HTTPError as error:
        return Refused(reason=SafeText(error.read(1000).decode(errors="replace").strip()))
    except OSError as error:
        return Refused(reason=SafeText(f"the simulated clusters do not answer: {one_line(error)}"))
