"""E3 on real API servers: a replica that cannot renew its Lease stops writing."""

from __future__ import annotations

import anyio
import pytest

from tests.faults.real import COPY, GREEN, RealStage, refusal

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]


async def test_E3_a_lease_that_cannot_be_renewed_ends_the_writing_until_it_can(
    stage: RealStage,
) -> None:
    broken = refusal(500, "InternalError", "etcdserver: request timed out")
    rule = stage.proxies["hub"].rules.on(broken, methods=("PUT", "PATCH", "POST"), path="/leases")

    async def waits() -> bool:
        reasons = [(await stage.record(name)).reason for name in stage.names]
        return reasons == ["AwaitingLease"] * 2

    await stage.world.eventually(waits, "told as waiting for the Lease", 30)
    before = {name: len(stage.proxies[name].seen) for name in stage.names}
    await stage.apply("settings", **GREEN)
    await anyio.sleep(3)
    for name in stage.names:
        assert await stage.data(name, "settings") == COPY
        assert stage.asked(name, "PATCH", since=before[name]) == []
    stage.proxies["hub"].rules.off(rule)

    await stage.has(GREEN, "settings", *stage.names)
    assert not any(stage.asked(name, "DELETE") for name in stage.names)
