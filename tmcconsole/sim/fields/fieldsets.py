"""Sets of fields, in the FieldsV1 form of managedFields, and the comparison of two trees.

A set is a trie: ``{"f:spec": {"f:replicas": {}}}``. A node is a member if it is empty or holds
".". ``f:`` is a field, ``k:`` an item of a keyed list, ``v:`` an item of a set. The rules are those
of structured-merge-diff.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.sim.storage.shapes import ValueShape

FieldSet = dict[str, Any]


class _Missing:
    """The absence of a value, as distinct from null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()

# Set by the server itself and owned by nobody.
_SYSTEM_METADATA: Final = (
    "f:name",
    "f:namespace",
    "f:creationTimestamp",
    "f:selfLink",
    "f:uid",
    "f:clusterName",
    "f:generation",
    "f:managedFields",
    "f:resourceVersion",
)


class Comparison(NamedTuple):
    """How one tree differs from another."""

    added: FieldSet | None
    modified: FieldSet | None
    removed: FieldSet | None


_SAME: Final = Comparison(None, None, None)


def is_member(node: FieldSet) -> bool:
    """Return whether the path that leads to ``node`` is itself in the set."""
    return not node or "." in node


def union(left: FieldSet | None, right: FieldSet | None) -> FieldSet | None:
    """Return what is in either set; None is the empty set."""
    if left is None or right is None:
        return left if right is None else right
    if not left or not right:
        rest = left or right
        return {".": {}, **rest} if rest else {}
    merged = dict(left)
    for name, child in right.items():
        merged[name] = union(merged[name], child) if name in merged else child
    return merged


def difference(left: FieldSet | None, right: FieldSet | None) -> FieldSet | None:
    """Return what is in ``left`` but not in ``right``."""
    if left is None or right is None:
        return left
    kept = _children(left, right, keep_if_absent=True)
    if is_member(left) and not is_member(right):
        return {".": {}, **kept} if kept else {}
    return kept or None


def intersection(left: FieldSet | None, right: FieldSet | None) -> FieldSet | None:
    """Return what is in both sets."""
    if left is None or right is None:
        return None
    kept = _children(left, right, keep_if_absent=False)
    if is_member(left) and is_member(right):
        return {".": {}, **kept} if kept else {}
    return kept or None


def _children(left: FieldSet, right: FieldSet, *, keep_if_absent: bool) -> FieldSet:
    combine = difference if keep_if_absent else intersection
    kept: FieldSet = {}
    for name, child in left.items():
        if name == ".":
            continue
        if name not in right:
            if keep_if_absent:
                kept[name] = child
            continue
        rest = combine(child, right[name])
        if rest is not None:
            kept[name] = rest
    return kept


def without_trees(left: FieldSet | None, lost: FieldSet) -> FieldSet | None:
    """Return ``left`` without the leaves of ``lost`` and everything under them."""
    if left is None:
        return None
    kept: FieldSet = {}
    for name, child in left.items():
        if name not in lost:
            kept[name] = child
        elif lost[name]:
            rest = without_trees(child, lost[name])
            if rest is not None:
                kept[name] = rest
    return kept or None


def paths(node: FieldSet, prefix: str = "") -> Iterator[str]:
    """Yield the members as structured-merge-diff prints them: ``.spec.ports[port=80].name``.

    Members of one level come before those below it.
    """
    steps = [(prefix + _step(name), node[name]) for name in sorted(node) if name != "."]
    yield from (path for path, child in steps if is_member(child))
    for path, child in steps:
        yield from paths(child, path)


def without_system_fields(node: FieldSet | None) -> FieldSet | None:
    """Return the set without the fields that no manager can own."""
    if node is None:
        return None
    kept = {name: child for name, child in node.items() if name not in (".", "f:apiVersion")}
    kept.pop("f:kind", None)
    metadata = kept.get("f:metadata")
    if metadata is not None:
        rest = {k: v for k, v in metadata.items() if k not in _SYSTEM_METADATA and k != "."}
        kept["f:metadata"] = rest
        if not rest:
            del kept["f:metadata"]
    return kept or None


def fields_of(value: Any, shape: ValueShape) -> FieldSet:
    """Return the fields that a tree sets, as an applier owns them."""
    if isinstance(value, dict) and not shape.is_atomic:
        return _fields_of_map(value, shape)
    if isinstance(value, list) and is_keyed(shape):
        children = {}
        for name, item in index_items(value, shape).items():
            fields = fields_of(item, shape.item)
            children[name] = {".": {}, **fields} if fields and "." not in fields else fields
        return children
    return {}


def _fields_of_map(value: Json, shape: ValueShape) -> FieldSet:
    node: FieldSet = {}
    for key, child in value.items():
        fields = fields_of(child, shape.child(key))
        owned_as_entry = shape.is_open and key not in shape.fields
        if fields and owned_as_entry and "." not in fields:
            fields = {".": {}, **fields}
        if fields or not _is_empty_list(child, shape.child(key)):
            node["f:" + key] = fields
    return node


def _is_empty_list(value: Any, shape: ValueShape) -> bool:
    """An empty keyed list sets nothing; any other empty value is itself a member."""
    return isinstance(value, list) and not value and is_keyed(shape)


def is_keyed(shape: ValueShape) -> bool:
    """Return whether a list of this shape merges item by item."""
    return (bool(shape.keys) or shape.is_set) and not shape.is_atomic


