"""Desired states computed at assignment, kept until down-sync needs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tmcconsole.kube.objects import Kind, ObjectKey
from tmcconsole.sync.desired.build import Desired, DesiredInputs
from tmcconsole.sync.policy import Refusal
from tmcconsole.sync.queue.workqueue import Item

KEPT: Final = 512  # per target; others are computed twice


@dataclass(frozen=True, slots=True)
class DesiredState:
    """The desired state, and why it is not carried out if it is not."""

    desired: Desired | None  # None if it cannot even be computed
    refusal: Refusal | None
    left_out: tuple[str, ...] = ()  # paths of metadata that policy keeps from being synced


NO_DESIRED_STATE: Final = DesiredState(None, None)


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything a desired state on one target depends on that can change while it is connected."""

    digest: bytes  # of the hub object's content
    inputs: DesiredInputs
    kind: Kind  # as the target serves it
    there: ObjectKey  # where its copy lives


@dataclass(slots=True)
class DesiredCache:
    """The newest state of each key, until its target has reconciled it: empty at rest."""

    _found: dict[Item, tuple[Basis, DesiredState]] = field(default_factory=dict)

    def find(self, item: Item, basis: Basis) -> DesiredState | None:
        """Return the state computed from the same basis."""
        found = self._found.get(item)
        return found[1] if found is not None and found[0] == basis else None

    def keep(self, item: Item, basis: Basis, desired: DesiredState) -> None:
        """Keep a desired state if there is room: the first in is needed first."""
        if len(self._found) < KEPT or item in self._found:
            self._found[item] = basis, desired

    def drop(self, item: Item) -> None:
        """Forget the desired state of a key."""
        self._found.pop(item, None)

    def __len__(self) -> int:
        return len(self._found)
