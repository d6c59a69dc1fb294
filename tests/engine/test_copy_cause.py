"""The cause of a copy's trouble: what its cluster says of it, its pods and events, on request."""

from __future__ import annotations

from typing import Any

import anyio
import orjson

from tests.engine.virtual import in_virtual_time
from tests.faults.stage import KINDS, Stage, open_shop
from tests.world.world import DEPLOYMENTS, make_deployment
from tmcconsole.contract.commands import Refused, ShowCopy, Why
from tmcconsole.contract.records import ObjectRecord
from tmcconsole.engine.commands.copy_cause import AskedCopy, first_cause
from tmcconsole.kube.objects import Json, Kind
from tmcconsole.runtime import Request, Response

KEY = "deployments.apps/shop/web"
NODES = Kind("", "v1", "nodes", "Node", namespaced=False)
QUOTAS = Kind("", "v1", "resourcequotas", "ResourceQuota")


def with_image(image: str) -> Json:
    tree = make_deployment("web", replicas=2)
    tree["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return tree


def forbid_pods(_cluster: str, request: Request) -> Response | None:
    if "/pods" not in request.path:
        return None
    status = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "pods is forbidden"}
    return Response(403, {"content-type": "application/json"}, orjson.dumps(status))


async def told(world: Stage, command: Why | ShowCopy) -> str:
    reply: Any = await world.engine.request(command)
    return f"refused: {reply.reason}" if isinstance(reply, Refused) else str(reply.body)


async def why_says(world: Stage, *words: str) -> str:
    """Wait until one line of ``why`` has all the words; return that line."""
    last = ""

    async def so() -> str:
        nonlocal last
        last = await told(world, Why(key="deploy/shop/web@east"))
        lines = [one for one in last.splitlines() if all(word in one for word in words)]
        await anyio.sleep(0.5)
        return lines[0] if lines else ""

    return str(await world.eventually(so, f"{words} in {last}", 300))


def test_a_crash_loop_is_told_with_exit_code_and_count_and_grows() -> None:
    async def story() -> None:
        async with open_shop(("east",), maps=()) as world:
            await world.hub.apply(DEPLOYMENTS, with_image("registry.example/crash:1"))

            line = await why_says(world, "cause ", "CrashLoopBackOff: exit 1, 3 times")
            assert "(pod web-" in line
            assert line.endswith(", container main)")
            await why_says(world, "cause ", "CrashLoopBackOff: exit 1, 4 times")

    in_virtual_time(story)


def test_an_image_that_cannot_be_pulled_is_told_in_the_kubelets_words() -> None:
    async def story() -> None:
        async with open_shop(("east",), maps=()) as world:
            await world.hub.apply(DEPLOYMENTS, with_image("registry.example/missing:1"))

            await why_says(world, "cause ", "ImagePullBackOff: ", "not found", "container main")

    in_virtual_time(story)


def test_a_quota_that_keeps_pods_from_being_made_is_told_before_all_else() -> None:
    async def story() -> None:
        async with open_shop(("east",), maps=("settings",)) as world:
            quota: Json = {"metadata": {"name": "none", "namespace": "shop"}}
            await world.clusters["east"].apply(QUOTAS, {**quota, "spec": {"hard": {"pods": "0"}}})
            await anyio.sleep(2)
            await world.hub.apply(DEPLOYMENTS, make_deployment("web"))

            await why_says(world, "cause ", "quota: exceeded quota: none")
            (record,) = [
                one for one in await world.records(ObjectRecord) if one.resource == DEPLOYMENTS.id
            ]
            assert record.reason.startswith("0/2 ready, FailedCreate: exceeded quota: none")

    in_virtual_time(story)


def test_pods_without_a_node_are_told_in_the_schedulers_words() -> None:
    async def story() -> None:
        async with open_shop(("east",), maps=()) as world:
            east = world.clusters["east"]
            async for page in east.user.list_pages(NODES):
                for node in page.items:
                    await east.patch(NODES, "", node.name, {"spec": {"unschedulable": True}})
            await world.hub.apply(DEPLOYMENTS, make_deployment("web"))

            await why_says(world, "cause ", "Unschedulable: 0 nodes are available", "pod web-")

    in_virtual_time(story)


def test_a_copy_is_shown_with_cause_conditions_pods_and_newest_events() -> None:
    async def story() -> None:
        async with open_shop(("east",), maps=()) as world:
            await world.hub.apply(DEPLOYMENTS, with_image("registry.example/crash:1"))
            await why_says(world, "CrashLoopBackOff: exit 1, 3 times")

            lines = (await told(world, ShowCopy(key=KEY, target="east"))).splitlines()

            assert lines[0].startswith("cause      CrashLoopBackOff: exit 1, ")
            assert "Pods (2, 2 not ready)" in lines
            assert any(line.startswith("  Available False") for line in lines)
            assert any(line.startswith("    main: CrashLoopBackOff: exit 1") for line in lines)
            events = lines[lines.index("Events, newest first") + 1 :]
            assert any("Warning pod/web-" in line and "BackOff: " in line for line in events)
            times = [line.split()[0] for line in events]
            assert times == sorted(times, reverse=True)

    in_virtual_time(story)


