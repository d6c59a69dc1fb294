"""When the mass-delete brake trips, what it counts, and what it leaves alone."""

from __future__ import annotations

import random

from tests.world.world import CONFIGMAPS, still_runtime
from tmcconsole.kube.cache.cache import Shrink
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.client.client import Client
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sync.policy.mass_delete_brake import WINDOW_S, MassDeleteBrake
from tmcconsole.tmc.history.audit import Recalled


def make_informer() -> Informer:
    """An informer that never runs: the brake reads only the state of its last list."""
    sim = SimCluster("east", now=lambda: 0.0, wall=lambda: 0.0, rng=random.Random(1))
    client = Client(sim.transport(), name="east")
    return Informer(client, CONFIGMAPS, still_runtime(), on_change=lambda *_change: None)


def take_list(informer: Informer, *, shrank: bool, before: int = 30) -> None:
    informer.relists += 1
    if shrank:
        informer.shrinks.append(Shrink(len(informer.shrinks) + 1, before, 0))


def make_brake() -> MassDeleteBrake:
    return MassDeleteBrake(least=10, percent=5.0)


def admitted(brake: MassDeleteBrake, count: int, *, now: float = 0.0, objects: int = 20) -> int:
    return sum(brake.admit(f"uid-{now}-{number}", now, objects) for number in range(count))


def test_ten_pass_on_a_small_target_and_five_percent_on_a_large_one() -> None:
    assert admitted(make_brake(), 100, objects=20) == 10
    assert admitted(make_brake(), 100, objects=1000) == 50


def test_deciding_counts_so_that_many_at_once_cannot_pass_together() -> None:
    brake = make_brake()

    assert [brake.admit(f"uid-{n}", 0.0, 20) for n in range(12)] == [True] * 10 + [False] * 2


def test_ten_ordered_deletions_count_as_one_inferred_in_the_same_sum() -> None:
    alone, mixed = make_brake(), make_brake()

    ordered = [alone.admit(f"uid-{n}", 0.0, 20, is_ordered=True) for n in range(102)]
    assert ordered == [True] * 100 + [False] * 2
    assert alone.tripped == "more than 100 deletions in ten minutes"
    assert all(mixed.admit(f"uid-{n}", 0.0, 20, is_ordered=True) for n in range(15))
    assert admitted(mixed, 20) == 8
    assert "deleted by name counts a tenth" in mixed.tripped


def test_what_was_ordered_is_remembered_as_such_after_a_restart() -> None:
    brake = make_brake()
    past = [
        Recalled(at=1000.0, action="delete-copy", target="east", uid=f"old-{n}",
                 detail="HubDeleting (ordered)", outcome="accepted")
        for n in range(50)
    ]  # fmt: skip
    brake.remember(past, 0.0, 0.0, 1000.0)

    assert admitted(brake, 20) == 5


def test_a_deletion_tried_again_counts_once() -> None:
    brake = make_brake()

    assert all(brake.admit("the same", float(at), 20) for at in range(100))
    assert brake.tripped == ""


def test_a_deletion_that_did_not_happen_is_given_back() -> None:
    brake = make_brake()
    for number in range(100):
        assert brake.admit(f"uid-{number}", 0.0, 20)
        brake.give_back(f"uid-{number}")


def test_deletions_long_past_no_longer_count() -> None:
    brake = make_brake()

    assert admitted(brake, 10, now=0.0) == 10
    assert admitted(brake, 10, now=WINDOW_S) == 10


def test_once_tripped_it_holds_until_an_operator_allows_however_long_that_takes() -> None:
    brake = make_brake()
    admitted(brake, 11)

    assert admitted(brake, 1, now=100 * WINDOW_S) == 0
    assert "more than 10 deletions" in brake.tripped
    brake.allow(100 * WINDOW_S)
    assert admitted(brake, 500, now=100 * WINDOW_S) == 500


def test_what_an_operator_allowed_is_not_counted_afterwards() -> None:
    brake = make_brake()
    brake.allow(0.0, for_s=60)
    admitted(brake, 500, now=59.0)

    assert admitted(brake, 10, now=61.0) == 10
    assert admitted(brake, 1, now=62.0) == 0


def test_a_list_that_lost_more_than_half_trips_once_and_not_again_after_a_release() -> None:
    brake, informer = make_brake(), make_informer()

    take_list(informer, shrank=False)
    brake.judge_list(informer, "east", 0.0)
    assert brake.tripped == ""
    take_list(informer, shrank=True)
    brake.judge_list(informer, "east", 0.0)
    assert "a list of configmaps on east" in brake.tripped

    brake.allow(0.0, for_s=60)
    brake.judge_list(informer, "east", 30.0)
    brake.judge_list(informer, "east", 90.0)
    assert brake.tripped == ""


def test_a_shrunken_list_is_not_forgotten_over_the_next_one() -> None:
    brake, informer = make_brake(), make_informer()

    take_list(informer, shrank=True)
    take_list(informer, shrank=False)
    brake.judge_list(informer, "east", 0.0)

    assert "a list of configmaps on east" in brake.tripped


def test_a_list_of_a_few_may_shrink_to_nothing() -> None:
    brake, informer = make_brake(), make_informer()

    take_list(informer, shrank=True, before=10)
    brake.judge_list(informer, "east", 0.0)

    assert brake.tripped == ""


def test_recent_deletions_are_remembered_only_up_to_the_limit() -> None:
    brake = make_brake()

    admitted(brake, 10_000, objects=100)

    assert len(brake.recent) == 10


def past(uid: str, at: float, *, action: str = "delete-copy", **more: str) -> Recalled:
    """What the audit log has from an earlier process; the wall clock is a million ahead."""
    told = {"detail": "HubGone", "outcome": "accepted"} | more
    return Recalled(1_000_000 + at, action, "east", uid, told["detail"], told["outcome"])


def remembering(
    *found: Recalled, allowed_until: float = 0.0, now: float = 100.0
) -> MassDeleteBrake:
    brake = make_brake()
    brake.remember(found, allowed_until, now, 1_000_000 + now)
    return brake


def test_C10_what_an_earlier_process_deleted_counts_and_wears_off_at_its_own_time() -> None:
    brake = remembering(*(past(f"uid-{number}", 90.0) for number in range(8)))

    assert admitted(brake, 5, now=100.0) == 2
    brake = remembering(*(past(f"uid-{number}", 90.0) for number in range(8)))
    assert admitted(brake, 10, now=90.0 + WINDOW_S) == 10


def test_C10_a_brake_that_tripped_before_a_restart_is_still_tripped() -> None:
    brake = remembering(past("", 0.0, action="brake-tripped", detail="more than 10 deletions"))

    assert admitted(brake, 1, now=100 * WINDOW_S) == 0
    assert brake.tripped == "more than 10 deletions"


def test_what_an_operator_allowed_before_a_restart_is_not_held_against_it() -> None:
    tripped = past("", 10.0, action="brake-tripped", detail="more than 10 deletions")
    deleted = [past(f"uid-{number}", 20.0) for number in range(10)]

    brake = remembering(tripped, *deleted, allowed_until=1_000_030.0)

    assert admitted(brake, 10, now=100.0) == 10


def test_deletions_that_were_not_counted_or_did_not_happen_do_not_count_later() -> None:
    drained = [past(f"drained-{n}", 90.0, detail="Unassigned (not counted)") for n in range(10)]
    gone = [past(f"gone-{n}", 90.0, outcome="gone already") for n in range(10)]

    assert admitted(remembering(*drained, *gone), 10) == 10
