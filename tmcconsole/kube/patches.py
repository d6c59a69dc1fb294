"""Merge patches, and where an object differs from what is wanted of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tmcconsole.kube.objects import Json

# Keys that identify an entry in Kubernetes' lists of maps; the first set all entries have counts.
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


@dataclass(frozen=True, slots=True)
class Difference:
    """One leaf that is not as wanted. ``actual`` is None where it is missing."""

    path: str  # e.g. spec.template.spec.containers[name=web].image
    wanted: Any
    actual: Any


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
    """Return the merge patch that turns ``old`` into ``new``, {} where they are equal."""
    patch: Json = {name: None for name in old if name not in new}
    for name, value in new.items():
        before = old.get(name)
        if name in old and before == value:
            continue
        both = isinstance(before, dict) and isinstance(value, dict)
        patch[name] = diff(before, value) if both else value  # type: ignore[arg-type]
    return patch


def subset_differences(wanted: Json, actual: Json) -> tuple[Difference, ...]:
    """Return where ``actual`` lacks, or has otherwise, what ``wanted`` says.

    What ``wanted`` does not mention is not looked at. null, {} , [] and missing are equal.
    """
    return tuple(_walk("", "", wanted, actual))


def _walk(path: str, parent: str, wanted: Any, actual: Any) -> Iterator[Difference]:
    if isinstance(wanted, dict) and isinstance(actual, dict):
        for name, value in wanted.items():
            inner = f"{path}.{name}" if path else name
            if not (_is_empty(value) and _is_empty(actual.get(name))):
                yield from _walk(inner, _last(path), value, actual.get(name))
    elif isinstance(wanted, list) and isinstance(actual, list):
        yield from _walk_list(path, wanted, actual)
    elif not _equal(path, parent, wanted, actual):
        yield Difference(path, wanted, actual)


def _walk_list(path: str, wanted: list[Any], actual: list[Any]) -> Iterator[Difference]:
    keys = _keys_of(wanted + actual)
    if keys is None:
        if len(wanted) != len(actual):
            yield Difference(path, wanted, actual)
            return
        for index, (mine, theirs) in enumerate(zip(wanted, actual, strict=True)):
            yield from _walk(f"{path}[{index}]", _last(path), mine, theirs)
        return
    found = {_identity(entry, keys): entry for entry in actual}
    for entry in wanted:
        identity = _identity(entry, keys)
        shown = ",".join(f"{key}={entry[key]}" for key in keys if key in entry)
        yield from _walk(f"{path}[{shown}]", _last(path), entry, found.get(identity))


def _keys_of(entries: list[Any]) -> tuple[str, ...] | None:
    if not entries or not all(isinstance(entry, dict) for entry in entries):
        return None
    for keys in _LIST_KEYS:
        if all(keys[0] in entry for entry in entries):
            identities = [_identity(entry, keys) for entry in entries]
            if all(isinstance(part, str | int) for one in identities for part in one):
                return keys
    return None


def _identity(entry: Json, keys: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(entry.get(key, "TCP" if key == "protocol" else "") for key in keys)


def _equal(path: str, parent: str, wanted: Any, actual: Any) -> bool:
    if _is_empty(wanted) and _is_empty(actual):
        return True
    if isinstance(wanted, bool) or isinstance(actual, bool):
        return wanted is actual
    if wanted == actual:
        return True
    name = _last(path)
    if name in _QUANTITY_FIELDS or parent in _QUANTITY_PARENTS or name.startswith("hugepages-"):
        return _same_quantity(wanted, actual)
    return False


def _same_quantity(wanted: Any, actual: Any) -> bool:
    first, second = _quantity(wanted), _quantity(actual)
    return first is not None and first == second


def _quantity(value: Any) -> Decimal | None:
    from kubernetes.utils.quantity import parse_quantity

    try:
        parsed: Decimal = parse_quantity(value)  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        return None
    return parsed


def _is_empty(value: Any) -> bool:
    return value is None or value == {} or value == []


def _last(path: str) -> str:
    return path.rpartition(".")[2]
