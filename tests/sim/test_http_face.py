"""The HTTP face: the same core behind real sockets."""

from __future__ import annotations

import io
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.manifests import make_config_map
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.faces.http_face import Served, serve
from tmcconsole.sim.faces.kubeconfig_file import with_token, write_kubeconfig

pytestmark = pytest.mark.anyio
MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    rng = random.Random(1)
    cluster = SimCluster("east", now=time.monotonic, wall=time.time, rng=rng)
    async with await serve(cluster) as opened:
        yield opened


@pytest.fixture
async def session(served: Served) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"authorization": f"Bearer {served.token}"}
    async with aiohttp.ClientSession(headers=headers) as opened:
        yield opened


async def test_listens_on_loopback_only(served: Served) -> None:
    assert served.url.startswith("http://127.0.0.1:")


async def test_without_the_token_nothing_is_answered(served: Served) -> None:
    async with aiohttp.ClientSession() as stranger, stranger.get(served.url + "/api") as answer:
        assert answer.status == 401
        assert (await answer.json())["reason"] == "Unauthorized"


async def test_token_may_stand_in_the_path(served: Served) -> None:
    url = with_token(served.url, served.token)
    async with aiohttp.ClientSession() as kubectl, kubectl.get(url + "/api") as answer:
        assert (await answer.json())["versions"] == ["v1"]


async def test_watch_streams_as_things_happen(
    served: Served, session: aiohttp.ClientSession
) -> None:
    async with session.get(served.url + MAPS, params={"watch": "1"}) as watch:
        async with session.post(served.url + MAPS, json=make_config_map()) as created:
            assert created.status == 201
        line = await watch.content.readline()

    assert line.startswith(b'{"type":"ADDED"')


async def test_outage_closes_the_port_and_resets_connections(
    served: Served, session: aiohttp.ClientSession
) -> None:
    async with session.get(served.url + MAPS, params={"watch": "1"}) as watch:
        served.cluster.faults.switch("outage")
        with pytest.raises(aiohttp.ClientError):
            await watch.content.readline()
    with pytest.raises(aiohttp.ClientConnectorError):
        await session.get(served.url + "/api")

    served.cluster.faults.switch("outage", False)
    assert await answers_again(served, session)


async def answers_again(served: Served, session: aiohttp.ClientSession) -> bool:
    for _ in range(200):
        try:
            async with session.get(served.url + "/api") as answer:
                return answer.status == 200
        except aiohttp.ClientConnectorError:
            continue
    return False


async def test_lost_reply_resets_the_connection_after_the_commit(
    served: Served, session: aiohttp.ClientSession
) -> None:
    served.cluster.faults.switch("lost_reply", lost_reply_next=1)

    with pytest.raises(aiohttp.ClientError):
        await session.post(served.url + MAPS, json=make_config_map())

    assert served.cluster.store.get("configmaps", "default", "settings") is not None


async def test_workspace_is_served_under_its_path_only() -> None:
    rng = random.Random(1)
    path = "/clusters/root:org:ws"
    kcp = SimCluster(
        "ws", now=time.monotonic, wall=time.time, rng=rng, flavour="kcp", base_path=path
    )
    async with await serve(kcp) as served:
        headers = {"authorization": f"Bearer {served.token}"}
        found = "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
        async with aiohttp.ClientSession(headers=headers) as session:
            async with session.get(served.url + found) as inside:
                body = await inside.json()
            async with session.get(served.url.removesuffix(path) + found) as outside:
                assert outside.status == 404

    assert body["metadata"]["annotations"]["kcp.io/path"] == "root:org:ws"


def test_kubeconfig_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "hub.kubeconfig"
    write_kubeconfig(path, name="hub", url="http://127.0.0.1:1", token="secret")

    document = yaml.safe_load(path.read_text())

    assert path.stat().st_mode & 0o777 == 0o600
    assert document["current-context"] == "hub"
    assert document["users"][0]["user"]["token"] == "secret"


async def test_a_large_body_is_read_and_judged_and_a_larger_one_refused_by_a_status(
    served: Served, session: aiohttp.ClientSession
) -> None:
    codes = {}
    for size in (2_000_000, 4_000_000):
        text = b'{"metadata":{"name":"x"},"data":{"a":"%s"}}' % (b"a" * size)
        headers = {"content-type": "application/json"}
        sent = session.post(served.url + MAPS, data=io.BytesIO(text), headers=headers)
        async with sent as answer:
            status = await answer.json()
            codes[size] = (answer.status, status["kind"], status["code"])

    assert codes == {2_000_000: (422, "Status", 422), 4_000_000: (413, "Status", 413)}


async def test_json_ends_with_a_line_end_as_that_of_a_real_server(
    served: Served, session: aiohttp.ClientSession
) -> None:
    async with session.get(served.url + MAPS) as answer:
        assert (await answer.read()).endswith(b"}\n")
