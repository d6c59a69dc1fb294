"""Which objects of a namespace go with its workloads: what they refer to, and what serves them.

Pure. Workloads are kinds that make pods, and custom resources, whose use is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tmcconsole.kube.label_selector import SelectorError, matches
from tmcconsole.kube.objects import Json
from tmcconsole.sync.assignment.references import SERVICES, Reference, references
from tmcconsole.sync.names.podspecs import part, pod_labels
from tmcconsole.sync.policy import POD_MAKERS

WHOLE: Final = "Namespace"  # a Placement takes all objects of a namespace
REFERENCED: Final = "Referenced"  # it takes workloads and what goes with them
_BUILT_IN: Final = frozenset({"apps", "autoscaling", "batch", "extensions", "policy"})
# Objects that go with a workload because they select it, not because it refers to them.
_SERVING: Final = frozenset({"ingresses.networking.k8s.io", "horizontalpodautoscalers.autoscaling"})
_SELECTORS: Final[Mapping[str, tuple[str, ...]]] = {
    "poddisruptionbudgets.policy": ("spec", "selector"),
    "networkpolicies.networking.k8s.io": ("spec", "podSelector"),
}


@dataclass(frozen=True, slots=True)
class Links:
    """What connects an object to the others in its namespace."""

    is_workload: bool
    refers: frozenset[Reference]
    serves: frozenset[Reference]  # it goes along if one of these does
    pods: tuple[tuple[str, Any], ...]  # labels of the pods it makes
    selector: Json | None  # of the pods it serves


# Why each object goes along: the one it goes with, None for workloads.
Closure = Mapping[Reference, Reference | None]


def links_of(kind: str, tree: Json) -> Links:
    """Return the links of an object of kind id ``kind``."""
    refers = references(kind, tree)
    serves: frozenset[Reference] = frozenset()
    if kind in _SERVING:
        served = (kind for kind in refers if kind.kind == SERVICES or kind.kind in POD_MAKERS)
        serves = frozenset(served)
    labels = pod_labels(kind, tree)
    return Links(
        is_workload=is_workload(kind),
        refers=refers,
        serves=serves,
        pods=tuple(labels.items()),
        selector=_selector(kind, tree),
    )


def is_workload(kind: str) -> bool:
    """True for kind ids that make pods, and for custom resources."""
    group = kind.partition(".")[2]
    is_custom = bool(group) and group not in _BUILT_IN and not group.endswith(".k8s.io")
    return kind in POD_MAKERS or is_custom


def _selector(kind: str, tree: Json) -> Json | None:
    if kind == SERVICES:
        wanted = part(tree, "spec", "selector")
        return {"matchLabels": wanted} if wanted else None
    path = _SELECTORS.get(kind)
    return part(tree, *path) if path else None


def closure(objects: Mapping[Reference, Links]) -> Closure:
    """Return which of a namespace's objects are taken, each with the object it goes with."""
    taken: dict[Reference, Reference | None] = {
        one: None for one in sorted(objects) if objects[one].is_workload
    }
    pods = _Pods(
        {objects[one].pods: one for one in sorted(taken, reverse=True) if objects[one].pods}
    )
    fresh = list(taken)
    while fresh:
        found = list(_along(objects, fresh, pods, taken))
        fresh = []
        for one, because in found:
            if one not in taken:
                taken[one] = because
                fresh.append(one)
    return taken


def _along(
    objects: Mapping[Reference, Links],
    fresh: list[Reference],
    pods: _Pods,
    taken: Closure,
) -> Iterator[tuple[Reference, Reference]]:
    """Yield what goes with the object just taken, whether it is taken already or not."""
    for one in fresh:
        for other in sorted(objects[one].refers):
            if other in objects:
                yield other, one
    new = set(fresh)
    for other in sorted(objects):
        links = objects[other]
        if other not in taken and links.serves & new:
            yield other, min(links.serves & new)
        elif other not in taken and links.selector is not None:
            workload = pods.selected_by(links.selector)
            if workload is not None:
                yield other, workload


_Labels = tuple[tuple[str, Any], ...]


class _Pods:
    """Workloads by the labels of their pods; by single labels too, so that a selector is compared
    with few of them.
    """

    def __init__(self, workloads: Mapping[_Labels, Reference]) -> None:
        self._all = workloads
        self._by_label: dict[tuple[str, Any], list[_Labels]] = {}
        for labels in workloads:
            for label in labels:
                self._by_label.setdefault(label, []).append(labels)

    def selected_by(self, selector: Json) -> Reference | None:
        """Return the first workload whose pods the selector selects."""
        try:
            found = (one for one in self._candidates(selector) if matches(selector, dict(one)))
            return next((self._all[labels] for labels in found), None)
        except SelectorError:
            return None  # no API server accepts it: it selects nothing

    def _candidates(self, selector: Json) -> Iterable[_Labels]:
        wanted = selector.get("matchLabels")
        if not isinstance(wanted, dict) or not wanted:
            return self._all
        lists = [self._by_label.get(pair, []) for pair in wanted.items() if _is_plain(pair[1])]
        return min(lists, key=len, default=self._all)


def _is_plain(value: object) -> bool:
    return isinstance(value, str)
