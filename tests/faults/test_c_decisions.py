"""B3, B4: what an operator decides about a field that others changed, and its effect."""

from __future__ import annotations

from dataclasses import replace

import anyio
import orjson
import pytest

from tests.faults.hands import annotate, audited, edit, told
from tests.faults.stage import KINDS, Stage, open_shop
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, PLACEMENTS, SECRETS, make_deployment
from tmcconsole.contract.commands import (
    Accepted,
    AdoptDrift,
    AnyCommand,
    AnyReply,
    CedeField,
    DriftReport,
    Refused,
    RevertDrift,
    ShowDrift,
    Text,
    Why,
)
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import Json, ObjectKey

pytestmark = pytest.mark.anyio

KEY = "configmaps/shop/settings"


async def order(world: Stage, command: AnyCommand) -> str:
    """Send an order that must be accepted; return the answer."""
    reply = await world.engine.request(command)
    assert isinstance(reply, Accepted), reply
    await world.settle()
    return reply.message


async def outcomes(world: Stage) -> list[str]:
    """Return the outcome that the ledger has for each field."""
    report = await world.engine.request(ShowDrift(key=KEY))
    assert isinstance(report, DriftReport)
    return [field.outcome for field in report.fields]


async def refused(world: Stage, command: AnyCommand) -> str:
    reply: AnyReply = await world.engine.request(command)
    assert isinstance(reply, Refused), reply
    return f"{reply.reason}; {reply.fix}"


async def fight(world: Stage) -> None:
    """Change a field as another writer does, again and again, until the engine gives way."""
    for number in range(10):
        await edit(world, colour=f"red {number}")
        await anyio.sleep(5)
    assert told(world) == (SyncState.REFUSED, "Fight")


async def test_B4_a_fight_ends_by_adopting_what_the_other_side_wants() -> None:
    async with open_shop(("east", "west")) as world:
        await fight(world)
        await order(world, AdoptDrift(key=KEY, target="east", field="data.colour", actor="ada"))

        await world.until(lambda: world.data_on("west") == {"colour": "red 9"}, "everywhere")
        assert world.data_on("hub") == {"colour": "red 9"}
        assert told(world) == (SyncState.IN_SYNC, "")
        line = audited(world, "AdoptDrift")[0]
        assert (line["actor"], line["target"], line["subject"]) == ("ada", "east", KEY)
        await world.rest()


async def test_B4_a_fight_ends_by_ceding_the_field() -> None:
    async with open_shop(("east",)) as world:
        await fight(world)
        await order(world, CedeField(key=KEY, field="data.colour", actor="ada"))

        hub = world.copy("hub", CONFIGMAPS, "settings")
        assert hub
        assert hub["metadata"]["annotations"]["syncer.kcp.io/ignore-fields"] == "/data/colour"
        assert told(world) == (SyncState.IN_SYNC, "FieldsLeft")
        assert world.data_on("east") == {"colour": "red 9"}
        assert await outcomes(world) == ["Ceded"]
        began = world.now()
        await edit(world, colour="red again")
        await anyio.sleep(600)
        assert world.writes(since=began) == []
        assert len(audited(world, "CedeField")) == 1


async def test_B4_a_fight_ends_by_an_order_to_take_the_field_back() -> None:
    async with open_shop(("east",)) as world:
        await fight(world)
        await order(world, RevertDrift(key=KEY, target="east", actor="ada"))

        await world.until(lambda: world.data_on("east") == {"colour": "blue"}, "taken back")
        assert told(world) == (SyncState.IN_SYNC, "")
        await world.rest(1200)


async def test_B3_a_person_decides_under_manual_once_and_is_asked_again_the_next_time() -> None:
    async with open_shop(("east",), conflict_policy="manual") as world:
        await edit(world, colour="red")
        await world.until(lambda: told(world)[1] == "Manual", "asked")
        await order(world, RevertDrift(key=KEY, target="east", field="/data/colour"))
        await world.until(lambda: world.data_on("east") == {"colour": "blue"}, "taken back")
        assert await outcomes(world) == ["Reverted"]
        await edit(world, colour="green")

        await world.until(lambda: told(world)[1] == "Manual", "asked again")
        await order(world, AdoptDrift(key=KEY, target="east"))
        await world.until(lambda: world.data_on("hub") == {"colour": "green"}, "adopted")
        await world.until(lambda: told(world) == (SyncState.IN_SYNC, ""), "settled")
        await world.rest()


