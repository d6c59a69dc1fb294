"""Entries of the catalogue that a proxy or plain actions can cause, on real API servers."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
import trustme
from yarl import URL

from tests.envtest.identity import write_kubeconfig
from tests.envtest.planes import Plane
from tests.faultproxy.certificates import issue
from tests.faultproxy.faults import Blackhole, CutBody, LostReply, Reset, html_answer
from tests.faultproxy.listener import ServingCertificate
from tests.faults.real import COPY, GREEN, RealStage, open_real_stage, refusal
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, NAMESPACES, make_deployment
from tmcconsole.contract.records import SyncState, TargetState

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]


async def test_A1_watches_cut_within_a_line_lose_no_change(stage: RealStage) -> None:
    for side in ("hub", stage.names[0]):  # an edit on a target is reverted
        rules = stage.proxies[side].rules
        for number in range(2):
            rules.on(CutBody(after_bytes=300), path=r"/configmaps\?.*watch=1", times=1)
            stage.proxies[side].listener.reset_connections()
            await stage.apply("settings", side, colour=f"shade {number} on {side}")
            desired = number if side == "hub" else 1
            await stage.has({"colour": f"shade {desired} on hub"}, "settings", *stage.names)
        assert not rules.begin("GET", URL("/api/v1/configmaps?watch=1")).counted  # all were met

    assert stage.asked(stage.names[0], "DELETE") == []


async def test_A3_a_deletion_that_was_not_seen_is_carried_out_after_a_live_look(
    stage: RealStage,
) -> None:
    await stage.proxies["hub"].listener.refuse()
    stage.proxies["hub"].listener.reset_connections()
    await stage.delete("settings")
    await anyio.sleep(3)
    assert stage.asked(stage.names[0], "DELETE") == []

    await stage.proxies["hub"].listener.serve()
    await stage.has(None, "settings", "hub", *stage.names)
    assert len(stage.asked(stage.names[0], "DELETE")) == 1


async def test_B1_lost_replies_double_nothing(stage: RealStage) -> None:
    target = stage.names[0]
    for side in ("hub", target):
        stage.proxies[side].rules.on(LostReply(), methods=("PATCH",), path=stage.space, times=3)
        stage.proxies[side].rules.on(Reset(), path=f"{stage.space}/configmaps/fresh", times=1)
    await stage.apply("fresh", **COPY)
    await stage.has(COPY, "fresh", *stage.names)
    for side in ("hub", target):
        stage.proxies[side].rules.on(LostReply(), methods=("DELETE",), path=stage.space, times=2)
    await stage.delete("fresh")

    await stage.has(None, "fresh", "hub", *stage.names)
    await stage.until(lambda: stage.standing(target, "settings").state is SyncState.IN_SYNC, "calm")


async def test_B2_conflicts_are_met_with_patience(stage: RealStage) -> None:
    target = stage.names[0]
    conflict = refusal(409, "Conflict", "the object has been modified")
    rule = stage.proxies[target].rules.on(conflict, methods=("PATCH",), path=stage.space)
    before = len(stage.proxies[target].seen)
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", stage.names[1])
    await anyio.sleep(5)
    assert 2 <= len(stage.asked(target, "PATCH", since=before)) <= 20
    stage.proxies[target].rules.off(rule)

    await stage.has(GREEN, "settings", target)


async def test_B3_fields_of_ours_come_back_and_others_are_left(stage: RealStage) -> None:
    target = stage.names[0]
    await stage.apply("settings", target, colour="red", size="theirs alone")

    await stage.has({**COPY, "size": "theirs alone"}, "settings", target)


async def test_B5_what_the_server_writes_differently_is_no_drift(stage: RealStage) -> None:
    deployment = make_deployment("web", 1, stage.space)
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"requests": {"cpu": "1000m", "memory": "1024Mi"}}
    container["ports"] = [{"containerPort": 80}]
    container["env"] = []
    await stage.world.hub.apply(DEPLOYMENTS, deployment)
    await stage.until(
        lambda: stage.standing(stage.names[0], "web", DEPLOYMENTS).state is SyncState.IN_SYNC, "web"
    )
    await anyio.sleep(3)
    before = len(stage.proxies[stage.names[0]].seen)
    await anyio.sleep(5)

    assert stage.asked(stage.names[0], "PATCH", since=before) == []


async def test_B8_an_immutable_field_is_refused_once_and_waits_for_another_desired_state(
    stage: RealStage,
) -> None:
    target, cluster = stage.names[0], stage.world.clusters[stage.names[0]]
    fixed = {"metadata": {"name": "fixed", "namespace": stage.space}, "data": COPY}
    await stage.world.hub.apply(CONFIGMAPS, fixed)
    await stage.has(COPY, "fixed", target)
    await cluster.patch(CONFIGMAPS, stage.space, "fixed", {"immutable": True})
    before = len(stage.proxies[target].seen)
    await stage.apply("fixed", **GREEN)
    await stage.until(
        lambda: stage.standing(target, "fixed").reason == "ImmutableField", "told as immutable"
    )
    await anyio.sleep(5)
    assert len(stage.asked(target, "PATCH", since=before)) == 1
    await stage.apply("fixed", **COPY)

    await stage.until(lambda: stage.standing(target, "fixed").state is SyncState.IN_SYNC, "again")


async def test_B10_retry_after_is_obeyed(stage: RealStage) -> None:
    target = stage.names[0]
    busy = refusal(429, "TooManyRequests", **{"Retry-After": "2"})
    rule = stage.proxies[target].rules.on(busy, methods=("PATCH",), path=stage.space)
    before = len(stage.proxies[target].seen)
    for number in range(30):
        await stage.apply(f"map-{number}", **COPY)
    await stage.has(COPY, "map-29", stage.names[1])
    await anyio.sleep(6)
    assert len(stage.asked(target, "PATCH", since=before)) <= 16 + 8 + 4 + 2 + 4
    stage.proxies[target].rules.off(rule)

    for number in range(30):
        await stage.has(COPY, f"map-{number}", target)


async def test_B12_a_namespace_on_its_way_out_is_made_again(
    stage: RealStage, real_controllers: None
) -> None:
    target = stage.names[0]
    await stage.world.clusters[target].delete(NAMESPACES, "", stage.space)

    async def made_anew() -> bool:
        found = await stage.world.clusters[target].get(NAMESPACES, "", stage.space)
        return found is not None and "deletionTimestamp" not in found["metadata"]

    await stage.world.eventually(made_anew, "the namespace", 60)
    await stage.has(COPY, "settings", target)


async def test_C1_deleted_while_a_cluster_is_away_waits_for_it(stage: RealStage) -> None:
    away, here = stage.names
    await stage.proxies[away].listener.refuse()
    stage.proxies[away].listener.reset_connections()
    await stage.delete("settings")
    await stage.has(None, "settings", here)
    await anyio.sleep(3)
    assert await stage.data("hub", "settings") == COPY
    assert await stage.data(away, "settings") == COPY

    await stage.proxies[away].listener.serve()
    await stage.has(None, "settings", "hub", away)


async def test_C2_a_copy_deleted_by_somebody_comes_back(stage: RealStage) -> None:
    await stage.delete("settings", stage.names[0])

    await stage.has(COPY, "settings", stage.names[0])


async def test_C3_somebodys_finalizer_keeps_the_original(stage: RealStage) -> None:
    target = stage.names[0]
    held = {"metadata": {"finalizers": ["backup.example/hold"]}}
    side = stage.world.clusters[target]
    await side.patch(CONFIGMAPS, stage.space, "settings", held)
    await stage.delete("settings")
    await anyio.sleep(3)
    assert await stage.data("hub", "settings") == COPY
    await side.patch(CONFIGMAPS, stage.space, "settings", {"metadata": {"finalizers": None}})

    await stage.has(None, "settings", "hub", target)


async def test_C4_a_deletion_whose_reply_was_lost_spares_the_successor(stage: RealStage) -> None:
    target = stage.names[0]
    stage.proxies[target].rules.on(LostReply(), methods=("DELETE",), path=stage.space, times=1)
    await stage.delete("settings")
    await stage.has(None, "settings", "hub")
    await stage.apply("settings", taste="sour")
    await stage.has({"taste": "sour"}, "settings", *stage.names)
    await anyio.sleep(5)

    assert await stage.data(target, "settings") == {"taste": "sour"}


async def test_C6_a_foreign_object_of_our_name_is_left_alone(stage: RealStage) -> None:
    target = stage.names[0]
    await stage.apply("taken", target, owner="somebody else")
    theirs = await stage.world.clusters[target].get(CONFIGMAPS, stage.space, "taken")
    await stage.apply("taken", **COPY)
    await stage.has(COPY, "taken", stage.names[1])
    await stage.until(
        lambda: stage.standing(target, "taken").state is SyncState.COLLISION, "told as a collision"
    )
    before = len(stage.proxies[target].seen)
    await anyio.sleep(5)
    assert stage.asked(target, "PATCH", since=before) == []
    await stage.delete("taken")
    await stage.has(None, "taken", "hub")

    assert await stage.world.clusters[target].get(CONFIGMAPS, stage.space, "taken") == theirs


async def test_C8_a_copy_of_a_copy_is_somebodys_own(stage: RealStage) -> None:
    target = stage.names[0]
    side = stage.world.clusters[target]
    copy = await side.get(CONFIGMAPS, stage.space, "settings")
    assert copy
    marks = {name: copy["metadata"][name] for name in ("labels", "annotations")}
    tree = {"metadata": {"name": "by-hand", "namespace": stage.space, **marks}, "data": GREEN}
    await side.apply(CONFIGMAPS, tree)
    await anyio.sleep(3)

    assert await stage.data(target, "by-hand") == GREEN
    assert stage.asked(target, "DELETE") == []
    await stage.delete("by-hand", target)


async def test_N1_a_server_that_comes_back_is_used_again(stage: RealStage) -> None:
    away = stage.names[0]
    await stage.proxies[away].listener.refuse()
    stage.proxies[away].listener.reset_connections()
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", stage.names[1])
    await anyio.sleep(15)
    assert (await stage.record(away)).state is TargetState.UNREACHABLE
    await stage.proxies[away].listener.serve()

    await stage.has(GREEN, "settings", away)
    assert stage.asked(away, "DELETE") == []


async def test_N6_a_wrong_certificate_is_refused_and_named(
    stage: RealStage, real_clusters: tuple[Plane, Plane], tmp_path: Path
) -> None:
    target = stage.names[0]
    proxy = stage.proxies[target]
    proxy.listener.show(issue(trustme.CA(), tmp_path))
    proxy.listener.reset_connections()
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", stage.names[1])

    async def refused() -> bool:
        record = await stage.record(target)
        return record.state is not TargetState.SYNCING and "certificate" in record.message

    await stage.world.eventually(refused, "the certificate is named", 30)
    assert await stage.data(target, "settings") == COPY
    own = real_clusters[0].identity
    proxy.listener.show(ServingCertificate(own.certificate, own.key))
    await stage.has(GREEN, "settings", target)


async def test_N7_html_is_no_emptiness(stage: RealStage) -> None:
    target = stage.names[0]
    rule = stage.proxies[target].rules.on(html_answer())
    stage.proxies[target].listener.reset_connections()
    await anyio.sleep(12)
    assert (await stage.record(target)).state is not TargetState.SYNCING
    before = len(stage.proxies[target].seen)
    stage.proxies[target].rules.off(rule)
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", target)

    assert stage.asked(target, "DELETE") == []
    assert len(stage.asked(target, "PATCH", since=before)) == 1


async def test_N8_a_hanging_cluster_holds_up_no_other(stage: RealStage) -> None:
    stage.proxies[stage.names[0]].rules.on(Blackhole())
    for number in range(20):
        await stage.apply(f"map-{number}", **COPY)
    with anyio.fail_after(60):
        for number in range(20):
            await stage.has(COPY, f"map-{number}", stage.names[1])


async def test_F1_an_expired_token_is_told_and_a_renewed_one_taken(
    real_hub: Plane, real_clusters: tuple[Plane, Plane], tmp_path: Path
) -> None:
    plane, path = real_clusters[0], tmp_path / "kubeconfig"
    authority = plane.identity.authority.read_bytes()
    write_kubeconfig(path, name="x", url=plane.url, authority=authority, token="out-of-date")
    async with open_real_stage(real_hub, real_clusters, kubeconfig=path) as stage:
        first, second = stage.names
        await stage.apply("settings", **COPY)
        await stage.has(COPY, "settings", second)
        record = await stage.record(first)
        assert record.state is TargetState.UNAUTHORIZED
        assert "out-of-date" not in f"{record.reason} {record.message}"
        write_kubeconfig(path, name="x", url=plane.url, authority=authority, token=plane.token)

        await stage.has(COPY, "settings", first)
