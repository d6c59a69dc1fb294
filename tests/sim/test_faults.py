"""Faults: each can be switched by name while the cluster runs, and does what its name says."""

from __future__ import annotations

import anyio
import orjson
import pytest

from tests.manifests import make_config_map
from tests.sim.talk import Api, make_cluster
from tmcconsole.runtime import Request, TransportError
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.storage.fault_injection import FAULTS

pytestmark = pytest.mark.anyio
MAPS = "/api/v1/namespaces/default/configmaps"
ONE = f"{MAPS}/settings"


async def lines_until_end(cluster: SimCluster, query: dict[str, str]) -> list[dict[str, object]]:
    """Read a watch to its end; an incomplete last line is dropped."""
    request = Request("GET", MAPS, tuple({"watch": "1", **query}.items()))
    received = b""
    async with cluster.transport().stream(request) as stream:
        try:
            async for chunk in stream.chunks():
                received += chunk
        except TransportError:
            received += b" reset"
    return [orjson.loads(line) for line in received.split(b"\n")[:-1]]


@pytest.mark.parametrize("name", sorted(name for name in FAULTS if not FAULTS[name].is_action))
async def test_every_fault_switches_on_and_off(cluster: SimCluster, name: str) -> None:
    parameters = {
        key: {("list", "pods")} if key == "forbidden" else {"pods"}
        for key, value in FAULTS[name].parameters.items()
        if isinstance(value, set)
    }
    cluster.faults.switch(name, True, **parameters)
    assert cluster.faults.active() == [name]

    cluster.faults.switch(name, False)
    assert cluster.faults.active() == []


async def test_unknown_fault_names_the_known_ones(cluster: SimCluster) -> None:
    with pytest.raises(ValueError, match=r"no fault 'fire'.*outage"):
        cluster.faults.switch("fire")


