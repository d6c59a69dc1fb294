"""The mass-delete brake: the last barrier between a mistake and empty clusters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

from tmcconsole.kube.cache.informer import Informer
from tmcconsole.tmc.history.audit import Recalled

WINDOW_S: Final = 600.0  # deletions are counted over ten minutes
TRIPPED: Final = "brake-tripped"  # an action in the audit log
DELETIONS: Final = frozenset({"delete-copy", "delete-namespace"})  # so are these
UNCOUNTED: Final = "(not counted)"  # suffix of such a deletion's detail there
ORDERED: Final = "(ordered)"  # likewise: somebody deleted this very object in the hub
# This many ordered deletions count as one inferred: an application has dozens of objects,
# and each was deleted by name. Without a bound, a script that deletes all would empty all clusters.
ORDERED_PER_ONE: Final = 10
_DID_NOT_HAPPEN: Final = ("gone already", "failed: Conflict")


@dataclass(slots=True)
class MassDeleteBrake:
    """Counts the deletions on one target. Time is an argument; one owner.

    It trips at more than max(``least``, ``percent`` of the target's objects) in the window, and at
    once if a list returned less than half of what it had. Once tripped it holds every deletion
    until an operator allows them.
    """

    least: int
    percent: float
    # When deletions were allowed, by the copy's UID, oldest first: a copy whose deletion is retried
    # counts once. Never more than the limit.
    recent: dict[str, float] = field(default_factory=dict)
    ordered: set[str] = field(default_factory=set)  # those that count a tenth
    allowed_until: float = 0.0
    tripped: str = ""  # why it tripped, or "" if it has not
    is_announced: bool = False  # its tripping has been recorded in the audit log
    tripped_at: float = 0.0  # Unix seconds; 0 until it is announced
    _judged: WeakKeyDictionary[Informer, int] = field(default_factory=WeakKeyDictionary)

    def remember(
        self, past: Iterable[Recalled], allowed_until: float, now: float, wall: float
    ) -> None:
        """Continue where an earlier process left off, from the audit log.

        What an operator allowed until ``allowed_until`` (Unix seconds) does not count.
        """
        for one in past:
            if one.at <= allowed_until:
                continue
            if one.action == TRIPPED:
                self.tripped, self.is_announced, self.tripped_at = one.detail, True, one.at
            elif not one.detail.endswith(UNCOUNTED) and one.outcome not in _DID_NOT_HAPPEN:
                self.recent[one.uid] = now - (wall - one.at)
                if one.detail.endswith(ORDERED):
                    self.ordered.add(one.uid)

    def limit(self, objects: int) -> int:
        """Return how many deletions are allowed in the window if the target holds ``objects``."""
        return max(self.least, int(objects * self.percent / 100))

    def admit(self, uid: str, now: float, objects: int, *, is_ordered: bool = False) -> bool:
        """Return whether a copy may be deleted now, and count it if so.

        Deciding and counting are one step, because several deletions run in parallel.
        """
        if now < self.allowed_until:
            return True
        for old in [old for old, at in self.recent.items() if at <= now - WINDOW_S]:
            self.give_back(old)
        if self.tripped:
            return False
        if uid in self.recent:
            return True
        counted = self._tenths() + (1 if is_ordered else ORDERED_PER_ONE)
        if counted > self.limit(objects) * ORDERED_PER_ONE:
            self.tripped = self._why(self.limit(objects), is_ordered=is_ordered)
            return False
        self.recent[uid] = now
        if is_ordered:
            self.ordered.add(uid)
        return True

    def _tenths(self) -> int:
        inferred = len(self.recent) - len(self.ordered)
        return inferred * ORDERED_PER_ONE + len(self.ordered)

    def _why(self, limit: int, *, is_ordered: bool) -> str:
        if not self.ordered and not is_ordered:
            return f"more than {limit} deletions in ten minutes"
        if is_ordered and len(self.ordered) == len(self.recent):
            return f"more than {limit * ORDERED_PER_ONE} deletions in ten minutes"
        return (
            f"more than {limit} deletions in ten minutes, where an object that was deleted by name "
            "counts a tenth"
        )

    def give_back(self, uid: str) -> None:
        """Uncount a deletion that certainly did not happen."""
        self.recent.pop(uid, None)
        self.ordered.discard(uid)

    def judge_list(self, informer: Informer, where: str, now: float) -> None:
        """Trip if a list lost more than half; each list is judged once.

        A loss of no more than ``least`` is accepted: so few deletions are allowed in any case. A
        later list that lost nothing more does not release the brake.
        """
        judged = self._judged.get(informer, 0)
        new = [one for one in informer.shrinks if one.number > judged]
        if not new:
            return
        self._judged[informer] = new[-1].number
        shrank = any(one.before - one.kept > self.least for one in new)
        if shrank and now >= self.allowed_until:
            kind = informer.kind.id
            self.tripped = f"a list of {kind} on {where} came back with less than half of it"

    def allow(self, now: float, for_s: float = WINDOW_S) -> None:
        """Allow deletions for a while by an operator's command; they are not counted."""
        self.tripped, self.is_announced, self.tripped_at = "", False, 0.0
        self.recent.clear()
        self.ordered.clear()
        self.allowed_until = now + for_s