def test_a_healthy_copy_costs_why_no_request_and_shows_its_pods_when_asked() -> None:
    async def story() -> None:
        async with open_shop(("east",), maps=()) as world:
            await world.hub.apply(DEPLOYMENTS, make_deployment("web"))
            await why_says(world, "Healthy", "2/2 ready")

            since = world.now()
            assert "cause " not in await told(world, Why(key="deploy/shop/web"))
            asked = [one for one in world.tried if one.at >= since and "/pods" in one.request.path]
            assert asked == []
            shown = await told(world, ShowCopy(key=KEY, target="east"))
            assert shown.startswith("cause      nothing that was asked tells of one\n")
            assert "Pods (2, 0 not ready)" in shown
            assert "main: running, ready" in shown

    in_virtual_time(story)


def test_what_may_not_be_listed_is_named_and_the_rest_is_told() -> None:
    async def story() -> None:
        async with open_shop(("east",), maps=(), kinds_allow=KINDS) as world:
            await world.hub.apply(DEPLOYMENTS, with_image("registry.example/crash:1"))
            await why_says(world, "CrashLoopBackOff")
            world.meddle = forbid_pods

            shown = await told(world, ShowCopy(key=KEY, target="east"))
            assert "not known  pods: " in shown
            assert "  Available False" in shown

    in_virtual_time(story)


def test_an_unreachable_cluster_is_not_asked_and_that_is_said() -> None:
    async def story() -> None:
        async with open_shop(("east",), maps=()) as world:
            await world.hub.apply(DEPLOYMENTS, make_deployment("web"))
            await world.settle()
            world.sims["east"].faults.switch("outage")
            await anyio.sleep(60)

            reply = await told(world, ShowCopy(key=KEY, target="east"))
            assert "east cannot be asked now" in reply

    in_virtual_time(story)


# What the simulated kubelets do not do: statuses copied from real kubelets


def make_pod(status: Json) -> Json:
    meta = {"name": "web-1", "uid": "p1", "namespace": "shop"}
    return {"kind": "Pod", "metadata": meta, "status": {"phase": "Running", **status}}


def cause_of(status: Json, *events: Json, **copy: Any) -> str:
    asked = AskedCopy({"kind": "Deployment", "metadata": {"uid": "c1"}, **copy},
                      pods=(make_pod(status),), events=events)  # fmt: skip
    return str(first_cause(asked))


def test_a_container_killed_for_memory_says_so() -> None:
    last = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    waits = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}}
    status = {"name": "app", "restartCount": 14, "state": waits, "lastState": last}

    assert cause_of({"containerStatuses": [status]}) == (
        "CrashLoopBackOff: OOMKilled, exit 137, 14 times (pod web-1, container app)"
    )


def test_a_volume_that_cannot_be_mounted_is_told_from_the_newest_warning() -> None:
    event = {
        "type": "Warning", "reason": "FailedMount", "message": 'secret "keys" not found',
        "lastTimestamp": "2026-11-30T10:00:00Z", "involvedObject": {"uid": "p1"},
    }  # fmt: skip
    status = {"name": "app", "state": {"waiting": {"reason": "ContainerCreating"}}}

    assert cause_of({"containerStatuses": [status]}, event) == (
        'FailedMount: secret "keys" not found (pod web-1, event of 2026-11-30T10:00:00Z)'
    )


def test_a_refused_creation_that_was_overcome_is_no_cause() -> None:
    def made(reason: str, at: str) -> Json:
        return {"type": "Warning", "reason": reason, "message": "Error creating: no",
                "lastTimestamp": at, "involvedObject": {"uid": "c1"}}  # fmt: skip

    old = made("FailedCreate", "2026-11-30T10:00:00Z")
    new = made("SuccessfulCreate", "2026-11-30T10:01:00Z")
    well = {"conditions": [{"type": "Ready", "status": "True"}]}

    assert cause_of(well, old).startswith("FailedCreate: Error creating: no (event of ")
    assert not cause_of(well, new, old).startswith("FailedCreate")


def test_a_secret_in_a_message_is_not_told() -> None:
    waits = {"waiting": {"reason": "CreateContainerError", "message": "token=abcdef123 is bad"}}

    said = cause_of({"containerStatuses": [{"name": "app", "state": waits}]})

    assert "abcdef123" not in said
