"""Objects with one change: each field of the samples dropped, emptied or given an odd value."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from tests.differential.trace import Json

Path_ = tuple[str | int, ...]

_SAMPLES: Final = Path(__file__).with_name("samples.yaml")
_DROP: Final = object()
_TEXTS: Final[dict[str, Any]] = {
    "empty": "",
    "odd": "Not Valid!",
    "word": "nonsense",
    "long": "a" * 300,
    "number": 7,
    "list": ["a"],
}
_NUMBERS: Final[dict[str, Any]] = {
    "minus": -1,
    "zero": 0,
    "large": 70_000,
    "huge": 2**33,
    "half": 1.5,
    "text": "nonsense",
}
_TRUTHS: Final[dict[str, Any]] = {"text": "yes", "number": 1}
_MAPS: Final[dict[str, Any]] = {"empty": {}, "list": [], "text": "nonsense"}
_LISTS: Final[dict[str, Any]] = {"empty": [], "map": {}, "text": "nonsense", "nulls": [None]}
# Not compared: what identifies the object, and what only its server can know.
_LEFT: Final = (("apiVersion",), ("kind",), ("metadata", "name"))


def samples(namespace: str) -> list[Json]:
    """Return one new valid object of each kind."""
    text = _SAMPLES.read_text().replace("{ns}", namespace)
    found: list[Json] = copy.deepcopy(yaml.safe_load(text))
    return [copy.deepcopy(tree) for tree in found]


def mutants(tree: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield path, change and the object with that one change, for every field of an object."""
    for path, value in _places(tree):
        if path in _LEFT:
            continue
        for change, new in ways(value).items():
            yield shown(path), change, changed(tree, path, new)


def mutate(rng: random.Random, tree: Json) -> Json:
    """Return an object with some changes."""
    new = tree
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        places = list(_places(new))
        if not places:
            break
        path, value = rng.choice(places)
        other = rng.choice([way for way in ways(value).values() if way != _NUMBERS["large"]])
        new = changed(new, path, other)  # a cluster would make that many pods
    return new


def ways(value: Any) -> dict[str, Any]:
    """Return what may replace a value, by name."""
    common = {"drop": _DROP, "null": None}
    if isinstance(value, bool):
        return common | _TRUTHS
    if isinstance(value, str):
        return common | _TEXTS
    if isinstance(value, (int, float)):
        return common | _NUMBERS
    if isinstance(value, dict):
        return common | _MAPS | ({"extra": {**value, "Extra Key!": "x"}} if value else {})
    twice = {"twice": [*value, value[0]]} if value else {}
    return common | _LISTS | twice


def shown(path: Path_) -> str:
    """Return a path as text."""
    return ".".join(str(step).replace(".", "~") for step in path)


def changed(tree: Json, path: Path_, new: Any) -> Json:
    """Return a copy with another value at a path, or without one."""
    result: Json = copy.deepcopy(tree)
    place: Any = result
    for step in path[:-1]:
        place = place[step]
    if new is _DROP:
        del place[path[-1]]
    else:
        place[path[-1]] = copy.deepcopy(new)
    return result


def _places(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    if path:
        yield path, value
    steps = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for step, child in steps:
        yield from _places(child, (*path, step))
