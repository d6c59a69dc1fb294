"""Garbage collection: dependents go after their owner, before it, or are orphaned."""

from __future__ import annotations

from collections.abc import Iterable

from tmcconsole.kube.objects import Json
from tmcconsole.sim.controllers.local import Local
from tmcconsole.sim.controllers.loop import ClusterController
from tmcconsole.sim.controllers.ownership import DependentIndex, OwnerPlace, is_terminating
from tmcconsole.sim.handlers.deletion import FOREGROUND, ORPHAN
from tmcconsole.sim.storage.store import Commit, StoreKey


class Garbage:
    """Deletes objects whose owners are gone. A key carries an object's uid as its name."""

    def __init__(self, local: Local, owned: DependentIndex) -> None:
        self._local = local
        self._owned = owned
        self._places: dict[str, OwnerPlace] = {}  # by uid

    def controller(self) -> ClusterController:
        """Return the garbage collector as a controller."""
        return ClusterController("garbage", self._keys_of, self._reconcile)

    def _keys_of(self, commit: Commit) -> Iterable[StoreKey]:
        tree = commit.new or commit.old or {}
        uid = tree["metadata"]["uid"]
        if commit.new is None:
            self._places.pop(uid, None)
            waiting = [StoreKey("uid", owner) for owner in self._owners(tree)]
            return [*(self._key_at(place) for place in self._owned.places(uid)), *waiting]
        self._places[uid] = OwnerPlace(commit.kind_id, commit.key)
        finalizers = commit.new["metadata"].get("finalizers") or ()
        waits = is_terminating(commit.new) and (FOREGROUND in finalizers or ORPHAN in finalizers)
        return [StoreKey("uid", uid)] if waits or self._owners(commit.new) else ()

    def _owners(self, tree: Json) -> list[str]:
        references = tree["metadata"].get("ownerReferences") or ()
        return [reference["uid"] for reference in references]

    def _key_at(self, place: OwnerPlace) -> StoreKey:
        tree = self._local.get(place.kind_id, place.key)
        return StoreKey("uid", tree["metadata"]["uid"] if tree else "")

    def _reconcile(self, key: StoreKey) -> None:
        place = self._places.get(key.name)
        tree = self._local.get(place.kind_id, place.key) if place else None
        if place is None or tree is None or tree["metadata"]["uid"] != key.name:
            return
        finalizers = tree["metadata"].get("finalizers") or []
        if is_terminating(tree) and ORPHAN in finalizers:
            self._release_dependents(place, tree)
        elif is_terminating(tree) and FOREGROUND in finalizers:
            self._delete_dependents(place, tree)
        elif self._owners(tree) and not is_terminating(tree):
            self._follow_owners(place, tree)

    def _follow_owners(self, place: OwnerPlace, tree: Json) -> None:
        references = tree["metadata"]["ownerReferences"]
        living = [reference for reference in references if self._lives(reference, place)]
        if not living:
            self._local.delete(place.kind_id, place.key, tree["metadata"]["uid"])
        elif len(living) < len(references):
            patch = {"metadata": {"ownerReferences": living}}
            self._local.patch(place.kind_id, place.key, patch)

    def _lives(self, reference: Json, dependent: OwnerPlace) -> bool:
        """Whether an owner exists and is not being deleted in the foreground."""
        kind = self._local.server.kinds.by_kind(reference["apiVersion"], reference["kind"])
        if kind is None:
            return True  # the kind may be served again: absence is not proven
        namespace = dependent.key.namespace if kind.namespaced else ""
        owner = self._local.get(kind.id, StoreKey(namespace, reference["name"]))
        if owner is None or owner["metadata"]["uid"] != reference["uid"]:
            return False
        finalizers = owner["metadata"].get("finalizers") or ()
        return not (is_terminating(owner) and FOREGROUND in finalizers)

    def _delete_dependents(self, place: OwnerPlace, tree: Json) -> None:
        uid, blocked = tree["metadata"]["uid"], False
        for dependent in self._owned.places(uid):
            found = self._local.get(dependent.kind_id, dependent.key)
            if found is None:
                continue
            if not is_terminating(found):
                self._delete_before_owner(dependent, found["metadata"]["uid"])
            left = self._local.get(dependent.kind_id, dependent.key)
            blocked = blocked or (left is not None and _blocks(left, uid))
        if not blocked:
            self._drop_finalizer(place, FOREGROUND)

    def _delete_before_owner(self, place: OwnerPlace, uid: str) -> None:
        policy = "Foreground" if self._owned.places(uid) else "Background"
        self._local.delete(place.kind_id, place.key, uid, policy=policy)

    def _release_dependents(self, place: OwnerPlace, tree: Json) -> None:
        uid = tree["metadata"]["uid"]
        for dependent in self._owned.places(uid):
            found = self._local.get(dependent.kind_id, dependent.key)
            if found is not None:
                references = found["metadata"].get("ownerReferences") or []
                kept = [reference for reference in references if reference["uid"] != uid]
                patch = {"metadata": {"ownerReferences": kept or None}}
                self._local.patch(dependent.kind_id, dependent.key, patch)
        self._drop_finalizer(place, ORPHAN)

    def _drop_finalizer(self, place: OwnerPlace, finalizer: str) -> None:
        tree = self._local.get(place.kind_id, place.key)
        if tree is not None:
            present = tree["metadata"].get("finalizers") or []
            kept = [name for name in present if name != finalizer]
            patch = {"metadata": {"finalizers": kept or None}}
            self._local.patch(place.kind_id, place.key, patch)


def _blocks(tree: Json, uid: str) -> bool:
    references = tree["metadata"].get("ownerReferences") or ()
    return any(r["uid"] == uid and r.get("blockOwnerDeletion") for r in references)
