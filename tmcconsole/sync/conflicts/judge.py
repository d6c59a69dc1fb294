"""What happens to fields that differ: reverted, left to others, or asked about. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import orjson

from tmcconsole.config.policies import CLUSTER_WINS, HUB_WINS, MANUAL
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import Json
from tmcconsole.kube.trees.differences import Difference, Steps
from tmcconsole.kube.trees.managed_fields import APPLY, FieldManager, depth_of, last_of
from tmcconsole.sync.conflicts.field_rules import FieldRules
from tmcconsole.sync.conflicts.pointer_steps import pointer_to, points_at
from tmcconsole.sync.names.markers import APPLIED, CLUSTER, DIGEST, MANAGER, ORIGIN

_MARKS: Final = frozenset({CLUSTER, ORIGIN, DIGEST, APPLIED})
BASE: Final[Steps] = ("metadata", "annotations", APPLIED)
ALL: Final = "*"  # of fields an operator wants reverted: every one


@dataclass(frozen=True, slots=True)
class Contested:
    """A field that differs from the desired state, and who changed it."""

    difference: Difference
    pointer: str
    owner: SafeText  # who owns the field besides us; "" if nobody does
    suspect: SafeText  # who wrote last, for a field without an owner
    cut: Steps | None  # what an apply must omit to leave the field alone; None = nothing

    @property
    def manager(self) -> str:
        """Return the manager to name."""
        return self.owner or (f"{self.suspect}, who wrote last" if self.suspect else "unknown")


@dataclass(frozen=True, slots=True)
class DriftVerdict:
    """The decision for each contested field."""

    take_back: tuple[Contested, ...] = ()
    ignored: tuple[Contested, ...] = ()  # left to others as configured
    ceded: tuple[Contested, ...] = ()  # left to others by policy
    asked: tuple[Contested, ...] = ()

    @property
    def kept(self) -> tuple[Contested, ...]:
        """Return what stays as the cluster has it."""
        return (*self.ignored, *self.ceded)

    @property
    def cuts(self) -> tuple[Steps, ...]:
        """Return what the next apply omits."""
        found = (one.cut for one in (*self.kept, *self.asked))
        return tuple(cut for cut in found if cut is not None)


def contested_fields(
    found: Iterable[Difference], writers: tuple[FieldManager, ...], desired: Json
) -> tuple[Contested, ...]:
    """Return the differences with their owners on the cluster."""
    others = tuple(one for one in writers if not is_us(one))
    ours = tuple(one for one in writers if is_us(one))
    last = last_of(others)
    return tuple(_contested(one, others, ours, last, desired) for one in found)


def _contested(
    difference: Difference,
    others: tuple[FieldManager, ...],
    ours: tuple[FieldManager, ...],
    last: FieldManager | None,
    desired: Json,
) -> Contested:
    steps = difference.steps
    depths = {one: depth for one in others if (depth := _depth(one, steps, desired)) is not None}
    owner = last_of(tuple(depths))
    is_ours_alone = owner is None and any(_depth(one, steps, desired) is not None for one in ours)
    cut = None if is_ours_alone else steps[: depths[owner]] if owner else steps
    return Contested(
        difference=difference,
        pointer=str(pointer_to(steps, desired)),
        owner=owner.name if owner else SafeText(),
        suspect=last.name if last else SafeText(),
        cut=cut,
    )


def judge(
    rules: FieldRules,
    found: Iterable[Contested],
    desired: Json,
    *,
    has_changed: Callable[[Contested], bool],
    insisted: frozenset[str] = frozenset(),
) -> DriftVerdict:
    """Decide on contested fields.

    ``has_changed`` says whether the hub's value of a field has changed since it was last applied;
    ``insisted`` are the pointers an operator wants reverted, or ``ALL``.
    """
    piles: dict[str, list[Contested]] = {"back": [], "ignored": [], "ceded": [], "asked": []}
    for one in found:
        steps = one.difference.steps
        if _is_mark(steps) or insisted & {one.pointer, ALL}:
            piles["back"].append(one)
        elif is_left(rules, steps, desired) or _is_ignored(rules, one.owner):
            piles["ignored"].append(one)
        else:
            piles[_by_policy(rules.conflict, one, has_changed)].append(one)
    return DriftVerdict(*(tuple(pile) for pile in piles.values()))


def _by_policy(policy: str, one: Contested, has_changed: Callable[[Contested], bool]) -> str:
    if policy == HUB_WINS:
        return "back"
    if policy == CLUSTER_WINS:
        return "ceded"
    if policy == MANUAL:
        return "asked"
    if not one.owner:  # three-way merge: nobody claims it
        return "back"
    return "asked" if has_changed(one) else "ceded"


def is_left(rules: FieldRules, steps: Steps, desired: Json) -> bool:
    """True if the rules leave a field to others in any case; never our own labels."""
    return not _is_mark(steps) and any(points_at(one, steps, desired) for one in rules.left)


def leaf_digests(tree: Json, salt: str) -> dict[str, str]:
    """Return 8 hexadecimal digits for each leaf of a desired state, by pointer, without our labels.

    Salted per object: equal values of two objects have different digests.
    """
    found: dict[str, str] = {}
    for name in sorted(tree):
        if name not in ("apiVersion", "kind", "metadata"):
            _digest_leaves((name,), tree[name], tree, salt, found)
    meta = tree["metadata"]
    for part in ("labels", "annotations"):
        for name in sorted(set(meta.get(part) or {}) - _MARKS):
            _digest_leaves(("metadata", part, name), meta[part][name], tree, salt, found)
    return found


def _digest_leaves(steps: Steps, value: Any, tree: Json, salt: str, found: dict[str, str]) -> None:
    if isinstance(value, dict) and value:
        for name in sorted(value):
            _digest_leaves((*steps, name), value[name], tree, salt, found)
    elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        for index, entry in enumerate(value):
            _digest_leaves((*steps, index), entry, tree, salt, found)
    else:
        content = orjson.dumps([salt, value], option=orjson.OPT_SORT_KEYS)
        found[str(pointer_to(steps, tree))] = blake2b(content, digest_size=4).hexdigest()


def _depth(writer: FieldManager, steps: Steps, desired: Json) -> int | None:
    depth = depth_of(writer, steps, desired)
    return depth or None  # owning the whole object as one means owning nothing in particular


def is_us(writer: FieldManager) -> bool:
    """True for the entry of our own applies."""
    return writer.manager == MANAGER and writer.operation == APPLY and not writer.subresource


def _is_ignored(rules: FieldRules, owner: SafeText) -> bool:
    return bool(owner) and (owner in rules.managers or owner.partition("/")[0] in rules.managers)


def _is_mark(steps: Steps) -> bool:
    return len(steps) == 3 and steps[0] == "metadata" and steps[2] in _MARKS
