"""Parses transforms: the tables of a TOML file, or the list in a Placement's spec."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tmcconsole.config import values
from tmcconsole.config.grammar.fieldpath import FieldPath, read_path
from tmcconsole.config.grammar.template import VALUE, read_template
from tmcconsole.config.problems import Unusable, nearest
from tmcconsole.config.transforms import (
    Change,
    DeleteField,
    FillField,
    Images,
    JsonPatch,
    LabelChoice,
    Match,
    Pairs,
    ReplaceField,
    Replicas,
    Resources,
    SetField,
    StorageClass,
    Transform,
)
from tmcconsole.config.values import NOWHERE

MAX_TRANSFORMS: Final = 200  # in one config or Placement
MAX_OPERATIONS: Final = 200  # in one patch
_NAME: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_QUANTITY: Final = re.compile(r"[0-9]+(\.[0-9]*)?([numkMGTPE]|[KMGTPE]i)?|")
_OPERATIONS: Final = frozenset({"add", "remove", "replace", "move", "copy", "test"})
_OWN_METADATA: Final = frozenset({"labels", "annotations"})


class Misplaced(Unusable):
    """A problem, with the key of the table it belongs to."""

    def __init__(self, key: str, what: str, fix: str) -> None:
        super().__init__(what, fix)
        self.key = key


def read_transform(raw: Mapping[str, Any], source: str) -> Transform:
    """Parse one transform. Raises ``Misplaced``."""
    known = ("name", *_MATCHES, *_CHANGES)
    names = {_snake(name): name for name in raw}
    for name in names:
        if name not in known:
            raise Misplaced(names[name], "unknown key", nearest(name, known))
    name = _read(raw, names, "name", _name)
    if name is None:
        raise Misplaced("", "has no name", 'write name = "..."')
    found = {key: _read(raw, names, key, read) for key, read in _MATCHES.items() if key in names}
    changes = tuple(
        change
        for key, read in _CHANGES.items()
        if key in names
        for change in _read(raw, names, key, read)
    )
    if not changes:
        raise Misplaced("", "changes nothing", f"write one of {', '.join(_CHANGES)}")
    return Transform(
        name=name, source=source, match=Match(**found), changes=changes, written=_json(raw)
    )


def _name(raw: Any) -> str:
    name = values.text(raw, NOWHERE)
    if not _NAME.fullmatch(name):
        raise Unusable(
            f'"{name[:60]}" is not a valid transform name', "use 1 to 63 letters, digits, '-'"
        )
    return name


def _read(
    raw: Mapping[str, Any], names: Mapping[str, str], key: str, read: Callable[[Any], Any]
) -> Any:
    if key not in names:
        return None
    try:
        return read(raw[names[key]])
    except Unusable as error:
        raise Misplaced(names[key], str(error), error.fix) from error


def _snake(name: str) -> str:
    """Return a Placement's ``storageClass`` in the file's spelling, ``storage_class``."""
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f"_{found[1].lower()}", name)


def _patterns(raw: Any) -> tuple[str, ...]:
    return values.texts(raw, NOWHERE)


def _label_choice(raw: Any) -> LabelChoice:
    """Return ``{ tier = "gold" }``, or ``{ tier = ["gold", "silver"] }``."""
    if not isinstance(raw, dict):
        raise Unusable("must be a table of labels", 'write { region = "eu" }')
    return tuple((name, _patterns(wanted)) for name, wanted in sorted(raw.items()))


def _path(written: str) -> FieldPath:
    """Parse a path to a field that is not part of an object's identity."""
    path = read_path(written)
    first, rest = path.steps[0], path.steps[1:]
    is_own = first != "metadata" or (bool(rest) and rest[0] in _OWN_METADATA)
    if first in ("apiVersion", "kind", "status") or not is_own:
        raise Unusable(
            f"{path} cannot be transformed: it is part of the object's identity",
            "change spec, data, metadata.labels or metadata.annotations",
        )
    return path


def _fields(raw: Any) -> Iterator[tuple[FieldPath, Any]]:
    if not isinstance(raw, dict) or not raw:
        raise Unusable("must be a table of paths", 'write { "spec.replicas" = 2 }')
    for written, value in raw.items():
        yield _path(written), value


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False, sort_keys=True).encode()
    except (TypeError, ValueError) as error:
        fix = "write text, numbers, booleans, lists and tables"
        raise Unusable("has a value that JSON cannot represent", fix) from error


def _sets(raw: Any) -> list[Change]:
    return [SetField(path, _json(value)) for path, value in _fields(raw)]


def _replaces(raw: Any) -> list[Change]:
    return [ReplaceField(path, _json(value)) for path, value in _fields(raw)]


