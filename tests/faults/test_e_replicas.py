"""E2, E3: several engines share one fleet; whatever happens, no two write to one cluster."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.faults.crew import Crew, open_crew
from tests.faults.fixtures import LIMIT_S, SEED
from tests.faults.freezing import FreezingLoop
from tests.world.world import CONFIGMAPS, make_configmap
from tmcconsole.contract.records import TargetState

pytestmark = pytest.mark.anyio

TAKEOVER_S = 20.0


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": lambda: FreezingLoop(SEED, LIMIT_S)}


async def test_a_new_replica_takes_its_share_and_no_two_write_meanwhile() -> None:
    async with open_crew("one") as crew:
        crew.start("two")
        for number in range(60):
            await crew.paint(f"shade-{number}")
            await anyio.sleep(1.5)
        await crew.painted("green")

        assert set(crew.holders().values()) == {"one", "two"}
        assert crew.intruders() == []
        assert crew.creations("east", "settings") == 1


async def test_two_replicas_write_no_more_than_one() -> None:
    async with open_crew("one") as crew:
        await story(crew)
        alone = len([one for one in crew.written if "configmaps" in one.what])
    async with open_crew("one", "two", "three") as crew:
        await crew.shared()
        await story(crew)
        together = len([one for one in crew.written if "configmaps" in one.what])
        assert len(set(crew.holders().values())) > 1

    # one engine puts all finalizers in one patch; several engines write at most one patch each
    assert together - alone <= 2 * 2 * 3


async def story(crew: Crew) -> None:
    await crew.hub.apply(CONFIGMAPS, make_configmap("fresh"))
    await crew.painted("red")
    await crew.painted("green")
    await crew.hub.delete(CONFIGMAPS, "shop", "fresh")
    await crew.until(lambda: not crew.data_on("hub", "fresh"), "gone")
    await anyio.sleep(60)
    at_rest = len(crew.written)
    await anyio.sleep(60)
    assert len(crew.written) == at_rest


async def test_E3_a_holder_that_dies_is_replaced_within_twenty_seconds() -> None:
    async with open_crew("one", "two") as crew:
        await crew.shared()
        victim = crew.holder("east")
        crew.kill(victim)
        killed_at = crew.now()
        await crew.painted("green", within_s=TAKEOVER_S)
        await crew.until(lambda: victim not in crew.holders().values(), "all of it replaced")

        assert crew.now() - killed_at <= TAKEOVER_S
        assert crew.intruders() == []
        assert crew.creations("east", "settings") == 1


async def test_E3_a_holder_that_is_told_to_end_is_replaced_at_once() -> None:
    async with open_crew("one", "two") as crew:
        await crew.shared()
        await crew.stop(crew.holder("east"))
        took = await crew.painted("green", within_s=5)

        assert took <= 4
        assert crew.intruders() == []


async def test_E3_a_holder_cut_from_the_hub_only_stops_writing_before_the_next_begins() -> None:
    async with open_crew("one", "two") as crew:
        await crew.shared()
        victim = crew.holder("east")
        crew.members[victim].cut_from.add("hub")
        began = crew.now()
        await crew.clusters["east"].patch(CONFIGMAPS, "shop", "settings", {"data": {"colour": "x"}})
        await crew.until(lambda: crew.data_on("east") == {"colour": "blue"}, "taken back", 30)
        await crew.until(lambda: crew.holder("east") != victim, "replaced", TAKEOVER_S)
        await anyio.sleep(1)
        await crew.clusters["east"].patch(CONFIGMAPS, "shop", "settings", {"data": {"colour": "y"}})
        await crew.until(lambda: crew.data_on("east") == {"colour": "blue"}, "taken back", 30)

        late = [w for w in crew.written if w.by == victim and w.at > began + 12.5]
        assert late == []
        assert crew.intruders() == []
        record = await crew.record(victim, "east")
        assert (record.state, record.reason) == (TargetState.STANDBY, "AwaitingLease")

        crew.members[victim].cut_from.clear()
        await crew.painted("green", 60)
        assert crew.intruders() == []


async def test_E2_a_replica_that_was_stopped_for_a_minute_sends_nothing_when_it_wakes_up() -> None:
    async with open_crew("one", "two") as crew:
        await crew.shared()
        victim = crew.holder("east")
        for number in range(20):  # so that it has something to write when it stops
            await crew.hub.apply(CONFIGMAPS, make_configmap(f"map-{number}"))
        await anyio.sleep(0.003)
        crew.freeze(victim)
        stopped_at = crew.now()
        await anyio.sleep(60)
        assert victim not in crew.holders().values()
        await crew.paint("green")
        await anyio.sleep(0.5)
        woke_at = crew.now()
        crew.thaw(victim)
        await anyio.sleep(10)

        assert crew.intruders() == []
        assert [w for w in crew.written if w.by == victim and w.at >= stopped_at + 15] == []
        assert all(crew.creations("east", f"map-{number}") == 1 for number in range(20))
        await crew.painted("red")
        assert crew.now() - woke_at < 60


async def test_E3_without_the_right_to_write_leases_nothing_is_written_and_the_remedy_is_told() -> (
    None
):
    async with open_crew("one") as crew:
        rights = {(verb, "leases.coordination.k8s.io") for verb in ("create", "update", "patch")}
        crew.sims["hub"].faults.switch("forbidden", forbidden=rights)
        await anyio.sleep(30)
        written = len(crew.written)
        await crew.paint("green")
        await anyio.sleep(120)

        assert len(crew.written) == written
        record = await crew.record("one", "east")
        assert (record.state, record.reason) == (TargetState.REFUSED, "LeaseForbidden")
        assert "sync.leases = false" in record.message

        crew.sims["hub"].faults.switch("forbidden", False)
        await crew.until(lambda: crew.data_on("east") == {"colour": "green"}, "goes on", 35)
