"""What a real API server is sent arrives as it is, or is refused for what is wrong with it."""

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
from tests.world.world import DEPLOYMENTS, NAMESPACES, make_deployment
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import Invalid

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


async def test_an_entry_stated_twice_is_refused_with_its_place_on_a_real_server(
    client: Client,
) -> None:
    space = fresh_name("twice")
    await client.create(NAMESPACES, {"metadata": {"name": space}}, manager="test")
    tree = make_deployment("web", namespace=space)
    tree |= {"apiVersion": "apps/v1", "kind": "Deployment"}
    variables = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    tree["spec"]["template"]["spec"]["containers"][0]["env"] = variables
    await client.create(DEPLOYMENTS, tree, manager="test")

    with pytest.raises(Invalid, match=r'\.env: duplicate entries for key \[name="A"\]'):
        await client.apply(DEPLOYMENTS, tree, manager="ours")
