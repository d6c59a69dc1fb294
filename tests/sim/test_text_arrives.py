"""Text arrives byte for byte where apply bodies are read as YAML, or is refused truly."""

from __future__ import annotations

import pytest

from tests.odd_texts import (
    LONG,
    ODD,
    TOO_LONG,
    VALID_KEY,
    arrives,
    is_refused_for_its_key,
    make_texts,
)
from tmcconsole.kube.client.client import Client
from tmcconsole.sim.faces.cluster import SimCluster

pytestmark = pytest.mark.anyio


async def test_text_arrives_as_it_was_applied(cluster: SimCluster) -> None:
    await arrives(Client(cluster.transport(), name="east"), "default", make_texts())


@pytest.mark.parametrize(("key", "why"), [(LONG, TOO_LONG), (f"a{ODD}", VALID_KEY)])
async def test_a_key_that_none_may_have_is_refused_as_that(
    cluster: SimCluster, key: str, why: str
) -> None:
    client = Client(cluster.transport(), name="east")

    await is_refused_for_its_key(client, "default", key, why)
