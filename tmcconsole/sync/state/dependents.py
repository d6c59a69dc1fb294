"""Which objects wait for which dependency on one target."""

from __future__ import annotations

from dataclasses import dataclass, field

from tmcconsole.sync.queue.workqueue import Item


@dataclass(slots=True)
class Dependents:
    """Objects by the dependency they wait for, which wakes them when reconciled. In memory only."""

    _for: dict[Item, set[Item]] = field(default_factory=dict)

    def add(self, waiting: Item, dependency: Item) -> None:
        """Note that an object waits."""
        self._for.setdefault(dependency, set()).add(waiting)

    def pop(self, dependency: Item) -> tuple[Item, ...]:
        """Return who waited for a dependency, and forget them."""
        return tuple(sorted(self._for.pop(dependency, ())))

    def __len__(self) -> int:
        return len(self._for)
