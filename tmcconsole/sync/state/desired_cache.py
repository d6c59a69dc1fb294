"""Desired states worked out at assignment, kept until down-sync asks for the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tmcconsole.kube.objects import Kind, ObjectKey
from tmcconsole.sync.desired.build import Desired, DesiredInputs
from tmcconsole.sync.policy import Refusal
from tmcconsole.sync.queue.workqueue import Item

KEPT: Final = 512  # of one target; the others are worked out twice


@dataclass(frozen=True, slots=True)
class DesiredState:
    """The desired state, and why it is not carried out where it is not."""

    desired: Desired | None  # None where it cannot even be told
    refusal: Refusal | None
    left_out: tuple[str, ...] = ()  # paths of metadata that policy keeps from travelling


NO_DESIRED_STATE: Final = DesiredState(None, None)


@dataclass(frozen=True, slots=True)
class Basis:
    """All that a desired state on one target rests on and that can change while it is connected."""

    digest: bytes  # of the hub object's content
    inputs: DesiredInputs
    kind: Kind  # as the target serves it
    there: ObjectKey  # where its copy lives


@dataclass(slots=True)
class DesiredCache:
    """The newest state of each key, until its target has looked at it: at rest there are none."""

    _found: dict[Item, tuple[Basis, DesiredState]] = field(default_factory=dict)

    def find(self, item: Item, basis: Basis) -> DesiredState | None:
        """Return what was found on this very basis."""
        found = self._found.get(item)
        return found[1] if found is not None and found[0] == basis else None

    def keep(self, item: Item, basis: Basis, desired: DesiredState) -> None:
        """Keep a desired state where there is room: who came first is asked for first."""
        if len(self._found) < KEPT or item in self._found:
            self._found[item] = basis, desired

    def drop(self, item: Item) -> None:
        """Forget the desired state of a key."""
        self._found.pop(item, None)

    def __len__(self) -> int:
        return len(self._found)
