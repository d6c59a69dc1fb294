"""Converts one written value, from a file, the environment or a flag, to a typed value."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tmcconsole.config.grammar.pointers import read_pointer
from tmcconsole.config.grammar.selectors import SelectorUnreadable
from tmcconsole.config.problems import Unusable
from tmcconsole.config.settings import ClusterAccess

# Parses a raw value; relative paths are relative to the folder. Raises Unusable.
ValueReader = Callable[[object, Path], object]

NOWHERE: Final = Path("/")  # for parsers of values that are not paths
IN_CLUSTER: Final = "in-cluster"
UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL: Final = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_FIELD: Final = re.compile(r"\{([^{}]*)\}")
_FIELDS: Final = ("namespace", "target", "target_namespace", "cluster", "workspace")
_MASTERS: Final = "system:masters"
# A kind, if given, and a pointer to anything but the fields every object needs.
_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})


def text(raw: object, _folder: Path) -> str:
    """Parse a string."""
    if isinstance(raw, str):
        return raw
    raise Unusable(f"must be a string, not {_shown(raw)}", 'write it in quotes, "like this"')


def boolean(raw: object, _folder: Path) -> bool:
    """Parse true or false; words are accepted from sources that only have strings."""
    if isinstance(raw, bool):
        return raw
    word = raw.lower() if isinstance(raw, str) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise Unusable(f"must be true or false, not {_shown(raw)}", "write true or false")


def path(raw: object, folder: Path) -> Path:
    """Parse a path and make it absolute: ``~`` is the home directory, others are below
    ``folder``.
    """
    written = text(raw, folder)
    if not written:
        raise Unusable("must not be empty", "name a file")
    if "\0" in written:
        raise Unusable("has a NUL character", "name a file")
    try:
        return (folder / Path(written).expanduser()).absolute()
    except RuntimeError as error:
        raise Unusable(str(error).rstrip("."), "write the path out") from error


def kubeconfig(raw: object, folder: Path) -> Path:
    """Parse one kubeconfig, or several with a ``:`` between them, as in KUBECONFIG: each is made
    absolute. A file whose name has a ``:`` is meant where there is one.
    """
    whole = path(raw, folder)
    parts = [part for part in str(raw).split(os.pathsep) if part]
    if len(parts) < 2 or whole.is_file():
        return path(parts[0], folder) if len(parts) == 1 else whole
    return Path(os.pathsep.join(str(path(part, folder)) for part in parts))


def texts(raw: object, folder: Path) -> tuple[str, ...]:
    """Parse strings: a list, or one string with commas."""
    if isinstance(raw, str):
        return tuple(part.strip() for part in raw.split(",") if part.strip())
    if isinstance(raw, list):
        return tuple(text(part, folder) for part in raw)
    raise Unusable(f"must be a list of strings, not {_shown(raw)}", 'write ["one", "two"]')


def object_names(raw: object, folder: Path) -> tuple[str, ...]:
    """Parse names of the form ``namespace/name``; return them sorted."""
    found = texts(raw, folder)
    for name in found:
        parts = name.split("/")
        if len(parts) != 2 or not all(_NAME.fullmatch(part) for part in parts):
            raise Unusable(f'"{name[:80]}" is not NAMESPACE/NAME', 'write "namespace/name"')
    return tuple(sorted(set(found)))


def integer(low: int, high: int) -> ValueReader:
    """Return a parser of whole numbers within the bounds."""

    def read(raw: object, _folder: Path) -> int:
        number = int(raw) if isinstance(raw, str) and re.fullmatch(r"-?\d{1,18}", raw) else raw
        if isinstance(number, bool) or not isinstance(number, int):
            raise Unusable(f"must be a whole number, not {_shown(raw)}", f"write {low} to {high}")
        return int(_within(number, low, high, str))

    return read


def number(low: float, high: float) -> ValueReader:
    """Return a parser of numbers within the bounds."""

    def read(raw: object, _folder: Path) -> float:
        if isinstance(raw, bool) or not isinstance(raw, int | float | str):
            raise Unusable(f"must be a number, not {_shown(raw)}", f"write {low:g} to {high:g}")
        try:
            return _within(float(raw), low, high, "{:g}".format)
        except ValueError as error:
            if isinstance(error, Unusable):
                raise
            raise Unusable(
                f"must be a number, not {_shown(raw)}", f"write {low:g} to {high:g}"
            ) from error

    return read


def duration(low: float, high: float) -> ValueReader:
    """Return a parser of durations in seconds: ``"20s"``, ``"1.5m"``, or a bare number."""

    def read(raw: object, _folder: Path) -> float:
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return _within(float(raw), low, high, spell_duration)
        parts = _DURATION.findall(raw) if isinstance(raw, str) else []
        if not parts or "".join(count + unit for count, unit in parts) != raw:
            raise Unusable(
                f"must be a duration, not {_shown(raw)}", 'write a number and a unit, "20s" or "5m"'
            )
        return _within(sum(float(n) * UNITS[unit] for n, unit in parts), low, high, spell_duration)

    return read


def choice(*known: str) -> ValueReader:
    """Return a parser of one of the known words."""

    def read(raw: object, folder: Path) -> str:
        word = text(raw, folder)
        if word not in known:
            raise Unusable(
                f'"{word[:60]}" is not one of the known values', f"write {_either(known)}"
            )
        return word

    return read


def identity(raw: object, folder: Path) -> str:
    """Parse the template of a user to impersonate; it must begin with text that no tenant
    controls.
    """
    written = template(raw, folder)
    if written and (written.startswith("{") or written == _MASTERS):
        raise Unusable(
            f'"{written[:60]}" would let a tenant impersonate any user',
            'start with fixed text, "system:serviceaccount:{target_namespace}:tmc-tenant"',
        )
    return written


def identities(raw: object, folder: Path) -> tuple[str, ...]:
    """Parse templates of groups to impersonate; never system:masters, which bypasses RBAC."""
    found = tuple(identity(one, folder) for one in texts(raw, folder))
    if any(one in ("", _MASTERS) for one in found):
        raise Unusable(f"must not be empty or {_MASTERS}", "name a group of the tenants")
    return found


def host_patterns(raw: object, folder: Path) -> tuple[str, ...]:
    """Parse host names, with ``*.`` wildcards, each possibly a template."""
    found = tuple(template(one, folder).lower() for one in texts(raw, folder))
    for one in found:
        if not _NAME.fullmatch(_FIELD.sub("x", one.removeprefix("*."))):
            raise Unusable(f'"{one[:60]}" is not a host name', 'write "*.{namespace}.example.com"')
    return found


def template(raw: object, folder: Path) -> str:
    """Parse a template whose placeholders are all known."""
    written = text(raw, folder)
    unknown = [name for name in _FIELD.findall(written) if name not in _FIELDS]
    if unknown or set("{}") & set(_FIELD.sub("", written)):
        known = ", ".join(f"{{{name}}}" for name in _FIELDS)
        raise Unusable(f'"{written[:60]}" has an unknown placeholder', f"known are {known}")
    return written


def word(known: Mapping[str, str]) -> ValueReader:
    """Return a parser of words with aliases: other tools' names for the same thing."""
    read_known = choice(*known)

    def read(raw: object, folder: Path) -> str:
        return known[str(read_known(raw, folder))]

    return read


