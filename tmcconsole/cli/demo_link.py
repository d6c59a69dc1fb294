"""The demo's link: the engine's own, plus the simulator's faults and scenario."""

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
# The fault menu's names, and the simulator's actions.
FAULTS: Final = {"throttle": "reject_429", "cut-watch": "cut_watches"}
# The parameters of faults that concern single kinds, which a user only switches on.
ABOUT: Final[dict[str, dict[str, object]]] = {
    "kind_500": {"failing_kinds": ["configmaps"]},
    "kind_gone": {"hidden_kinds": ["configmaps"]},
}

Story = Callable[[], tuple[tuple[int, float, str], ...]]


@dataclass(frozen=True, slots=True)
class FleetAddress:
    """Where the simulated fleet takes commands."""

    url: str
    token: str


class DemoLink:
    """An ``EngineLink`` around the engine's. Owns the position of each scenario line in the
    history.
    """

    def __init__(self, engine: EngineLink, control: FleetAddress, story: Story) -> None:
        self._engine = engine
        self._control = control
        self._story = story
        self._newest = 0  # the largest revision handed out
        self._told_at: dict[
            int, int
        ] = {}  # a scenario line's number -> _newest when it was first seen

    async def changes(self, since: Revision) -> Changes:
        """Return the engine's changes, with the scenario lines added to the history."""
        changes = await self._engine.changes(since)
        seen = -1 if changes.snapshot else since.number
        records = (*changes.upserted, *self._history(seen))
        self._newest = max(self._newest, changes.revision.number)
        return msgspec.structs.replace(changes, upserted=records)

    async def request(self, command: AnyCommand) -> AnyReply:
        """Switch a fault of a simulated cluster, or pass the command on to the engine."""
        if not isinstance(command, SimFault):
            return await self._engine.request(command)
        fault = FAULTS.get(command.fault, command.fault)
        body: dict[str, object] = {"cluster": command.target, "fault": fault, "on": command.on}
        if command.on and fault in ABOUT:
            body["parameters"] = ABOUT[fault]
        return await anyio.to_thread.run_sync(_order, self._control, body)

    def _history(self, seen: int) -> list[AnyRecord]:
        """Return the scenario lines first told at or after revision ``seen``.

        A line belongs to the newest revision handed out before it: a client with a newer revision
        got the line with it. A line told at that very revision may come twice, as an equal record.
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
        return Refused(reason=SafeText(f"the simulated clusters do not respond: {one_line(error)}"))
