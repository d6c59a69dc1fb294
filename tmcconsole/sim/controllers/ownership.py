"""Which objects belong to which: an index of owner references, updated on each commit."""

from __future__ import annotations

from typing import NamedTuple

from tmcconsole.kube.objects import Json
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.store import Commit, StoreKey


class OwnerPlace(NamedTuple):
    """The kind and key of an object."""

    kind_id: str
    key: StoreKey


class DependentIndex:
    """Dependents by owner uid. Owned by the controllers' loop of one cluster."""

    def __init__(self, server: Server) -> None:
        self._store = server.store
        self._dependents: dict[str, dict[OwnerPlace, None]] = {}

    def observe(self, commit: Commit) -> None:
        """Update the index after a commit."""
        place = OwnerPlace(commit.kind_id, commit.key)
        for uid in owner_uids(commit.old):
            self._dependents.get(uid, {}).pop(place, None)
        for uid in owner_uids(commit.new):
            self._dependents.setdefault(uid, {})[place] = None

    def places(self, uid: str) -> list[OwnerPlace]:
        """Return where the dependents of an object are, in order."""
        return sorted(self._dependents.get(uid, ()))

    def controlled(self, owner: Json, kind_id: str) -> list[Json]:
        """Return the objects of a kind whose controller is ``owner``, ordered by key."""
        uid = owner["metadata"]["uid"]
        found = []
        for place in self.places(uid):
            if place.kind_id != kind_id:
                continue
            tree = self._store.get(kind_id, *place.key)
            if tree is not None and controller_uid(tree) == uid:
                found.append(tree)
        return found


def owner_uids(tree: Json | None) -> list[str]:
    """Return the uids an object's owner references name."""
    references = (tree or {}).get("metadata", {}).get("ownerReferences") or ()
    return [reference.get("uid") or "" for reference in references]


def controller_of(tree: Json | None) -> Json | None:
    """Return the owner reference to an object's controller."""
    references = (tree or {}).get("metadata", {}).get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), None)


def controller_uid(tree: Json) -> str:
    """Return the uid of an object's controller, or ""."""
    reference = controller_of(tree)
    return str(reference["uid"]) if reference else ""


def reference_to(owner: Json) -> Json:
    """Return the owner reference that makes ``owner`` the controller."""
    meta = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def owner_key(commit: Commit, kind: str) -> list[StoreKey]:
    """Return the key of the controller of a committed object, if it is of that Kind."""
    for tree in (commit.new, commit.old):
        reference = controller_of(tree)
        if reference and reference["kind"] == kind:
            return [StoreKey(commit.key.namespace, reference["name"])]
    return []


def key_of(tree: Json) -> StoreKey:
    """Return an object's key."""
    return StoreKey(tree["metadata"].get("namespace") or "", tree["metadata"]["name"])


def is_terminating(tree: Json) -> bool:
    """Return whether an object is being deleted."""
    return bool(tree["metadata"].get("deletionTimestamp"))
