"""A real HTTP server on loopback with scripted answers, and kubeconfigs for it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import trustme
import yaml
from aiohttp import web

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class Served:
    """A running server and its requests."""

    url: str
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def serving(answer: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[Served]:
    """Serve ``answer`` on a free port of 127.0.0.1."""
    served = Served("")

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        served.asked.append(f"{request.method} {request.rel_url}")
        served.headers.append({name.lower(): value for name, value in request.headers.items()})
        served.bodies.append(await request.read())
        return await answer(request)

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        port = runner.addresses[0][1]
        served.url = f"{'https' if context else 'http'}://127.0.0.1:{port}"
        yield served
    finally:
        await runner.cleanup()


def json_answer(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def write_kubeconfig(
    folder: Path,
    server: str,
    *,
    user: dict[str, Any] | None = None,
    cluster: dict[str, Any] | None = None,
    name: str = "config",
) -> Path:
    """Write a kubeconfig of one context, ``there``, and return its path."""
    tree = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "there",
        "contexts": [{"name": "there", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}],
    }
    path = folder / name
    path.write_text(yaml.safe_dump(tree))
    path.chmod(0o600)
    return path


def server_context(
    issued: trustme.LeafCert, *, clients: trustme.CA | None = None
) -> ssl.SSLContext:
    """Return a server's context; with ``clients`` it demands certificates of theirs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    if clients is not None:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def write_authority(folder: Path, authority: trustme.CA, name: str = "ca.crt") -> Path:
    path = folder / name
    path.write_bytes(authority.cert_pem.bytes())
    return path
