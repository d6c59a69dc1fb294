"""Whatever three targets report, a real API server accepts the merged status."""

from __future__ import annotations

import time

import pytest

from tests.envtest.api import fresh_name
from tests.envtest.planes import Plane
from tests.world.reported import KINDS, VALIDATED, Refusals
from tests.world.world import NAMESPACES
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.client.client import Client

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]
SEEDS = 20


@pytest.mark.parametrize("name", sorted(KINDS))
async def test_any_merged_status_is_accepted_by_a_real_server(real_hub: Plane, name: str) -> None:
    refusals = await played(real_hub, name, is_adjusted=True)

    assert refusals.refused == []
    assert refusals.written > SEEDS


@pytest.mark.parametrize("name", VALIDATED)
async def test_what_is_merged_without_regard_to_the_rules_is_refused(
    real_hub: Plane, name: str
) -> None:
    assert (await played(real_hub, name, is_adjusted=False)).refused


async def played(real_hub: Plane, name: str, *, is_adjusted: bool) -> Refusals:
    """Let three targets report objects of a kind; return what the server refused."""
    access = ClusterAccess(real_hub.kubeconfig)
    client = Client(await dial(access, now=time.monotonic, wall=time.time), name="hub")
    try:
        space = fresh_name("reports")
        await client.create(NAMESPACES, {"metadata": {"name": space}}, manager="test")
        refusals = Refusals(client, space, is_adjusted)
        for seed in range(SEEDS):
            await refusals.play(KINDS[name], seed)
    finally:
        await client.aclose()
    return refusals
