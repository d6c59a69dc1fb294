"""Certificates: whom we trust, how we identify ourselves, and the errors."""

from __future__ import annotations

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
import trustme

from tests.kube.serving import server_context, serving, write_authority, write_kubeconfig
from tests.kube.test_http import hello
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.access.http import RECHECK_S
from tmcconsole.runtime import Request, Response, TransportError


async def ask(path: Path, *, insecure_skip_tls_verify: bool = False) -> Response:
    transport = await dial(
        ClusterAccess(path, insecure_skip_tls_verify=insecure_skip_tls_verify),
        now=time.monotonic,
        wall=time.time,
    )
    try:
        return await transport.request(Request("GET", "/x"))
    finally:
        await transport.aclose()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


async def test_a_certificate_of_the_named_authority_is_trusted(
    tmp_path: Path, authority: trustme.CA
) -> None:
    write_authority(tmp_path, authority)
    async with serving(hello, server_context(authority.issue_cert("127.0.0.1"))) as served:
        config = write_kubeconfig(tmp_path, served.url, cluster={"certificate-authority": "ca.crt"})
        response = await ask(config)

    assert response.status == 200


@pytest.mark.parametrize(
    ("host", "trusted", "says"),
    [
        ("127.0.0.1", False, "certificate"),
        ("somewhere.example", True, "IP address mismatch"),
    ],
)
async def test_N6_a_wrong_certificate_is_refused_and_the_host_and_trouble_are_named(
    tmp_path: Path, authority: trustme.CA, host: str, trusted: bool, says: str
) -> None:
    write_authority(tmp_path, authority if trusted else trustme.CA())
    async with serving(hello, server_context(authority.issue_cert(host))) as served:
        config = write_kubeconfig(tmp_path, served.url, cluster={"certificate-authority": "ca.crt"})
        with pytest.raises(TransportError, match=says) as caught:
            await ask(config)

    assert caught.value.reason == "Certificate"
    assert not caught.value.sent
    assert served.url.removeprefix("https://") in str(caught.value)
    assert str(config) in str(caught.value)
    assert served.asked == []


async def test_N6_an_expired_certificate_says_so(tmp_path: Path, authority: trustme.CA) -> None:
    write_authority(tmp_path, authority)
    old = authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) - timedelta(days=1))
    async with serving(hello, server_context(old)) as served:
        config = write_kubeconfig(tmp_path, served.url, cluster={"certificate-authority": "ca.crt"})
        with pytest.raises(TransportError, match="expired") as caught:
            await ask(config)

    assert caught.value.reason == "Certificate"


async def test_N6_a_server_without_tls_says_so(tmp_path: Path, authority: trustme.CA) -> None:
    write_authority(tmp_path, authority)
    async with serving(hello) as served:
        url = served.url.replace("http://", "https://")
        config = write_kubeconfig(tmp_path, url, cluster={"certificate-authority": "ca.crt"})
        with pytest.raises(TransportError, match="does not seem to speak TLS") as caught:
            await ask(config)

    assert caught.value.reason == "Certificate"


async def test_skipping_verification_in_a_kubeconfig_alone_is_refused(
    tmp_path: Path, authority: trustme.CA
) -> None:
    async with serving(hello, server_context(authority.issue_cert("127.0.0.1"))) as served:
        config = write_kubeconfig(tmp_path, served.url, cluster={"insecure-skip-tls-verify": True})
        with pytest.raises(TransportError, match="insecure-skip-tls-verify is refused") as caught:
            await ask(config)
        response = await ask(config, insecure_skip_tls_verify=True)

    assert caught.value.reason == "Credentials"
    assert response.status == 200


async def test_the_server_name_of_the_kubeconfig_is_what_the_certificate_must_name(
    tmp_path: Path, authority: trustme.CA
) -> None:
    write_authority(tmp_path, authority)
    async with serving(hello, server_context(authority.issue_cert("api.internal"))) as served:
        config = write_kubeconfig(
            tmp_path,
            served.url,
            cluster={"certificate-authority": "ca.crt", "tls-server-name": "api.internal"},
        )
        response = await ask(config)

    assert response.status == 200


async def test_a_client_certificate_is_presented(tmp_path: Path, authority: trustme.CA) -> None:
    write_authority(tmp_path, authority)
    ours = authority.issue_cert("someone")
    ours.private_key_pem.write_to_path(tmp_path / "client.key")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "client.crt")
    demanding = server_context(authority.issue_cert("127.0.0.1"), clients=authority)
    async with serving(hello, demanding) as served:
        cluster = {"certificate-authority": "ca.crt"}
        user = {"client-certificate": "client.crt", "client-key": "client.key"}
        response = await ask(write_kubeconfig(tmp_path, served.url, user=user, cluster=cluster))
        with pytest.raises(TransportError):
            await ask(write_kubeconfig(tmp_path, served.url, cluster=cluster, name="without"))

    assert response.status == 200
    assert len(served.asked) == 1


async def test_F2_a_rotated_authority_is_read_again_and_the_connections_are_rebuilt(
    tmp_path: Path, authority: trustme.CA
) -> None:
    clock = [0.0]
    write_authority(tmp_path, trustme.CA())
    async with serving(hello, server_context(authority.issue_cert("127.0.0.1"))) as served:
        config = write_kubeconfig(tmp_path, served.url, cluster={"certificate-authority": "ca.crt"})
        transport = await dial(
            ClusterAccess(kubeconfig=config), now=lambda: clock[0], wall=time.time
        )
        with pytest.raises(TransportError):
            await transport.request(Request("GET", "/x"))
        write_authority(tmp_path, authority)
        first = await transport.request(Request("GET", "/x"))
        write_authority(tmp_path, trustme.CA())
        still_trusted = await transport.request(Request("GET", "/x"))
        clock[0] += RECHECK_S
        with pytest.raises(TransportError) as caught:
            await transport.request(Request("GET", "/x"))
        await transport.aclose()

    assert first.status == still_trusted.status == 200
    assert caught.value.reason == "Certificate"


def _mute(listener: socket.socket, context: ssl.SSLContext, told: list[bytes]) -> None:
    """Open one stream, then say no more; note what the client still sends, until it hangs up."""
    accepted, _ = listener.accept()
    with context.wrap_socket(accepted, server_side=True) as spoken:
        spoken.recv(1 << 16)
        spoken.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        raw = socket.socket(fileno=spoken.detach())
    with raw:
        raw.settimeout(20)
        told.append(raw.recv(1 << 16))


async def test_N5_a_stream_that_is_left_hangs_up_at_once_whatever_the_server_does(
    tmp_path: Path, authority: trustme.CA
) -> None:
    write_authority(tmp_path, authority)
    context = server_context(authority.issue_cert("127.0.0.1"))
    told: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        config = write_kubeconfig(tmp_path, url, cluster={"certificate-authority": "ca.crt"})
        transport = await dial(ClusterAccess(config), now=time.monotonic, wall=time.time)
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, _mute, listener, context, told)
            async with transport.stream(Request("GET", "/x")) as stream:
                assert stream.head.status == 200
        await transport.aclose()

    assert told == [b""]