def _fills(raw: Any) -> list[Change]:
    return [
        FillField(path, read_template(values.text(value, NOWHERE), extra=(VALUE,)))
        for path, value in _fields(raw)
    ]


def _deletes(raw: Any) -> list[Change]:
    return [DeleteField(_path(written)) for written in _patterns(raw)]


def _patch(raw: Any) -> list[Change]:
    fix = 'write [{ op = "add", path = "/spec/paused", value = true }]'
    if not isinstance(raw, list) or not raw or len(raw) > MAX_OPERATIONS:
        raise Unusable(f"must be a list of 1 to {MAX_OPERATIONS} operations", fix)
    for operation in raw:
        _check_operation(operation, fix)
    return [JsonPatch(_json(raw))]


def _check_operation(operation: Any, fix: str) -> None:
    if not isinstance(operation, dict) or operation.get("op") not in _OPERATIONS:
        raise Unusable("has an operation without a known op", fix)
    for key in ("path", "from"):
        written = operation.get(key)
        if key == "from" and operation["op"] not in ("move", "copy"):
            continue
        if not isinstance(written, str) or not written.startswith("/"):
            raise Unusable(f"has an operation whose {key} is not a JSON pointer", fix)
    if operation["op"] != "test":
        _path(operation["path"])
    if operation["op"] in ("add", "replace", "test") and "value" not in operation:
        raise Unusable(f"has an {operation['op']} without a value", fix)


def _images(raw: Any) -> list[Change]:
    if not isinstance(raw, dict) or not raw:
        raise Unusable(
            "must be a table of registries", 'write { "docker.io" = "mirror.example/hub" }'
        )
    rules = [
        (old.rstrip("/"), read_template(values.text(new, NOWHERE).rstrip("/")))
        for old, new in raw.items()
    ]
    if not all(old and template.parts for old, template in rules):
        raise Unusable("has an empty registry", 'write { "docker.io" = "mirror.example/hub" }')
    return [Images(tuple(sorted(rules, key=lambda rule: (-len(rule[0]), rule[0]))))]


def _replicas(raw: Any) -> list[Change]:
    count = values.integer(0, 1_000_000)(raw, NOWHERE)
    assert isinstance(count, int)
    return [Replicas(count)]


def _resources(raw: Any) -> list[Change]:
    fix = 'write { "*" = { requests = { cpu = "100m" }, limits = { memory = "1Gi" } } }'
    if not isinstance(raw, dict) or not raw:
        raise Unusable("must be a table of containers", fix)
    found: list[Change] = []
    for container in sorted(raw, key=lambda name: (name != "*", name)):  # names override "*"
        parts = raw[container]
        if not isinstance(parts, dict) or not parts or not parts.keys() <= {"requests", "limits"}:
            raise Unusable(f'"{container}" must have requests or limits', fix)
        pairs = (_quantities(parts.get(name, {}), fix) for name in ("requests", "limits"))
        found.append(Resources(container, *pairs))
    return found


def _quantities(raw: Any, fix: str) -> Pairs:
    if not isinstance(raw, dict):
        raise Unusable("must be tables of quantities", fix)
    for name, value in raw.items():
        plain = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(plain, str) or not _QUANTITY.fullmatch(plain):
            raise Unusable(f'{name} is not a quantity: "{str(value)[:40]}"', fix)
    return tuple((name, str(value)) for name, value in sorted(raw.items()))


def _storage_class(raw: Any) -> list[Change]:
    if isinstance(raw, str) and raw:
        return [StorageClass((("*", raw),))]
    pairs = raw.items() if isinstance(raw, dict) else ()
    if not pairs or not all(isinstance(new, str) and old and new for old, new in pairs):
        raise Unusable(
            "must be a storage class, or a table of them", 'write "fast", or { standard = "fast" }'
        )
    # "*" last: it applies where no name matches
    return [StorageClass(tuple(sorted(pairs, key=lambda pair: (pair[0] == "*", pair[0]))))]


_MATCHES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "kinds": _patterns,
    "namespaces": _patterns,
    "names": _patterns,
    "labels": _label_choice,
    "targets": _patterns,
    "target_labels": _label_choice,
}
# In the order in which one transform applies its changes, however they are written.
_CHANGES: Final[Mapping[str, Callable[[Any], list[Change]]]] = {
    "images": _images,
    "replicas": _replicas,
    "resources": _resources,
    "storage_class": _storage_class,
    "replace": _replaces,
    "set": _sets,
    "template": _fills,
    "delete": _deletes,
    "patch": _patch,
}
MATCH_KEYS: Final = tuple(_MATCHES)
CHANGE_KEYS: Final = tuple(_CHANGES)
