"""The words of a drain's plan, the same in the console and on the command line."""

from __future__ import annotations

from typing import Final

from tmcconsole.contract.commands import DrainPlan, Fate, Move

# What can become of an object, in the order shown: a title, and a word that follows a count.
FATES: Final = (
    (Fate.STAYS, "Stays here: no other target can take it", "staying"),
    (Fate.MOVES, "Moves: stays here until it is as healthy there", "moving"),
    (Fate.REMOVED, "Removed here: it is elsewhere already", "removed here"),
    (Fate.ABSENT, "Not here", "not here"),
)
NOT_DONE: Final = "nothing has been done yet: a copy leaves once it is as healthy elsewhere"
EMPTY: Final = "this target has no objects"


def loss(plan: DrainPlan) -> str:
    """Return what must be typed to remove even what cannot move: it names the loss."""
    return f"{plan.target} loses {plan.stranded}"


def live(move: Move) -> str:
    """Return where else an object is live, or "" if it is not on the target."""
    if move.fate is Fate.ABSENT:
        return ""
    left = move.left
    return f"live on {left} other{'' if left == 1 else 's'}" if left else "live here only"
