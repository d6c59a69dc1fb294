"""A client sees every fault of the proxy as described, and nothing of it when it is off."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import anyio
import orjson
import pytest
import trustme

from tests.faultproxy.answer import corrupted
from tests.faultproxy.bench import Bench, open_client
from tests.faultproxy.certificates import issue
from tests.faultproxy.faults import (
    Bandwidth,
    Blackhole,
    Corrupt,
    CutBody,
    Fault,
    FrozenReplica,
    Latency,
    LostReply,
    OneWay,
    Replace,
    Reset,
    Rewrite,
    Sliced,
    SlowHeaders,
    html_answer,
)
from tests.faultproxy.proxy import open_proxy

SHORT_S = 0.3  # long enough on loopback, and far shorter than the faults below last
LONG_S = 60.0


async def read(bench: Bench, path: str = "/things") -> bytes:
    async with bench.client.get(path) as answer:
        return await answer.read()


async def hangs(bench: Bench, path: str = "/things") -> bool:
    with anyio.move_on_after(SHORT_S):
        await read(bench, path)
        return False
    return True


async def next_line(answer: aiohttp.ClientResponse) -> bytes:
    with anyio.fail_after(60):
        return await answer.content.readline()


async def test_without_faults_the_answer_passes_unchanged(bench: Bench) -> None:
    async with bench.client.get("/things?limit=5") as answer:
        body = await answer.json()

    assert (answer.status, answer.headers["X-Upstream"]) == (200, "yes")
    assert body["text"] == "grüße"
    assert [seen.path for seen in bench.proxy.seen] == ["/things?limit=5"]


async def test_a_fault_meets_only_the_requests_of_its_rule(bench: Bench) -> None:
    bench.proxy.rules.on(html_answer(), methods=("POST",), path="^/things")

    read_body = await read(bench)
    async with bench.client.post("/things", data=b"1") as answer:
        written = await answer.read()

    assert b"resourceVersion" in read_body
    assert b"<html>" in written


async def test_a_counted_fault_meets_that_many_requests(bench: Bench) -> None:
    bench.proxy.rules.on(Replace(503), times=2)

    codes = []
    for _ in range(3):
        async with bench.client.get("/things") as answer:
            codes.append(answer.status)

    assert codes == [503, 503, 200]


@pytest.mark.parametrize(
    "fault", [Latency(LONG_S), Blackhole(), OneWay(), SlowHeaders(1.0), Bandwidth(10)]
)
async def test_a_slow_or_silent_server_keeps_one_path_waiting_and_no_other(
    bench: Bench, fault: Fault
) -> None:
    bench.proxy.rules.on(fault, path="^/things")

    assert await hangs(bench, "/things")
    with anyio.fail_after(60):
        assert b"resourceVersion" in await read(bench, "/others")


async def test_a_blackhole_lets_go_when_it_is_switched_off(bench: Bench) -> None:
    rule = bench.proxy.rules.on(Blackhole())

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(read, bench)
            assert await hangs(bench)
            bench.proxy.rules.off(rule)


async def test_reset_never_reaches_the_server(bench: Bench) -> None:
    bench.proxy.rules.on(Reset())

    with pytest.raises(aiohttp.ClientConnectionError):
        await bench.client.post("/things", data=b"1")

    assert bench.upstream.writes == []


@pytest.mark.parametrize("fault", [LostReply(), Replace(504, b"late", forward=True)])
async def test_a_lost_reply_comes_after_the_write(bench: Bench, fault: Fault) -> None:
    bench.proxy.rules.on(fault)

    try:
        async with bench.client.post("/things", data=b"1") as answer:
            outcome = answer.status
    except aiohttp.ClientConnectionError:
        outcome = 0

    assert outcome in (0, 504)
    assert bench.upstream.writes == [b"1"]


async def test_one_way_lets_the_write_through_and_no_answer_back(bench: Bench) -> None:
    bench.proxy.rules.on(OneWay())

    async def write() -> None:
        await bench.client.post("/things", data=b"1")
        pytest.fail("an answer came")

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(write)
            await bench.upstream.written.wait()
            await anyio.sleep(SHORT_S)
            group.cancel_scope.cancel()


async def test_slow_headers_and_a_narrow_line_still_bring_the_whole_answer(bench: Bench) -> None:
    bench.proxy.rules.on(SlowHeaders(0.0005))
    bench.proxy.rules.on(Bandwidth(10_000))

    assert orjson.loads(await read(bench))["text"] == "grüße"


async def test_corrupt_bodies_are_not_text(bench: Bench) -> None:
    bench.proxy.rules.on(Corrupt(every=16))

    body = await read(bench)

    assert body[::16] == b"\xff" * len(body[::16])


def test_corruption_does_not_depend_on_how_the_body_was_chunked() -> None:
    body = bytes(range(100))
    whole = corrupted(body, 7, offset=0)

    in_two = corrupted(body[:33], 7, offset=0) + corrupted(body[33:], 7, offset=33)

    assert in_two == whole


async def test_a_body_cut_short_is_an_error_and_a_clean_cut_is_not(bench: Bench) -> None:
    bench.proxy.rules.on(CutBody(5), path="^/torn")
    bench.proxy.rules.on(CutBody(5, clean=True), path="^/short")

    with pytest.raises(aiohttp.ClientError):
        await read(bench, "/torn")
    assert len(await read(bench, "/short")) == 5


async def test_slices_add_up_to_the_whole(bench: Bench) -> None:
    bench.proxy.rules.on(Sliced(1))

    assert orjson.loads(await read(bench))["text"] == "grüße"


@pytest.mark.parametrize("status", [200, 302, 407])
async def test_a_captive_portal_answers_in_html(bench: Bench, status: int) -> None:
    bench.proxy.rules.on(html_answer(status))

    async with bench.client.get("/things", allow_redirects=False) as answer:
        assert (answer.status, answer.content_type) == (status, "text/html")


async def test_a_replaced_status_carries_its_headers(bench: Bench) -> None:
    bench.proxy.rules.on(Replace(429, b"{}", headers=(("Retry-After", "3"),)))

    async with bench.client.get("/things") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "3")


async def test_a_rewritten_body_has_its_own_length(bench: Bench) -> None:
    bench.proxy.rules.on(Rewrite(lambda _body: b'{"items":[]}'))

    assert await read(bench) == b'{"items":[]}'


async def test_a_running_stream_goes_silent_and_resumes(bench: Bench) -> None:
    async with bench.watching() as watch:
        await bench.upstream.lines.send(b"one\n")
        first = await next_line(watch)
        with bench.proxy.rules.during(Blackhole(), path="watch="):
            await bench.upstream.lines.send(b"two\n")
            with anyio.move_on_after(SHORT_S) as silence:
                await watch.content.readline()
        second = await next_line(watch)

    assert (first, silence.cancelled_caught, second) == (b"one\n", True, b"two\n")


async def test_a_running_stream_breaks_off_in_the_middle_of_a_line(bench: Bench) -> None:
    async with bench.watching() as watch:
        await bench.upstream.lines.send(b"one\n")
        assert await next_line(watch) == b"one\n"
        bench.proxy.rules.on(CutBody(6))
        await bench.upstream.lines.send(b"two\n")

        with anyio.fail_after(60), pytest.raises(aiohttp.ClientError):
            await watch.read()


async def test_a_frozen_replica_serves_the_past_and_lets_writes_through(bench: Bench) -> None:
    cached = "/things?resourceVersion=0"
    await read(bench, "/things")
    bench.upstream.version = 9
    rule = bench.proxy.rules.on(FrozenReplica())

    stale = orjson.loads(await read(bench, cached))
    newest = orjson.loads(await read(bench, "/things"))
    async with bench.client.post("/things", data=b"1") as written:
        assert written.status == 200
    bench.proxy.rules.off(rule)
    thawed = orjson.loads(await read(bench, cached))

    versions = [body["metadata"]["resourceVersion"] for body in (stale, newest, thawed)]
    assert versions == ["7", "9", "9"]


async def test_a_frozen_replica_refuses_what_it_has_not_seen(bench: Bench) -> None:
    await read(bench, "/things")
    bench.proxy.rules.on(FrozenReplica())

    async with bench.client.get("/things?resourceVersion=8") as answer:
        body = await answer.json()

    assert (answer.status, body["details"]["causes"][0]["reason"]) == (
        504,
        "ResourceVersionTooLarge",
    )


async def test_a_watch_of_a_frozen_replica_opens_and_brings_nothing(bench: Bench) -> None:
    bench.proxy.rules.on(FrozenReplica())
    await bench.upstream.lines.send(b"one\n")

    async with bench.watching() as watch:
        with anyio.move_on_after(SHORT_S) as silence:
            await watch.content.readline()

    assert (watch.status, silence.cancelled_caught) == (200, True)


async def test_a_refusing_proxy_keeps_its_port(bench: Bench) -> None:
    await bench.proxy.listener.refuse()
    bench.proxy.listener.reset_connections()

    async with bench.new_client() as client:
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get("/things")
        await bench.proxy.listener.serve()
        async with client.get("/things") as answer:
            assert answer.status == 200


async def test_a_stalled_handshake_never_ends(bench: Bench) -> None:
    await bench.proxy.listener.stall()

    async with bench.new_client() as client:
        with anyio.move_on_after(SHORT_S) as waiting:
            await client.get("/things")

    assert waiting.cancelled_caught


async def test_reset_connections_ends_running_streams(bench: Bench) -> None:
    async with bench.watching() as watch:
        bench.proxy.listener.reset_connections()

        with pytest.raises(aiohttp.ClientError):
            await next_line(watch)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("host", "Hostname mismatch|IP address mismatch"),
        ("expired", "certificate has expired"),
        ("authority", "unable to get local issuer|self-signed"),
    ],
)
async def test_a_wrong_certificate_is_refused_by_name(
    bench: Bench, tmp_path: Path, wrong: str, said: str
) -> None:
    authority = trustme.CA() if wrong == "authority" else bench.authority
    hosts = ("elsewhere.test",) if wrong == "host" else ("127.0.0.1",)
    bench.proxy.listener.show(issue(authority, tmp_path, hosts=hosts, expired=wrong == "expired"))

    async with bench.new_client() as client:
        with pytest.raises(aiohttp.ClientConnectorCertificateError, match=said):
            await client.get("/things")


async def test_a_server_that_has_gone_resets_its_clients(bench: Bench, tmp_path: Path) -> None:
    shown = issue(bench.authority, tmp_path)
    async with (
        open_proxy("http://127.0.0.1:9", trust=True, shown=shown) as proxy,
        open_client(proxy, bench.authority) as client,
    ):
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get("/things")
