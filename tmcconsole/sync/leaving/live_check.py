"""Asks the targets themselves, before a copy is taken away, whether what replaces it is there."""

from __future__ import annotations

from dataclasses import replace

from tmcconsole.kube.errors import KubeError
from tmcconsole.kube.objects import Json
from tmcconsole.sync.assignment.plan import Expected
from tmcconsole.sync.leaving.departures import departure_of, place_of
from tmcconsole.sync.leaving.may_leave import Departure, Place, Verdict, judge
from tmcconsole.sync.names.markers import is_ours, origin_of
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.live_reads import read_live, take_in


async def live_verdict(
    shared: SyncContext, item: Item, tree: Json, expected: Expected, key: str
) -> Verdict:
    """Return whether the copy on target ``key`` may leave, its replacement having been read anew.

    A cache may be late. A target that does not answer has nothing that could be relied on.
    """
    departure = departure_of(shared, item, tree, expected, key)
    verdict = judge(departure)
    if not verdict.may_leave or judge(replace(departure, others=())).may_leave:
        return verdict
    keys = dict(zip(sorted(expected.keys - {key}), departure.others, strict=True))
    if departure.is_divided:
        live = [await _read(shared, item, tree, one, place) for one, place in keys.items()]
        return judge(replace(departure, others=tuple(live)))
    return await _first_that_will_do(shared, item, tree, departure, keys)


async def _first_that_will_do(
    shared: SyncContext, item: Item, tree: Json, departure: Departure, keys: dict[str, Place]
) -> Verdict:
    places = dict(keys)
    for one, place in keys.items():
        if judge(replace(departure, others=(place,))).may_leave:
            places[one] = await _read(shared, item, tree, one, place)
            found = judge(replace(departure, others=(places[one],)))
            if found.may_leave:
                return found
    return judge(replace(departure, others=tuple(places.values())))


async def _read(shared: SyncContext, item: Item, tree: Json, key: str, place: Place) -> Place:
    target = shared.targets.get(key)
    watched = target.kinds.get(item.lane) if target is not None else None
    if target is None or watched is None or not place.is_known:
        return place
    try:
        live = await read_live(target, watched, item.key)
    except KubeError as error:
        return replace(place, is_known=False, told=str(error))
    if live is None:
        gone = target.copy_of(*item)
        if gone is not None:
            watched.informer.forget(gone.key, gone.uid)
        return replace(place, is_there=False, problem=place.problem or "not there (any more)")
    if is_ours(live.decode(), key, origin_of(shared.hub.cluster, tree)):
        take_in(watched.informer, live)
    return place_of(shared, item, tree, key, live)
