"""Merge patches, and the differences of an object from its desired state. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from tmcconsole.kube.objects import Json

# Keys that identify an entry in Kubernetes' lists of maps; the first that all entries have is used.
_LIST_KEYS: Final = (
    ("containerPort", "protocol"),
    ("port", "protocol"),
    ("topologyKey", "whenUnsatisfiable"),
    ("name",),
    ("mountPath",),
    ("devicePath",),
    ("key",),
    ("ip",),
    ("uid",),
    ("type",),
)
_QUANTITY_FIELDS: Final = frozenset(
    {"cpu", "memory", "storage", "ephemeral-storage", "sizeLimit", "divisor"}
)
_QUANTITY_PARENTS: Final = frozenset({"requests", "limits", "hard", "capacity"})


Steps = tuple[str | int, ...]  # field names and indexes of list entries, from the top


@dataclass(frozen=True, slots=True)
class Difference:
    """One leaf that differs from the desired state. ``actual`` is None if it is missing."""

    path: str  # e.g. spec.template.spec.containers[name=web].image
    wanted: Any
    actual: Any
    steps: Steps = field(default=(), compare=False)  # the same place within the desired state


def merge_patch(target: Any, patch: Any) -> Any:
    """Return ``target`` with an RFC 7396 patch applied; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def diff(old: Json, new: Json) -> Json:
    """Return the merge patch that turns ``old`` into ``new``, {} if they are equal.

    A merge patch cannot set null, so null counts as missing.
    """
    patch: Json = {
        name: None for name, value in old.items() if value is not None and new.get(name) is None
    }
    for name, value in new.items():
        before = old.get(name)
        if value is None or _same(before, value):
            continue
        if isinstance(before, dict) and isinstance(value, dict):
            inner = diff(before, value)
            if inner:
                patch[name] = inner
        else:
            patch[name] = value
    return patch


def _same(one: Any, other: Any) -> bool:
    # True == 1 in Python but not in JSON; other types need no second check
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(_same(mine, theirs) for mine, theirs in pairs)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return bool(one == other)


def subset_differences(wanted: Json, actual: Json) -> tuple[Difference, ...]:
    """Return where ``actual`` lacks, or has a different value than, what ``wanted`` contains.

    Fields that ``wanted`` does not mention are ignored. null, {}, [] and missing are equal.
    """
    return tuple(_walk(_Place(), wanted, actual))


@dataclass(frozen=True, slots=True)
class _Place:
    """A position in the walk: the path to show, and the last two field names, which may have
    dots.
    """

    path: str = ""
    name: str = ""
    parent: str = ""
    steps: Steps = ()

    def field(self, name: str) -> _Place:
        path = f"{self.path}.{name}" if self.path else name
        return _Place(path, name, self.name, (*self.steps, name))

    def entry(self, shown: object, index: int) -> _Place:
        return _Place(f"{self.path}[{shown}]", self.name, self.parent, (*self.steps, index))

    @property
    def holds_quantity(self) -> bool:
        named = self.name in _QUANTITY_FIELDS or self.name.startswith("hugepages-")
        return named or self.parent in _QUANTITY_PARENTS


def _walk(at: _Place, wanted: Any, actual: Any) -> Iterator[Difference]:
    if _is_empty(wanted) and _is_empty(actual):
        return
    if isinstance(wanted, dict) and wanted and isinstance(actual, dict | None):
        for name, value in wanted.items():
            there = (actual or {}).get(name)
            if value.__class__ is not str or value != there:  # most leaves are equal text
                yield from _walk(at.field(name), value, there)
    elif isinstance(wanted, list) and isinstance(actual, list):
        yield from _walk_list(at, wanted, actual)
    elif not _same(wanted, actual) and not (at.holds_quantity and same_quantity(wanted, actual)):
        yield Difference(at.path, wanted, actual, at.steps)


def _walk_list(at: _Place, wanted: list[Any], actual: list[Any]) -> Iterator[Difference]:
    keys = _keys_of(wanted, actual)
    if keys is not None:
        found = {_identity(entry, keys): entry for entry in actual}
        for index, entry in enumerate(wanted):
            shown = ",".join(f"{key}={entry[key]}" for key in keys if key in entry)
            yield from _walk(at.entry(shown, index), entry, found.get(_identity(entry, keys)))
    elif len(wanted) != len(actual):
        yield Difference(at.path, wanted, actual, at.steps)
    else:
        for index, (mine, theirs) in enumerate(zip(wanted, actual, strict=True)):
            yield from _walk(at.entry(index, index), mine, theirs)


def _keys_of(wanted: list[Any], actual: list[Any]) -> tuple[str, ...] | None:
    """Return the keys that identify every entry of both lists, if there are any."""
    if not all(isinstance(entry, dict) for entry in (*wanted, *actual)):
        return None
    for keys in _LIST_KEYS:
        if _identify(wanted, keys) and _identify(actual, keys):
            return keys
    return None


def _identify(entries: list[Json], keys: tuple[str, ...]) -> bool:
    identities = [_identity(entry, keys) for entry in entries]
    plain = all(isinstance(part, str | int) for identity in identities for part in identity)
    return plain and len(set(identities)) == len(entries) and all(keys[0] in e for e in entries)


def _identity(entry: Json, keys: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(entry.get(key, "TCP" if key == "protocol" else "") for key in keys)


def same_quantity(one: Any, other: Any) -> bool:
    """Return whether both are quantities of the same value, such as "1000m" and 1."""
    first, second = _quantity(one), _quantity(other)
    return first is not None and first == second


def _quantity(value: Any) -> Decimal | None:
    match = _QUANTITY.fullmatch(str(value)) if not isinstance(value, bool) else None
    if match is None:
        return None
    number, suffix, exponent = match.groups()
    scale = _SCALES[suffix or ""] if exponent is None else Decimal(10) ** int(exponent)
    return Decimal(number) * scale


# k8s.io/apimachinery resource.Quantity: a number, then a suffix or an exponent of ten
_QUANTITY: Final = re.compile(
    r"([+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40}))"
    r"(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,2}))?"
)
_SCALES: Final = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    **{name: Decimal(1000 ** (power + 2)) for power, name in enumerate("MGTPE")},
    **{f"{name}i": Decimal(1024 ** (power + 1)) for power, name in enumerate("KMGTPE")},
}


def _is_empty(value: Any) -> bool:
    return value is None or value == {} or value == []
