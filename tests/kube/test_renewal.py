"""A kubeconfig that changes while we run: its user is taken up, its cluster ends the connection."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from tests.kube.serving import (
    json_answer,
    server_context,
    serving,
    write_authority,
    write_kubeconfig,
)
from tests.kube.test_credentials import Clocks, credential, only, plugin
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import dial
from tmcconsole.runtime import MOVED, Request, TransportError

LOOK = Request("GET", "/x")
A_MINUTE = 60.0


@pytest.mark.parametrize("way", ["token", "password", "plugin"])
async def test_F1_another_user_in_the_kubeconfig_is_taken_up_at_the_first_401(
    tmp_path: Path, way: str
) -> None:
    users: dict[str, Any] = {
        "token": {"token": "new"},
        "password": {"username": "u", "password": "p"},
        "plugin": plugin(tmp_path, credential('{"token": "new"}')),
    }
    async with serving(await only("Bearer new", "Basic dTpw")) as served:
        path = write_kubeconfig(tmp_path, served.url, user={"token": "old"})
        transport = await dial(ClusterAccess(path), now=Clocks(), wall=Clocks())
        before = await transport.request(LOOK)
        write_kubeconfig(tmp_path, served.url, user=users[way])
        after = await transport.request(LOOK)
        await transport.aclose()

    assert (before.status, after.status) == (401, 200)


async def test_a_renewed_token_is_taken_up_within_a_minute_without_any_error(
    tmp_path: Path,
) -> None:
    clocks = Clocks()
    async with serving(await only("Bearer old", "Bearer new")) as served:
        path = write_kubeconfig(tmp_path, served.url, user={"token": "old"})
        transport = await dial(ClusterAccess(path), now=clocks, wall=clocks)
        write_kubeconfig(tmp_path, served.url, user={"token": "new", "as": "somebody"})
        clocks.seconds += A_MINUTE
        await transport.request(LOOK)
        await transport.aclose()

    [sent] = served.headers
    assert (sent["authorization"], sent["impersonate-user"]) == ("Bearer new", "somebody")


async def test_a_kubeconfig_that_is_half_written_leaves_the_one_in_use(tmp_path: Path) -> None:
    clocks = Clocks()
    async with serving(await only("Bearer old")) as served:
        path = write_kubeconfig(tmp_path, served.url, user={"token": "old"})
        transport = await dial(ClusterAccess(path), now=clocks, wall=clocks)
        path.write_text("clusters: [")
        clocks.seconds += A_MINUTE
        answer = await transport.request(LOOK)
        await transport.aclose()

    assert answer.status == 200


@pytest.mark.parametrize("trouble", ["none", "refused", "unauthorized"])
async def test_another_server_in_the_kubeconfig_ends_the_connection_and_is_sent_nothing(
    tmp_path: Path, trouble: str
) -> None:
    clocks = Clocks()

    async def answer(_request: web.BaseRequest) -> web.Response:
        return json_answer({}, 401 if trouble == "unauthorized" else 200)

    async with serving(answer) as served, serving(await only("Bearer t")) as other:
        server = "http://127.0.0.1:1" if trouble == "refused" else served.url
        path = write_kubeconfig(tmp_path, server, user={"token": "t"})
        transport = await dial(ClusterAccess(path), now=clocks, wall=clocks)
        write_kubeconfig(tmp_path, other.url, user={"token": "t"})
        clocks.seconds += A_MINUTE
        for _ in range(2):  # and stays so: nobody may go on with it
            with pytest.raises(TransportError) as caught:
                await transport.request(Request("POST", "/x"))
            assert (caught.value.reason, caught.value.sent) == (MOVED, False)
        await transport.aclose()

    assert served.asked == other.asked == []


async def test_F2_a_renewed_client_certificate_in_the_kubeconfig_is_presented(
    tmp_path: Path,
) -> None:
    clocks, ours = Clocks(), trustme.CA()

    async def hello(_request: web.BaseRequest) -> web.Response:
        return json_answer({})

    write_authority(tmp_path, ours)

    def user(issued: trustme.LeafCert) -> dict[str, Any]:
        certificate, key = issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes()
        data = {"client-certificate-data": certificate, "client-key-data": key}
        return {name: base64.b64encode(pem).decode() for name, pem in data.items()}

    demanding = server_context(ours.issue_cert("127.0.0.1"), clients=ours)
    async with serving(hello, demanding) as served:
        cluster = {"certificate-authority": "ca.crt"}
        strange = user(trustme.CA().issue_cert("someone"))
        path = write_kubeconfig(tmp_path, served.url, user=strange, cluster=cluster)
        transport = await dial(ClusterAccess(path), now=clocks, wall=clocks)
        with pytest.raises(TransportError):
            await transport.request(LOOK)
        write_kubeconfig(
            tmp_path, served.url, user=user(ours.issue_cert("someone")), cluster=cluster
        )
        clocks.seconds += A_MINUTE
        await transport.request(LOOK)
        await transport.aclose()

    assert len(served.asked) == 1
