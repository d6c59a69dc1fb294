"""Workers over a queue: the one place that catches errors, classifies them and retries."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import anyio

from tmcconsole.kube.errors import KubeError
from tmcconsole.runtime import spawn
from tmcconsole.sync.queue.workqueue import Item, WorkQueue

log = logging.getLogger(__name__)


class Reconciler(Protocol):
    """Brings one object to its desired state."""

    async def reconcile(self, item: Item) -> float | None:
        """Return seconds until the next reconcile of the item, None if nothing is left to do."""


class Again(NamedTuple):
    """What to do with an item that failed."""

    after_s: float  # until the next attempt
    is_dead: bool = False  # it is a dead letter: an operator should look at it


class Gate(Protocol):
    """Whether an API server responds."""

    async def wait_up(self) -> None:
        """Return at once while it does, else when it does again."""


class Outcomes(Protocol):
    """Notified how each reconcile ended."""

    def on_error(self, item: Item, error: Exception, attempts: int) -> Again:
        """Record an error, the ``attempts``-th in a row; return when to retry."""

    def on_success(self, item: Item) -> None:
        """Record a success."""


@dataclass(frozen=True, slots=True)
class Controller:
    """Runs ``workers`` reconciles in parallel; a key is never reconciled twice at the same time."""

    name: str
    queue: WorkQueue
    gate: Gate  # no reconcile starts while it is shut
    reconciler: Reconciler
    outcomes: Outcomes
    workers: int
    others: Mapping[str, Reconciler] = field(default_factory=dict)  # by the prefix of their lanes

    async def run(self) -> None:
        """Work until cancelled."""
        async with anyio.create_task_group() as group:
            spawn(group, self.queue.run_timers, name=f"{self.name} timers")
            for number in range(self.workers):
                spawn(group, self._work, name=f"{self.name} worker {number}")

    async def _work(self) -> None:
        while True:
            item = await self.queue.get()
            try:
                await self._one(item)
            except anyio.get_cancelled_exc_class():
                self.queue.add(*item)  # a target's queue outlives its connection
                raise
            finally:
                self.queue.done(item)

    async def _one(self, item: Item) -> None:
        try:
            await self.gate.wait_up()
            again = await self._reconciler_of(item).reconcile(item)
        except StillRefused as refused:  # neither another failure nor a success
            self.queue.add_after(item.lane, item.key, refused.after_s)
        except KubeError as error:
            self._retry(item, error)
        except Exception as error:
            log.exception("reconcile of %s/%s failed unexpectedly", item.lane, item.key)
            self._retry(item, error)
        else:
            self.queue.succeeded(item)
            if again is not None:
                self.queue.add_after(item.lane, item.key, again)
            else:  # each time: a failure is remembered longer than the queue does
                self.outcomes.on_success(item)

    def _reconciler_of(self, item: Item) -> Reconciler:
        special = (one for start, one in self.others.items() if item.lane.startswith(start))
        return next(special, self.reconciler)

    def _retry(self, item: Item, error: Exception) -> None:
        attempts = self.queue.failed(item, str(error))
        again = self.outcomes.on_error(item, error, attempts)
        if again.is_dead:
            self.queue.bury(item)
        self.queue.add_after(item.lane, item.key, again.after_s)


class StillRefused(Exception):
    """The same desired state was rejected recently: nothing was sent, and nothing failed again."""

    def __init__(self, after_s: float) -> None:
        super().__init__("refused before, and nothing has changed since")
        self.after_s = after_s  # until it is retried in any case
