"""Plain requests to a real API server, and its unchanged answers."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import anyio
import orjson

from tests.envtest.planes import Plane
from tmcconsole.kube.access.http import ABORT_LINGERING

JSON = "application/json"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status code and the JSON document that came with it."""

    code: int
    body: Tree
    content_type: str = JSON

    @property
    def reason(self) -> str:
        """The reason of a Status, or ""."""
        return str(self.body.get("reason", ""))

    @property
    def message(self) -> str:
        """The message of a Status, or ""."""
        return str(self.body.get("message", ""))

    @property
    def causes(self) -> list[tuple[str, str]]:
        """Reason and field of each cause of a Status."""
        details = self.body.get("details", {})
        return [(cause.get("reason"), cause.get("field")) for cause in details.get("causes", [])]

    @property
    def version(self) -> str:
        """The resourceVersion of an object."""
        return str(self.body["metadata"]["resourceVersion"])

    @property
    def uid(self) -> str:
        """The UID of an object."""
        return str(self.body["metadata"]["uid"])


@dataclass(frozen=True, slots=True)
class Api:
    """One API server, as one user."""

    session: aiohttp.ClientSession

    async def send(
        self,
        method: str,
        path: str,
        body: Tree | None = None,
        *,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Answer:
        """Send one request and return the answer, whatever it is."""
        async with self.session.request(
            method,
            path,
            data=None if body is None else orjson.dumps(body),
            headers={"Content-Type": content_type, "Accept": accept},
        ) as answer:
            kind = answer.headers.get("Content-Type", "")
            is_json = "json" in kind  # the answer for a path that is not served is plain text
            body = orjson.loads(await answer.read()) if is_json else {}
            return Answer(answer.status, body, kind)

    async def create(self, path: str, body: Tree) -> Answer:
        """POST an object to a collection; any answer but 201 fails the test."""
        answer = await self.send("POST", path, body)
        assert answer.code == 201, answer
        return answer

    async def apply(self, path: str, body: Tree, *, manager: str = "facts") -> Answer:
        """Server-side apply, not forced."""
        query = f"{path}?fieldManager={manager}"
        return await self.send("PATCH", query, body, content_type=APPLY)

    async def merge(self, path: str, body: Tree) -> Answer:
        """Send a JSON merge patch."""
        return await self.send("PATCH", path, body, content_type=MERGE)

    async def get(self, path: str) -> Answer:
        """Read an object."""
        return await self.send("GET", path)


@asynccontextmanager
async def open_api(plane: Plane, *, url: str = "", token: str = "") -> AsyncIterator[Api]:
    """Open a plane as its administrator, or by another address or token."""
    timeout = aiohttp.ClientTimeout(total=30)
    connector = aiohttp.TCPConnector(ssl=plane.ssl_context(), enable_cleanup_closed=ABORT_LINGERING)
    headers = {"Authorization": f"Bearer {token or plane.token}"}
    async with aiohttp.ClientSession(
        url or plane.url, connector=connector, headers=headers, timeout=timeout
    ) as session:
        yield Api(session)


def fresh_name(prefix: str) -> str:
    """Return a name that no other test uses: the planes live as long as the session."""
    return f"{prefix}-{secrets.token_hex(4)}"


async def until(condition: Callable[[], Awaitable[bool]], patience_s: float = 60.0) -> None:
    """Return when the condition holds on a server. Raises ``TimeoutError``."""
    with anyio.fail_after(patience_s):
        while not await condition():  # noqa: ASYNC110 - a remote server sets no event of ours
            await anyio.sleep(0.05)
