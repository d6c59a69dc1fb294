"""B: writes fail, half succeed, are refused or changed, without duplicates or storms."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import anyio
import orjson
import pytest

from tests.faults.stage import KINDS, Stage, open_shop, open_stage
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PLACEMENTS,
    SECRETS,
    let_go,
    make_configmap,
    make_deployment,
    place_everywhere,
)
from tmcconsole.contract.records import HistoryRecord, SyncState
from tmcconsole.kube.objects import Json, Kind, ObjectKey
from tmcconsole.runtime import Request, Response

pytestmark = pytest.mark.anyio

CRDS = Kind(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False
)


def attempts(world: Stage, cluster: str, name: str, since: float = 0.0) -> int:
    return len([one for one in world.writes(cluster, since) if one.path.endswith(f"/{name}")])


@pytest.mark.parametrize("side", ["hub", "east"])
async def test_B1_lost_replies_double_nothing_and_leave_nothing_failed(side: str) -> None:
    async with open_shop(("east",)) as world:
        world.sims[side].faults.switch("lost_reply", lost_reply_share=0.5)
        for number in range(10):
            await world.hub.apply(CONFIGMAPS, make_configmap(f"map-{number}"))
        await world.until(lambda: len(world.names_on("east")) == 11, "created", 60)
        await world.paint("green")
        await world.until(lambda: world.data_on("east")["colour"] == "green", "updated", 60)
        for number in range(5):
            await world.hub.delete(CONFIGMAPS, "shop", f"map-{number}")
        await world.until(lambda: len(world.names_on("hub")) == 6, "deleted", 120)
        world.sims[side].faults.switch("lost_reply", on=False)
        await anyio.sleep(60)

        for name in world.names_on("hub"):
            assert world.creations("east", CONFIGMAPS, name) == 1
            assert world.standing("east", name=name).state is SyncState.IN_SYNC
        assert world.names_on("east") == world.names_on("hub")
        await world.rest()


@pytest.mark.parametrize("side", ["hub", "east"])
async def test_B2_a_conflict_storm_is_met_with_patience(side: str) -> None:
    async with open_shop(("east",), maps=("other", "settings")) as world:

        def refuse(cluster: str, request: Request) -> Response | None:
            is_it = cluster == side and request.method == "PATCH" and "/shop/" in request.path
            return _status(409, "Conflict", "the object has been modified") if is_it else None

        world.meddle = refuse
        began = world.now()
        await world.hub.apply(CONFIGMAPS, make_configmap("fresh"))
        await world.paint("green")
        await anyio.sleep(600)
        for name in ("fresh", "settings"):
            assert attempts(world, side, name, began) <= 26
        world.meddle = lambda _cluster, _request: None

        await world.until(lambda: "fresh" in world.names_on("east"), "created", 310)
        await world.until(lambda: world.data_on("east")["colour"] == "green", "updated", 310)
        assert world.creations("east", CONFIGMAPS, "fresh") == 1


async def test_B3_fields_of_ours_come_back_and_the_record_names_who_took_them() -> None:
    async with open_shop(("east",)) as world:
        theirs = make_configmap(colour="red", size="of theirs alone")
        await world.clusters["east"].apply(CONFIGMAPS, theirs, manager="stranger")
        await world.until(lambda: world.data_on("east").get("colour") == "blue", "taken back")

        assert world.data_on("east") == {"colour": "blue", "size": "of theirs alone"}
        drift = [r for r in await world.records(HistoryRecord) if r.category == "drift"]
        assert len(drift) == 1
        assert "colour" in drift[0].message
        assert "stranger" in drift[0].message


async def test_B4_a_fight_over_a_field_ends_with_us_standing_aside() -> None:
    async with open_shop(("east",), maps=("other", "settings")) as world:
        began = world.now()
        for number in range(60):
            await world.clusters["east"].apply(
                CONFIGMAPS, make_configmap(colour=f"red {number}"), manager="stranger"
            )
            await anyio.sleep(5)

        assert attempts(world, "east", "settings", began) <= 2 * 7
        standing = world.standing("east")
        assert (standing.state, standing.reason) == (SyncState.REFUSED, "Fight")
        await world.paint("green", "other")
        await world.until(
            lambda: world.data_on("east", "other")["colour"] == "green", "others flow"
        )
        await world.paint("green")
        await world.until(
            lambda: world.data_on("east")["colour"] == "green", "a new desired state", 60
        )


async def test_B5_defaults_of_the_server_are_no_drift_also_after_a_restart() -> None:
    async with open_shop(("east", "west")) as world:
        deployment = make_deployment()
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        container["ports"] = [{"containerPort": 80}]
        container["resources"] = {"requests": {"cpu": "1000m", "memory": "1024Mi"}}
        await world.hub.apply(DEPLOYMENTS, deployment)
        await world.until(lambda: _ready(world, "hub") == 4, "up")
        await world.settle()
        await world.rest(600)
        began = world.now()
        await world.restart()
        await anyio.sleep(120)

        assert world.writes(since=began) == []


async def test_B6_a_webhook_that_changes_every_write_starts_no_ping_pong() -> None:
    async with open_stage(("east",)) as world:
        for sim in world.sims.values():
            sim.faults.switch("mutating_webhook")
        await place_everywhere(world)
        await world.hub.apply(CONFIGMAPS, make_configmap())
        await world.until(lambda: bool(world.data_on("east")), "created")
        await anyio.sleep(10)

        await world.rest(600)
        assert world.standing("east").state is SyncState.IN_SYNC


async def test_B7_a_hanging_webhook_holds_up_its_own_cluster_only() -> None:
    async with open_shop(("east", "west")) as world:
        world.sims["east"].faults.switch("webhook_timeout")
        began = world.now()
        for number in range(40):
            await world.hub.apply(CONFIGMAPS, make_configmap(f"map-{number:02}"))
        took = await world.until(lambda: len(world.names_on("west")) == 41, "west", 10)
        assert took < 2
        await anyio.sleep(600)
        assert attempts(world, "east", "map-07", began) <= 14
        await world.until(lambda: world.standing("east", name="map-07").reason == "WebhookFailed")
        world.sims["east"].faults.switch("webhook_timeout", on=False)

        await world.until(lambda: len(world.names_on("east")) == 41, "east", 330)


async def test_B8_what_is_immutable_waits_for_another_desired_state() -> None:
    async with open_shop(("east",)) as world:
        await world.clusters["east"].apply(NAMESPACES, {"metadata": {"name": "shop"}})
        await world.hub.apply(DEPLOYMENTS, make_deployment())
        await world.until(lambda: bool(world.copy("east", DEPLOYMENTS, "web")), "created")
        await world.settle()
        began = world.now()
        answer = _invalid("field is immutable")

        def refuse(cluster: str, request: Request) -> Response | None:
            is_ours = cluster == "east" and request.path.endswith("/deployments/web")
            return answer if is_ours and request.method == "PATCH" else None

        world.meddle = refuse
        await world.hub.patch(DEPLOYMENTS, "shop", "web", {"spec": {"replicas": 5}})
        await anyio.sleep(590)
        assert attempts(world, "east", "web", began) == 1
        standing = world.standing("east", DEPLOYMENTS, "web")
        assert (standing.state, standing.reason) == (SyncState.REFUSED, "ImmutableField")
        world.meddle = lambda _cluster, _request: None
        await world.hub.patch(DEPLOYMENTS, "shop", "web", {"spec": {"replicas": 4}})

        await world.until(
            lambda: _spec(world, "east", "web")["replicas"] == 4, "a new desired state", 5
        )


async def test_B9_over_quota_is_tried_rarely_and_holds_up_nothing_else() -> None:
    async with open_shop(("east",)) as world:
        world.sims["east"].faults.switch("quota")
        began = world.now()
        await world.hub.apply(CONFIGMAPS, make_configmap("more"))
        await world.paint("green")
        await world.until(lambda: world.data_on("east")["colour"] == "green", "others flow")
        await anyio.sleep(600)
        assert attempts(world, "east", "more", began) <= 14
        standing = world.standing("east", name="more")
        assert (standing.state, standing.reason) == (SyncState.FAILED, "QuotaExceeded")
        world.sims["east"].faults.switch("quota", on=False)

        await world.until(lambda: "more" in world.names_on("east"), "room again", 610)


async def test_B10_retry_after_is_obeyed_and_load_is_taken_off() -> None:
    async with open_shop(("east", "west")) as world:
        world.sims["east"].faults.switch("reject_429", retry_after_s=5)
        began = world.now()
        for number in range(100):
            await world.hub.apply(CONFIGMAPS, make_configmap(f"map-{number:02}"))
        await world.until(lambda: len(world.names_on("west")) == 101, "west", 10)
        await anyio.sleep(120)
        tried = [one.at - began for one in world.writes("east", began)]
        assert len(tried) <= 16 + 8 + 4 + 2 + 120 / 5
        late = sorted(at for at in tried if at > 30)
        assert all(b - a >= 4.9 for a, b in pairwise(late))
        world.sims["east"].faults.switch("reject_429", on=False)

        await world.until(lambda: len(world.names_on("east")) == 101, "east", 330)
        assert max(world.creations("east", CONFIGMAPS, f"map-{n:02}") for n in range(100)) == 1


async def test_B11_what_is_too_large_for_a_cluster_is_refused_once() -> None:
    async with open_shop(("east", "west")) as world:

        def refuse(cluster: str, request: Request) -> Response | None:
            is_it = cluster == "east" and request.path.endswith("/configmaps/large")
            return _status(413, "RequestEntityTooLarge", "limit is 3145728") if is_it else None

        world.meddle = refuse
        began = world.now()
        await world.hub.apply(CONFIGMAPS, make_configmap("large"))
        await world.until(lambda: "large" in world.names_on("west"), "west")
        await anyio.sleep(590)

        assert attempts(world, "east", "large", began) == 1
        standing = world.standing("east", name="large")
        assert (standing.state, standing.reason) == (SyncState.REFUSED, "TooLarge")


async def test_B12_a_namespace_on_its_way_out_is_made_again_when_it_is_gone() -> None:
    async with open_shop(("east",), maps=("other", "settings")) as world:
        east = world.clusters["east"]
        held = {"metadata": {"name": "held", "namespace": "shop", "finalizers": ["a.example/b"]}}
        await east.apply(CONFIGMAPS, held)
        await east.delete(NAMESPACES, "", "shop")
        began = world.now()
        await anyio.sleep(120)
        assert world.names_on("east") == ["held"]
        assert attempts(world, "east", "settings", began) <= 2
        await east.patch(CONFIGMAPS, "shop", "held", {"metadata": {"finalizers": None}})

        await world.until(lambda: world.names_on("east") == ["other", "settings"], "again", 60)
        await world.settle()
        assert world.standing("east").state is SyncState.IN_SYNC


@pytest.mark.parametrize("mode", ["aggregate", "promote"])
@pytest.mark.parametrize("subresource", [True, False])
async def test_B13_status_comes_back_and_goes_with_and_without_a_status_subresource(
    subresource: bool, mode: str
) -> None:
    widgets = Kind("example.com", "v1", "widgets", "Widget")
    async with open_stage(("east",), kinds_allow=(*KINDS, widgets.id), status=mode) as world:
        for side in (world.hub, world.clusters["east"]):
            await side.apply(CRDS, _definition(widgets, subresource))
        await world.restart()
        await place_everywhere(world)
        await world.hub.apply(
            widgets, {"metadata": {"name": "w", "namespace": "shop"}, "spec": {"size": 3}}
        )
        await world.until(lambda: bool(world.copy("east", widgets, "w")), "created")
        await _report(world, widgets, {"phase": "Fine"}, "status" if subresource else "")
        await world.until(lambda: _status_of(world, widgets) == {"phase": "Fine"}, "reported")
        await world.settle()

        for side_name in ("hub", "east"):
            assert (world.copy(side_name, widgets, "w") or {})["spec"] == {"size": 3}
        await world.rest()
        nothing = {"spec": {"namespaceSelector": {"matchLabels": {"app": "nothing"}}}}
        await world.hub.patch(PLACEMENTS, "", "shop", nothing)
        await let_go(world.hub)
        await world.until(lambda: not world.copy("east", widgets, "w"), "gone", 60)
        await world.until(lambda: not _status_of(world, widgets), "cleared", 60)
        assert (world.copy("hub", widgets, "w") or {})["spec"] == {"size": 3}
        await anyio.sleep(150)  # meanwhile the empty namespace is deleted
        await world.rest()


async def test_B14_one_refused_object_takes_nothing_back_of_the_others() -> None:
    async with open_shop(("east",)) as world:
        forbidden = {("patch", "deployments.apps")}
        world.sims["east"].faults.switch("forbidden", forbidden=forbidden)
        await world.hub.apply(CONFIGMAPS, make_configmap("first"))
        await world.hub.apply(DEPLOYMENTS, make_deployment())
        await anyio.sleep(60)

        assert world.names_on("east") == ["first", "settings"]
        assert world.standing("east", name="first").state is SyncState.IN_SYNC
        standing = world.standing("east", DEPLOYMENTS, "web")
        assert (standing.state, standing.reason) == (SyncState.FAILED, "Forbidden")
        assert world.deletions() == []


@pytest.mark.parametrize("refused", ["secrets", "deployments"])
async def test_B14_a_workload_and_what_it_needs_end_up_whole_once_nothing_is_refused(
    refused: str,
) -> None:
    async with open_shop(("east", "west"), kinds_allow=(*KINDS, "secrets")) as world:

        def refuse(cluster: str, request: Request) -> Response | None:
            is_it = request.method == "PATCH" and f"/shop/{refused}/" in request.path
            busy = _status(503, "ServiceUnavailable", "not now")
            return busy if is_it and cluster == "east" else None

        world.meddle = refuse
        began = world.now()
        web = make_deployment()
        web["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": "pull"}]
        await world.hub.apply(DEPLOYMENTS, web)
        await world.hub.apply(
            SECRETS, {"metadata": {"name": "pull", "namespace": "shop"}, "type": "Opaque"}
        )
        await anyio.sleep(8)
        assert world.copy("west", DEPLOYMENTS, "web") is not None
        assert world.copy("east", DEPLOYMENTS, "web") is None
        world.meddle = lambda _cluster, _request: None

        await world.until(lambda: world.copy("east", DEPLOYMENTS, "web") is not None, "web", 30)
        for name in world.clusters:
            assert _order(world, name) == ["secrets", "deployments.apps"]
        assert world.deletions(since=began) == []


def _order(world: Stage, cluster: str) -> list[str]:
    """Return the kinds of the shop's objects on a cluster, in the order the store accepted them."""
    return [
        one.kind
        for one in world.committed
        if (one.cluster, one.verb, one.by_engine) == (cluster, "create", True)
        and one.kind in ("secrets", "deployments.apps")
    ]


