"""F: credentials and rights that are revoked and granted again."""

from __future__ import annotations

import anyio
import pytest

from tests.faults.stage import Stage, open_shop
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, make_configmap, make_deployment
from tmcconsole.contract.commands import Text, Why
from tmcconsole.contract.records import (
    HistoryRecord,
    KindRecord,
    KindState,
    SyncState,
    TargetRecord,
    TargetState,
)
from tmcconsole.engine.connection.rights import HUB_VERBS, TARGET_VERBS
from tmcconsole.runtime import MOVED, Request, Response, TransportError

pytestmark = pytest.mark.anyio

WELL = {"True OK"}


@pytest.mark.parametrize(
    ("side", "verb"),
    [
        *(("hub", verb) for verb in HUB_VERBS),
        *(("east", verb) for verb in TARGET_VERBS),
    ],
)
async def test_F3_a_revoked_verb_is_one_condition_deletes_nothing_and_recovers_by_itself(
    side: str, verb: str
) -> None:
    async with open_shop(("east",)) as world:
        await world.hub.apply(DEPLOYMENTS, make_deployment())
        await world.until(lambda: bool(world.copy("east", DEPLOYMENTS, "web")))
        sim = world.sims[side]
        sim.faults.switch("forbidden", forbidden={(verb, "configmaps")})
        sim.faults.switch("cut_watches")
        fresh = {"apiVersion": "v1", "kind": "ConfigMap", **make_configmap("fresh")}
        await world.hub.user.create(CONFIGMAPS, fresh, manager="user")
        await world.until(lambda: _authorized(world) == "False SyncerUnauthorized", "told", 330)
        await anyio.sleep(20)
        assert _others(world) == WELL
        [kind] = await _kinds(world, "configmaps")
        where = "in the hub" if side == "hub" else "on east"
        assert kind.state is KindState.UNAUTHORIZED
        assert f"{verb} configmaps {where}" in kind.message
        await anyio.sleep(600)
        assert "settings" in world.names_on("east")
        assert world.deletions() == []
        await world.hub.patch(DEPLOYMENTS, "shop", "web", {"spec": {"replicas": 5}})
        await world.until(lambda: _replicas(world) == 5, "other kinds flow")
        sim.faults.switch("forbidden", on=False)

        await world.until(lambda: _authorized(world) == "True OK", "given back", 60)
        await world.paint("green")
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "flows again", 90)
        await world.until(lambda: "fresh" in world.names_on("east"), "nothing is lost", 60)
        assert world.deletions() == []
        assert [one.state for one in await _kinds(world, "configmaps")] == [KindState.ACCEPTED]


async def test_F3_a_deletion_that_is_forbidden_waits_for_the_right() -> None:
    async with open_shop(("east",)) as world:
        faults = world.sims["east"].faults
        faults.switch("forbidden", forbidden={("delete", "configmaps")})
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        await world.until(lambda: _authorized(world) == "False SyncerUnauthorized", "told", 60)
        assert world.finalizers(CONFIGMAPS, "settings") == ["east"]
        reply = await world.engine.request(Why(key="configmaps/shop/settings"))
        assert isinstance(reply, Text)
        assert "kind unauthorized: syncer unauthorized" in reply.body
        assert "delete configmaps on east" in reply.body
        faults.switch("forbidden", on=False)

        await world.until(lambda: world.names_on("east") == [], "deleted", 60)
        await world.until(lambda: world.copy("hub", CONFIGMAPS, "settings") is None, "let go")


async def test_F3_it_is_told_once_in_the_history_and_once_when_it_ends() -> None:
    async with open_shop(("east",)) as world:
        faults = world.sims["east"].faults
        faults.switch("forbidden", forbidden={("list", "configmaps"), ("watch", "configmaps")})
        faults.switch("cut_watches")
        await anyio.sleep(300)
        assert await _events(world) == ["KindUnauthorized"]
        assert world.standing("east").state is SyncState.IN_SYNC
        faults.switch("forbidden", on=False)
        await world.until(lambda: _authorized(world) == "True OK", "given back", 60)

        assert await _events(world) == ["KindUnauthorized", "KindAccepted"]
        await world.rest()


async def test_F3_rights_nobody_needed_yet_are_missed_before_they_are_needed() -> None:
    async with open_shop(("east",)) as world:
        await world.until(lambda: _authorized(world) == "True OK", "reviewed")
        world.sims["east"].faults.switch("forbidden", forbidden={("delete", "deployments.apps")})

        await world.until(lambda: _authorized(world).startswith("False"), "noticed", 400)
        [kind] = await _kinds(world, "deployments.apps")
        assert "delete deployments.apps on east" in kind.message
        [settings] = await _kinds(world, "configmaps")
        assert settings.state is KindState.ACCEPTED


async def test_F1_an_expired_token_is_one_condition_and_deletes_nothing() -> None:
    async with open_shop(("east", "west")) as world:
        world.sims["east"].faults.switch("unauthorized")
        await anyio.sleep(50)
        assert world.conditions("east")["SyncerReady"] == "False Unauthorized"
        assert world.conditions("east")["SyncerAuthorized"] == "True OK"
        assert world.conditions("east")["APIImportsReady"] == "True OK"
        [record] = [one for one in await world.records(TargetRecord) if one.name == "east"]
        assert record.state is TargetState.UNAUTHORIZED
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        await anyio.sleep(30)
        assert world.finalizers(CONFIGMAPS, "settings") == ["east"]
        world.sims["east"].faults.switch("unauthorized", on=False)

        await world.until(lambda: world.names_on("east") == [], "goes on", 60)
        await world.until(lambda: set(world.conditions("east").values()) == WELL, "well", 60)


@pytest.mark.parametrize("side", ["hub", "east"])
async def test_F1_a_kubeconfig_that_names_another_server_is_followed_and_nothing_written_twice(
    side: str,
) -> None:
    async with open_shop(("east", "west")) as world:
        engine, began = world.engine, world.now()
        session, connection = id(engine.session), id(engine.supervisors["east"].connection)

        def meddle(cluster: str, _request: Request) -> Response | None:
            if cluster == side and world.now() < began + 10:  # the transport in use is over
                raise TransportError("connecting anew", sent=False, reason=MOVED)
            return None

        world.meddle = meddle
        await anyio.sleep(60)
        assert (id(engine.session) == session) is (side == "east")
        assert id(engine.supervisors["east"].connection) != connection
        assert world.writes(since=began) == world.deletions() == []
        await world.paint("green")
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "it flows")
        await world.until(lambda: set(world.conditions("east").values()) == WELL, "well", 60)


def _authorized(world: Stage) -> str:
    return world.conditions("east").get("SyncerAuthorized", "")


def _others(world: Stage) -> set[str]:
    """Return all conditions except the one about rights."""
    found = world.conditions("east")
    return {told for name, told in found.items() if name != "SyncerAuthorized"}


async def _kinds(world: Stage, kind: str) -> list[KindRecord]:
    return [one for one in await world.records(KindRecord) if one.kind == kind]


async def _events(world: Stage) -> list[str]:
    found = [one for one in await world.records(HistoryRecord) if one.subject == "configmaps"]
    return [one.event for one in sorted(found, key=lambda one: one.at)]


def _replicas(world: Stage) -> int:
    tree = world.copy("east", DEPLOYMENTS, "web")
    return int(tree["spec"]["replicas"]) if tree else 0