async def test_B3_a_question_ends_when_the_field_is_put_right_by_hand() -> None:
    async with open_shop(("east",), conflict_policy="manual") as world:
        await edit(world, colour="red")
        await world.until(lambda: told(world)[1] == "Manual", "asked")
        assert await outcomes(world) == ["Asked"]
        await edit(world, colour="blue")

        await world.until(lambda: told(world) == (SyncState.IN_SYNC, ""), "as wanted")
        assert await outcomes(world) == ["Ended"]


async def test_the_ledger_of_an_object_that_is_nowhere_is_refused() -> None:
    async with open_shop(("east",)) as world:
        why_not = await refused(world, ShowDrift(key="configmaps/shop/nothing"))

        assert "no copy of configmaps/shop/nothing is known on east" in why_not


async def test_B3_a_merge_conflict_ends_by_adopting_too() -> None:
    async with open_shop(("east",), conflict_policy="merge") as world:
        await edit(world, colour="red")
        await world.settle()
        await world.paint("green")
        await world.until(lambda: told(world)[1] == "MergeConflict", "asked")
        await order(world, AdoptDrift(key=KEY, target="east"))

        await world.until(lambda: told(world) == (SyncState.IN_SYNC, ""), "settled")
        assert world.data_on("hub") == world.data_on("east") == {"colour": "red"}


async def test_what_was_changed_is_reported_with_who_and_how_often() -> None:
    async with open_shop(("east",)) as world:
        for number in range(3):
            await edit(world, colour=f"red {number}")
            await world.settle()
        report = await world.engine.request(ShowDrift(key=KEY))

        assert isinstance(report, DriftReport)
        assert report.policy == "hub-wins (sync.conflict_policy)"
        (field,) = report.fields
        assert (field.target, field.path, field.pointer) == ("east", "data.colour", "/data/colour")
        assert (field.wanted, field.actual, field.manager) == ("'blue'", "'red 2'", "stranger")
        assert (field.outcome, field.count) == ("Reverted", 3)
        assert field.first_seen < field.last_seen
        why = await world.engine.request(Why(key=KEY))
        assert isinstance(why, Text)
        assert "data.colour: 'blue' there 'red 2' by stranger, reverted; 3 times since" in why.body


