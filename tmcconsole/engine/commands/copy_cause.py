"""Why a copy is not well, from what its cluster says of it, its pods and their events. Pure.

The first cause is told in the cluster's own words: ``CrashLoopBackOff: exit 1, 14 times``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tmcconsole.contract.secret_text import MARGIN, cut_and_hide
from tmcconsole.kube.objects import Json
from tmcconsole.tmc.health.status_fields import Fields, mapping, mappings, number, text

MAX_TEXT: Final = 300  # characters of one message

_STARTING: Final = frozenset({"", "ContainerCreating", "PodInitializing"})
_MADE: Final = frozenset({"FailedCreate", "SuccessfulCreate"})
_QUOTA: Final = "exceeded quota"
_REFUSED: Final = re.compile(r"^(Error creating: )?\S+ \"[^\"]*\" is forbidden: ")
_POD_NAMED: Final = re.compile(r"^create Pod \S+ in StatefulSet \S+ failed error: ")
# What helps, by the first word of a cause.
_REMEDIES: Final = (
    (("CrashLoopBackOff", "Error: exit", "StartError", "RunContainerError"),
     "read its logs there (kubectl logs --previous), then mend the image or what it is given"),
    (("OOMKilled",), "raise its memory limit, or let it need less"),
    (("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"),
     "correct the image's name, or give the pull secret that its registry wants"),
    (("CreateContainerConfigError", "FailedMount"),
     "make the ConfigMap, Secret or volume that it names"),
    (("quota",), "raise the quota on that cluster, or make room in it"),
    (("Unschedulable", "FailedScheduling"),
     "make room: add or uncordon nodes there, or lower what the pods request"),
    (("FailedCreate",), "let that cluster accept the pods: change what refuses them, or the pods"),
)  # fmt: skip
# Conditions that tell what is wrong, and the status in which they do; the first one decides.
_TELLING: Final = (
    ("Failed", "True"),
    ("Progressing", "False"),
    ("Ready", "False"),
    ("Available", "False"),
)


@dataclass(frozen=True, slots=True)
class AskedCopy:
    """What a cluster says of one copy: of it, of its pods and what makes them, and events."""

    copy: Json
    makers: tuple[Json, ...] = ()  # ReplicaSets or Jobs between the copy and its pods
    pods: tuple[Json, ...] = ()
    events: tuple[Json, ...] = ()  # about all of them, the newest first
    unknown: tuple[str, ...] = ()  # what could not be asked, and why


@dataclass(frozen=True, slots=True)
class FirstCause:
    """A cause, and where it was seen; an empty ``where`` is the copy itself."""

    text: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.text} ({self.where})" if self.where else self.text


def first_cause(asked: AskedCopy) -> FirstCause | None:
    """Return why the copy is not well, None if nothing that was asked says so.

    Pods that cannot be made come first, then containers, then pods that have no node.
    """
    return next(_causes(asked), None)


def remedy_of(cause: FirstCause) -> str:
    """Return what helps against a cause, or "" if no general remedy does."""
    return next((text for words, text in _REMEDIES if cause.text.startswith(words)), "")


def is_unwell(pod: Json) -> bool:
    """True if a pod is neither ready, nor done, nor going."""
    fields = Fields(pod)
    if fields.is_deleting or fields.status.get("phase") == "Succeeded":
        return False
    return not fields.has("Ready")


def happened_at(event: Json) -> str:
    """Return when an event was last seen, RFC 3339; "" if it does not say."""
    series = mapping(event.get("series"))
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"),
             event.get("eventTime"), event.get("firstTimestamp"))  # fmt: skip
    return next((one for one in times if isinstance(one, str) and one), "")


def shortened(message: object) -> str:
    """Return a message on one line, without secrets, at most ``MAX_TEXT`` characters."""
    said = cut_and_hide(" ".join(str(message or "")[: MAX_TEXT + 2 * MARGIN].split()), MAX_TEXT + 1)
    return said if len(said) <= MAX_TEXT else f"{said[: MAX_TEXT - 1]}…"


def container_trouble(status: Mapping[str, Any]) -> str:
    """Return why one container does not run, "" if it runs, has done its work, or starts."""
    state = mapping(status.get("state"))
    waiting, ended = mapping(state.get("waiting")), mapping(state.get("terminated"))
    reason = text(waiting.get("reason"))
    if reason == "CrashLoopBackOff":
        last = mapping(mapping(status.get("lastState")).get("terminated"))
        count = number(status.get("restartCount"))
        times = "1 time" if count == 1 else f"{count} times"
        return f"{reason}: {_exit(last)}, {times}" if last else f"{reason}: {times}"
    if reason not in _STARTING:
        return _joined(reason, waiting.get("message"))
    if number(ended.get("exitCode")):
        return f"{text(ended.get('reason'), 'Error')}: exit {number(ended.get('exitCode'))}"
    return ""


def _causes(asked: AskedCopy) -> Iterator[FirstCause]:
    yield from _not_made(asked)
    pods = [Fields(pod) for pod in asked.pods if is_unwell(pod)]
    for pod in pods:
        yield from _in_containers(pod)
    for pod in pods:
        yield from _without_node(pod)
    for pod in pods:
        yield from _warned(pod, asked.events, f"pod {_name(pod)}, ")
    copy = Fields(asked.copy)
    for kind, status in _TELLING[:-1]:
        yield from _condition(copy, kind, status)
    yield from _warned(copy, asked.events)
    yield from _condition(copy, *_TELLING[-1])


def _not_made(asked: AskedCopy) -> Iterator[FirstCause]:
    """Yield why pods are not created: conditions, or the newest word of what creates them."""
    for tree in (asked.copy, *asked.makers):
        owner = Fields(tree)
        if tree is not asked.copy and owner.spec.get("replicas") == 0:
            continue  # of an earlier rollout: it makes none any more
        failure = owner.condition("ReplicaFailure")
        where = "" if tree is asked.copy else f"{text(tree.get('kind'), 'owner')} {_name(owner)}"
        if failure.get("status") == "True":
            yield FirstCause(_creation(failure.get("message")), where)
            continue
        made = [one for one in _about(owner, asked.events) if one.get("reason") in _MADE]
        if made and made[0].get("reason") == "FailedCreate":
            yield FirstCause(_creation(made[0].get("message")), _seen(made[0], where))


def _creation(message: object) -> str:
    said = _REFUSED.sub("", _POD_NAMED.sub("", shortened(message)))
    return f"quota: {said}" if _QUOTA in said else f"FailedCreate: {said}"


def _in_containers(pod: Fields) -> Iterator[FirstCause]:
    for field in ("initContainerStatuses", "containerStatuses"):
        for status in mappings(pod.status.get(field)):
            trouble = container_trouble(status)
            if trouble:
                where = f"pod {_name(pod)}, container {text(status.get('name'), '?')}"
                yield FirstCause(trouble, where)


def _without_node(pod: Fields) -> Iterator[FirstCause]:
    scheduled = pod.condition("PodScheduled")
    if scheduled.get("status") == "False":
        said = _joined(text(scheduled.get("reason"), "Unscheduled"), scheduled.get("message"))
        yield FirstCause(said, f"pod {_name(pod)}")
    if pod.status.get("phase") == "Failed":
        reason = text(pod.status.get("reason"), "Failed")
        yield FirstCause(_joined(reason, pod.status.get("message")), f"pod {_name(pod)}")


def _warned(about: Fields, events: tuple[Json, ...], where: str = "") -> Iterator[FirstCause]:
    """Yield the newest warning about an object that is not well now, with when it was seen."""
    for event in _about(about, events):
        if event.get("type") == "Warning":
            said = _joined(text(event.get("reason"), "Warning"), event.get("message"))
            yield FirstCause(said, _seen(event, where.removesuffix(", ")))
            return


def _condition(copy: Fields, kind: str, status: str) -> Iterator[FirstCause]:
    found = copy.condition(kind)
    if found.get("status") == status:
        yield FirstCause(_joined(text(found.get("reason"), kind), found.get("message")))


def _about(owner: Fields, events: tuple[Json, ...]) -> list[Json]:
    uid = owner.metadata.get("uid")
    return [one for one in events if mapping(one.get("involvedObject")).get("uid") == uid]


def _seen(event: Json, where: str) -> str:
    at = happened_at(event)
    return ", ".join(filter(None, (where, f"event of {at}" if at else "an event")))


def _exit(last: Mapping[str, Any]) -> str:
    reason, code = text(last.get("reason")), number(last.get("exitCode"))
    named = "" if reason in ("", "Error", "Completed") else f"{reason}, "
    return f"{named}exit {code}"


def _joined(reason: str, message: object) -> str:
    said = shortened(message)
    return f"{shortened(reason)}: {said}" if said else shortened(reason)


def _name(fields: Fields) -> str:
    return text(fields.metadata.get("name"), "?")
