"""What a target itself says of an object, read anew and shown in its mirror."""

from __future__ import annotations

from typing import Final

from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.errors import Conflict, Invalid, KubeError, NotFound
from tmcconsole.kube.objects import CachedObject, Json, ObjectKey
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.state.target import Target

LOOK_AGAIN_S: Final = 0.5  # a cache that is not filled yet, a precondition that failed
HELD_RECHECK_S: Final = 30.0  # something is awaited whose event may have been missed
REFUSED_RECHECK_S: Final = 600.0  # a refusal or collision may end without an event on our side


def take_in(informer: Informer, live: CachedObject) -> float:
    """Show an object that was just read in its mirror; return seconds until another look.

    A mirror that refuses it was told otherwise by a list: one of the two answers was wrong, and a
    new list tells which. Asking again at once would only repeat the contradiction.
    """
    informer.observe(live)
    if informer.get(live.key) is not None:
        return LOOK_AGAIN_S
    informer.request_relist()
    return HELD_RECHECK_S


class KindAway(KubeError):
    """The API server does not serve the kind at the moment: nothing can be said of its objects."""

    reason = "KindAway"


async def read_live(target: Target, watched: Watched, key: ObjectKey) -> CachedObject | None:
    """Ask the target itself for the object under the copy's name; None where it has none."""
    try:
        async with target.concurrency.admitted():
            return await target.client.get(watched.kind, target.copy_key(watched.kind.id, key))
    except NotFound as error:
        if error.is_kind:
            raise KindAway(f"{target.name} does not serve {watched.kind.id} now") from error
        return None


def is_ownership(error: Conflict) -> bool:
    """True where a conflict names fields that other managers own; else a precondition failed."""
    return any(cause.reason == "FieldManagerConflict" for cause in error.causes)


def is_other_object(error: Invalid) -> bool:
    """True where the UID we sent is not the live object's: kube-apiserver calls that invalid."""
    return any(cause.field == "metadata.uid" for cause in error.causes)


def with_metadata(tree: Json, **fields: str) -> Json:
    """Return ``tree`` with metadata fields added; the tree itself is left alone."""
    return {**tree, "metadata": {**tree["metadata"], **fields}}
