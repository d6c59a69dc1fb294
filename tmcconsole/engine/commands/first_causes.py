"""The first causes of an object's copies that are not well, asked of their targets at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import anyio

from tmcconsole.contract.records import Health
from tmcconsole.engine.commands.copy_answers import ask_copy
from tmcconsole.engine.commands.copy_cause import first_cause, remedy_of
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.supervisor import Supervisor
from tmcconsole.kube.objects import CachedObject, Kind
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.ledger import LANE

ASKED: Final = 3  # targets at once; the others are asked with @TARGET
_UNWELL: Final = (Health.UNHEALTHY, Health.DEGRADED)


def copy_on(
    session: HubSession, supervisor: Supervisor, item: Item
) -> tuple[Kind, CachedObject] | None:
    """Return the copy that a target's mirror has and the kind it is served as; None without."""
    target, discovery = supervisor.target, supervisor.kinds.discovery
    if target is None or discovery is None:
        return None
    cached = target.copy_of(*item) or session.upsyncing.below(target.key, item)
    kind = discovery.find(item.lane.removeprefix(LANE))
    return (kind, cached) if cached is not None and kind is not None else None


async def first_causes(
    session: HubSession,
    supervisors: Sequence[Supervisor],
    item: Item,
    healths: Mapping[str, Health],
) -> dict[str, list[str]]:
    """Return by target the lines that tell why its copy is not well, the worst copies first.

    Targets that do not respond are not asked; what could not be asked is told.
    """
    found: dict[str, list[str]] = {}
    unwell = [
        one
        for one in supervisors
        if one.connection is not None
        and one.standing.is_connected
        and healths[one.name] in _UNWELL
        and copy_on(session, one, item)
    ]
    unwell.sort(key=lambda one: (_UNWELL.index(healths[one.name]), one.name))
    async with anyio.create_task_group() as group:
        for supervisor in unwell[:ASKED]:
            group.start_soon(_ask, session, supervisor, item, found)
    for supervisor in unwell[ASKED:]:
        found[supervisor.name] = [f"  cause      not asked; why ...@{supervisor.name} asks"]
    return found


async def _ask(
    session: HubSession, supervisor: Supervisor, item: Item, found: dict[str, list[str]]
) -> None:
    copy, target = copy_on(session, supervisor, item), supervisor.target
    if copy is None or target is None:
        return
    asked = await ask_copy(target, *copy)
    cause = first_cause(asked)
    lines = [f"  cause      {cause}"] if cause else []
    lines += [f"  what helps {remedy_of(cause)}"] if cause and remedy_of(cause) else []
    found[supervisor.name] = lines + [f"  not known  {one}" for one in asked.unknown]
