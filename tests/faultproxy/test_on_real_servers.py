"""The proxy in front of a real API server: what passes, and how a client sees each fault."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import anyio
import orjson
import pytest

from tests.envtest.api import Api, fresh_name, open_api
from tests.envtest.bodies import make_config_map
from tests.envtest.identity import ADMIN
from tests.envtest.planes import Plane
from tests.faultproxy.certificates import issue
from tests.faultproxy.faults import (
    Blackhole,
    Corrupt,
    CutBody,
    Fault,
    FrozenReplica,
    LostReply,
    OneWay,
    Replace,
    Reset,
    Rewrite,
    Sliced,
    SlowHeaders,
    html_answer,
)
from tests.faultproxy.proxy import Proxy, abandon
from tests.faultproxy.real import authority_of, proxied
from tests.faultproxy.rules import Rules

pytestmark = pytest.mark.envtest

SILENCE_S = 1.0  # a real server answers and sends events within a few milliseconds


@dataclass(frozen=True, slots=True)
class Case:
    """A namespace of its own, seen directly and through the proxy."""

    proxy: Proxy
    direct: Api
    through: Api
    config_maps: str  # the path of the collection

    @property
    def rules(self) -> Rules:
        """The proxy's."""
        return self.proxy.rules


@pytest.fixture
async def case(real_hub: Plane) -> AsyncIterator[Case]:
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(proxied(real_hub))
        direct = await stack.enter_async_context(open_api(real_hub))
        through = await stack.enter_async_context(open_api(real_hub, url=proxy.url))
        namespace = fresh_name("proxied")
        await direct.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        yield Case(proxy, direct, through, f"/api/v1/namespaces/{namespace}/configmaps")


@asynccontextmanager
async def watching(case: Case) -> AsyncIterator[aiohttp.StreamReader]:
    """Watch the ConfigMaps through the proxy, from now on."""
    listed = await case.direct.get(case.config_maps)
    query = f"?watch=true&resourceVersion={listed.version}"
    async with case.through.session.get(case.config_maps + query) as answer:
        yield answer.content
        abandon(answer)


async def next_event(stream: aiohttp.StreamReader) -> tuple[str, str]:
    """Return type and object name of the next event."""
    with anyio.fail_after(60):
        event = orjson.loads(await stream.readline())
    return event["type"], event["object"]["metadata"]["name"]


