"""Proxies named in a kubeconfig: what is sent to them, and how their errors are reported."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest
from aiohttp import web

from tests.kube.serving import json_answer, serving, write_kubeconfig
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import dial
from tmcconsole.runtime import Request, Response, TransportError


async def ask(folder: Path, server: str, proxy: str) -> Response:
    path = write_kubeconfig(folder, server, cluster={"proxy-url": proxy})
    transport = await dial(ClusterAccess(path), now=time.monotonic, wall=time.time)
    try:
        return await transport.request(Request("GET", "/x", timeout_s=10))
    finally:
        await transport.aclose()


async def test_a_proxy_that_cannot_be_reached_is_named_and_not_the_server(tmp_path: Path) -> None:
    with pytest.raises(TransportError) as caught:
        await ask(tmp_path, "https://api.example:6443", "http://jane:hunter2@127.0.0.1:1")

    assert str(caught.value) == "proxy 127.0.0.1:1: connection refused"
    assert not caught.value.sent


async def test_a_proxy_that_refuses_to_connect_is_named_with_its_answer(tmp_path: Path) -> None:
    async def refuse(_request: web.BaseRequest) -> web.Response:
        return json_answer({}, 407)

    async with serving(refuse) as proxy:
        place = proxy.url.removeprefix("http://")
        with pytest.raises(TransportError) as caught:
            await ask(tmp_path, "https://api.example:6443", f"http://jane:hunter2@{place}")

    assert str(caught.value) == (
        f"proxy {place}: it refused to connect us: HTTP 407 Proxy Authentication Required; "
        "correct user and password in proxy-url"
    )
    assert not caught.value.sent
    given = base64.b64encode(b"jane:hunter2").decode()
    assert proxy.headers[0]["proxy-authorization"] == f"Basic {given}"
    assert "authorization" not in proxy.headers[0]


async def test_an_http_server_is_asked_through_its_proxy(tmp_path: Path) -> None:
    async def answer(_request: web.BaseRequest) -> web.Response:
        return json_answer({"kind": "Hello"})

    async with serving(answer) as proxy:
        response = await ask(tmp_path, "http://127.0.0.1:1/base", proxy.url.upper())

    assert response.status == 200
    assert proxy.asked == ["GET /base/x"]
    assert proxy.headers[0]["host"] == "127.0.0.1:1"


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "ftp"])
async def test_a_proxy_of_another_kind_is_refused_when_read(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(TransportError) as caught:
        await ask(tmp_path, "https://api.example", f"{scheme}://jane:hunter2@127.0.0.1:1080")

    assert caught.value.reason == "Kubeconfig"
    assert f"{tmp_path}/config: cluster 'c': proxy-url has the scheme {scheme}; use" in str(
        caught.value
    )
    assert "hunter2" not in str(caught.value)
