"""Who waits for what on one target."""

from __future__ import annotations

from dataclasses import dataclass, field

from tmcconsole.sync.queue.workqueue import Item


@dataclass(slots=True)
class Dependents:
    """Objects by the dependency they wait for: that it was looked at wakes them. Memory only."""

    _for: dict[Item, set[Item]] = field(default_factory=dict)

    def add(self, waiting: Item, dependency: Item) -> None:
        """Note that an object waits."""
        self._for.setdefault(dependency, set()).add(waiting)

    def pop(self, dependency: Item) -> tuple[Item, ...]:
        """Return who waited for a dependency, and forget it."""
        return tuple(sorted(self._for.pop(dependency, ())))

    def __len__(self) -> int:
        return len(self._for)
