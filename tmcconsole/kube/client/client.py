"""A thin asynchronous client for one API server: one method, one request, no hidden retries.

Every method raises the errors of ``tmcconsole.kube.errors`` and no others.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

import anyio
import anyio.lowlevel
import msgspec
import orjson

from tmcconsole.kube.client import apply_body
from tmcconsole.kube.client.ingest import (
    ListPage,
    Quarantined,
    WatchEvent,
    expect_json,
    json_body,
    split_page,
    take,
    to_cached,
)
from tmcconsole.kube.client.watch import read_events
from tmcconsole.kube.errors import BadAnswer, BadRequest, Unreachable
from tmcconsole.kube.objects import CachedObject, Json, Kind, ObjectKey, key_of
from tmcconsole.kube.paths import collection_path, object_path
from tmcconsole.runtime import Request, Response, Transport, TransportError

READ_TIMEOUT_S: Final = 15.0
LIST_TIMEOUT_S: Final = 60.0  # per page: a busy API server takes tens of seconds for the first
WRITE_TIMEOUT_S: Final = 30.0  # admission webhooks may take 10 s each
OPEN_TIMEOUT_S: Final = 30.0  # until a watch responds at all
MAX_PAGES: Final = 20_000  # of one list: ten million objects at the usual size
ITEMS_PER_TURN: Final = 100  # then yield to other tasks: about 5 ms of decoding

APPLY: Final = "application/apply-patch+yaml"
MERGE_PATCH: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"

NameValues = tuple[tuple[str, str], ...]  # of a query, or headers


class Client:
    """Requests to one API server. Its counters only grow."""

    def __init__(self, transport: Transport, *, name: str) -> None:
        self.name = name  # the cluster's configured name, for messages
        self.writes_attempted = 0  # mutating requests, also rejected, without dry runs
        self.dry_runs = 0
        self.reads = 0
        self.bytes = 0  # of response bodies
        self._transport = transport
        self._waiting: list[anyio.Event] = []

    def __repr__(self) -> str:
        return f"Client({self.name}, writes={self.writes_attempted}, reads={self.reads})"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    def wake_on_contact(self, wake: anyio.Event) -> None:
        """Set ``wake`` at the server's next response: it is reachable (again)."""
        self._waiting.append(wake)

    async def get(
        self, kind: Kind, key: ObjectKey, *, timeout_s: float = READ_TIMEOUT_S
    ) -> CachedObject:
        """Return the object as the server has it now (a live read)."""
        request = Request("GET", object_path(kind, key), timeout_s=timeout_s)
        return _one(await self._read(request), kind)

    async def get_json(
        self,
        path: str,
        *,
        query: NameValues = (),
        accept: str = "application/json",
        timeout_s: float = READ_TIMEOUT_S,
    ) -> Json:
        """Return the JSON object at any path: a version, a discovery document."""
        request = Request("GET", path, query=query, accept=accept, timeout_s=timeout_s)
        return json_body(await self._read(request))

    async def review(self, path: str, tree: Json) -> Json:
        """Send a POST that changes nothing: an access or token review."""
        body = orjson.dumps(tree)
        request = Request("POST", path, body=body, content_type="application/json")
        return json_body(await self._read(request))

    async def list_pages(
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
        """Yield the pages of a list; ``limit`` 0 requests all items at once.

        ``match`` is a resourceVersionMatch: "", "NotOlderThan" or "Exact". Raises ``Gone`` if the
        continue token expires in between.
        """
        path = collection_path(kind, namespace)
        fixed = _query(
            limit=str(limit) if limit else "",
            labelSelector=label_selector,
            fieldSelector=field_selector,
        )
        first = _query(resourceVersion=resource_version, resourceVersionMatch=match)
        version, token = "", ""
        seen: set[str] = set()
        while True:
            position = _query(**{"continue": token}) if token else first
            request = Request("GET", path, query=fixed + position, timeout_s=LIST_TIMEOUT_S)
            response = await self._read(request)
            expect_json(response)
            items, page_version, next_token, remaining = split_page(response.body, kind)
            version = version or page_version  # the oldest, should a later page be newer
            taken, quarantined = await _take_all(items, kind)
            yield ListPage(taken, version, quarantined, remaining)
            if not next_token:
                return
            if next_token in seen or len(seen) >= MAX_PAGES:
                raise BadAnswer(f"the list of {kind.id} does not advance")
            seen.add(next_token)
            token = next_token

    async def watch(
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
        """Yield events after ``resource_version`` until the server ends the stream.

        ``timeout_s`` is requested from the server, ``idle_s`` is the longest silence tolerated;
        ``on_open`` is called when the server has accepted. Close the generator to stop.
        """
        query = _query(
            watch="1",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            timeoutSeconds=str(int(timeout_s)),
            labelSelector=label_selector,
            fieldSelector=field_selector,
        )
        path = collection_path(kind, namespace)
        self.reads += 1
        try:
            async with self._transport.stream(
                Request("GET", path, query=query, timeout_s=OPEN_TIMEOUT_S)
            ) as stream:
                self._contacted()
                expect_json(stream.head)
                on_open()
                events = read_events(stream.chunks(), kind, idle_s=idle_s, count=self._received)
                async with aclosing(events):
                    async for event in events:
                        yield event
        except TransportError as error:
            raise Unreachable(str(error), sent=error.sent, reason=error.reason) from error

    async def create(
        self, kind: Kind, tree: Json, *, manager: str, dry_run: bool = False
    ) -> CachedObject:
        """Create an object. Raises ``AlreadyExists`` if the name is taken."""
        path = collection_path(kind, _namespace_of(kind, tree))
        query = _query(fieldManager=manager, dryRun=_dry(dry_run))
        return _one(await self._write("POST", path, query, tree, dry_run=dry_run), kind)

    async def apply(
        self,
        kind: Kind,
        tree: Json,
        *,
        manager: str,
        force: bool = False,
        dry_run: bool = False,
        subresource: str = "",
        headers: NameValues = (),
    ) -> CachedObject:
        """Apply server-side. Raises ``Conflict`` with the fields that other managers own.

        ``headers``, as everywhere here, say whom to impersonate.
        """
        path = object_path(kind, ObjectKey(_namespace_of(kind, tree), key_of(tree).name))
        query = _query(
            fieldManager=manager, force="true" if force else "false", dryRun=_dry(dry_run)
        )
        path = _sub(path, subresource)
        answer = await self._write("PATCH", path, query, tree, APPLY, dry_run, headers)
        return _one(answer, kind)

    async def merge_patch(
        self,
        kind: Kind,
        key: ObjectKey,
        patch: Json,
        *,
        manager: str,
        subresource: str = "",
        dry_run: bool = False,
    ) -> CachedObject:
        """Apply a JSON merge patch (RFC 7396); a resourceVersion in it is a precondition."""
        path = _sub(object_path(kind, key), subresource)
        query = _query(fieldManager=manager, dryRun=_dry(dry_run))
        return _one(await self._write("PATCH", path, query, patch, MERGE_PATCH, dry_run), kind)

    async def json_patch(
        self,
        kind: Kind,
        key: ObjectKey,
        patch: list[Json],
        *,
        manager: str,
        subresource: str = "",
        dry_run: bool = False,
        headers: NameValues = (),
    ) -> CachedObject:
        """Apply a JSON patch (RFC 6902). Raises ``Invalid`` if a ``test`` operation fails."""
        path = _sub(object_path(kind, key), subresource)
        query = _query(fieldManager=manager, dryRun=_dry(dry_run))
        answer = await self._write("PATCH", path, query, patch, JSON_PATCH, dry_run, headers)
        return _one(answer, kind)

    async def delete(
        self,
        kind: Kind,
        key: ObjectKey,
        *,
        uid: str,
        resource_version: str = "",
        propagation: str = "Background",
        at_once: bool = False,
        dry_run: bool = False,
        headers: NameValues = (),
    ) -> None:
        """Delete the object with that uid, and no other with its name.

        ``at_once`` sets no grace period, for pods without a kubelet. Returning means that the
        deletion was accepted; finalizers may delay it. Raises ``Conflict`` if uid or
        resourceVersion differ.
        """
        if not uid:
            raise BadRequest(400, "NoPrecondition", f"refusing to delete {key} without its uid")
        conditions = {"uid": uid} | (
            {"resourceVersion": resource_version} if resource_version else {}
        )
        options: Json = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": conditions,
            "propagationPolicy": propagation,
        }
        if at_once:
            options["gracePeriodSeconds"] = 0
        if dry_run:
            options["dryRun"] = ["All"]
        path = object_path(kind, key)
        written = self._write("DELETE", path, (), options, dry_run=dry_run, headers=headers)
        expect_json(await written)

    async def scale(
        self, kind: Kind, key: ObjectKey, replicas: int, *, manager: str = "tmc-console"
    ) -> int:
        """Set the replicas through the scale subresource and return the resulting Scale."""
        path = _sub(object_path(kind, key), "scale")
        patch = {"spec": {"replicas": replicas}}
        query = _query(fieldManager=manager)
        answer = json_body(await self._write("PATCH", path, query, patch, MERGE_PATCH))
        if answer.get("kind") != "Scale":
            raise BadAnswer(f"received a {answer.get('kind')} instead of a Scale")
        return int((answer.get("spec") or {}).get("replicas") or 0)

    async def _read(self, request: Request) -> Response:
        self.reads += 1
        return await self._send(request)

    async def _write(
        self,
        method: str,
        path: str,
        query: NameValues,
        body: Json | list[Json],
        content_type: str = "application/json",
        dry_run: bool = False,
        headers: NameValues = (),
    ) -> Response:
        if dry_run:
            self.dry_runs += 1
        else:
            self.writes_attempted += 1
        content = apply_body.encode(body) if content_type == APPLY else orjson.dumps(body)
        request = Request(
            method=method,
            path=path,
            query=query,
            body=content,
            content_type=content_type,
            headers=headers,
            timeout_s=WRITE_TIMEOUT_S,
        )
        return await self._send(request)

    async def _send(self, request: Request) -> Response:
        try:
            response = await self._transport.request(request)
        except TransportError as error:
            raise Unreachable(str(error), sent=error.sent, reason=error.reason) from error
        self._received(len(response.body))
        self._contacted()
        return response

    def _received(self, size: int) -> None:
        self.bytes += size

    def _contacted(self) -> None:
        waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake.set()


def _sub(path: str, subresource: str) -> str:
    return f"{path}/{subresource}" if subresource else path


def _namespace_of(kind: Kind, tree: Json) -> str:
    namespace = key_of(tree).namespace
    if kind.namespaced and not namespace:
        raise BadRequest(400, "NoNamespace", f"{kind.kind} {key_of(tree).name} needs a namespace")
    return namespace


def _query(**parameters: str) -> NameValues:
    return tuple((name, value) for name, value in parameters.items() if value)


def _dry(dry_run: bool) -> str:
    return "All" if dry_run else ""


def _one(response: Response, kind: Kind) -> CachedObject:
    expect_json(response)
    return to_cached(response.body, kind)


async def _take_all(
    items: list[msgspec.Raw], kind: Kind
) -> tuple[list[CachedObject], tuple[Quarantined, ...]]:
    taken: list[CachedObject] = []
    quarantined: list[Quarantined] = []
    for number, item in enumerate(items, start=1):
        found = take(item, kind)
        if isinstance(found, Quarantined):
            quarantined.append(found)
        else:
            taken.append(found)
        if number % ITEMS_PER_TURN == 0:
            await anyio.lowlevel.checkpoint()
    return taken, tuple(quarantined)