def _ready(world: Stage, cluster: str) -> int:
    tree = world.copy(cluster, DEPLOYMENTS, "web") or {}
    return int((tree.get("status") or {}).get("readyReplicas", 0))


def _spec(world: Stage, cluster: str, name: str) -> Json:
    return dict((world.copy(cluster, DEPLOYMENTS, name) or {"spec": {"replicas": 0}})["spec"])


def _status_of(world: Stage, kind: Kind) -> Any:
    return (world.copy("hub", kind, "w") or {}).get("status")


def _status(code: int, reason: str, message: str, **details: Any) -> Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    body |= {"reason": reason, "message": message, "details": details}
    return Response(code, {"content-type": "application/json"}, orjson.dumps(body))


def _invalid(message: str) -> Response:
    return _status(422, "Invalid", message, name="web", causes=[{"field": "spec.selector"}])


def _definition(kind: Kind, subresource: bool) -> Json:
    fields = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {
            "openAPIV3Schema": {"type": "object", "properties": {"spec": fields, "status": fields}}
        },
        **({"subresources": {"status": {}}} if subresource else {}),
    }
    names = {"plural": kind.resource, "singular": "widget", "kind": kind.kind}
    return {
        "metadata": {"name": kind.id},
        "spec": {"group": kind.group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


async def _report(world: Stage, kind: Kind, status: Json, subresource: str) -> None:
    await world.clusters["east"].user.merge_patch(
        kind,
        ObjectKey("shop", "w"),
        {"status": status},
        manager="operator",
        subresource=subresource,
    )
