"""All Placements with their decisions, and what they mean for a namespace.

Asked for every object: answers from memory and the namespace cache, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tmcconsole.config.settings import StatusRule
from tmcconsole.config.transforms import Transform
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.objects import ObjectKey, annotations_of, labels_of
from tmcconsole.placement.api import SPREAD, Placement
from tmcconsole.placement.decided import Decided, essence, told
from tmcconsole.placement.select import INVALID_SELECTOR
from tmcconsole.sync.assignment.closure import REFERENCED, WHOLE
from tmcconsole.sync.names.markers import PLACED, STATE
from tmcconsole.sync.state.context import Placements


@dataclass(slots=True)
class Decisions(Placements):
    """Owns the decisions of the scheduler's last pass."""

    namespaces: Informer  # the hub's
    declared: tuple[Transform, ...] = ()  # from the config: they follow those of Placements
    decided: dict[str, Decided] = field(default_factory=dict)  # by Placement name
    has_decided: bool = False
    emptied_by: dict[str, str] = field(default_factory=dict)  # by key of what is drained by force
    _labels: dict[str, dict[str, str]] = field(default_factory=dict)  # by namespace
    # Results of ``_sending``, by namespace and target key; every object of a namespace asks.
    _sent: dict[str, dict[str, list[Placement]]] = field(default_factory=dict)

    def replace(self, decided: dict[str, Decided], emptied_by: dict[str, str]) -> bool:
        """Take the decisions of a new pass; return whether anything that others depend on
        changed.
        """
        before = {name: essence(one) for name, one in self.decided.items()}
        is_ordered = emptied_by != self.emptied_by
        self.decided, self.has_decided, self.emptied_by = decided, True, emptied_by
        self._sent.clear()
        return is_ordered or before != {name: essence(one) for name, one in decided.items()}

    def forget(self, namespace: str) -> None:
        """Drop what is cached for a namespace: it changed."""
        self._labels.pop(namespace, None)
        self._sent.pop(namespace, None)

    def divided_among(self, namespace: str) -> tuple[str, ...] | None:
        """Return the target keys a Spread Placement divides replicas among, None without one.

        A cordoned target keeps what it has and gets no new namespace: only where the namespace
        exists can there be replicas.
        """
        labels = self.labels(namespace)
        for name in sorted(self.decided):
            one = self.decided[name]
            if one.placement.strategy == SPREAD and one.selects(labels):
                return tuple(key for key in one.decision.keys if STATE + key in labels)
        return None

    def transforms(self, namespace: str, key: str) -> tuple[Transform, ...] | None:
        """Return the transforms of all Placements that send a namespace to target ``key``.

        Those of the config follow. None if Placements brought it there but none selects it any
        more: it is about to leave, and its objects must not change on the way out.
        """
        sending = self._sending(namespace, key)
        if not sending and self._is_placed(namespace):
            return None
        placed = tuple(transform for one in sending for transform in one.transforms)
        return (*placed, *self.declared)

    def takes(self, namespace: str, key: str) -> str:
        """Return what part of a namespace goes to target ``key``: WHOLE, REFERENCED, or "" as
        above.
        """
        sending = self._sending(namespace, key)
        if not sending and self._is_placed(namespace):
            return ""
        is_whole = not sending or any(one.dependencies == WHOLE for one in sending)
        return WHOLE if is_whole else REFERENCED

    def emptied(self, key: str) -> str:
        """Return who ordered that target ``key`` be emptied whatever is lost, "" for nobody."""
        who = self.emptied_by.get(key, "")
        return f"it is drained by force, by order of {who}" if who else ""

    def status_rules(self, namespace: str) -> tuple[StatusRule, ...]:
        """Return how Placements that select a hub namespace merge statuses, by name."""
        labels = self.labels(namespace)
        chosen = [self.decided[name] for name in sorted(self.decided)]
        return tuple(
            rule
            for one in chosen
            if one.placement.status_rules and one.selects(labels)
            for rule in one.placement.status_rules
        )

    def placed_keys(self) -> frozenset[str] | None:
        """Return the keys of all targets that Placements chose, None if a Placement cannot be read.

        Cluster-scoped objects have no namespace to follow: they may go to any chosen target.
        """
        decisions = [one.decision for one in self.decided.values()]
        if any(decision.reason == INVALID_SELECTOR for decision in decisions):
            return None
        return frozenset(key for decision in decisions for key in decision.keys)

    def conflict_policy(self, namespace: str) -> tuple[str, str]:
        """Return the conflict policy for a namespace and the name of the Placement that sets it, or
        "".
        """
        for name in sorted(self.decided):
            placement = self.decided[name].placement
            if placement.conflict_policy and self.decided[name].selects(self.labels(namespace)):
                return placement.conflict_policy, name
        return "", ""

    def reason_for(self, namespace: str) -> str:
        """Return why objects of a namespace are where they are, as a sentence."""
        if not namespace:
            return "cluster-scoped: on hold on every target of any Placement until set to Sync"
        labels = self.labels(namespace)
        found = [
            told(name, one) for name, one in sorted(self.decided.items()) if one.selects(labels)
        ]
        return "; ".join(found) or "no Placement selects the namespace"

    def labels(self, namespace: str) -> Mapping[str, str]:
        """Return the labels of a hub namespace, {} if there is no such namespace."""
        known = self._labels.get(namespace)
        if known is None:
            found = self.namespaces.get(ObjectKey("", namespace))
            known = dict(labels_of(found.decode())) if found else {}
            if found:  # a name that does not exist must not be cached: nothing would remove it
                self._labels[namespace] = known
        return known

    def _sending(self, namespace: str, key: str) -> list[Placement]:
        """Return the Placements that select it and chose the target; else those that might."""
        known = self._sent.get(namespace, {}).get(key)
        if known is None:
            labels = self.labels(namespace)
            here = [one for _, one in sorted(self.decided.items()) if key in one.decision.keys]
            found = [one.placement for one in here if namespace and one.selects(labels)]
            unclear = [one.placement for one in here if one.decision.reason == INVALID_SELECTOR]
            known = found or unclear
            if namespace in self._labels:
                self._sent.setdefault(namespace, {})[key] = known
        return known

    def _is_placed(self, namespace: str) -> bool:
        found = self.namespaces.get(ObjectKey("", namespace)) if namespace else None
        return found is not None and PLACED in annotations_of(found.decode())
