"""Reads one complete list of a collection page by page, restarting where necessary."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from tmcconsole.backoff import Backoff, Retries
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.cache.cache import WholeList, is_older
from tmcconsole.kube.client.reader import Reader
from tmcconsole.kube.errors import Gone
from tmcconsole.kube.objects import CachedObject, Kind, ObjectKey
from tmcconsole.kube.scope import Scope
from tmcconsole.runtime import Runtime

PAGE: Final = 500
PAGED_TRIES: Final = 2  # then the list is requested unpaged: no continue token can expire

BACKOFF: Final = Backoff(first_s=1.6, cap_s=60.0)  # client-go's: 0.8 s to 30 s, plus up to 100 %
HEALTHY_S: Final = 120.0  # after this long without a failure, the backoff starts over


def retries_of(runtime: Runtime) -> Retries:
    """Return the waits between tries to list or watch."""
    return Retries(BACKOFF, runtime.now, runtime.rng, HEALTHY_S)


@dataclass(frozen=True, slots=True)
class Lister:
    """What to list, and whom to notify of each page."""

    client: Reader
    kind: Kind
    runtime: Runtime
    scope: Scope
    on_page: Callable[[], None]

    async def read(self) -> WholeList:
        """Return the newest list. Raises ``KubeError``."""
        return await self._read("", "")

    async def read_not_older(self, version: str) -> WholeList:
        """Return a list of that version or newer, which may come from the server's watch cache."""
        return await self._read(version, "NotOlderThan")

    async def _read(self, version: str, match: str) -> WholeList:
        for _ in range(PAGED_TRIES):
            try:
                return await self._pages(self._page_size(), version, match)
            except Gone:  # the continue token has expired
                continue
        return await self._pages(0, version, match)

    async def _pages(self, limit: int, version: str, match: str) -> WholeList:
        objects: dict[ObjectKey, CachedObject] = {}
        quarantined: dict[ObjectKey | None, SafeText] = {}
        list_version = ""
        pages = self.client.list_pages(
            self.kind,
            namespace=self.scope.namespace,
            label_selector=self.scope.label_selector,
            field_selector=self.scope.field_selector,
            limit=limit,
            resource_version=version,
            match=match,
        )
        async with aclosing(pages):
            async for page in pages:
                self.on_page()
                for cached in page.items:  # an object that moved between pages comes twice
                    known = objects.get(cached.key)
                    if known is None or not is_older(
                        cached.resource_version, known.resource_version
                    ):
                        objects[cached.key] = cached
                quarantined.update((item.key, item.reason) for item in page.quarantined)
                list_version = page.resource_version
        return WholeList(objects, list_version, quarantined)

    def _page_size(self) -> int:
        if self.runtime.sometimes("informer.small-page"):
            return self.runtime.rng.randint(1, 3)
        return PAGE
