"""What a front end pulls: the difference between its mirror and the board."""

from __future__ import annotations

import msgspec

from tmcconsole.contract.records import AnyRecord


class Revision(msgspec.Struct, frozen=True, gc=False):
    """A point in one board's history. Revisions of different epochs cannot be compared."""

    epoch: str  # identifies one run of one engine
    number: int  # grows by one for each change


NOTHING_SEEN = Revision("", 0)


class RecordRef(msgspec.Struct, frozen=True, gc=False):
    """Identifies a record: its type's tag and its key."""

    kind: str  # e.g. "TargetRecord"
    key: str


class Changes(msgspec.Struct, frozen=True):
    """Everything that changed after the given revision, each record once, in its newest form.

    With ``snapshot`` the mirror must be emptied first: ``upserted`` is then everything.
    """

    revision: Revision
    upserted: tuple[AnyRecord, ...] = ()
    removed: tuple[RecordRef, ...] = ()
    snapshot: bool = False
    wall: float = 0.0  # the engine's clock when this was made, from which ages are computed
