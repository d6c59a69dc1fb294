"""N on real API servers: restarts, partitions, names and slow lines."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.envtest.identity import ADMIN, write_kubeconfig
from tests.envtest.planes import Plane
from tests.faultproxy.faults import Bandwidth, Blackhole, Latency, OneWay, SlowHeaders
from tests.faultproxy.proxy import Proxy
from tests.faultproxy.real import proxied
from tests.faults.real import COPY, GREEN, RealStage, open_real_stage
from tests.world.world import CONFIGMAPS
from tmcconsole.contract.records import SyncState, TargetState

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]


async def test_N2_a_rolling_restart_costs_at_most_one_list_of_a_kind(stage: RealStage) -> None:
    before = {side: len(proxy.seen) for side, proxy in stage.proxies.items()}
    for proxy in stage.proxies.values():
        for _replica in range(3):
            await proxy.listener.refuse()
            proxy.listener.reset_connections()
            await anyio.sleep(0.3)
            await proxy.listener.serve()
            await anyio.sleep(0.7)
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", *stage.names)

    lists = {side: stage.opened(side, CONFIGMAPS, since=before[side])[0] for side in stage.proxies}
    assert max(lists.values()) <= 1, lists
    assert not any(stage.asked(name, "DELETE") for name in stage.names)


@pytest.mark.usefixtures("brisk")
async def test_N3_what_arrives_without_an_answer_is_done_once_and_told_as_old(
    stage: RealStage,
) -> None:
    target, other = stage.names
    rule = stage.proxies[target].rules.on(OneWay())
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", other)

    async def is_told() -> bool:
        return (await stage.record(target)).state is TargetState.UNREACHABLE

    await stage.world.eventually(is_told, "told as unreachable", 60)
    assert stage.asked(target, "DELETE") == []
    stage.proxies[target].listener.reset_connections()
    stage.proxies[target].rules.off(rule)

    await stage.has(GREEN, "settings", target)
    await stage.until(
        lambda: stage.standing(target, "settings").state is SyncState.IN_SYNC, "in sync"
    )


async def test_N3_a_hub_that_cannot_be_reached_is_no_hub_without_objects(
    stage: RealStage,
) -> None:
    rule = stage.proxies["hub"].rules.on(Blackhole())
    await stage.delete("settings")
    await anyio.sleep(6)
    assert not any(stage.asked(name, "DELETE") for name in stage.names)
    assert [await stage.data(name, "settings") for name in stage.names] == [COPY, COPY]
    stage.proxies["hub"].listener.reset_connections()
    stage.proxies["hub"].rules.off(rule)

    await stage.has(None, "settings", "hub", *stage.names)


FORGOTTEN_S = 1.5  # resolved names are cached for a second here


class Names:
    """What the name ``localhost`` resolves to at the moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.address = "127.0.0.1"  # "": the name does not exist
        self.asked = 0
        self.answering = threading.Event()  # cleared: the resolver hangs
        self.answering.set()
        self._resolve = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: Any, *rest: Any, **named: Any) -> Any:
        if host != "localhost":
            return self._resolve(host, *rest, **named)
        self.asked += 1
        if not self.answering.wait(20):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if not self.address:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self._resolve(self.address, *rest, **named)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    monkeypatch.setattr("tmcconsole.kube.access.http.NAME_BELIEVED_S", 1)
    return Names(monkeypatch)


@pytest.fixture
async def named(real_clusters: tuple[Plane, Plane]) -> AsyncIterator[Proxy]:
    """A proxy in front of the first cluster, reached by name."""
    async with proxied(real_clusters[0]) as proxy:
        yield proxy


@pytest.fixture
async def named_stage(
    real_hub: Plane, real_clusters: tuple[Plane, Plane], names: Names, named: Proxy, tmp_path: Path
) -> AsyncIterator[RealStage]:
    plane, path = real_clusters[0], tmp_path / "kubeconfig"
    authority = plane.identity.authority.read_bytes()
    url = named.url.replace("127.0.0.1", "localhost")
    token = plane.identity.token(ADMIN)
    write_kubeconfig(path, name="x", url=url, authority=authority, token=token)
    async with open_real_stage(real_hub, real_clusters, kubeconfig=path) as stage:
        await stage.apply("settings", **COPY)
        await stage.has(COPY, "settings", *stage.names)
        yield stage
        names.address = "127.0.0.1"
        names.answering.set()


@pytest.mark.usefixtures("brisk")
@pytest.mark.parametrize("address", ["", "127.0.0.2"], ids=["no such name", "moved away"])
async def test_N4_a_name_that_leads_nowhere_is_looked_up_again(
    named_stage: RealStage, names: Names, named: Proxy, address: str
) -> None:
    stage = named_stage
    away, here = stage.names
    names.address = address
    await anyio.sleep(FORGOTTEN_S)
    named.listener.reset_connections()
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", here)
    await anyio.sleep(2)
    assert await stage.data(away, "settings") == COPY
    names.address = "127.0.0.1"

    await stage.has(GREEN, "settings", away)


@pytest.mark.usefixtures("brisk")
async def test_N4_a_resolver_that_hangs_holds_up_its_own_cluster_only(
    named_stage: RealStage, names: Names, named: Proxy
) -> None:
    stage = named_stage
    away, here = stage.names
    names.answering.clear()
    await anyio.sleep(FORGOTTEN_S)
    named.listener.reset_connections()
    for number in range(20):
        await stage.apply(f"map-{number}", **COPY)
    with anyio.fail_after(60):
        for number in range(20):
            await stage.has(COPY, f"map-{number}", here)
    assert await stage.data(away, "map-0") is None
    names.answering.set()

    for number in range(20):
        await stage.has(COPY, f"map-{number}", away)


@pytest.mark.parametrize(
    "fault",
    [Latency(2.0), Bandwidth(1024), SlowHeaders(0.01)],
    ids=["latency", "narrow", "drip-fed headers"],
)
async def test_N5_a_slow_line_is_slow_alone(
    stage: RealStage, fault: Latency | Bandwidth | SlowHeaders
) -> None:
    slow, other = stage.names
    stage.proxies[slow].rules.on(fault)
    for number in range(20):
        await stage.apply(f"map-{number}", **COPY)
    with anyio.fail_after(60):  # would take more than 80 s one after the other, behind the slow one
        for number in range(20):
            await stage.has(COPY, f"map-{number}", other)

    for number in range(20):
        await stage.has(COPY, f"map-{number}", slow)