async def test_outage_refuses_before_anything_is_sent(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("outage")

    with pytest.raises(TransportError) as refused:
        await api.get(MAPS)

    assert refused.value.sent is False


async def test_outage_breaks_open_watches(cluster: SimCluster) -> None:
    request = Request("GET", MAPS, (("watch", "1"), ("timeoutSeconds", "60")))
    async with cluster.transport().stream(request) as stream, anyio.create_task_group() as group:
        group.start_soon(switch_later, cluster, "outage")
        with pytest.raises(TransportError):
            async for _ in stream.chunks():
                pass


async def switch_later(cluster: SimCluster, name: str) -> None:
    await anyio.sleep(1)
    cluster.faults.switch(name)


async def test_black_hole_times_out_as_maybe_sent(cluster: SimCluster) -> None:
    cluster.faults.switch("blackhole")

    with pytest.raises(TransportError) as lost:
        await cluster.transport().request(Request("GET", MAPS, timeout_s=3))

    assert (lost.value.sent, lost.value.reason) == (True, "Timeout")
    assert anyio.current_time() == pytest.approx(3, abs=0.01)


async def test_latency_delays_both_ways(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("latency", latency_s=0.5, jitter_s=0.0)

    await api.get(MAPS)

    assert anyio.current_time() == pytest.approx(1.0, abs=0.01)


async def test_counted_429_hits_the_next_requests_only(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("reject_429", reject_next=2, retry_after_s=7)

    answers = [await api.get(MAPS) for _ in range(3)]

    assert [answer.status for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"


async def test_lost_reply_commits_the_write(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("lost_reply", lost_reply_next=1)

    with pytest.raises(TransportError) as lost:
        await api.post(MAPS, make_config_map())

    assert lost.value.sent is True
    assert cluster.store.get("configmaps", "default", "settings") is not None


async def test_one_way_carries_out_what_it_never_answers(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("one_way")

    with pytest.raises(TransportError):
        await api.post(MAPS, make_config_map())

    assert cluster.store.get("configmaps", "default", "settings") is not None


async def test_A1_cut_in_mid_line_leaves_half_a_line(api: Api, cluster: SimCluster) -> None:
    await api.post(MAPS, make_config_map())
    async with anyio.create_task_group() as group:
        group.start_soon(cut_later, cluster)
        lines = await lines_until_end(cluster, {"resourceVersion": "1"})

    assert [line["type"] for line in lines] == ["ADDED"]


async def cut_later(cluster: SimCluster) -> None:
    await anyio.sleep(1)
    cluster.faults.switch("cut_watches", mid_line=True)


async def test_A2_compaction_answers_410_in_the_stream(api: Api, cluster: SimCluster) -> None:
    version = (await api.get(MAPS)).body["metadata"]["resourceVersion"]
    await api.post(MAPS, make_config_map())
    cluster.faults.switch("compact")

    [line] = await lines_until_end(cluster, {"resourceVersion": version})

    assert line["type"] == "ERROR"
    assert line["object"]["code"] == 410  # type: ignore[index]  # a tree


async def test_A2_watch_410_answers_as_http_status(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("watch_410")

    answer = await api.get(MAPS, watch="1", resourceVersion="1")

    assert (answer.status, answer.body["reason"]) == (410, "Expired")


async def test_A4_stale_lists_show_the_past_until_switched_off(
    api: Api, cluster: SimCluster
) -> None:
    cluster.faults.switch("stale_lists")
    await api.post(MAPS, make_config_map())
    stale = (await api.get(MAPS)).body
    cluster.faults.switch("stale_lists", False)
    fresh = (await api.get(MAPS)).body

    assert (len(stale["items"]), len(fresh["items"])) == (0, 1)
    assert int(stale["metadata"]["resourceVersion"]) < int(fresh["metadata"]["resourceVersion"])


async def test_A7_no_bookmarks_means_none(cluster: SimCluster) -> None:
    cluster.faults.switch("no_bookmarks")

    lines = await lines_until_end(cluster, {"timeoutSeconds": "200", "allowWatchBookmarks": "1"})

    assert lines == []


async def test_A7_only_bookmarks_withholds_events(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("only_bookmarks")
    await api.post(MAPS, make_config_map())

    query = {"timeoutSeconds": "70", "allowWatchBookmarks": "1", "resourceVersion": "1"}
    lines = await lines_until_end(cluster, query)

    assert {line["type"] for line in lines} == {"BOOKMARK"}


async def test_A8_streaming_list_can_be_refused(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("refuse_watch_list")

    answer = await api.get(
        MAPS, watch="1", sendInitialEvents="true", resourceVersionMatch="NotOlderThan"
    )

    assert answer.status == 422


async def test_A9_disorder_adds_but_never_loses_events(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("disorder", disorder_share=1.0)
    for number in range(20):
        await api.post(MAPS, make_config_map(f"map-{number}"))

    lines = await lines_until_end(cluster, {"resourceVersion": "1", "timeoutSeconds": "1"})

    assert len(lines) == 40


async def test_A11_continue_can_expire(api: Api, cluster: SimCluster) -> None:
    for name in ("a", "b"):
        await api.post(MAPS, make_config_map(name))
    token = (await api.get(MAPS, limit="1")).body["metadata"]["continue"]
    cluster.faults.switch("expired_continue")

    answer = await api.get(MAPS, **{"limit": "1", "continue": token})

    assert (answer.status, answer.body["reason"]) == (410, "Expired")
    assert answer.body["metadata"]["continue"]


async def test_A11_empty_lists_are_200_and_empty(api: Api, cluster: SimCluster) -> None:
    await api.post(MAPS, make_config_map())
    cluster.faults.switch("empty_lists", empty_resource="configmaps")

    assert (await api.get(MAPS)).body["items"] == []
    assert (await api.get("/api/v1/namespaces")).body["items"]


async def test_A13_short_watches_end_at_once(cluster: SimCluster) -> None:
    cluster.faults.switch("short_watches")

    assert await lines_until_end(cluster, {}) == []
    assert anyio.current_time() == 0


async def test_A14_watch_ends_when_its_kind_goes(cluster: SimCluster) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(hide_later, cluster)
        lines = await lines_until_end(cluster, {"timeoutSeconds": "60"})

    assert lines == []
    assert anyio.current_time() == pytest.approx(1, abs=0.01)


async def hide_later(cluster: SimCluster) -> None:
    await anyio.sleep(1)
    cluster.faults.switch("kind_gone", hidden_kinds={"configmaps"})


async def test_A14_hidden_kind_is_not_served_and_not_discovered(
    api: Api, cluster: SimCluster
) -> None:
    cluster.faults.switch("kind_gone", hidden_kinds={"configmaps"})

    names = [entry["name"] for entry in (await api.get("/api/v1")).body["resources"]]

    assert (await api.get(MAPS)).status == 404
    assert "configmaps" not in names


async def test_A15_one_failing_kind_leaves_the_others_alone(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("kind_500", failing_kinds={"configmaps"})

    assert (await api.get(MAPS)).status == 500
    assert (await api.get("/api/v1/secrets")).status == 200


async def test_B2_conflicts_hit_changes_not_creates(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("conflicts", conflict_next=1)

    created = await api.post(MAPS, make_config_map())
    changed = await api.patch(ONE, {"data": {"a": "b"}})
    again = await api.patch(ONE, {"data": {"a": "b"}})

    assert [created.status, changed.status, again.status] == [201, 409, 200]


async def test_B6_mutating_webhook_changes_every_write(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("mutating_webhook")
    first = await api.apply(ONE, make_config_map())
    second = await api.apply(ONE, make_config_map())

    versions = [answer.body["metadata"]["resourceVersion"] for answer in (first, second)]
    assert versions[0] != versions[1]


async def test_B7_webhook_timeout_is_slow_and_fails(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("webhook_timeout")

    answer = await api.post(MAPS, make_config_map())

    assert answer.status == 500
    assert anyio.current_time() == pytest.approx(10, abs=0.01)
    assert "failed calling webhook" in answer.body["message"]


async def test_B9_quota_forbids_creates(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("quota")

    answer = await api.post(MAPS, make_config_map())

    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    assert "exceeded quota" in answer.body["message"]


async def test_F1_unauthorized_answers_401_to_everything(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("unauthorized")

    assert (await api.get("/version")).status == 401
    assert (await api.get(MAPS)).body["reason"] == "Unauthorized"


async def test_F3_one_verb_of_one_kind_can_be_forbidden(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("forbidden", forbidden={("list", "configmaps")})

    answer = await api.get(MAPS)

    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    assert 'cannot list resource "configmaps" in API group ""' in answer.body["message"]
    assert (await api.get("/api/v1/secrets")).status == 200


async def test_E4_clock_skew_shows_in_what_the_server_stamps(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("clock_skew", skew_s=-3600.0)
    skewed = (await api.post(MAPS, make_config_map("a"))).body["metadata"]["creationTimestamp"]
    cluster.faults.switch("clock_skew", False)
    right = (await api.post(MAPS, make_config_map("b"))).body["metadata"]["creationTimestamp"]

    assert skewed < right


async def test_controllers_and_people_inside_meet_no_faults() -> None:
    cluster = make_cluster()
    cluster.faults.switch("outage")

    answer = await cluster.inside().request(Request("GET", MAPS))

    assert answer.status == 200
