"""Which copies are in sync but not healthy, by target and kind, for the health tree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tmcconsole.contract.records import Cell, Health, SyncState
from tmcconsole.sync.queue.workqueue import Item

ILL: Final = (Health.UNHEALTHY, Health.DEGRADED)
# Copies in these states count as failed, or are leaving.
_COUNTED: Final = frozenset(
    {
        SyncState.FAILED,
        SyncState.REFUSED,
        SyncState.COLLISION,
        SyncState.HELD,
        SyncState.DELETING,
    }
)


@dataclass(slots=True)
class IllCopies:
    """Owns what the objects' last records said. Healthy copies cost nothing."""

    _ill: dict[tuple[str, str], dict[Item, tuple[Health, str]]] = field(default_factory=dict)

    def note(self, item: Item, cells: Iterable[Cell]) -> None:
        """Take what an object's new record says; no cells mean that it has no record any more."""
        for (_, kind), of_kind in self._ill.items():
            if kind == item.lane:
                of_kind.pop(item, None)
        for cell in cells:
            if cell.health in ILL and cell.state not in _COUNTED and not cell.heard_at:
                found = self._ill.setdefault((str(cell.target), item.lane), {})
                found[item] = (cell.health, f"{item.key.name} {cell.told}")

    def counts(self, target: str, kind: str) -> tuple[int, int, str]:
        """Return how many copies are unhealthy, how many are degraded, and one of the worst."""
        found = self._ill.get((target, kind), {})
        if not found:
            return 0, 0, ""
        unhealthy = [told for health, told in found.values() if health is Health.UNHEALTHY]
        worst = unhealthy or [told for _, told in found.values()]
        return len(unhealthy), len(found) - len(unhealthy), min(worst)
