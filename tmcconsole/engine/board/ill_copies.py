"""Which copies are in sync but not healthy, by target and kind, for the health tree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tmcconsole.contract.records import Cell, Health, SyncState
from tmcconsole.engine.board.object_records import FAILED, ILL
from tmcconsole.sync.queue.workqueue import Item

# Copies in these states count as failed, or are leaving.
_COUNTED: Final = frozenset({*FAILED, SyncState.DELETING})


@dataclass(slots=True)
class IllCopies:
    """Owns what the objects' last records said. Healthy copies cost nothing."""

    # By kind, then by target: a record concerns one kind, and few kinds have ill copies.
    _ill: dict[str, dict[str, dict[Item, tuple[Health, str]]]] = field(default_factory=dict)

    def note(self, item: Item, cells: Iterable[Cell]) -> None:
        """Take what an object's new record says; no cells mean that it has no record any more."""
        for there in self._ill.get(item.lane, {}).values():
            there.pop(item, None)
        for cell in cells:
            if cell.health in ILL and cell.state not in _COUNTED and not cell.heard_at:
                of_kind = self._ill.setdefault(item.lane, {})
                of_kind.setdefault(str(cell.target), {})[item] = (
                    cell.health,
                    f"{item.key.name} {cell.told}",
                )

    def counts(self, target: str, kind: str) -> tuple[int, int, str]:
        """Return how many copies are unhealthy, how many are degraded, and one of the worst."""
        found = self._ill.get(kind, {}).get(target, {})
        if not found:
            return 0, 0, ""
        unhealthy = [told for health, told in found.values() if health is Health.UNHEALTHY]
        worst = unhealthy or [told for _, told in found.values()]
        return len(unhealthy), len(found) - len(unhealthy), min(worst)