def pointers(raw: object, folder: Path) -> tuple[str, ...]:
    """Parse JSON pointers to fields within an object, each with or without a kind in front."""
    written = texts(raw, folder)
    for one in written:
        read_pointer(one)
    return written


def selector(terms: Callable[[str], object]) -> ValueReader:
    """Return a parser of label or field selectors; see ``grammar/selectors.py``."""

    def read(raw: object, folder: Path) -> str:
        written = text(raw, folder)
        try:
            terms(written)
        except SelectorUnreadable as error:
            raise Unusable(
                str(error), "use kubectl's syntax: a=b,c!=d; for labels also x in (a,b), y, !z"
            ) from error
        return written

    return read


def target_name(raw: object, folder: Path) -> str:
    """Parse a SyncTarget's name: a DNS subdomain, as Kubernetes requires, and not ``hub``."""
    name = text(raw, folder)
    if not _NAME.fullmatch(name) or len(name) > 253:
        raise Unusable(
            f'"{name[:60]}" is not a valid SyncTarget name',
            "use lower-case letters, digits, '-' and '.', at most 253",
        )
    if name == "hub":
        raise Unusable('"hub" is reserved for the hub', "choose a different name for the target")
    return name


def labels(raw: object, _folder: Path) -> tuple[tuple[str, str], ...]:
    """Parse labels and sort them by name; each must be valid for Kubernetes."""
    if not isinstance(raw, dict):
        raise Unusable(f"must be a table, not {_shown(raw)}", 'write { region = "eu" }')
    for key, value in raw.items():
        prefix, _, name = key.rpartition("/")
        bad_prefix = "/" in key and not (_NAME.fullmatch(prefix) and len(prefix) <= 253)
        if bad_prefix or not name or not _LABEL.fullmatch(name):
            raise Unusable(
                f'"{key[:80]}" is not a valid label key', "use letters, digits, '-', '_', '.'"
            )
        if not isinstance(value, str) or not _LABEL.fullmatch(value):
            raise Unusable(
                f'label "{key}" has an invalid value',
                "use a string of at most 63 letters, digits, '-', '_', '.'",
            )
    return tuple(sorted(raw.items()))


def access(written: str, folder: Path) -> ClusterAccess:
    """Parse ``FILE``, ``FILE#CONTEXT`` or ``in-cluster`` as the access to a cluster."""
    if written == IN_CLUSTER:
        return ClusterAccess(in_cluster=True)
    file, _, context = written.partition("#")
    return ClusterAccess(kubeconfig=kubeconfig(file, folder), context=context)


def named_access(written: str, folder: Path) -> tuple[str, ClusterAccess]:
    """Parse ``NAME=FILE[#CONTEXT]`` as a name and the access to a cluster."""
    name, equals, rest = written.partition("=")
    if not equals:
        raise Unusable(
            f'"{written[:80]}" does not name a file', "write NAME=FILE or NAME=FILE#CONTEXT"
        )
    return target_name(name, folder), access(rest, folder)


def spell_duration(seconds: float) -> str:
    """Return a duration as written in a config: 90.0 is ``90s``, 300.0 is ``5m``."""
    for unit in ("d", "h", "m", "s"):
        if seconds >= UNITS[unit] and seconds % UNITS[unit] == 0:
            return f"{seconds / UNITS[unit]:g}{unit}"
    return f"{seconds:g}s"


def _within(value: float, low: float, high: float, spell: Callable[[float], str]) -> float:
    if low <= value <= high:  # rejects NaN too
        return value
    raise Unusable(f"{spell(value)} is out of range", f"write {spell(low)} to {spell(high)}")


def _shown(raw: object) -> str:
    if isinstance(raw, str):
        return f'"{raw[:60]}"'
    names = {bool: "a boolean", int: "a whole number", float: "a number", list: "a list"}
    return "a table" if isinstance(raw, dict) else names.get(type(raw), "a date")


def _either(words: tuple[str, ...]) -> str:
    return ", ".join(f'"{word}"' for word in words[:-1]) + f' or "{words[-1]}"'
