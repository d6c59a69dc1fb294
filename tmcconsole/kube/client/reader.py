"""What code may ask of an API server if it may change nothing there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

import anyio

from tmcconsole.kube.client.client import READ_TIMEOUT_S, NameValues
from tmcconsole.kube.client.ingest import ListPage, Quarantined, WatchEvent
from tmcconsole.kube.objects import CachedObject, Json, Kind, ObjectKey


class Reader(Protocol):
    """The read-only half of a ``Client``: a holder of only this cannot write."""

    name: str
    writes_attempted: int
    dry_runs: int
    reads: int
    bytes: int

    async def get(
        self, kind: Kind, key: ObjectKey, *, timeout_s: float = READ_TIMEOUT_S
    ) -> CachedObject:
        """Return the object as the server has it now."""
        ...

    async def get_json(
        self,
        path: str,
        *,
        query: NameValues = (),
        accept: str = "application/json",
        timeout_s: float = READ_TIMEOUT_S,
    ) -> Json:
        """Return the JSON object at any path."""
        ...

    async def review(self, path: str, tree: Json) -> Json:
        """Send a POST that changes nothing."""
        ...

    def list_pages(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
        resource_version: str = "",
        match: str = "",
    ) -> AsyncGenerator[ListPage, None]:
        """Yield the pages of a list."""
        ...


class Watcher(Reader, Protocol):
    """A ``Reader`` that is told of changes, too: what an informer needs, and no more."""

    def watch(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        resource_version: str,
        timeout_s: float,
        idle_s: float,
        on_open: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[WatchEvent | Quarantined, None]:
        """Yield what happens after ``resource_version``."""
        ...

    def wake_on_contact(self, wake: anyio.Event) -> None:
        """Set ``wake`` when the server next answers anything."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
