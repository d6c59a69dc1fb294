"""Runs recoveries: at most five at once, highest priority first, each with a deadline.

Never two for the same trouble, and not again before its cool-down has passed. All state is visible.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import anyio

from tmcconsole.backoff import Backoff
from tmcconsole.runtime import spawn
from tmcconsole.tmc.classify import classify
from tmcconsole.tmc.errors import Failure
from tmcconsole.tmc.recovery.recovery import RecoveryAction, RecoveryActions, Strategy, choose

MAX_ACTIVE: Final = 5
MAX_PENDING: Final = 100  # more are rejected: a lasting trouble is reported again
MAX_FINISHED: Final = 100  # kept for display
MAX_TROUBLES: Final = 1000  # troubles whose attempts are counted
COOL_DOWN_S: Final = 10.0  # after a recovery; doubled after each failed one
MAX_COOL_DOWN_S: Final = 300.0
COOL_DOWN: Final = Backoff(COOL_DOWN_S, MAX_COOL_DOWN_S)
FORGET_S: Final = 600.0  # without trouble after the cool-down, attempts start again from 1

_Trouble = tuple[str, str, str]  # strategy, target, subject


class RecoveryState(StrEnum):
    """The state of a recovery."""

    PENDING = "Pending"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    TIMEOUT = "Timeout"
    CANCELLED = "Cancelled"


@dataclass(frozen=True, slots=True)
class Recovery:
    """One recovery. Times are on the runner's clock, 0 if not reached."""

    number: int
    strategy: Strategy
    failure: Failure
    target: str
    subject: str
    attempt: int  # for this trouble, from 1
    requested_at: float
    state: RecoveryState = RecoveryState.PENDING
    started_at: float = 0.0
    ended_at: float = 0.0
    done: tuple[RecoveryAction, ...] = ()  # actions that succeeded
    message: str = ""  # what was done, or why it ended

    @property
    def trouble(self) -> _Trouble:
        """What is recovered from: one recovery at a time for each."""
        return self.strategy.name, self.target, self.subject


@dataclass(frozen=True, slots=True)
class _Record:
    """How often a trouble was worked on, and when it may be again."""

    attempts: int = 0
    not_before: float = 0.0


class RecoveryRunner:
    """Owns all recoveries of an engine; one event loop."""

    def __init__(
        self,
        actions: RecoveryActions,
        now: Callable[[], float],
        on_change: Callable[[Recovery], None],
    ) -> None:
        self._perform: dict[RecoveryAction, Callable[[str, str], Awaitable[None]]] = {
            RecoveryAction.REBUILD_CLIENT: actions.rebuild_client,
            RecoveryAction.RELOAD_CREDENTIALS: actions.reload_credentials,
            RecoveryAction.RELIST: actions.relist,
            RecoveryAction.REDISCOVER: actions.rediscover,
            RecoveryAction.REPLACE: actions.replace,
            RecoveryAction.REAPPLY: actions.reapply,
            RecoveryAction.PROBE: actions.probe,
        }
        self._now = now
        self._on_change = on_change
        self._pending: list[tuple[int, int, Recovery]] = []  # heap: -priority, number
        self._current: dict[_Trouble, Recovery] = {}  # pending and in progress
        self._records: OrderedDict[_Trouble, _Record] = OrderedDict()
        self._finished: deque[Recovery] = deque(maxlen=MAX_FINISHED)
        self._number = 0
        self._wake = anyio.Event()

    def __repr__(self) -> str:
        return f"<RecoveryRunner current={len(self._current)} pending={len(self._pending)}>"

    def recoveries(self) -> tuple[Recovery, ...]:
        """Return the finished recoveries that are kept, then those pending and in progress."""
        return (*self._finished, *self._current.values())

    def request(self, failure: Failure, *, target: str, subject: str = "") -> Recovery | None:
        """Request a recovery and return it, or None if none starts now.

        That is: no strategy fits, one is in progress, it is cooling down, or too many are pending.
        """
        strategy = choose(failure)
        if strategy is None or len(self._pending) >= MAX_PENDING:
            return None
        subject = "" if strategy.is_for_target else subject
        trouble = (strategy.name, target, subject)
        record = self._records.get(trouble, _Record())
        if trouble in self._current or self._now() < record.not_before:
            return None
        attempts = 0 if self._now() > record.not_before + FORGET_S else record.attempts
        self._number += 1
        recovery = Recovery(
            number=self._number,
            strategy=strategy,
            failure=failure,
            target=target,
            subject=subject,
            attempt=attempts + 1,
            requested_at=self._now(),
        )
        heapq.heappush(self._pending, (-strategy.priority, recovery.number, recovery))
        self._set(recovery)
        self._wake.set()
        return recovery

    async def run(self) -> None:
        """Carry out requested recoveries until cancelled; then mark all unfinished ones
        Cancelled.
        """
        try:
            async with anyio.create_task_group() as group:
                for number in range(MAX_ACTIVE):
                    spawn(group, self._work, name=f"recovery-{number}")
        finally:
            self._pending.clear()
            for recovery in list(self._current.values()):
                self._finish(recovery, RecoveryState.CANCELLED, "the engine stopped")

    async def _work(self) -> None:
        while True:
            while not self._pending:
                self._wake = anyio.Event() if self._wake.is_set() else self._wake
                await self._wake.wait()
            recovery = heapq.heappop(self._pending)[2]
            await self._recover(recovery)

    async def _recover(self, recovery: Recovery) -> None:
        current = replace(recovery, state=RecoveryState.IN_PROGRESS, started_at=self._now())
        self._set(current)
        with anyio.move_on_after(recovery.strategy.timeout_s) as deadline:
            for action in recovery.strategy.actions(recovery.attempt):
                try:
                    await self._perform[action](recovery.target, recovery.subject)
                except Exception as error:  # noqa: BLE001 - whatever an action raises is its result
                    why = classify(error, side="target").message
                    self._finish(current, RecoveryState.FAILED, f"{action}: {why}")
                    return
                current = replace(current, done=(*current.done, action))
                self._set(current)
        if deadline.cancelled_caught:
            limit = f"not done within {recovery.strategy.timeout_s:.0f} s"
            self._finish(current, RecoveryState.TIMEOUT, limit)
        else:
            self._finish(current, RecoveryState.COMPLETED, ", ".join(current.done))

    def _set(self, recovery: Recovery) -> None:
        self._current[recovery.trouble] = recovery
        self._on_change(recovery)

    def _finish(self, recovery: Recovery, state: RecoveryState, message: str) -> None:
        ended = replace(recovery, state=state, ended_at=self._now(), message=message)
        del self._current[recovery.trouble]
        self._finished.append(ended)
        self._count(ended)
        self._on_change(ended)

    def _count(self, ended: Recovery) -> None:
        """Set the cool-down. Success has one, too: trouble that returns at once was not cured."""
        wait = COOL_DOWN_S
        if ended.state is not RecoveryState.COMPLETED:
            wait = COOL_DOWN.ceiling(ended.attempt)
        self._records[ended.trouble] = _Record(ended.attempt, ended.ended_at + wait)
        self._records.move_to_end(ended.trouble)
        while len(self._records) > MAX_TROUBLES:
            self._records.popitem(last=False)
