"""One copy as its cluster tells it: the first cause, conditions, pods, the newest events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tmcconsole.contract.commands import CopyCause, ShowCause, ShowCopy, Text
from tmcconsole.contract.text import SafeBody, SafeText
from tmcconsole.engine.commands.audited_order import Rejected
from tmcconsole.engine.commands.copy_answers import ask_copy
from tmcconsole.engine.commands.copy_cause import (
    AskedCopy,
    container_trouble,
    first_cause,
    happened_at,
    is_unwell,
    remedy_of,
    shortened,
)
from tmcconsole.engine.commands.first_causes import copy_on
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.supervisor import Supervisor
from tmcconsole.kube.objects import Json
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.tmc.health.status_fields import Fields, mapping, mappings, number, text

CONDITIONS: Final = 12
PODS_TOLD: Final = 10  # those that are not well first
EVENTS_TOLD: Final = 8


async def answer_of_copy(
    session: HubSession, supervisor: Supervisor, item: Item, query: ShowCopy | ShowCause
) -> Text | CopyCause:
    """Return the text on one copy, or its cause alone. Raises ``Rejected`` if the target has none,
    or is not there.
    """
    name, target = supervisor.name, supervisor.target
    if target is None or supervisor.connection is None or not supervisor.standing.is_connected:
        said = supervisor.standing.message or "it is not connected"
        raise Rejected(f"{name} cannot be asked now: {said}", "w tells what was last seen")
    copy = copy_on(session, supervisor, item)
    if copy is None:
        raise Rejected(f"{name} has no copy of {item.lane} {item.key}", "w tells why")
    asked = await ask_copy(target, *copy)
    if isinstance(query, ShowCause):
        cause = first_cause(asked)
        remedy = remedy_of(cause) if cause else ""
        return CopyCause(cause=SafeText(cause.text if cause else ""), remedy=SafeText(remedy))
    body = "\n".join(copy_lines(asked))
    title = f"{item.lane} {item.key} on {name}"
    return Text(title=SafeText(title), body=SafeBody(body))


def copy_lines(asked: AskedCopy) -> list[str]:
    """Return what was told about a copy, the first cause on top."""
    cause = first_cause(asked)
    meta = Fields(asked.copy).metadata
    space, name = text(meta.get("namespace")), text(meta.get("name"))
    return [
        f"cause      {cause or 'nothing that was asked tells of one'}",
        *([f"what helps {remedy_of(cause)}"] if cause and remedy_of(cause) else []),
        f"copy       {space}/{name}" if space else f"copy       {name}",
        *(f"not known  {one}" for one in asked.unknown),
        *_section("Conditions", _conditions(asked.copy)),
        *_section(_pods_title(asked), _pods(asked)),
        *_section("Events, newest first", _events(asked)),
    ]


def _section(title: str, found: Iterator[str]) -> list[str]:
    lines = list(found)
    return ["", title, *lines] if lines else []


def _conditions(tree: Json) -> Iterator[str]:
    for one in list(Fields(tree).conditions())[:CONDITIONS]:
        reason, message = text(one.get("reason")), shortened(one.get("message"))
        said = ": ".join(filter(None, (reason, message)))
        since = text(one.get("lastTransitionTime"))
        words = (text(one.get("type"), "?"), text(one.get("status"), "?"), said)
        yield f"  {' '.join(filter(None, words))}" + (f" since {since}" if since else "")


def _pods_title(asked: AskedCopy) -> str:
    unwell = sum(map(is_unwell, asked.pods))
    return f"Pods ({len(asked.pods)}, {unwell} not ready)"


def _pods(asked: AskedCopy) -> Iterator[str]:
    ordered = sorted(asked.pods, key=lambda pod: (not is_unwell(pod), str(_name(pod))))
    for pod in ordered[:PODS_TOLD]:
        fields = Fields(pod)
        node = text(fields.spec.get("nodeName"), "no node")
        going = ", terminating" if fields.is_deleting else ""
        yield f"  {_name(pod)}  {text(fields.status.get('phase'), 'no status')}{going}, {node}"
        for field in ("initContainerStatuses", "containerStatuses"):
            for status in mappings(fields.status.get(field)):
                yield f"    {_container(status)}"
    if len(ordered) > PODS_TOLD:
        yield f"  and {len(ordered) - PODS_TOLD} more"


def _container(status: object) -> str:
    fields = mapping(status)
    state = next(iter(mapping(fields.get("state"))), "no state")
    said = container_trouble(fields)
    if not said:
        reason = text(mapping(mapping(fields.get("state")).get(state)).get("reason"))
        ready = "ready" if fields.get("ready") is True else "not ready"
        said = ", ".join(filter(None, (state, reason, ready)))
        restarts = number(fields.get("restartCount"))
        said += f", restarts: {restarts}" if restarts else ""
    return f"{text(fields.get('name'), '?')}: {said}"


def _events(asked: AskedCopy) -> Iterator[str]:
    for one in asked.events[:EVENTS_TOLD]:
        about = mapping(one.get("involvedObject"))
        count = number(one.get("count")) or number(mapping(one.get("series")).get("count"))
        times = f" ({count} times)" if count > 1 else ""
        subject = f"{text(about.get('kind'), '?').lower()}/{text(about.get('name'), '?')}"
        said = f"{text(one.get('reason'), '?')}: {shortened(one.get('message'))}{times}"
        yield f"  {happened_at(one) or 'no time'}  {text(one.get('type'))} {subject}: {said}"


def _name(pod: Json) -> str:
    return text(Fields(pod).metadata.get("name"), "?")
