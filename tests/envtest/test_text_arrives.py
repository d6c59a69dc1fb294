"""Text arrives at a real API server byte for byte, or is refused for what is wrong with it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from tests.envtest.api import fresh_name
from tests.envtest.planes import Plane
from tests.odd_texts import (
    LONG,
    ODD,
    TOO_LONG,
    VALID_KEY,
    arrives,
    is_refused_for_its_key,
    make_texts,
)
from tests.world.world import NAMESPACES
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.client.client import Client

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]


@pytest.fixture
async def client(real_hub: Plane) -> AsyncIterator[Client]:
    access = ClusterAccess(real_hub.kubeconfig)
    opened = Client(await dial(access, now=time.monotonic, wall=time.time), name="hub")
    yield opened
    await opened.aclose()


async def test_text_arrives_on_a_real_server_as_it_was_applied(client: Client) -> None:
    space = fresh_name("text")
    await client.create(NAMESPACES, {"metadata": {"name": space}}, manager="test")

    await arrives(client, space, make_texts(count=300))
    await is_refused_for_its_key(client, space, LONG, TOO_LONG)
    await is_refused_for_its_key(client, space, f"a{ODD}", VALID_KEY)
