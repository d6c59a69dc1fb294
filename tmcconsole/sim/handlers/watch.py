"""Watches: events of the selected objects since a version, then live.

Watchers read the store's bounded history at their own pace and hold no buffer; one that falls
behind it is told 410.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Final

import anyio
import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import TransportError
from tmcconsole.sim.handlers.altered import alter_line
from tmcconsole.sim.handlers.reads import selection
from tmcconsole.sim.printing.forms import form_of
from tmcconsole.sim.request.request_info import RequestInfo, is_true
from tmcconsole.sim.storage.fault_injection import Faults
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import (
    StatusCause,
    StatusError,
    expired,
    invalid,
    too_old,
    untyped,
)
from tmcconsole.sim.storage.store import Event, Snapshot, Store, Stored

BOOKMARK_S: Final = 60.0  # between bookmarks; Kubernetes sends them about once a minute
SHORTEST_S, LONGEST_S = 1800.0, 3600.0  # timeout of a watch that names none
GRAIN_S: Final = 0.001  # shortest wait
INITIAL_END: Final = {"k8s.io/initial-events-end": "true"}


class Watch:
    """One open watch. ``lines`` is read once, by one reader."""

    def __init__(self, asked: RequestInfo, server: Server) -> None:
        """Check the request. Raises StatusError 400 or 422 if it is invalid."""
        self._asked = asked
        self._server = server
        self._store = server.store
        self._faults = server.faults
        self._now = server.now
        self._wall = server.wall
        self._selected = selection(asked)
        self._form = form_of(asked)
        self._wants_bookmarks = is_true(asked.query.get("allowWatchBookmarks"))
        self._wants_initial = _initial_events(asked, server.faults)
        self._version = _start(asked)
        timeout = float(asked.query.get("timeoutSeconds") or 0)
        self._deadline = server.now() + (timeout or server.rng.uniform(SHORTEST_S, LONGEST_S))
        self._interrupted = ""
        self._has_shown = False
        self._wake: anyio.Event | None = None
        self._last: Event | None = None

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """Yield JSON lines until the timeout. Raises TransportError where it is cut mid-line."""
        stop_listening = self._faults.listen(self._interrupt)
        try:
            async with aclosing(self._all_lines()) as lines:
                async for line in lines:
                    yield line
        finally:
            stop_listening()

    async def _all_lines(self) -> AsyncGenerator[bytes, None]:
        if self._faults.short_watches:
            return
        started = self._begin()
        if isinstance(started, StatusError):
            yield _error(started)
            return
        initial, cursor = started
        for line in initial:
            yield line
        async with aclosing(self._follow(cursor)) as lines:
            async for line in lines:
                yield line

    async def _follow(self, cursor: int) -> AsyncGenerator[bytes, None]:
        next_bookmark = self._now() + BOOKMARK_S
        while self._now() < self._deadline and not self._is_interrupted():
            found = self._news(cursor)
            if found is None:
                yield _error(expired("the watch fell behind the history that is kept"))
                return
            events, cursor = found
            for line in self._until_interrupted(self._lines_of(events)):
                yield line
            if self._now() >= next_bookmark and not self._is_silent():
                next_bookmark = self._now() + BOOKMARK_S
                for line in self._bookmarks():
                    yield line
            if not events and not self._is_interrupted():
                await self._wait(next_bookmark)
        for line in self._farewell():
            yield line

    def _news(self, cursor: int) -> tuple[list[Event], int] | None:
        """Return the events from the cursor on; none while a fault silences the watch."""
        if self._is_silent():
            return [], cursor
        return self._store.events_from(self._asked.kind.id, cursor)

    def _until_interrupted(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        for line in lines:
            if self._is_interrupted():
                return
            yield line

    def _farewell(self) -> Iterator[bytes]:
        """Yield the end of the stream: a last bookmark, or half a line and a reset."""
        if self._interrupted == "cut" or not self._is_served():
            return
        if self._interrupted:
            yield b'{"type":"MODIFIED","object":{"kind":"'
            raise TransportError("the connection was reset", sent=True)
        if not self._is_silent():
            yield from self._bookmarks()

    def _bookmarks(self) -> Iterator[bytes]:
        if self._wants_bookmarks and not self._faults.no_bookmarks:
            yield self._bookmark()

    def _is_interrupted(self) -> bool:
        return bool(self._interrupted) or not self._is_served()

    def _is_served(self) -> bool:
        """Whether the kind is still served: removing a definition ends its watches."""
        kind = self._asked.kind
        if kind.id in self._faults.hidden_kinds:
            return False
        return self._server.kinds.find(kind.group, kind.version, kind.resource) is not None

    def _begin(self) -> tuple[Iterator[bytes], int] | StatusError:
        """Return the first lines and the cursor of the first event after them."""
        kind_id = self._asked.kind.id
        wanted = self._version
        if wanted and not self._wants_initial:
            found = self._store.events_after(kind_id, wanted)
            if found is None:
                return too_old(wanted, self._store.oldest(kind_id) + 1)
            events, cursor = found
            if self._is_silent():
                return iter(()), cursor - len(events)
            return self._lines_of(events), cursor
        source = self._faults.source()
        lines = self._initial_lines(source)
        after = self._store.events_after(kind_id, self._store.resource_version)
        return lines, after[1] if after else 0

    def _initial_lines(self, source: Store | Snapshot) -> Iterator[bytes]:
        version = source.version if isinstance(source, Snapshot) else source.resource_version
        for stored in source.items(self._asked.kind.id, self._asked.namespace):
            if self._selected.takes(stored):
                event = Event("ADDED", stored.version, stored, None)
                yield self._show(event, "ADDED")
        if self._wants_initial and self._wants_bookmarks and not self._faults.no_initial_end:
            yield self._bookmark(version, INITIAL_END)

    def _lines_of(self, events: list[Event]) -> Iterator[bytes]:
        if self._faults.only_bookmarks:
            return
        for event in events:
            line = self._line(event)
            if line is None:
                continue
            if self._faults.disorders():
                yield from self._distorted(event)
            yield line
            self._last = event

    def _line(self, event: Event) -> bytes | None:
        """Return an event as this watcher sees it: what enters its selection is ADDED."""
        was = event.old is not None and self._selected.takes(event.old)
        if event.type == "DELETED":
            return self._show(event, "DELETED") if was else None
        if self._selected.takes(event.new):
            return self._show(event, "MODIFIED" if was else "ADDED")
        if not was or event.old is None:
            return None
        left = Event("DELETED", event.version, _at_version(event.old, event.version), None)
        return self._show(left, "DELETED")

    def _distorted(self, event: Event) -> Iterator[bytes]:
        """Yield something that a sound client ignores."""
        match self._faults.one_of(4):
            case 0:  # the same event twice
                yield self._show(event, "MODIFIED")
            case 1 if self._last:  # an older one, late
                yield self._show(self._last, "MODIFIED")
            case 2:
                yield b'{"type":"RENAMED","object":' + event.new.raw() + b"}\n"
            case _:
                meta = b'"metadata":{"name":"stray","namespace":"default"}'
                yield (
                    b'{"type":"ADDED","object":{"kind":"Stray","apiVersion":"v1",' + meta + b"}}\n"
                )

    def _show(self, event: Event, type_: str) -> bytes:
        """Return a line; only the first of a table has the column definitions."""
        line = self._form.line(event, type_, self._wall(), with_columns=not self._has_shown)
        self._has_shown = True
        return alter_line(self._faults, self._asked, line)

    def _bookmark(self, version: int = 0, annotations: Json | None = None) -> bytes:
        meta: Json = {"resourceVersion": str(version or self._store.resource_version)}
        if annotations:
            meta["annotations"] = annotations
        body = orjson.dumps({"type": "BOOKMARK", "object": self._form.bookmark(meta)})
        return body + b"\n"

    def _is_silent(self) -> bool:
        faults = self._faults
        return faults.silent_watches or faults.stale_lists or faults.blackhole

    async def _wait(self, next_bookmark: float) -> None:
        """Wait for a change, an interruption, the next bookmark or the deadline."""
        until = self._deadline if self._is_silent() else min(self._deadline, next_bookmark)
        left = max(GRAIN_S, until - self._now())
        kind_id = self._asked.kind.id
        self._wake = wake = self._store.newer(kind_id)
        try:
            with anyio.move_on_after(left):
                await wake.wait()
        finally:
            self._store.no_longer_waiting(kind_id, wake)
            self._wake = None

    def _interrupt(self, what: str) -> None:
        if what in ("cut", "mid-line"):
            self._interrupted = what
        elif self._faults.outage:
            self._interrupted = "reset"
        if self._wake is not None:
            self._wake.set()


def _start(asked: RequestInfo) -> int:
    """Return the version to watch from; 0 = any. Raises StatusError 500 if it is invalid."""
    text = asked.query.get("resourceVersion", "")
    if text and not text.isdigit():
        raise untyped(f'resourceVersion: Invalid value: "{text}": it is no unsigned integer')
    return int(text or 0)


def _initial_events(asked: RequestInfo, faults: Faults) -> bool:
    """Return whether the client asked for a streaming list. Raises StatusError 422."""
    match = asked.query.get("resourceVersionMatch", "")
    if "sendInitialEvents" not in asked.query:
        if match:
            raise _refused(
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            )
        return False
    if faults.refuse_watch_list:
        raise _refused(
            "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
            field="sendInitialEvents",
        )
    if match != "NotOlderThan":
        raise _refused(
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan", match
        )
    return is_true(asked.query["sendInitialEvents"])


def _refused(why: str, match: str = "", *, field: str = "resourceVersionMatch") -> StatusError:
    causes = [StatusCause("FieldValueForbidden", f"Forbidden: {why}", field)]
    if match:
        text = f'Unsupported value: "{match}": supported values: "NotOlderThan"'
        causes.append(StatusCause("FieldValueNotSupported", text, field))
    return invalid("ListOptions", "meta.k8s.io", "", causes)


def _at_version(stored: Stored, version: int) -> Stored:
    tree = stored.tree()
    tree["metadata"]["resourceVersion"] = str(version)
    fields = {key: value for key, value in tree.items() if key not in ("kind", "apiVersion")}
    return Stored(
        kind=stored.kind,
        key=stored.key,
        uid=stored.uid,
        version=version,
        labels=stored.labels,
        body=orjson.dumps(fields),
    )


def _error(failure: StatusError) -> bytes:
    return orjson.dumps({"type": "ERROR", "object": failure.status()}) + b"\n"
