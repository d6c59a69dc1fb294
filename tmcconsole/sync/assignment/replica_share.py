"""Of the labels an object should get, those that this replica writes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tmcconsole.kube.objects import Json, finalizers_of
from tmcconsole.sync.assignment.duties import HUB
from tmcconsole.sync.names.markers import DELETION, FINALIZER, STATE

# For a target key: the duty in whose name we write its labels; None = not ours.
NameFor = Callable[[str], str | None]


def share_of(
    patch: Json, tree: Mapping[str, Any], name_for: NameFor, *, leads: bool
) -> tuple[Json | None, tuple[str, ...]]:
    """Return our share of a patch of labels, and the duties in whose name to write it.

    What concerns no single target goes with the rest, or is written by the hub's holder.
    """
    meta = patch["metadata"]
    names: set[str] = set()
    kept: Json = {}
    common: Json = {}
    for part, prefix in (("labels", STATE), ("annotations", DELETION)):
        for mark, value in (meta.get(part) or {}).items():
            name = name_for(mark.removeprefix(prefix)) if mark.startswith(prefix) else ""
            if name is not None:
                (kept if name else common).setdefault(part, {})[mark] = value
            if name:
                names.add(name)
    finalizers = _finalizers(meta, tree, name_for, names)
    if finalizers is not None:
        kept["finalizers"] = finalizers
    if common and (kept or leads):
        _merge(kept, common)
        names = names or {HUB}
    if not kept:
        return None, ()
    guards = {name: meta[name] for name in ("uid", "resourceVersion") if name in meta}
    return {"metadata": guards | kept}, tuple(sorted(names))


def _merge(kept: Json, common: Json) -> None:
    for part, marks in common.items():
        kept[part] = kept.get(part, {}) | marks


def _finalizers(
    meta: Json, tree: Mapping[str, Any], name_for: NameFor, names: set[str]
) -> list[str] | None:
    """Return the complete list that replaces the current one; None if we change nothing."""
    if "finalizers" not in meta:
        return None
    there, wanted = finalizers_of(tree), meta["finalizers"]
    changed = set(there) ^ set(wanted)
    owners = {entry: name_for(entry.removeprefix(FINALIZER)) for entry in changed}
    ours = {entry: name for entry, name in owners.items() if name is not None}
    if not ours:
        return None
    names.update(ours.values())
    kept = [entry for entry in there if entry in wanted or entry not in ours]
    return kept + [entry for entry in wanted if entry not in there and entry in ours]