def index_items(items: list[Any], shape: ValueShape) -> dict[str, Any]:
    """Return a keyed list's items by path element, in order; the last duplicate wins."""
    return {item_name(item, shape): item for item in items}


def doubled(value: Any, shape: ValueShape, path: str = "") -> list[str]:
    """Return the duplicates in keyed lists and sets, as the typed merge reports them."""
    if isinstance(value, dict):
        children = ((f"{path}.{key}", child, shape.child(key)) for key, child in value.items())
        return [line for place, child, known in children for line in doubled(child, known, place)]
    if not isinstance(value, list):
        return []
    found: list[str] = []
    for index, item in enumerate(value):
        step = _step(item_name(item, shape)) if is_keyed(shape) else f"[{index}]"
        found += doubled(item, shape.item, path + step)
    if is_keyed(shape):
        counted = Counter(item_name(item, shape) for item in value)
        twice = [name for name, count in counted.items() if count > 1]
        found += [f"{path}: duplicate entries for key {_step(name)}" for name in twice]
    return found


def item_name(item: Any, shape: ValueShape) -> str:
    """Return the path element that identifies an item: ``k:{"name":"app"}`` or ``v:"x"``."""
    if shape.is_set or not isinstance(item, dict):
        return "v:" + orjson.dumps(item).decode()
    defaults = shape.key_defaults
    key = {name: item.get(name, defaults.get(name)) for name in sorted(shape.keys)}
    found = {name: value for name, value in key.items() if value is not None}
    return "k:" + orjson.dumps(found).decode()


def compare(old: Any, new: Any, shape: ValueShape) -> Comparison:
    """Return what ``new`` adds to, changes in and removes from ``old``. MISSING is allowed."""
    if old is not MISSING and new is not MISSING and old == new:
        return _SAME
    if not shape.is_atomic and _both_fit(dict, old, new) and (old or new):
        return _compare_maps(old, new, shape)
    if not shape.is_atomic and isinstance(old, dict) != isinstance(new, dict):
        return _compare_forms(old, new, shape)
    if is_keyed(shape) and _both_fit(list, old, new) and (old or new):
        return _compare_lists(old, new, shape)
    if old is MISSING:
        return Comparison({}, None, None)
    if new is MISSING:
        return Comparison(None, None, {})
    return Comparison(None, {}, None)


def _compare_forms(old: Any, new: Any, shape: ValueShape) -> Comparison:
    """Compare a map with a scalar: the field itself is modified, and so are its entries."""
    if old is MISSING:
        return Comparison({}, None, None)
    if new is MISSING:
        return Comparison(None, None, {})
    before = old if isinstance(old, dict) else {}
    after = new if isinstance(new, dict) else {}
    return _compare_maps(before, after, shape)._replace(modified={})


def _both_fit(form: type, old: Any, new: Any) -> bool:
    present = [side for side in (old, new) if side is not MISSING and side is not None]
    return bool(present) and all(isinstance(side, form) for side in present)


def _compare_maps(old: Any, new: Any, shape: ValueShape) -> Comparison:
    before: Json = old if isinstance(old, dict) else {}
    after: Json = new if isinstance(new, dict) else {}
    if not before and not after:
        return _leaf(old, new)
    collected = _Collector()
    for key, value in after.items():
        previous = before.get(key, MISSING)
        if previous is MISSING or previous != value:
            collected.take("f:" + key, compare(previous, value, shape.child(key)))
    for key, value in before.items():
        if key not in after:
            collected.take("f:" + key, compare(value, MISSING, shape.child(key)))
    return collected.result(old, new)


def _compare_lists(old: Any, new: Any, shape: ValueShape) -> Comparison:
    before = index_items(old, shape) if isinstance(old, list) else {}
    after = index_items(new, shape) if isinstance(new, list) else {}
    if not before and not after:
        return _leaf(old, new)
    collected = _Collector()
    for name, value in after.items():
        collected.take(name, compare(before.get(name, MISSING), value, shape.item))
    for name, value in before.items():
        if name not in after:
            collected.take(name, compare(value, MISSING, shape.item))
    return collected.result(old, new)


def _leaf(old: Any, new: Any) -> Comparison:
    if old is MISSING:
        return Comparison({}, None, None)
    return Comparison(None, None, {}) if new is MISSING else _SAME


class _Collector:
    """Gathers the comparisons of children. Lives for one call."""

    def __init__(self) -> None:
        self.added: FieldSet = {}
        self.modified: FieldSet = {}
        self.removed: FieldSet = {}

    def take(self, name: str, found: Comparison) -> None:
        if found.added is not None:
            self.added[name] = found.added
        if found.modified is not None:
            self.modified[name] = found.modified
        if found.removed is not None:
            self.removed[name] = found.removed

    def result(self, old: Any, new: Any) -> Comparison:
        if old is MISSING:
            self.added["."] = {}
        elif new is MISSING:
            self.removed["."] = {}
        return Comparison(self.added or None, self.modified or None, self.removed or None)


def _step(name: str) -> str:
    kind, _, text = name.partition(":")
    if kind == "f":
        return "." + text
    if kind == "k":
        key: Mapping[str, Any] = orjson.loads(text)
        return "[" + ",".join(f"{k}={orjson.dumps(v).decode()}" for k, v in key.items()) + "]"
    return f"[={text}]"
