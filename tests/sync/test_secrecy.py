"""What is shown of a reverted change when the object is a secret or holds one."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.world.world import (
    DEPLOYMENTS,
    SECRETS,
    World,
    make_deployment,
    open_world,
    place_everywhere,
)
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.commands import Why

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

WANTED, MEDDLED = "correct-horse-battery", "staple-of-an-intruder"


def encoded(value: str) -> str:
    return b64encode(value.encode()).decode()


async def told_of_drift(world: World) -> str:
    """Return all that the engine outputs, once it has reported a drift."""

    async def told() -> str:
        changes = await world.engine.changes(NOTHING_SEEN)
        text = repr(changes.upserted)
        return text if "category='drift'" in text else ""

    found: str = await world.eventually(told, "a drift record")
    return found


async def test_a_reverted_secret_is_told_without_its_values() -> None:
    async with open_world(("east",)) as world:
        await place_everywhere(world)
        secret = {"metadata": {"name": "key", "namespace": "shop"}, "type": "Opaque"}
        await world.hub.apply(SECRETS, {**secret, "data": {"pin": encoded(WANTED)}})
        await world.on("east", SECRETS, "shop", "key")
        await world.settle()

        patch = {"data": {"pin": encoded(MEDDLED)}}
        await world.clusters["east"].patch(SECRETS, "shop", "key", patch)
        text = await told_of_drift(world)

        assert "data.pin" in text
        assert encoded(WANTED) not in text
        assert encoded(MEDDLED) not in text


async def test_a_reverted_password_variable_is_told_without_its_value() -> None:
    async with open_world(("east",)) as world:
        await place_everywhere(world)
        tree = make_deployment()
        container = tree["spec"]["template"]["spec"]["containers"][0]
        container["env"] = [{"name": "DB_PASSWORD", "value": WANTED}]
        await world.hub.apply(DEPLOYMENTS, tree)
        await world.on("east", DEPLOYMENTS, "shop", "web")
        await world.settle()

        container["env"] = [{"name": "DB_PASSWORD", "value": MEDDLED}]
        await world.clusters["east"].apply(DEPLOYMENTS, tree)
        text = await told_of_drift(world)

        assert "env[name=DB_PASSWORD]" in text
        assert WANTED not in text
        assert MEDDLED not in text


CANARY = "canary-7f3a9c51"


async def test_S1_what_is_refused_is_told_without_a_value_of_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_world(("east",), profile="restricted") as world:
        await place_everywhere(world)
        secret = {"metadata": {"name": "key", "namespace": "shop"}, "type": "example.com/odd"}
        await world.hub.apply(SECRETS, {**secret, "data": {"pin": encoded(CANARY)}})
        tree = make_deployment()
        tree["metadata"]["annotations"] = {"dropped.example/token": CANARY}
        pod = tree["spec"]["template"]["spec"]
        pod["hostNetwork"] = True
        pod["containers"][0]["env"] = [{"name": "DB_PASSWORD", "value": CANARY}]
        await world.hub.apply(DEPLOYMENTS, tree)
        await world.settle()

        async def told() -> str:
            changes = await world.engine.changes(NOTHING_SEEN)
            text = repr(changes.upserted)
            return text if "SecretType" in text and "HostNetwork" in text else ""

        text = await world.eventually(told, "both refusals")
        for key in ("secrets/shop/key", "deployments.apps/shop/web"):
            text += repr(await world.engine.request(Why(key=key)))
        text += caplog.text + "".join(line.decode() for line in world.audit.lines)
        assert "dropped.example/token" in text
        assert CANARY not in text
        assert encoded(CANARY) not in text
