"""Live reads of objects on a target, taken into its cache."""

from __future__ import annotations

from typing import Final

from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.errors import Conflict, Invalid, KubeError, NotFound
from tmcconsole.kube.objects import CachedObject, Json, ObjectKey
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.state.target import Target

LOOK_AGAIN_S: Final = 0.5  # a cache that is not filled yet, a failed precondition
HELD_RECHECK_S: Final = 30.0  # for events that may have been missed
REFUSED_RECHECK_S: Final = 600.0  # a refusal or collision may end without an event on our side


def take_in(informer: Informer, live: CachedObject) -> float:
    """Take an object that was just read into its cache; return seconds until the next reconcile.

    If the cache rejects it, a list said otherwise: one of the two was wrong, and a new list will
    tell. Reading again at once would only repeat the contradiction.
    """
    informer.observe(live)
    if informer.get(live.key) is not None:
        return LOOK_AGAIN_S
    informer.request_relist()
    return HELD_RECHECK_S


class KindAway(KubeError):
    """The API server does not serve the kind at the moment: nothing is known of its objects."""

    reason = "KindAway"


async def read_live(target: Target, watched: Watched, key: ObjectKey) -> CachedObject | None:
    """Read the object with the copy's name from the target; None if there is none."""
    try:
        async with target.concurrency.admitted():
            return await target.client.get(watched.kind, target.copy_key(watched.kind.id, key))
    except NotFound as error:
        if error.is_kind:
            raise KindAway(f"{target.name} does not serve {watched.kind.id} now") from error
        return None


def is_ownership(error: Conflict) -> bool:
    """True if a conflict names fields of other managers; otherwise a precondition failed."""
    return any(cause.reason == "FieldManagerConflict" for cause in error.causes)


def is_other_object(error: Invalid) -> bool:
    """True if the UID we sent is not the live object's: kube-apiserver reports that as Invalid."""
    return any(cause.field == "metadata.uid" for cause in error.causes)


def with_metadata(tree: Json, **fields: str) -> Json:
    """Return ``tree`` with metadata fields added; the tree itself is not changed."""
    return {**tree, "metadata": {**tree["metadata"], **fields}}