async def test_a_list_entry_is_adopted_by_its_place_and_a_scaled_count_as_a_number() -> None:
    async with open_shop(("east",), conflict_policy="manual") as world:
        await world.hub.apply(DEPLOYMENTS, make_deployment())
        await world.until(lambda: bool(world.copy("east", DEPLOYMENTS, "web")), "deployed")
        await world.settle()
        tree = make_deployment(replicas=5)
        tree["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/web:fixed"
        await world.clusters["east"].apply(DEPLOYMENTS, tree, manager="stranger")
        await world.until(lambda: told(world, "web", DEPLOYMENTS)[1] == "Manual", "asked")
        await order(world, AdoptDrift(key="deployments.apps/shop/web", target="east"))

        hub = world.copy("hub", DEPLOYMENTS, "web")
        assert hub
        assert hub["spec"]["replicas"] == 5
        assert hub["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":fixed")
        await world.until(lambda: told(world, "web", DEPLOYMENTS) == (SyncState.IN_SYNC, ""))


async def test_divided_replicas_are_not_adopted() -> None:
    async with open_shop(("east", "west"), conflict_policy="manual") as world:
        await world.hub.patch(PLACEMENTS, "", "shop", {"spec": {"strategy": "Spread"}})
        await world.hub.apply(DEPLOYMENTS, make_deployment(replicas=4))
        await world.until(lambda: bool(world.copy("east", DEPLOYMENTS, "web")), "deployed")
        await world.settle()
        await world.clusters["east"].user.scale(
            DEPLOYMENTS, ObjectKey("shop", "web"), 9, manager="kubectl"
        )
        await world.until(lambda: told(world, "web", DEPLOYMENTS)[1] == "Manual", "asked")

        key = "deployments.apps/shop/web"
        told_why = await refused(world, AdoptDrift(key=key, target="east"))
        assert "set on the way to the target, not in the hub" in told_why
        hub = world.copy("hub", DEPLOYMENTS, "web")
        assert hub
        assert hub["spec"]["replicas"] == 4


async def test_a_secret_is_adopted_only_where_the_field_is_named_and_never_shown() -> None:
    kinds = (*KINDS, SECRETS.id)
    async with open_shop(("east",), kinds_allow=kinds, conflict_policy="manual") as world:
        secret: Json = {
            "metadata": {"name": "door", "namespace": "shop"},
            "data": {"key": "b2xk", "other": "b2xk"},
        }
        await world.hub.apply(SECRETS, secret)
        await world.until(lambda: bool(world.copy("east", SECRETS, "door")), "there")
        await world.settle()
        theirs = {**secret, "data": {"key": "c2VzYW1l", "other": "c2VzYW1l"}}
        await world.clusters["east"].apply(SECRETS, theirs, manager="stranger")
        await world.until(lambda: told(world, "door", SECRETS)[1] == "Manual", "asked")

        why_not = await refused(world, AdoptDrift(key="secrets/shop/door", target="east"))
        assert "field by field" in why_not
        await order(world, AdoptDrift(key="secrets/shop/door", target="east", field="/data/key"))
        hub = world.copy("hub", SECRETS, "door")
        assert hub
        assert hub["data"] == {"key": "c2VzYW1l", "other": "b2xk"}
        report = await world.engine.request(ShowDrift(key="secrets/shop/door"))
        said = repr(report) + repr(world.audit.lines) + repr(await world.records(object))
        assert "c2VzYW1l" not in said


async def test_labels_are_never_adopted_nor_what_does_not_differ() -> None:
    async with open_shop(("east",), conflict_policy="manual") as world:
        await world.hub.patch(
            CONFIGMAPS, "shop", "settings", {"metadata": {"labels": {"team": "ours"}}}
        )
        await world.settle()
        theirs: Json = {"metadata": {"labels": {"team": "theirs"}}}
        await world.clusters["east"].patch(CONFIGMAPS, "shop", "settings", theirs)
        await world.until(lambda: told(world)[1] == "Manual", "asked")

        for field in ("", "metadata.labels.team", "/metadata/labels/team", "data.colour"):
            why_not = await refused(world, AdoptDrift(key=KEY, target="east", field=field))
            assert "does not differ in spec or data" in why_not
        assert audited(world, "AdoptDrift") == []


async def test_an_edit_in_the_hub_meanwhile_is_not_written_over_by_adopting() -> None:
    async with open_shop(("east",), conflict_policy="manual") as world:
        await edit(world, colour="red")
        await world.until(lambda: told(world)[1] == "Manual", "asked")
        world.sims["hub"].faults.switch("silent_watches")
        await world.paint("green")
        await refused(world, AdoptDrift(key=KEY, target="east"))

        assert world.data_on("hub") == {"colour": "green"}


@pytest.mark.parametrize("field", ["status/phase", "/status/phase", "/metadata/name", "a b", "x,y"])
async def test_what_cannot_be_ceded_is_refused_and_nothing_is_written(field: str) -> None:
    async with open_shop(("east",)) as world:
        began = world.now()
        await refused(world, CedeField(key=KEY, field=field))

        assert world.writes(since=began) == []
        assert audited(world, "CedeField") == []


async def test_a_field_left_to_the_clusters_is_not_taken_back_by_order_but_by_annotation() -> None:
    async with open_shop(("east",)) as world:
        await annotate(world, ignore_fields="/data/colour")
        await edit(world, colour="red")
        await world.until(lambda: told(world)[1] == "FieldsLeft", "left")
        why_not = await refused(world, RevertDrift(key=KEY, target="east", field="data.colour"))
        assert "ignore-fields" in why_not
        annotation: Json = {"metadata": {"annotations": {"syncer.kcp.io/ignore-fields": None}}}
        await world.hub.patch(CONFIGMAPS, "shop", "settings", annotation)

        await world.until(lambda: world.data_on("east") == {"colour": "blue"}, "taken back")


async def test_a_read_only_engine_shows_drift_and_decides_nothing() -> None:
    async with open_shop(("east",)) as world:
        await edit(world, colour="red")
        await world.settle()
        console = replace(world.settings.console, read_only=True)
        world.engine.settings = replace(world.settings, console=console)

        assert isinstance(await world.engine.request(ShowDrift(key=KEY)), DriftReport)
        for command in (
            AdoptDrift(key=KEY, target="east"),
            RevertDrift(key=KEY, target="east"),
            CedeField(key=KEY, field="/data/colour"),
        ):
            assert "read-only" in await refused(world, command)
        lines = [orjson.loads(line) for line in world.audit.lines]
        assert [line for line in lines if line.get("action") == "RevertDrift"] == []
