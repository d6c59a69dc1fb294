"""B and N10 on real API servers: writes that hang, are too large, or are half answered."""

from __future__ import annotations

import anyio
import pytest

from tests.faultproxy.faults import CutBody, Fault, Latency, Replace
from tests.faults.real import COPY, GREEN, RealStage, refusal
from tests.world.world import CONFIGMAPS
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import ObjectKey

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]

WEBHOOK = (
    'Internal error occurred: failed calling webhook \\"policy.example.com\\": failed to call'
    ' webhook: Post \\"https://policy.example.svc:443/admit?timeout=10s\\": context deadline'
    " exceeded"
)
MANY = 40


async def test_B7_a_webhook_that_hangs_holds_up_its_own_cluster_only(stage: RealStage) -> None:
    slow, other = stage.names
    rules = stage.proxies[slow].rules
    faults: tuple[Fault, ...] = (Latency(3.0), refusal(500, "InternalError", WEBHOOK))
    on = [rules.on(fault, methods=("PATCH", "POST"), path=stage.space) for fault in faults]
    before = len(stage.proxies[slow].seen)
    for number in range(MANY):
        await stage.apply(f"map-{number}", **COPY)
    with anyio.fail_after(60):
        for number in range(MANY):
            await stage.has(COPY, f"map-{number}", other)
    await stage.until(
        lambda: stage.standing(slow, "map-0").reason == "WebhookFailed", "told as the webhook's"
    )
    assert len(stage.asked(slow, "PATCH", since=before)) <= 2 * MANY
    for rule in on:
        rules.off(rule)

    for number in range(MANY):
        await stage.has(COPY, f"map-{number}", slow)


async def test_B11_what_a_server_finds_too_large_is_sent_once(stage: RealStage) -> None:
    small, other = stage.names
    too_large = refusal(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728")
    rule = stage.proxies[small].rules.on(too_large, methods=("PATCH",), path="/configmaps/large")
    await stage.apply("large", **COPY)
    await stage.has(COPY, "large", other)
    await stage.until(
        lambda: stage.standing(small, "large").state is SyncState.REFUSED, "told as too large"
    )
    await anyio.sleep(3)
    assert stage.standing(small, "large").reason == "TooLarge"
    sent = [path for path in stage.asked(small, "PATCH") if "/configmaps/large?" in path]
    assert len(sent) == 1
    stage.proxies[small].rules.off(rule)
    await stage.apply("large", **GREEN)  # another desired state

    await stage.has(GREEN, "large", small)


@pytest.mark.parametrize(
    "fault",
    [CutBody(after_bytes=40), CutBody(after_bytes=0), CutBody(after_bytes=40, clean=True)],
    ids=["reset in the body", "reset before it", "closed in the body"],
)
async def test_N10_an_answer_that_breaks_off_loses_no_write_and_doubles_none(
    stage: RealStage, fault: CutBody
) -> None:
    for side in ("hub", stage.names[0]):
        rules = stage.proxies[side].rules
        rules.on(fault, methods=("PATCH", "POST"), path=stage.space, times=3)
    await stage.apply("fresh", **COPY)
    await stage.apply("settings", **GREEN)
    await stage.has(COPY, "fresh", *stage.names)
    await stage.has(GREEN, "settings", *stage.names)
    stage.proxies[stage.names[0]].rules.on(fault, methods=("DELETE",), times=1)
    await stage.delete("fresh")

    await stage.has(None, "fresh", "hub", *stage.names)
    await stage.until(
        lambda: stage.standing(stage.names[0], "settings").state is SyncState.IN_SYNC, "calm"
    )
    found = await stage.world.hub.user.get(CONFIGMAPS, ObjectKey(stage.space, "settings"))
    assert len(found.decode()["metadata"]["finalizers"]) == 2


async def test_N10_a_connection_that_closes_after_each_answer_costs_only_connections(
    stage: RealStage,
) -> None:
    """``Connection: close`` tells an HTTP/1.1 client what GOAWAY tells an HTTP/2 client."""
    target = stage.names[0]
    closing = Replace(
        429,
        b'{"kind":"Status","apiVersion":"v1","status":"Failure","code":429,"metadata":{}}',
        headers=(("Connection", "close"), ("Retry-After", "1")),
    )
    stage.proxies[target].rules.on(closing, methods=("PATCH",), path=stage.space, times=2)
    for number in range(10):
        await stage.apply(f"map-{number}", **COPY)

    for number in range(10):
        await stage.has(COPY, f"map-{number}", *stage.names)
    assert stage.asked(target, "DELETE") == []
