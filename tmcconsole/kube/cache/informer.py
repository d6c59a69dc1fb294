"""A cache of one collection that maintains itself: list, watch, and list again when needed.

The contract is that of client-go's Reflector. An error makes the cache stale, never empty; an
object is only removed by a DELETED event, or by a complete list that is not older than the cache.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Final

import anyio
import anyio.lowlevel

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.cache.cache import Cache, OnChange, Shrink, WholeList, is_older
from tmcconsole.kube.cache.informer_state import InformerState, Phase
from tmcconsole.kube.cache.lister import Lister, retries_of
from tmcconsole.kube.client.ingest import Quarantined, WatchEvent
from tmcconsole.kube.client.reader import Watcher
from tmcconsole.kube.errors import (
    ApiError,
    BadAnswer,
    Forbidden,
    Gone,
    KubeError,
    NotFound,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from tmcconsole.kube.objects import CachedObject, Kind, ObjectKey
from tmcconsole.kube.scope import Scope
from tmcconsole.runtime import Runtime

IDLE_S: Final = 90.0  # bookmarks come about once a minute, so a live watch is never this silent
WATCH_S: Final = (300, 600)  # random within, so that watches do not all end at once
FAILED_WATCHES: Final = 3  # in a row; then a list tells where we are
MAX_ASKED_S: Final = 10.0  # of a Retry-After: a kind must not wait long because a gateway says so
SHORT_WATCH_S: Final = 1.0  # a watch that ends sooner and without an event counts as a failure
RESUME_S: Final = 0.5  # at most, before resuming a broken watch
GONE_PROBE_S: Final = 30.0  # how often to ask for a kind that is not served
CONTACT_S: Final = 2.0  # minimum wait before another request's success cuts a backoff short
CHANGES_PER_TURN: Final = 100  # then yield to other tasks
MAX_QUARANTINED: Final = 1000  # remembered by name
MAX_SHRINKS: Final = 16  # remembered


class OldList(KubeError):
    """A list older than what we have seen: the server lags, or its store was restored."""


OnState = Callable[[Kind, InformerState], None]


class Informer:
    """Owns the cache of one kind. Its read methods are fast and never wait.

    ``on_change(kind, key, old, new)`` and ``on_state(kind, state)`` must be fast and not raise. A
    deletion has no ``new``; a changed uid is reported as a deletion and an addition.
    """

    def __init__(
        self,
        client: Watcher,
        kind: Kind,
        runtime: Runtime,
        *,
        on_change: OnChange,
        label_selector: str = "",
        namespace: str = "",
        name: str = "",
        on_state: OnState = lambda _kind, _state: None,
    ) -> None:
        self.kind = kind
        self.synced = False  # a first complete list has been taken
        self.shrinks: deque[Shrink] = deque(maxlen=MAX_SHRINKS)  # oldest first
        self.quarantined: dict[ObjectKey, SafeText] = {}  # cannot be decoded, and why
        self.relists = 0
        self._client = client
        self._runtime = runtime
        self._scope = Scope(namespace, label_selector, name)
        self._lister = Lister(client, kind, runtime, self._scope, on_page=self._contacted)
        self._on_state = on_state
        self._cache = Cache(kind, on_change)
        self._retries = retries_of(runtime)
        self._state = InformerState(Phase.LISTING, since=runtime.now())
        self._last_contact = 0.0
        self._synced = anyio.Event()
        self._wake = anyio.Event()
        self._watch_scope: anyio.CancelScope | None = None
        self._list_due = True
        self._list_not_older = False  # first ask for a list from the server's cache
        self._old_lists = 0  # rejected in a row
        self._failed_watches = 0  # in a row
        self._failing_since = 0.0
        self._gone_in_row = 0
        self._watch_began = 0.0
        self._opened = False
        self._progressed = False  # the current watch has delivered something

    def __repr__(self) -> str:
        return f"Informer({self.kind.id}, {self._state.phase}, {len(self)} objects)"

    def __len__(self) -> int:
        return len(self._cache.objects)

    @property
    def state(self) -> InformerState:
        """Return the state."""
        held = self._runtime.now() - self._watch_began >= SHORT_WATCH_S or self._progressed
        is_well = self._state.phase is Phase.WATCHING and held
        return replace(
            self._state,
            last_contact=self._last_contact,
            failing_since=0.0 if is_well else self._failing_since,
        )

    @property
    def version(self) -> str:
        """The newest resourceVersion seen of the kind: while it stays, nothing has changed."""
        return self._cache.high_water

    @property
    def ignored(self) -> int:
        """How many events were rejected as old, duplicate or contradictory."""
        return self._cache.ignored

    def get(self, key: ObjectKey) -> CachedObject | None:
        """Return the cached object, or None if it is not in the cache."""
        return self._cache.objects.get(key)

    def keys(self) -> list[ObjectKey]:
        """Return all keys, sorted."""
        return sorted(self._cache.objects)

    def objects(self) -> list[CachedObject]:
        """Return all objects, sorted by key."""
        return [self._cache.objects[key] for key in self.keys()]

    def in_namespace(self, namespace: str) -> list[CachedObject]:
        """Return the objects of one namespace, sorted by key."""
        keys = self._cache.by_namespace.get(namespace, ())
        return [self._cache.objects[key] for key in sorted(keys)]

    def is_empty_in(self, namespace: str) -> bool:
        """True if no object of a namespace is cached."""
        return not self._cache.by_namespace.get(namespace)

    async def wait_synced(self) -> None:
        """Return once a first complete list has been taken."""
        await self._synced.wait()

    def observe(self, answer: CachedObject) -> None:
        """Take the response to our own write, so that later reads are not older than it."""
        known = self.get(answer.key) is not None and self._scope.holds(answer)
        if known or self._scope.selects(answer):
            self._cache.take_answer(answer)

    def forget(self, key: ObjectKey, uid: str) -> None:
        """Remove an object that a live read, after our own delete, showed to be gone."""
        self._cache.forget(key, uid)

    def request_relist(self, *, accept_older: bool = False) -> None:
        """Ask for a fresh list soon. With ``accept_older`` it is accepted whatever its version.

        This is an operator's way out of TimeTravel: after a hub was restored from a backup, only a
        person can decide that the smaller list is the truth.
        """
        if accept_older:
            self._cache.reset()
        self._list_due, self._list_not_older = True, False
        self.nudge()
        if self._watch_scope is not None:
            self._watch_scope.cancel()

    def nudge(self) -> None:
        """Cut a backoff short: there is reason to expect the next attempt to succeed."""
        self._wake.set()

    async def run(self) -> None:
        """Maintain the cache forever; ends only by cancellation."""
        while True:
            contact_ends_wait = False
            try:
                delay = await self._cycle()
            except KubeError as error:
                delay = self._after(error)
                contact_ends_wait = isinstance(error, Unreachable)
            await self._pause(delay, contact_ends_wait)

    async def _cycle(self) -> float:
        if self._list_due:
            await self._list()
        return await self._watch()

    # Listing

    async def _list(self) -> None:
        if self._state.phase is Phase.WATCHING:
            self._enter(Phase.LISTING)
        self._list_due = False
        try:
            listing = await self._fresh_listing()
            if self._cache.objects and not listing.objects:  # everything gone at once: ask again
                listing = self._checked(await self._lister.read())
        except KubeError:
            self._list_due = True
            raise
        self._old_lists = self._failed_watches = 0
        self._list_not_older = False
        await self._take_listing(listing)

    async def _fresh_listing(self) -> WholeList:
        """Read a list; after a 410, first try one that the server can serve from memory."""
        mark = self._cache.high_water
        if self._list_not_older and mark:
            try:
                listing = await self._lister.read_not_older(mark)
                if not is_older(listing.resource_version, mark):
                    return listing
            except (Unauthorized, Forbidden, NotFound, TooManyRequests):
                raise
            except ApiError:
                pass  # too new for this server, or it does not support the parameter
        return self._checked(await self._lister.read())

    def _checked(self, listing: WholeList) -> WholeList:
        """Return the list, or reject one below the high-water mark, indefinitely if need be.

        The first such list means a lagging server. From the second on it is called TimeTravel: the
        store was restored from a backup, and an operator must decide what is true.
        """
        mark = self._cache.high_water
        if not is_older(listing.resource_version, mark):
            return listing
        self._old_lists += 1
        version = listing.resource_version
        error = OldList(f"the server listed at version {version}, but {mark} has been seen")
        error.reason = "LaggingServer" if self._old_lists == 1 else "TimeTravel"
        raise error

    async def _take_listing(self, listing: WholeList) -> None:
        cache = self._cache
        self.quarantined = {key: why for key, why in listing.quarantined.items() if key is not None}
        before = len(cache.objects)
        missing = cache.missing_from(listing)
        if 2 * len(missing) > before:  # before the deletions, so that they can be held back
            number = self.shrinks[-1].number + 1 if self.shrinks else 1
            self.shrinks.append(Shrink(number, before, before - len(missing)))
        for number, listed in enumerate(listing.objects.values(), start=1):
            cache.take_listed(listed)
            await _let_others_run(number)
        for number, key in enumerate(missing, start=1):
            if cache.is_missing(key, listing):
                cache.remove(key)
            await _let_others_run(number)
        cache.settle(listing)
        self.relists += 1
        self.synced = True
        self._synced.set()

    # Watching

    async def _watch(self) -> float:
        """Watch until the stream ends; return the seconds to wait before the next watch."""
        self._watch_began, timeout_s = self._runtime.now(), self._watch_timeout()
        self._opened = self._progressed = False
        with anyio.CancelScope() as self._watch_scope:
            try:
                await self._take_events(timeout_s)
            except Unreachable:
                if not self._opened:
                    raise
                # broken or silent after it had started: resume where we are
            finally:
                self._watch_scope = None
        if self._list_due:
            return 0.0
        lasted = self._runtime.now() - self._watch_began
        if lasted < SHORT_WATCH_S and not self._progressed:
            error = BadAnswer(f"the watch ended after {lasted:.1f} s without an event")
            error.reason = "ShortWatch"
            raise error
        ended_early = lasted < timeout_s - 1
        return self._runtime.rng.uniform(0.0, RESUME_S) if ended_early else 0.0

    async def _take_events(self, timeout_s: float) -> None:
        stream = self._client.watch(
            self.kind,
            namespace=self._scope.namespace,
            label_selector=self._scope.label_selector,
            field_selector=self._scope.field_selector,
            resource_version=self._cache.position,
            timeout_s=timeout_s,
            idle_s=IDLE_S,
            on_open=self._watch_opened,
        )
        async with aclosing(stream):
            async for event in stream:
                self._contacted()
                self._take(event)

    def _take(self, event: WatchEvent | Quarantined) -> None:
        if isinstance(event, Quarantined):
            self._quarantine(event)
            self._cache.advance(event.resource_version)
            return
        if event.object is None:
            self._cache.advance(event.resource_version)
            return
        self.quarantined.pop(event.object.key, None)
        taken = (
            self._cache.take_delete(event.object)
            if event.type == "DELETED"
            else self._cache.take_event(event.object)
        )
        if taken:
            self._progressed, self._gone_in_row, self._failed_watches = True, 0, 0

    def _watch_opened(self) -> None:
        self._opened = True
        self._contacted()
        self._enter(Phase.WATCHING)

    def _watch_timeout(self) -> int:
        if self._runtime.sometimes("informer.short-watch"):
            return self._runtime.rng.randint(2, 5)
        return self._runtime.rng.randint(*WATCH_S)

    # Failing

    def _after(self, error: KubeError) -> float:
        """Record a failure; return the seconds to wait."""
        match error:
            case Gone():
                self._list_due = self._list_not_older = True
                lasted = self._runtime.now() - self._watch_began
                self._gone_in_row = 1 if lasted >= SHORT_WATCH_S else self._gone_in_row + 1
                if self._gone_in_row == 1:
                    return 0.0
                self._enter(Phase.STALE, error)
            case NotFound():
                self._list_due = True
                self._enter(Phase.GONE, error)
                return GONE_PROBE_S * self._runtime.rng.uniform(0.9, 1.1)
            case Unauthorized() | Forbidden():
                self._enter(Phase.DENIED, error)
            case _:
                self._enter(Phase.STALE, error)
        is_refused = isinstance(error, Unreachable) and not error.sent  # a list would be, too
        self._failed_watches += not (self._list_due or is_refused)
        if self._failed_watches >= FAILED_WATCHES:  # whatever the errors, as in client-go
            self._list_due = True
        asked = min(error.retry_after_s or 0.0, MAX_ASKED_S)
        return max(self._retries.next_delay(), asked)

    async def _pause(self, delay: float, contact_ends_wait: bool) -> None:
        if contact_ends_wait and delay > CONTACT_S:
            with anyio.move_on_after(CONTACT_S):
                await self._wake.wait()
            delay -= CONTACT_S
            self._client.wake_on_contact(self._wake)
        if delay > 0:
            with anyio.move_on_after(delay):
                await self._wake.wait()
        self._wake = anyio.Event()

    def _quarantine(self, item: Quarantined) -> None:
        if item.key is not None and len(self.quarantined) < MAX_QUARANTINED:
            self.quarantined[item.key] = item.reason

    def _contacted(self) -> None:
        self._last_contact = self._runtime.now()

    def _enter(self, phase: Phase, error: KubeError | None = None) -> None:
        reason = error.reason if error is not None else ""
        if error is not None:
            self._failing_since = self.state.failing_since or self._runtime.now()
        changed = (phase, reason) != (self._state.phase, self._state.reason)
        self._state = InformerState(
            phase,
            reason,
            SafeText(error or ""),
            self._runtime.now() if changed else self._state.since,
        )
        if changed:
            self._on_state(self.kind, self.state)


async def _let_others_run(number: int) -> None:
    if number % CHANGES_PER_TURN == 0:
        await anyio.lowlevel.checkpoint()
