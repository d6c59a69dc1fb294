"""What workloads refer to reaches a target first; a Placement may take nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from tests.engine.test_transforms import declare, text_of
from tests.engine.virtual import in_virtual_time
from tests.faults.stage import KINDS, Stage, open_stage
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    PLACEMENTS,
    SECRETS,
    make_configmap,
    make_deployment,
    place_everywhere,
)
from tmcconsole.contract.commands import Why
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import Json, Kind
from tmcconsole.runtime import Request, Response

SERVICES = Kind("", "v1", "services", "Service")


def tell(story: Callable[[Stage], Awaitable[None]], *, takes: str = "", **sync: Any) -> None:
    """Run a scenario on a stage whose namespace is placed everywhere."""

    async def main() -> None:
        kinds = (*KINDS, "secrets", "services")
        async with open_stage(**{"kinds_allow": kinds, **sync}) as world:
            await place_everywhere(world)
            if takes:
                await place(world, takes)
            await world.settle()
            await story(world)

    in_virtual_time(main)


async def place(world: Stage, takes: str) -> None:
    await world.hub.patch(PLACEMENTS, "", "shop", {"spec": {"dependencies": takes}})


def make_workload(*, config: str = "settings", secret: str = "keys") -> Json:
    tree = make_deployment()
    tree["spec"]["template"]["spec"] |= {
        "volumes": [{"name": "c", "configMap": {"name": config}}],
        "imagePullSecrets": [{"name": secret}],
    }
    return tree


def make_secret(name: str = "keys") -> Json:
    return {"metadata": {"name": name, "namespace": "shop"}, "type": "Opaque"}


async def write_all(world: Stage) -> None:
    """Write the workload before what it refers to, as a careless user does."""
    await world.hub.apply(DEPLOYMENTS, make_workload())
    await world.hub.apply(CONFIGMAPS, make_configmap())
    await world.hub.apply(SECRETS, make_secret())


def made_on(world: Stage, cluster: str) -> list[str]:
    """Return what the engine created on a cluster, in the order in which the store accepted it."""
    kinds = ("configmaps", "secrets", "deployments.apps")
    return [
        one.kind
        for one in world.committed
        if (one.cluster, one.verb, one.by_engine) == (cluster, "create", True) and one.kind in kinds
    ]


def refuse(kind: str, cluster: str) -> Callable[[str, Request], Response | None]:
    """Make one cluster answer 503 to writes of a kind."""

    def meddle(name: str, request: Request) -> Response | None:
        is_it = name == cluster and request.method == "PATCH" and f"/{kind}/" in request.path
        return Response(503, {}, b"") if is_it else None

    return meddle


def test_what_is_referred_to_is_on_every_target_before_the_workload() -> None:
    async def story(world: Stage) -> None:
        world.meddle = refuse("secrets", "east")
        began = world.now()
        await write_all(world)
        await world.until(lambda: "deployments.apps" in made_on(world, "west"), "west", 5)
        await anyio.sleep(5)
        standing = world.standing("east", DEPLOYMENTS, "web")
        assert (standing.state, standing.reason) == (SyncState.PENDING, "AwaitingDependencies")
        assert standing.message == "waits up to 30 s for secrets keys"
        assert made_on(world, "east") == ["configmaps"]
        why = await text_of(world, Why(key="deployments.apps/shop/web"))
        assert "  needs configmaps shop/settings is there\n  needs secrets shop/keys is aw" in why
        world.meddle = lambda _cluster, _request: None

        await world.until(lambda: "deployments.apps" in made_on(world, "east"), "east", 20)
        assert world.now() - began < 30
        for name in world.clusters:
            assert made_on(world, name)[-1] == "deployments.apps"
            assert sorted(made_on(world, name)[:-1]) == ["configmaps", "secrets"]

    tell(story)


def test_the_workload_follows_at_once_when_what_it_waits_for_is_written() -> None:
    async def story(world: Stage) -> None:
        world.meddle = refuse("secrets", "east")
        await write_all(world)
        await anyio.sleep(3)
        world.meddle = lambda _cluster, _request: None
        await world.until(lambda: "secrets" in made_on(world, "east"), "the secret", 20)

        await world.until(lambda: "deployments.apps" in made_on(world, "east"), "web", 1)

    tell(story)


def test_what_does_not_come_is_waited_for_half_a_minute() -> None:
    async def story(world: Stage) -> None:
        world.meddle = refuse("secrets", "east")
        await write_all(world)

        took = await world.until(lambda: "deployments.apps" in made_on(world, "east"), "web", 40)

        assert 29 < took < 35
        assert "secrets" not in made_on(world, "east")

    tell(story)


def test_what_cannot_come_is_not_waited_for() -> None:
    async def story(world: Stage) -> None:
        await world.hub.apply(DEPLOYMENTS, make_workload(config="not there", secret="token"))
        token = make_secret("token") | {"type": "kubernetes.io/service-account-token"}
        token["metadata"]["annotations"] = {"kubernetes.io/service-account.name": "default"}
        await world.hub.apply(SECRETS, token)

        await world.until(lambda: "deployments.apps" in made_on(world, "east"), "web", 3)

        await anyio.sleep(5)
        why = await text_of(world, Why(key="deployments.apps/shop/web"))
        assert "needs configmaps shop/not there is not in the hub" in why
        assert "needs secrets shop/token is refused" in why

    tell(story)


def test_a_name_taken_on_a_cluster_holds_up_no_workload_there() -> None:
    async def story(world: Stage) -> None:
        await world.clusters["east"].apply(
            Kind("", "v1", "namespaces", "Namespace", False), {"metadata": {"name": "shop"}}
        )
        await world.clusters["east"].apply(SECRETS, make_secret())
        await write_all(world)

        await world.until(lambda: "deployments.apps" in made_on(world, "east"), "web", 5)

        assert world.standing("east", SECRETS, "keys").state is SyncState.COLLISION

    tell(story)


def test_a_restart_with_dependencies_writes_nothing() -> None:
    async def story(world: Stage) -> None:
        await write_all(world)
        await world.until(lambda: ready(world) == 4, "up")
        await world.settle()
        await world.rest()
        began = world.now()

        await world.restart()
        await anyio.sleep(120)

        assert world.writes(since=began) == []

    for takes in ("", "Referenced"):
        tell(story, takes=takes)


def ready(world: Stage) -> int:
    tree = world.copy("hub", DEPLOYMENTS, "web") or {}
    return int((tree.get("status") or {}).get("readyReplicas", 0))


def test_names_that_a_transform_writes_are_waited_for() -> None:
    async def story(world: Stage) -> None:
        path = "spec.template.spec.imagePullSecrets"
        other = {"name": "pull", "kinds": ["Deployment"], "set": {path: [{"name": "mirror"}]}}
        await declare(world, other)
        world.meddle = refuse("secrets", "east")
        await write_all(world)
        await world.hub.apply(SECRETS, make_secret("mirror"))
        await world.until(
            lambda: world.standing("east", DEPLOYMENTS, "web").reason == "AwaitingDependencies"
        )

        assert world.standing("east", DEPLOYMENTS, "web").message.endswith("secrets mirror")

    tell(story)


# Placements that take what is referred to


def test_only_workloads_and_what_goes_with_them_are_taken() -> None:
    async def story(world: Stage) -> None:
        await write_all(world)
        await world.hub.apply(CONFIGMAPS, make_configmap("unused"))
        for name, app in (("web", "web"), ("other", "none")):
            spec = {"selector": {"app": app}, "ports": [{"port": 80}]}
            meta = {"name": name, "namespace": "shop"}
            await world.hub.apply(SERVICES, {"metadata": meta, "spec": spec})
        await world.until(lambda: ready(world) == 4, "up")
        await world.settle()

        assert world.names_on("east") == ["settings"]
        assert world.names_on("east", SECRETS) == ["keys"]
        assert world.names_on("east", SERVICES) == ["web"]
        assert world.finalizers(CONFIGMAPS, "unused") == []
        why = await text_of(world, Why(key="configmaps/shop/unused"))
        assert "Placement shop (OneToMany, Referenced)" in why
        assert "taken      on east, west: not referred to by any workload" in why
        why = await text_of(world, Why(key="configmaps/shop/settings"))
        assert "taken      on east, west: goes with deployments.apps web" in why
        await world.rest()

    tell(story, takes="Referenced")


def test_what_is_referred_to_no_longer_leaves_and_what_is_now_arrives() -> None:
    async def story(world: Stage) -> None:
        await write_all(world)
        await world.hub.apply(CONFIGMAPS, make_configmap("next"))
        await world.until(lambda: world.names_on("east") == ["settings"], "the first")

        await world.hub.apply(DEPLOYMENTS, make_workload(config="next"))
        await world.until(lambda: world.names_on("east") == ["next"], "exchanged", 20)
        await world.hub.delete(DEPLOYMENTS, "shop", "web")
        await world.until(lambda: world.names_on("east") == [], "gone with the workload", 20)

        assert world.names_on("hub") == ["next", "settings"]
        assert world.finalizers(CONFIGMAPS, "next") == []
        assert len(world.audited_deletes()) >= 3
        await world.settle()
        await world.rest()

    tell(story, takes="Referenced")


def test_a_placement_may_change_its_mind_both_ways() -> None:
    async def story(world: Stage) -> None:
        await write_all(world)
        await world.hub.apply(CONFIGMAPS, make_configmap("unused"))
        await world.until(lambda: world.names_on("west") == ["settings", "unused"], "whole")

        await place(world, "Referenced")
        await world.until(lambda: world.names_on("west") == ["settings"], "referred to", 20)
        await place(world, "Namespace")
        await world.until(lambda: world.names_on("west") == ["settings", "unused"], "whole again")

    tell(story)


def test_nothing_leaves_while_workloads_cannot_be_listed() -> None:
    async def story(world: Stage) -> None:
        await write_all(world)
        await world.hub.apply(CONFIGMAPS, make_configmap("unused"))
        await world.until(lambda: ready(world) == 4, "up")
        await world.settle()
        began = world.now()
        forbidden = {("list", "deployments.apps")}
        world.sims["hub"].faults.switch("forbidden", forbidden=forbidden)

        await world.restart()
        await anyio.sleep(120)
        assert world.deletions(since=began) == []
        assert world.names_on("east") == ["settings"]
        world.sims["hub"].faults.switch("forbidden", on=False)
        await anyio.sleep(600)

        assert world.names_on("east") == ["settings"]
        assert world.names_on("east", SECRETS) == ["keys"]
        assert world.deletions(since=began) == []

    tell(story, takes="Referenced")


def test_the_placement_that_takes_all_wins_where_two_send_to_one_target() -> None:
    async def story(world: Stage) -> None:
        await write_all(world)
        await world.hub.apply(CONFIGMAPS, make_configmap("unused"))
        await world.until(lambda: world.names_on("east") == ["settings"], "referred to")

        whole = {
            "namespaceSelector": {"matchLabels": {"app": "shop"}},
            "locationSelectors": [{}],
            "strategy": "OneToMany",
        }
        await world.hub.apply(PLACEMENTS, {"metadata": {"name": "whole"}, "spec": whole})

        await world.until(lambda: world.names_on("east") == ["settings", "unused"], "whole")

    tell(story, takes="Referenced")
