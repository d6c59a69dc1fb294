"""Workers over a queue: the one place that catches, classifies and tries again."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

import anyio

from tmcconsole.kube.errors import KubeError
from tmcconsole.runtime import spawn
from tmcconsole.sync.queue.workqueue import Item, WorkQueue

log = logging.getLogger(__name__)

# Returns seconds until another look at the item, or None where nothing more is to be done.
Reconcile = Callable[[Item], Awaitable[float | None]]


class Again(NamedTuple):
    """What is to become of an item that failed."""

    after_s: float  # until the next try
    is_dead: bool = False  # it is a dead letter: a person should look at it


# Told of an error and how often in a row.
OnError = Callable[[Item, Exception, int], Again]
OnSuccess = Callable[[Item], None]


@dataclass(frozen=True, slots=True)
class Controller:
    """``workers`` reconciles at once over one queue; a key is never reconciled twice at once."""

    name: str
    queue: WorkQueue
    reconcile: Reconcile
    on_error: OnError
    on_success: OnSuccess
    workers: int

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
            again = await self.reconcile(item)
        except StillRefused as refused:  # neither a failure more nor a success
            self.queue.add_after(item.lane, item.key, refused.after_s)
        except KubeError as error:
            self._retry(item, error)
        except Exception as error:
            log.exception("reconcile of %s/%s failed unexpectedly", item.lane, item.key)
            self._retry(item, error)
        else:
            self.queue.succeeded(item)
            self.on_success(item)  # each time: a failure is remembered longer than the queue does
            if again is not None:
                self.queue.add_after(item.lane, item.key, again)

    def _retry(self, item: Item, error: Exception) -> None:
        attempts = self.queue.failed(item, str(error))
        again = self.on_error(item, error, attempts)
        if again.is_dead:
            self.queue.bury(item)
        self.queue.add_after(item.lane, item.key, again.after_s)


class StillRefused(Exception):
    """The same desired state was refused a while ago: nothing was sent, and nothing failed anew."""

    def __init__(self, after_s: float) -> None:
        super().__init__("refused before, and nothing has changed since")
        self.after_s = after_s  # until it is tried again all the same
