"""Whether one API server responds: probed directly, never inferred from a silent watch.

A probe that times out is forgiven if other requests were answered since the last one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import anyio

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.client.reader import Watcher
from tmcconsole.kube.errors import Forbidden, KubeError, TooManyRequests, Unauthorized, Unreachable
from tmcconsole.runtime import MOVED, Runtime
from tmcconsole.sync.queue.controller import Gate, Reconciler
from tmcconsole.sync.queue.workqueue import Item

PROBE_S: Final = 5.0
PROBE_TIMEOUT_S: Final = 4.0
FAILURES_BEFORE_DOWN: Final = 2  # one lost response is not an outage
MAX_PROBE_S: Final = 15.0  # while down; recovery is noticed within this time


@dataclass(slots=True)
class Probe(Gate):
    """The reachability of one API server. Times are Unix seconds for people, 0 for never."""

    client: Watcher
    runtime: Runtime
    on_change: Callable[[], None]
    is_up: bool = True
    reason: str = ""  # why not: Unreachable, Timeout, Certificate, Unauthorized, …
    message: SafeText = field(default_factory=SafeText)
    since: float = 0.0  # when is_up last changed
    contact_at: float = 0.0
    next_try_at: float = 0.0
    version: SafeText = field(default_factory=SafeText)
    _up: anyio.Event = field(default_factory=anyio.Event)
    _failures: int = 0
    _down_at: float = 0.0  # monotonic: a jump of the wall clock makes no server silent
    # Set by any response since the last probe. One event, since nobody may respond for days.
    _heard: anyio.Event | None = None

    @property
    def down_s(self) -> float:
        """Seconds since it stopped responding, 0 while it responds."""
        return 0.0 if self.is_up else self.runtime.now() - self._down_at

    async def wait_up(self) -> None:
        """Return at once while the server responds, else when it does again."""
        while not self.is_up:
            await self._up.wait()

    async def run(self, recovered: Callable[[], Awaitable[None]]) -> None:
        """Probe until cancelled.

        ``recovered`` is awaited when the server responds again, before any waiter continues: it may
        find that this is a different server, and raise. Raises ``Unreachable`` (Moved) when the
        kubeconfig describes another cluster: a new connection is needed.
        """
        while True:
            if await self._answers():
                if not self.is_up:
                    await recovered()
                self._succeed()
            elif self.reason == MOVED:  # whoever opens the next connection asks who is there
                raise Unreachable(self.message, sent=False, reason=MOVED)
            await self.runtime.sleep(self._pause())

    async def probe(self) -> None:
        """Probe once and record the result."""
        if await self._answers():
            self._succeed()

    async def _answers(self) -> bool:
        heard = self._listen()
        try:
            document = await self.client.get_json("/version", timeout_s=PROBE_TIMEOUT_S)
        except (TooManyRequests, Forbidden):
            return True  # busy, or not ours to read: alive in any case
        except KubeError as error:
            if error.reason == "Timeout" and heard.is_set():
                return True  # slow, but other requests were answered meanwhile
            self._fail(error)
            return False
        self.version = SafeText(document.get("gitVersion", ""))
        return True

    def _listen(self) -> anyio.Event:
        if self._heard is None or self._heard.is_set():
            self._heard = anyio.Event()
            self.client.wake_on_contact(self._heard)
        return self._heard

    def _pause(self) -> float:
        if self.is_up:
            return PROBE_S * self.runtime.rng.uniform(0.9, 1.1)
        pause = min(MAX_PROBE_S, PROBE_S * self.runtime.rng.uniform(0.5, 1.0) * self._failures)
        self.next_try_at = self.runtime.wall() + pause
        self.on_change()
        return pause

    def _succeed(self) -> None:
        self._failures = 0
        self.contact_at = self.runtime.wall()
        self.next_try_at = 0.0
        if not self.is_up:
            self.is_up, self.reason, self.message = True, "", SafeText()
            self.since = self.contact_at
            up, self._up = self._up, anyio.Event()
            up.set()
        self.on_change()

    def _fail(self, error: KubeError) -> None:
        self._failures += 1
        certain = isinstance(error, Unauthorized) or error.reason == MOVED
        if self.is_up and (certain or self._failures >= FAILURES_BEFORE_DOWN):
            self.is_up = False
            self.since, self._down_at = self.runtime.wall(), self.runtime.now()
        if not self.is_up:
            self.reason, self.message = str(error.reason), SafeText(error)
        self.on_change()


@dataclass(frozen=True, slots=True)
class OnceUp(Reconciler):
    """A reconciler that waits while its API server does not respond."""

    probe: Probe
    inner: Reconciler

    async def reconcile(self, item: Item) -> float | None:
        """See ``Reconciler``."""
        await self.probe.wait_up()
        return await self.inner.reconcile(item)
