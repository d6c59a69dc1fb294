"""May a copy leave its target now? Decided from what is known of all its places. Pure.

One rule for every reason to leave: a copy goes when what replaces it is there and as healthy as
the one that goes was, or when a person said otherwise. What is not known is no replacement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tmcconsole.contract.records import Health

NO_REPLACEMENT: Final = "NoReplacement"  # nothing replaces it, and nothing is on its way to
AWAITING_REPLACEMENT: Final = "AwaitingReplacement"  # what replaces it is being made
NEEDED_HERE: Final = "NeededHere"  # a workload that stays needs it

# Silence is worth less than a bad word of the kinds that say how they do, and more than failure.
_RANK: Final = {Health.UNHEALTHY: 0, Health.UNKNOWN: 1, Health.DEGRADED: 2, Health.HEALTHY: 3}


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of an object's copy on one target."""

    target: str  # its name, or its key where no name is known
    is_known: bool  # the cluster answers, and its copies have been listed
    is_there: bool = False  # a copy of ours is there and not on its way out
    carries: bool = False  # the copy has the desired state of this moment
    health: Health = Health.UNKNOWN
    ready: int = 0  # replicas that are ready
    replicas: int = 0  # replicas that the copy asks for
    told: str = ""  # how it does, in words
    problem: str = ""  # why no copy comes to be there; "" where one is, or is on its way


@dataclass(frozen=True, slots=True)
class Departure:
    """A copy that is to leave, with all the decision rests on."""

    here: Place
    others: tuple[Place, ...]  # of the targets that are to have the object
    replicas: int = 0  # that the hub's object asks for, 0 for kinds without
    is_divided: bool = False  # those are divided among the targets
    let_go: str = ""  # why it may go without a replacement
    needed: bool = False  # a workload that stays on this target needs it
    # It has been allowed to leave. That a replacement lags behind an edit made since is no reason
    # to take that back: where a webhook of the hub marks every write, it would be one for ever.
    is_stamped: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the copy may leave; where not, ``reason`` is one of the three above."""

    may_leave: bool
    reason: str = ""
    message: str = ""  # for a person: why it goes, or why it stays and what ends that


def judge(departure: Departure) -> Verdict:
    """Return whether the copy may leave now."""
    here, others = departure.here, departure.others
    if departure.let_go:
        return Verdict(True, message=departure.let_go)
    if here.is_known and not here.is_there:
        return Verdict(True, message="nothing is there")
    if departure.needed:
        return Verdict(False, NEEDED_HERE, "a workload of its namespace stays here and may need it")
    found = _divided(departure) if departure.is_divided else _whole(departure)
    if found:
        return Verdict(True, message=f"replaced by {found}")
    return _staying(here, others)


def _whole(departure: Departure) -> str:
    """Return the target that has as good a copy, "" where none has."""
    here = departure.here
    ready = min(here.ready, departure.replicas) if here.is_known else departure.replicas
    health = here.health if here.is_known else Health.HEALTHY
    for place in departure.others:
        good = _RANK[place.health] >= _RANK[health] and place.ready >= ready
        if _is_in_place(place, departure) and good:
            return place.target
    return ""


def _divided(departure: Departure) -> str:
    """Return the targets that together have as many replicas ready, "" where they have not.

    What this copy lacks of its own share the others need not make up for.
    """
    here = departure.here
    lacking = max(0, here.replicas - here.ready) if here.is_known else 0
    places = [place for place in departure.others if _is_in_place(place, departure)]
    if not places or sum(place.ready for place in places) < departure.replicas - lacking:
        return ""
    return ", ".join(place.target for place in places)


def _is_in_place(place: Place, departure: Departure) -> bool:
    return place.is_known and place.is_there and (place.carries or departure.is_stamped)


def _staying(here: Place, others: Sequence[Place]) -> Verdict:
    if not others:
        return Verdict(False, NO_REPLACEMENT, "no other target is to have it")
    told = "; ".join(_how(place) for place in others)
    coming = any(not _why_not(place) for place in others)
    was = here.told if here.is_known else "does not answer, last known to be well"
    message = f"stays until it is as well elsewhere. {here.target}: {was or 'there'}. {told}"
    return Verdict(False, AWAITING_REPLACEMENT if coming else NO_REPLACEMENT, message)


def _why_not(place: Place) -> str:
    """Return why a place will not do, as far as can be told; "" where it may yet."""
    if not place.is_known:
        return "not known"
    if place.is_there and place.health is Health.UNHEALTHY:
        return place.told or "unhealthy"
    return place.problem


def _how(place: Place) -> str:
    if not place.is_known:
        return f"{place.target}: not known"
    if place.problem:
        return f"{place.target}: {place.problem}"
    if not place.is_there:
        return f"{place.target}: not there yet"
    return f"{place.target}: {place.told or 'there'}{'' if place.carries else ', not up to date'}"
