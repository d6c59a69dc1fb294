"""Which namespace on a target belongs to which hub namespace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tmcconsole.kube.errors import KubeError
from tmcconsole.kube.objects import Json, annotations_of, labels_of
from tmcconsole.sync.names.identity import Locator, TargetIdentity, namespace_for, tenant_id
from tmcconsole.sync.names.markers import CLUSTER, LOCATOR, TENANT

MAX_NAMESPACE: Final = 63  # characters: a DNS label


class NamespaceClash(KubeError):
    """Two hub namespaces, or a foreign one, claim the same namespace on a target."""

    reason = "Collision"


@dataclass(slots=True)
class NamespaceNames:
    """The mapping of one target. ``mode``: same, kcp (hashed) or prefix."""

    target: TargetIdentity
    hub_cluster: str
    mode: str
    prefix: str = ""
    of_workspace: bool = False  # the hub is a kcp workspace
    _to_hub: dict[str, str] = field(default_factory=dict)  # names handed out or found
    _known: dict[str, str] = field(default_factory=dict)  # name -> UID of those checked
    _found: dict[str, set[str]] = field(default_factory=dict)  # hub namespace -> names with locator

    def on_target(self, namespace: str) -> str:
        """Return the name on the target of a hub namespace; "" for no namespace.

        With hashed names the locator decides: a namespace created under another rule keeps its
        name.
        """
        name = self._compute(namespace)
        found = self._found.get(namespace)
        if found and name not in found and self.mode == "kcp":
            name = min(found)
        if self.mode == "kcp":  # names of the other modes can be reversed
            # First come, first served: ``check`` tells the other.
            self._to_hub.setdefault(name, namespace)
        return name

    def in_hub(self, name: str) -> str | None:
        """Return the hub namespace of a namespace on the target, if known."""
        if self.mode == "same" or not name:
            return name
        if self.mode == "prefix" and name.startswith(self.prefix):
            return name.removeprefix(self.prefix)
        return self._to_hub.get(name)

    def learn(self, namespace: Json) -> None:
        """Record the mapping from a namespace on the target that carries our locator."""
        text = annotations_of(namespace).get(LOCATOR)
        if text is None:
            return
        try:
            locator = Locator.from_json(text)
        except ValueError:
            return  # not a locator: then it is not ours, and we have nothing to learn
        if locator.target == self.target and locator.cluster == self.hub_cluster:
            name = namespace["metadata"]["name"]
            self._to_hub[name] = locator.namespace
            names = self._found.setdefault(locator.namespace, set())
            names.add(name)
            if len(names) > 1:  # which one is meant must be checked again
                self._known.clear()

    def forget(self, name: str, *, is_in_hub: bool) -> None:
        """A namespace on the target is gone; its name keeps its meaning while the hub has it."""
        self._known.pop(name, None)
        for names in self._found.values():
            names.discard(name)
        if not is_in_hub:
            self._to_hub.pop(name, None)

    def locator(self, namespace: str) -> Locator:
        """Return the locator for the namespace on the target."""
        return Locator(self.target, self.hub_cluster, namespace)

    def desired(self, namespace: str) -> Json:
        """Return the namespace object to create on the target."""
        locator = self.locator(namespace)
        return {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": self.on_target(namespace),
                "labels": {CLUSTER: self.target.key, TENANT: tenant_id(locator)},
                "annotations": {LOCATOR: locator.to_json()},
            },
        }

    def check(self, namespace: str, found: Json) -> None:
        """Reject a namespace on the target that belongs to something else.

        With hashed or prefixed names it must be ours; with the same name a foreign namespace is
        used as it is, and never deleted. Raises ``NamespaceClash``.
        """
        twins = sorted(self._found.get(namespace, ()))
        if len(twins) > 1 and self.mode == "kcp":
            raise NamespaceClash(
                f"namespaces {' and '.join(twins)} on {self.target.name} both stand for "
                f"{namespace}; delete the one that is not to be"
            )
        self._require_alone(namespace, found["metadata"]["name"])
        text = annotations_of(found).get(LOCATOR)
        if text is None and self.mode == "same":
            return
        if text is None or not self._is_mine(text, namespace):
            name = found["metadata"]["name"]
            raise NamespaceClash(
                f"namespace {name} on {self.target.name} stands for {_told(text)}, "
                f"not for {namespace} of {self.hub_cluster}; rename one of them or delete it on "
                "the cluster"
            )

    def _require_alone(self, namespace: str, name: str) -> None:
        other = self._to_hub.get(name, namespace)
        if other != namespace:
            raise NamespaceClash(
                f"namespaces {other} and {namespace} of {self.hub_cluster} both want namespace "
                f"{name} on {self.target.name}; {other} has it: rename the other"
            )

    def too_long(self, namespace: str) -> str:
        """Return why the name on the target is invalid, "" if it is valid: names are not
        truncated.
        """
        name = self.on_target(namespace)
        if len(name) <= MAX_NAMESPACE:
            return ""
        return (
            f"{name} would have {len(name)} characters, and a namespace has at most "
            f'{MAX_NAMESPACE}: shorten sync.namespace_prefix, or use sync.namespaces = "kcp"'
        )

    def is_known(self, name: str, uid: str) -> bool:
        """True if this very namespace was checked before."""
        return self._known.get(name) == uid

    def know(self, name: str, uid: str) -> None:
        """Remember a namespace that ``check`` accepted."""
        self._known[name] = uid

    def is_made_here(self, namespace: str, found: Json) -> bool:
        """True if we created the namespace for this hub namespace, so that we may delete it."""
        text = annotations_of(found).get(LOCATOR)
        ours = labels_of(found).get(CLUSTER) == self.target.key
        return ours and text is not None and self._is_mine(text, namespace)

    def _is_mine(self, text: str, namespace: str) -> bool:
        try:
            return Locator.from_json(text) == self.locator(namespace)
        except ValueError:
            return False

    def _compute(self, namespace: str) -> str:
        if not namespace:
            return ""
        if self.mode == "kcp":
            return namespace_for(self.locator(namespace))
        if self.mode == "prefix":
            return self.prefix + namespace
        return namespace


def _told(text: str | None) -> str:
    """Return what a locator refers to, in words."""
    if text is None:
        return "nothing of ours"
    try:
        found = Locator.from_json(text)
    except ValueError:
        return f"{text!r}, which is no locator"
    return f"{found.namespace} of {found.cluster} (SyncTarget {found.target.name})"
