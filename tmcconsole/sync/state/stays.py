"""The copies that are to leave and may not yet, and who is to look at them again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tmcconsole.sync.queue.workqueue import Item, WorkQueue


@dataclass(frozen=True, slots=True)
class Stay:
    """Why a copy stays on a target that it is to leave."""

    reason: str  # NoReplacement | AwaitingReplacement | NeededHere
    message: str


@dataclass(slots=True)
class Stays:
    """By hub object, then by target key. Memory only: found again at the next look at each."""

    queue: WorkQueue  # of objects that stay somewhere, to be looked at again
    _known: dict[Item, dict[str, Stay]] = field(default_factory=dict)
    _needed: dict[str, set[Item]] = field(default_factory=dict)  # by namespace: wait for workloads

    def note(self, item: Item, stays: Mapping[str, Stay], *, needed: bool = False) -> None:
        """Take down where an object stays; ``needed``: until a workload of its namespace goes."""
        if stays:
            self._known[item] = dict(stays)
            self.queue.add(*item)
        else:
            self._known.pop(item, None)
        waiting = self._needed.setdefault(item.key.namespace, set())
        (waiting.add if needed else waiting.discard)(item)
        if not waiting:
            del self._needed[item.key.namespace]

    def find(self, item: Item, key: str) -> Stay | None:
        """Return why the object stays on a target, None where it does not."""
        return self._known.get(item, {}).get(key)

    def of(self, item: Item) -> Mapping[str, Stay]:
        """Return why the object stays, by target key; {} where it stays nowhere."""
        return self._known.get(item, {})

    def wake(self, item: Item) -> None:
        """Something is new of a copy: look at the object again if it stays anywhere."""
        if item in self._known:
            self.queue.add(*item)

    def wake_all(self) -> None:
        """Queue all that stays: a target responds again, and the copies there count again."""
        for item in self._known:
            self.queue.add(*item)

    def wake_needed(self, namespace: str) -> None:
        """A workload was looked at: what waits for those of its namespace may go by now."""
        for item in sorted(self._needed.get(namespace, ())):
            self.queue.add(*item)

    def items(self) -> Iterator[tuple[Item, Mapping[str, Stay]]]:
        """Yield every object that stays somewhere."""
        yield from self._known.items()
