"""Asks one cluster about one copy, its pods and its events: now, once, and bounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import anyio

from tmcconsole.engine.commands.copy_cause import AskedCopy, happened_at, is_unwell
from tmcconsole.engine.targets.event_mirror import EVENTS
from tmcconsole.kube.errors import KubeError
from tmcconsole.kube.objects import CachedObject, Json, Kind
from tmcconsole.sync.state.target import Target
from tmcconsole.tmc.health.status_fields import Fields, mapping, mappings

ASK_S: Final = 8.0  # for everything about one copy
PAGE: Final = 100
MAX_PODS: Final = 300
MAX_MAKERS: Final = 300
MAX_EVENTS: Final = 200  # about one object; its API server forgets them after an hour
EVENT_MAKERS: Final = 2  # the newest ReplicaSets or Jobs whose events are asked for
EVENT_PODS: Final = 3  # pods that are not well whose events are asked for

PODS: Final = Kind("", "v1", "pods", "Pod")
REPLICA_SETS: Final = Kind("apps", "v1", "replicasets", "ReplicaSet")
JOBS: Final = Kind("batch", "v1", "jobs", "Job")
_MAKERS: Final = {"deployments.apps": REPLICA_SETS, "cronjobs.batch": JOBS}
_OWNING: Final = ("apps", "batch")  # groups whose pods have an owner that we know


async def ask_copy(target: Target, kind: Kind, cached: CachedObject) -> AskedCopy:
    """Return what the target says now of a copy that the mirror holds.

    What cannot be asked is named in ``unknown``; nothing is raised for it.
    """
    asking = _Asking(target)
    with anyio.move_on_after(ASK_S) as scope:
        await asking.all_about(kind, cached)
    if scope.cancelled_caught:
        asking.unknown.append(f"not all was answered within {ASK_S:.0f} s")
    return AskedCopy(
        copy=asking.copy or cached.decode(),
        makers=tuple(asking.makers),
        pods=tuple(asking.pods),
        events=tuple(sorted(asking.events, key=happened_at, reverse=True)),
        unknown=tuple(asking.unknown),
    )


@dataclass(slots=True)
class _Asking:
    """The questions of one copy, and the answers so far."""

    target: Target
    copy: Json = field(default_factory=dict)
    makers: list[Json] = field(default_factory=list)
    pods: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    async def all_about(self, kind: Kind, cached: CachedObject) -> None:
        try:
            async with self.target.concurrency.admitted():
                self.copy = (
                    await self.target.client.get(kind, cached.key, timeout_s=ASK_S)
                ).decode()
        except KubeError as error:
            self.unknown.append(f"the copy, which is as last seen: {error}")
            self.copy = cached.decode()
        await self._ask_pods(kind)
        unwell = [pod for pod in self.pods if is_unwell(pod) and pod is not self.copy]
        for tree in (self.copy, *self.makers[:EVENT_MAKERS], *unwell[:EVENT_PODS]):
            uid = str(Fields(tree).metadata.get("uid") or "")
            space = cached.namespace or "default"  # where events of cluster-scoped objects are
            self.events += await self._some(
                EVENTS, space, MAX_EVENTS, fields=f"involvedObject.uid={uid}"
            )

    async def _ask_pods(self, kind: Kind) -> None:
        space, owner = str(self.copy["metadata"].get("namespace") or ""), self.copy
        if kind.id == PODS.id:
            self.pods = [self.copy]
            return
        labels, made_by = selector_text(owner), _MAKERS.get(kind.id)
        if made_by is not None and (labels or made_by is JOBS):
            found = await self._some(made_by, space, MAX_MAKERS, labels=labels)
            self.makers = _newest(_owned(found, [owner]))
        if made_by is JOBS:
            labels = selector_text(self.makers[0]) if self.makers else ""
        if not labels:
            return
        pods = await self._some(PODS, space, MAX_PODS, labels=labels)
        owners = self.makers if made_by is not None else [owner]
        self.pods = _owned(pods, owners) if kind.group in _OWNING and owners else pods

    async def _some(
        self, kind: Kind, space: str, most: int, *, labels: str = "", fields: str = ""
    ) -> list[Json]:
        found: list[Json] = []
        pages = self.target.client.list_pages(
            kind, namespace=space, label_selector=labels, field_selector=fields, limit=PAGE
        )
        try:
            async with self.target.concurrency.admitted(), aclosing(pages):
                async for page in pages:
                    found += [one.decode() for one in page.items]
                    if len(found) >= most:
                        self.unknown.append(f"{kind.resource} beyond the first {most}")
                        break
        except KubeError as error:
            self.unknown.append(f"{kind.resource}: {error}")
        return found[:most]


def selector_text(tree: Mapping[str, Any]) -> str:
    """Return a workload's pod selector as a query has it, "" for what has no pods."""
    spec = mapping(tree.get("spec"))
    selector = mapping(spec.get("selector"))
    if not mapping(spec.get("template")):
        return ""
    terms = [
        f"{name}={value}" for name, value in sorted(mapping(selector.get("matchLabels")).items())
    ]
    for one in mappings(selector.get("matchExpressions")):
        key, values = one.get("key"), ",".join(map(str, one.get("values") or ()))
        match one.get("operator"):
            case "In":
                terms.append(f"{key} in ({values})")
            case "NotIn":
                terms.append(f"{key} notin ({values})")
            case "Exists":
                terms.append(f"{key}")
            case "DoesNotExist":
                terms.append(f"!{key}")
    return ",".join(terms)


def _owned(found: Iterable[Json], owners: Iterable[Json]) -> list[Json]:
    uids = {Fields(one).metadata.get("uid") for one in owners}
    return [
        one
        for one in found
        if any(
            ref.get("uid") in uids for ref in mappings(Fields(one).metadata.get("ownerReferences"))
        )
    ]


def _newest(found: list[Json]) -> list[Json]:
    def made_at(tree: Json) -> str:
        return str(Fields(tree).metadata.get("creationTimestamp") or "")

    return sorted(found, key=made_at, reverse=True)