async def test_kubectl_works_through_the_proxy(case: Case, real_hub: Plane) -> None:
    kubeconfig = real_hub.kubeconfig_for(ADMIN, url=case.proxy.url)
    kubectl = Path(sys.executable).parent / "kubectl"

    process = await asyncio.create_subprocess_exec(
        kubectl,
        f"--kubeconfig={kubeconfig}",
        f"--cache-dir={kubeconfig.parent / 'cache'}",
        "get",
        "namespace",
        "default",
        "-o=name",
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()

    assert output == b"namespace/default\n"
    assert any("/namespaces/default" in seen.path for seen in case.proxy.seen)


async def test_a_watch_passes_events_as_they_come(case: Case) -> None:
    async with watching(case) as stream:
        await case.through.create(case.config_maps, make_config_map("one"))
        await case.direct.create(case.config_maps, make_config_map("two"))

        assert await next_event(stream) == ("ADDED", "one")
        assert await next_event(stream) == ("ADDED", "two")


async def test_a_lost_reply_leaves_the_object_made(case: Case) -> None:
    case.rules.on(LostReply(), methods=("POST",), times=1)

    with pytest.raises(aiohttp.ClientConnectionError):
        await case.through.send("POST", case.config_maps, make_config_map("one"))

    assert (await case.direct.get(f"{case.config_maps}/one")).code == 200


async def test_a_reset_leaves_the_object_unmade(case: Case) -> None:
    case.rules.on(Reset(), methods=("POST",), times=1)

    with pytest.raises(aiohttp.ClientConnectionError):
        await case.through.send("POST", case.config_maps, make_config_map("one"))

    assert (await case.direct.get(f"{case.config_maps}/one")).code == 404


@pytest.mark.parametrize("fault", [Blackhole(), OneWay(), SlowHeaders(1.0)])
async def test_a_silent_server_answers_nobody_and_closes_nothing(case: Case, fault: Fault) -> None:
    case.rules.on(fault)

    with anyio.move_on_after(SILENCE_S) as waiting:
        await case.through.get(case.config_maps)

    assert waiting.cancelled_caught


async def test_a_half_open_watch_is_silent_and_catches_up(case: Case) -> None:
    async with watching(case) as stream:
        with case.rules.during(Blackhole(), path="watch=true"):
            await case.direct.create(case.config_maps, make_config_map("one"))
            with anyio.move_on_after(SILENCE_S) as silence:
                await stream.readline()

        assert silence.cancelled_caught
        assert await next_event(stream) == ("ADDED", "one")


async def test_a_watch_can_end_in_the_middle_of_a_line(case: Case) -> None:
    async with watching(case) as stream:
        case.rules.on(CutBody(20, clean=True))
        await case.direct.create(case.config_maps, make_config_map("one"))

        with anyio.fail_after(60):
            line = await stream.readline()

    assert line.startswith(b'{"type":"ADDED"')
    assert not line.endswith(b"\n")


async def test_sliced_events_are_still_whole(case: Case) -> None:
    case.rules.on(Sliced(3))

    async with watching(case) as stream:
        await case.direct.create(case.config_maps, make_config_map("one", text="grüße"))

        assert await next_event(stream) == ("ADDED", "one")


async def test_corrupt_answers_are_no_json(case: Case) -> None:
    case.rules.on(Corrupt(every=16))

    with pytest.raises(orjson.JSONDecodeError):
        await case.through.get(case.config_maps)


async def test_a_portal_and_an_overloaded_server_answer_in_its_place(case: Case) -> None:
    case.rules.on(html_answer(), path="/namespaces/")
    case.rules.on(Replace(429, b'{"kind":"Status","code":429}'), path="^/version")

    portal = await case.through.get(case.config_maps)
    overloaded = await case.through.get("/version")

    assert portal.content_type.startswith("text/html")
    assert overloaded.code == 429


async def test_a_full_list_can_come_back_empty(case: Case) -> None:
    await case.direct.create(case.config_maps, make_config_map("one"))
    case.rules.on(Rewrite(_without_items), methods=("GET",), path="/configmaps$")

    answer = await case.through.get(case.config_maps)

    assert (answer.code, answer.body["items"]) == (200, [])
    assert answer.body["kind"] == "ConfigMapList"


async def test_a_frozen_replica_serves_yesterdays_list(case: Case) -> None:
    before = await case.through.get(case.config_maps)
    case.rules.on(FrozenReplica(), path="/configmaps")

    created = await case.through.create(case.config_maps, make_config_map("one"))
    stale = await case.through.get(case.config_maps + "?resourceVersion=0")
    too_new = await case.through.get(f"{case.config_maps}?resourceVersion={created.version}")
    newest = await case.through.get(case.config_maps)

    assert stale.body == before.body
    assert (too_new.code, too_new.reason) == (504, "Timeout")
    assert "one" in {item["metadata"]["name"] for item in newest.body["items"]}


@pytest.mark.parametrize("wrong", ["host", "expired"])
async def test_a_wrong_certificate_of_the_right_authority_is_refused(
    case: Case, real_hub: Plane, tmp_path: Path, wrong: str
) -> None:
    hosts = ("elsewhere.test",) if wrong == "host" else ("127.0.0.1",)
    shown = issue(authority_of(real_hub), tmp_path, hosts=hosts, expired=wrong == "expired")
    case.proxy.listener.show(shown)

    async with open_api(real_hub, url=case.proxy.url) as api:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await api.get("/version")


async def test_a_refused_server_comes_back_on_the_same_port(case: Case) -> None:
    await case.proxy.listener.refuse()
    case.proxy.listener.reset_connections()

    with pytest.raises(aiohttp.ClientConnectorError):
        await case.through.get("/version")
    await case.proxy.listener.serve()

    assert (await case.through.get("/version")).code == 200


def _without_items(body: bytes) -> bytes:
    return orjson.dumps({**orjson.loads(body), "items": []})
