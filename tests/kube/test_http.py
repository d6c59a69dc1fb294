"""The HTTP transport against real servers on loopback."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web
from anyio.abc import TaskStatus

from tests.kube.scripted import CONFIG_MAPS, event, make_tree
from tests.kube.serving import Answer, Served, json_answer, serving, write_kubeconfig
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.access.http import USER_AGENT, HttpTransport
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.ingest import WatchEvent
from tmcconsole.kube.errors import BadAnswer, Unreachable
from tmcconsole.runtime import Request, TransportError


async def transport_to(
    folder: Path, server: str, *, user: dict[str, Any] | None = None
) -> HttpTransport:
    config = write_kubeconfig(folder, server, user=user)
    return await dial(ClusterAccess(kubeconfig=config), now=time.monotonic, wall=time.time)


@asynccontextmanager
async def connected(
    folder: Path, answer: Answer, **user: Any
) -> AsyncIterator[tuple[Served, HttpTransport]]:
    async with serving(answer) as served:
        transport = await transport_to(folder, f"{served.url}/clusters/root:org:ws", user=user)
        try:
            yield served, transport
        finally:
            await transport.aclose()


async def hello(_request: web.BaseRequest) -> web.Response:
    return json_answer({"kind": "Hello"})


async def hang(_request: web.BaseRequest) -> web.StreamResponse:
    await anyio.sleep(60)
    raise AssertionError("nobody waits this long")


async def test_the_path_of_a_kcp_workspace_is_kept_and_names_stay_encoded(tmp_path: Path) -> None:
    async with connected(tmp_path, hello, token="t0ken") as (served, transport):
        response = await transport.request(
            Request("GET", "/api/v1/namespaces/a%2Fb", (("labelSelector", "a in (b,c)"),))
        )

    assert response.status == 200
    path, _, query = served.asked[0].removeprefix("GET ").partition("?")
    assert path == "/clusters/root:org:ws/api/v1/namespaces/a%2Fb"
    assert query == "labelSelector=a+in+%28b%2Cc%29"
    assert served.headers[0]["authorization"] == "Bearer t0ken"
    assert served.headers[0]["user-agent"] == USER_AGENT


async def test_header_names_are_lower_case_and_bodies_are_unpacked(tmp_path: Path) -> None:
    async def answer(_request: web.BaseRequest) -> web.Response:
        headers = {"Content-Encoding": "gzip", "X-Thing": "1"}
        return web.Response(
            body=gzip.compress(b'{"a":1}'), headers=headers, content_type="application/json"
        )

    async with connected(tmp_path, answer) as (_, transport):
        response = await transport.request(Request("GET", "/x"))

    assert response.body == b'{"a":1}'
    assert response.headers["x-thing"] == "1"


async def test_a_refused_connection_was_certainly_not_sent(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        transport = await transport_to(tmp_path, f"http://127.0.0.1:{port}")

        with pytest.raises(TransportError, match=f"127.0.0.1:{port}") as caught:
            await transport.request(Request("GET", "/x"))

    await transport.aclose()
    assert not caught.value.sent
    assert caught.value.reason == "Unreachable"


async def test_an_unknown_host_was_certainly_not_sent(tmp_path: Path) -> None:
    transport = await transport_to(tmp_path, "http://no-such-host.invalid:1")

    with pytest.raises(TransportError, match=r"no-such-host\.invalid") as caught:
        await transport.request(Request("GET", "/x"))

    await transport.aclose()
    assert not caught.value.sent


async def test_N10_a_connection_lost_after_sending_may_have_been_carried_out(
    tmp_path: Path,
) -> None:
    async def drop(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with connected(tmp_path, drop) as (_, transport):
        with pytest.raises(TransportError) as caught:
            await transport.request(Request("PATCH", "/x", body=b"{}", content_type="a/b"))

    assert caught.value.sent


async def test_N5_a_request_ends_at_its_deadline(tmp_path: Path) -> None:
    async with connected(tmp_path, hang) as (_, transport):
        with pytest.raises(TransportError) as caught:
            await transport.request(Request("POST", "/x", body=b"{}", timeout_s=0.1))
        with pytest.raises(TransportError) as caught_too:
            async with transport.stream(Request("GET", "/x", timeout_s=0.1)):
                pass

    assert caught.value.reason == caught_too.value.reason == "Timeout"
    assert caught.value.sent


async def test_N7_a_redirect_is_not_followed_and_html_is_no_answer(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        if "redirect" in request.path:
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        return web.Response(text="<html>please log in</html>", content_type="text/html")

    async with connected(tmp_path, answer, token="t0ken") as (served, transport):
        client = Client(transport, name="test")
        with pytest.raises(BadAnswer, match="302"):
            await client.get_json("/redirect")
        with pytest.raises(BadAnswer, match="text/html"):
            await client.get_json("/page")
        with pytest.raises(BadAnswer, match="text/html"):
            await anext(client.list_pages(CONFIG_MAPS))
        watch = client.watch(CONFIG_MAPS, resource_version="1", timeout_s=60, idle_s=5)
        with pytest.raises(BadAnswer, match="text/html"):
            await anext(watch)

    assert not any("elsewhere" in asked for asked in served.asked)


async def test_a_watch_yields_events_and_ends_with_the_connection(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "application/json"})
        await stream.prepare(request)
        line = event("ADDED", make_tree("a", 11))
        await stream.write(line[:20])
        await stream.write(line[20:] + event("ADDED", make_tree("b", 12))[:30])
        assert request.transport is not None
        request.transport.abort()
        return stream

    names: list[str] = []

    async def follow(client: Client) -> None:
        watch = client.watch(CONFIG_MAPS, resource_version="10", timeout_s=300, idle_s=5)
        async for seen in watch:
            assert isinstance(seen, WatchEvent)
            assert seen.object is not None
            names.append(seen.object.name)

    async with connected(tmp_path, answer) as (served, transport):
        with pytest.raises(Unreachable) as caught:
            await follow(Client(transport, name="test"))

    assert names == ["a"]
    assert caught.value.sent
    assert (
        "watch=1&allowWatchBookmarks=true&resourceVersion=10&timeoutSeconds=300"
        in (served.asked[0])
    )


async def test_A6_silence_beyond_the_idle_deadline_is_an_error(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "application/json"})
        await stream.prepare(request)
        await anyio.sleep(60)
        return stream

    async with connected(tmp_path, answer) as (_, transport):
        watch = Client(transport, name="test").watch(
            CONFIG_MAPS, resource_version="10", timeout_s=300, idle_s=0.1
        )
        with pytest.raises(Unreachable, match="silent"):
            await anext(watch)


async def test_many_watches_leave_room_for_requests(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if "watch" not in str(request.rel_url):
            return json_answer({"kind": "Hello"})
        stream = web.StreamResponse(headers={"Content-Type": "application/json"})
        await stream.prepare(request)
        await anyio.sleep(60)
        return stream

    async def open_watch(transport: HttpTransport, *, task_status: TaskStatus[None]) -> None:
        async with transport.stream(Request("GET", "/watch")):
            task_status.started()
            await anyio.sleep(60)

    async with connected(tmp_path, answer) as (_, transport), anyio.create_task_group() as group:
        for _number in range(80):
            await group.start(open_watch, transport)
        response = await transport.request(Request("GET", "/x"))
        group.cancel_scope.cancel()

    assert response.status == 200


async def test_F4_nobody_is_impersonated_through_a_kubeconfig_that_impersonates(
    tmp_path: Path,
) -> None:
    async def answer(_request: web.BaseRequest) -> web.Response:
        return json_answer({"kind": "Hello"})

    headers = (("Impersonate-User", "tenant"),)
    async with connected(tmp_path, answer, **{"as": "somebody"}) as (served, transport):
        assert (await transport.request(Request("GET", "/x"))).status == 200
        with pytest.raises(TransportError, match="already impersonates") as caught:
            await transport.request(Request("PATCH", "/x", headers=headers))

    assert not caught.value.sent
    assert [seen.get("impersonate-user") for seen in served.headers] == ["somebody"]
