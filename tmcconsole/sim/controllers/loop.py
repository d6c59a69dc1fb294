"""The controllers' loop: commits make keys due; due keys are reconciled one at a time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import anyio

from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import StatusError
from tmcconsole.sim.storage.store import Commit, StoreKey

RETRY_S: Final = 1.0  # after a refusal
LONGEST_RETRY_S: Final = 60.0  # after exceptions, doubling each time
GRAIN_S: Final = 0.001  # times closer than this are the same
BATCH: Final = 50  # reconciles before the event loop gets a turn


@dataclass(frozen=True, slots=True)
class ClusterController:
    """Which keys a commit makes due, and how to reconcile them. ``name`` is unique.

    ``reconcile`` returns the seconds until the next look, or None.
    """

    name: str
    keys_of: Callable[[Commit], Iterable[StoreKey]]
    reconcile: Callable[[StoreKey], float | None]


class Loop:
    """Runs the controllers of one cluster and owns their queue."""

    def __init__(self, server: Server, controllers: Iterable[ClusterController]) -> None:
        self._server = server
        self._controllers = {controller.name: controller for controller in controllers}
        self._due: dict[tuple[str, StoreKey], None] = {}  # in order of arrival
        self._later: list[tuple[float, int, str, StoreKey]] = []
        self._failures: dict[tuple[str, StoreKey], int] = {}  # exceptions in a row
        self._sequence = 0
        self._wake = anyio.Event()
        self._is_waiting = False

    def __repr__(self) -> str:
        return f"Loop(due={len(self._due)}, later={len(self._later)})"

    def observe(self, commit: Commit) -> None:
        """Queue the keys that a commit makes due."""
        for controller in self._controllers.values():
            try:
                for key in controller.keys_of(commit):
                    self._due[controller.name, key] = None
            except Exception as error:  # noqa: BLE001  # reported; the others see the commit
                self._server.store.mishaps.tell(f"{controller.name} at {commit.key}", error)
        if self._due and self._is_waiting:
            self._wake.set()

    async def run(self) -> None:
        """Reconcile until cancelled."""
        while True:
            self._take_ripe()
            for _ in range(BATCH):
                if not self._due:
                    break
                self._one()
            if self._due:
                await anyio.lowlevel.checkpoint()
            else:
                await self._wait()

    def _one(self) -> None:
        name, key = next(iter(self._due))
        del self._due[name, key]
        try:
            again = self._controllers[name].reconcile(key)
            self._failures.pop((name, key), None)
        except StatusError:
            again = RETRY_S  # refused: the state it was based on has changed, or will
        except Exception as error:  # noqa: BLE001  # reported; costs this object's turn only
            self._server.store.mishaps.tell(f"{name} at {key}", error)
            again = self._patience(name, key)
        if again is not None:
            self._sequence += 1
            due = self._server.now() + again
            heapq.heappush(self._later, (due, self._sequence, name, key))

    def _patience(self, name: str, key: StoreKey) -> float:
        """Return how long to wait before retrying an object after one more exception."""
        failures = self._failures[name, key] = self._failures.get((name, key), 0) + 1
        return float(min(RETRY_S * 2 ** min(failures - 1, 10), LONGEST_RETRY_S))

    def _take_ripe(self) -> None:
        now = self._server.now() + GRAIN_S
        while self._later and self._later[0][0] <= now:
            _, _, name, key = heapq.heappop(self._later)
            self._due[name, key] = None

    async def _wait(self) -> None:
        self._wake, self._is_waiting = anyio.Event(), True
        timeout = self._later[0][0] - self._server.now() if self._later else None
        with anyio.move_on_after(max(0.0, timeout) if timeout is not None else None):
            await self._wake.wait()
        self._is_waiting = False
