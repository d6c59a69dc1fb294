"""What is remembered of each object on a target."""

from __future__ import annotations

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import ObjectKey
from tmcconsole.sync.state.ledger import Ledger

KEY = ObjectKey("shop", "settings")


class Changes(list[tuple[str, ObjectKey]]):
    def touch(self, kind: str, key: ObjectKey) -> None:
        self.append((kind, key))


def make_ledger() -> tuple[Ledger, Changes]:
    changes = Changes()
    return Ledger(changes), changes


def test_a_standing_keeps_since_when_it_stands_while_state_and_reason_do() -> None:
    ledger, _ = make_ledger()

    ledger.stand("configmaps", KEY, SyncState.HELD, 10.0, reason="Paused", message="one")
    ledger.stand("configmaps", KEY, SyncState.HELD, 20.0, reason="Paused", message="two")
    assert ledger.entry("configmaps", KEY).standing.since == 10.0
    assert ledger.entry("configmaps", KEY).standing.message == "two"

    ledger.stand("configmaps", KEY, SyncState.HELD, 30.0, reason="DeletionHeld")
    assert ledger.entry("configmaps", KEY).standing.since == 30.0


def test_an_equal_standing_is_no_change() -> None:
    ledger, changes = make_ledger()
    ledger.stand("configmaps", KEY, SyncState.IN_SYNC, 10.0)
    changes.clear()

    ledger.stand("configmaps", KEY, SyncState.IN_SYNC, 99.0)

    assert changes == []


def test_an_object_that_left_is_forgotten_and_told_once() -> None:
    ledger, changes = make_ledger()
    ledger.stand("configmaps", KEY, SyncState.IN_SYNC, 10.0)
    changes.clear()

    ledger.forget("configmaps", KEY)
    ledger.forget("configmaps", KEY)

    assert changes == [("configmaps", KEY)]
    assert len(ledger) == 0
    assert ledger.get("configmaps", KEY) is None


def test_a_kind_that_is_away_holds_its_objects_and_no_others() -> None:
    ledger, _ = make_ledger()
    ledger.stand("widgets.example.com", KEY, SyncState.IN_SYNC, 10.0)
    ledger.stand("configmaps", KEY, SyncState.IN_SYNC, 10.0)

    ledger.hold_kind("widgets.example.com", 20.0, "KindAway", "not served")

    assert ledger.entry("widgets.example.com", KEY).standing.state is SyncState.HELD
    assert ledger.entry("configmaps", KEY).standing.state is SyncState.IN_SYNC
