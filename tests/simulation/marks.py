"""The state machine's marks, read independently of the engine: labels, stamps, finalizers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from tmcconsole.sim.storage.store import Store, Stored, StoreKey

Json = dict[str, Any]

# What every namespace has without anybody creating it.
USUAL: Final = (("configmaps", "kube-root-ca.crt"), ("serviceaccounts", "default"))
STATE: Final = "state.workload.kcp.io/"
STAMP: Final = "deletion.internal.workload.kcp.io/"
FINALIZER: Final = "workload.kcp.io/syncer-"
PAUSE: Final = "syncer.kcp.io/pause"
LOCATOR: Final = "kcp.io/namespace-locator"
DIGEST: Final = "syncer.kcp.io/desired"
ORIGIN: Final = "syncer.kcp.io/origin"


@dataclass(frozen=True, slots=True)
class Parent:
    """The hub object a copy was made of; its uid may be unknown ("")."""

    key: StoreKey
    uid: str

    @staticmethod
    def of_origin(copy: Json) -> Parent:
        """Read the annotation ``cluster/namespace/name/uid`` of a copy."""
        notes = copy["metadata"].get("annotations") or {}
        _, namespace, name, uid = notes[ORIGIN].rsplit("/", 3)
        return Parent(StoreKey(namespace, name), uid)


@dataclass(frozen=True, slots=True)
class SentCopy:
    """What a request to write a copy says: of which hub object, and of which desired state."""

    parent: Parent
    digest: str


def read_copy(body: bytes) -> SentCopy | None:
    """Return what a request's body says, or None if it is not about a copy."""
    try:
        copy = orjson.loads(body)
        return SentCopy(Parent.of_origin(copy), copy["metadata"]["annotations"][DIGEST])
    except (KeyError, ValueError):
        return None


def syncer_finalizers(tree: Json | None) -> frozenset[str]:
    """Return the target keys whose syncer finalizer is set."""
    found = (tree["metadata"].get("finalizers") or []) if tree else []
    return frozenset(one.removeprefix(FINALIZER) for one in found if one.startswith(FINALIZER))


def target_keys_wanting(tree: Json | None) -> frozenset[str]:
    """Return the keys of the targets that should have the object."""
    if tree is None or tree["metadata"].get("deletionTimestamp"):
        return frozenset()
    labels = tree["metadata"].get("labels") or {}
    notes = tree["metadata"].get("annotations") or {}
    states = {one.removeprefix(STATE) for one in labels if one.startswith(STATE) and labels[one]}
    stamps = {one.removeprefix(STAMP) for one in notes if one.startswith(STAMP)}
    return frozenset(states - stamps)


def target_keys_marked(tree: Json | None) -> frozenset[str]:
    """Return the target keys that have a state label, leaving or not."""
    labels = (tree["metadata"].get("labels") or {}) if tree else {}
    return frozenset(one.removeprefix(STATE) for one in labels if one.startswith(STATE))


def namespace_of_locator(namespace: Json) -> str:
    """Return the hub namespace that a namespace on a target was made for."""
    notes = namespace["metadata"].get("annotations") or {}
    return str(orjson.loads(notes[LOCATOR])["namespace"])


def is_wanted(tree: Json | None, uid: str, key: str) -> bool:
    """True if the hub object with that uid exists and should be on the target."""
    if tree is None or tree["metadata"]["uid"] != uid:
        return False
    return key in target_keys_wanting(tree)


def residents(store: Store, namespace: str) -> list[Stored]:
    """Return what somebody has put into a namespace."""
    kinds = [kind for kind in store.kind_ids() if kind != "events"]  # they are about other objects
    found = [stored for kind in kinds for stored in store.items(kind, namespace)]
    return [stored for stored in found if (stored.kind.id, stored.key.name) not in USUAL]
