"""A cluster's events about synced objects, in the form for the hub. Pure except for memory.

Repeated events become one in the hub, with a count; those beyond the rate limit are omitted, and
counted with the next one written.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from tmcconsole.kube.objects import Json, Kind, ObjectKey

COMPONENT: Final = "tmc-console"
MOST: Final = 1000  # events remembered; the oldest is forgotten, and its count starts over
QUIET_S: Final = 30.0  # between two writes of the same event
PER_S: Final = 2.0  # events written on average, at most
BURST: Final = 25.0
MESSAGE: Final = 1024  # Kubernetes' own limit


@dataclass(slots=True)
class _Told:
    """One event in the hub: how often each of the cluster's was seen, and when it was written."""

    counts: dict[str, int] = field(default_factory=dict)  # by UID of the cluster's event
    written_at: float = 0.0
    first: str = ""


@dataclass(slots=True)
class EventMirror:
    """Remembers what was reported for one target. Time is monotonic seconds."""

    target: str  # the SyncTarget's name
    now: Callable[[], float]
    left_out: int = 0  # dropped by the rate limit
    _told: OrderedDict[str, _Told] = field(default_factory=OrderedDict)
    _tokens: float = BURST
    _filled_at: float = 0.0

    def take(self, event: Mapping[str, Any], about: Json) -> Json | None:
        """Return the hub's event to apply, None if nothing should be written now.

        ``about`` is the hub object, whose namespace the event gets.
        """
        name = event_name(self.target, event, about)
        told = self._told.setdefault(name, _Told())
        self._told.move_to_end(name)
        if len(self._told) > MOST:
            self._told.popitem(last=False)
        told.counts[str(event["metadata"].get("uid"))] = _count(event)
        told.first = told.first or _first(event)
        if told.written_at and self.now() - told.written_at < QUIET_S:
            return None
        if not self._admitted():
            self.left_out += 1
            return None
        told.written_at = self.now()
        return _event(name, self.target, event, about, sum(told.counts.values()), told.first)

    def _admitted(self) -> bool:
        now = self.now()
        self._tokens = min(BURST, self._tokens + (now - self._filled_at) * PER_S)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def event_name(target: str, event: Mapping[str, Any], about: Json) -> str:
    """Return the name of the hub's event: the same for equal events of one target."""
    said = (
        target,
        about["metadata"]["uid"],
        *(event.get(k) for k in ("type", "reason", "message")),
    )
    digest = blake2b(repr(said).encode(), digest_size=8).hexdigest()
    return f"{about['metadata']['name'][:200]}.{digest}"


def own_event(target: str, reason: str, message: str, about: Json, at: str) -> Json:
    """Return a warning of ours about a hub object; the same for the same words."""
    said = {
        "type": "Warning",
        "reason": reason,
        "message": message,
        "lastTimestamp": at,
        "metadata": {},
    }
    return _event(event_name(target, said, about), target, said, about, 1, at)


def involved_in(
    event: Mapping[str, Any], kinds: Mapping[str, Kind]
) -> tuple[str, ObjectKey] | None:
    """Return the kind's id and the key on the cluster of an event's object."""
    involved = event.get("involvedObject")
    if not isinstance(involved, dict) or not involved.get("name"):
        return None
    group = str(involved.get("apiVersion") or "").rpartition("/")[0]
    for id, kind in kinds.items():
        if kind.kind == involved.get("kind") and kind.group == group:
            return id, ObjectKey(str(involved.get("namespace") or ""), str(involved["name"]))
    return None


def _event(
    name: str, target: str, event: Mapping[str, Any], about: Json, count: int, first: str
) -> Json:
    meta = about["metadata"]
    namespace = meta.get("namespace") or "default"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "namespace": meta.get("namespace") or "",
            "name": meta["name"],
            "uid": meta["uid"],
        },
        "type": str(event.get("type") or "Normal"),
        "reason": str(event.get("reason") or ""),
        "message": f"{target}: {event.get('message') or ''}"[:MESSAGE],
        "source": {"component": COMPONENT, "host": target},
        "count": count,
        "firstTimestamp": first,
        "lastTimestamp": _last(event),
    }


def _count(event: Mapping[str, Any]) -> int:
    series = event.get("series")
    found = series.get("count") if isinstance(series, dict) else event.get("count")
    return found if isinstance(found, int) and found > 0 else 1


def _first(event: Mapping[str, Any]) -> str:
    return str(event.get("firstTimestamp") or _last(event))


def _last(event: Mapping[str, Any]) -> str:
    """In whole seconds, like the hub's fields."""
    found = event.get("lastTimestamp") or event.get("eventTime")
    text = str(found or event["metadata"].get("creationTimestamp") or "")
    return text[:19] + "Z" if len(text) >= 20 else text
