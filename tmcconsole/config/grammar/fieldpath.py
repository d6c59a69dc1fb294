"""A place in an object: ``spec.containers[name=web].image``, or a JSON pointer.

A pointer takes the same steps between its slashes: ``/spec/containers/[name=web]/image``, ``*``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tmcconsole.config.problems import Unusable

MAX_STEPS: Final = 64  # no object that an API server accepts is nested deeper
_FIX: Final = 'write it like "spec.template.spec.containers[name=web].image"'
_STEP: Final = re.compile(
    r"""\.?(?P<name>[A-Za-z0-9_$-]+)
    | \[(?P<each>\*)\]
    | \[(?P<index>\d{1,9})\]
    | \["(?P<quoted>[^"\]]+)"\]
    | \[(?P<field>[A-Za-z0-9_.-]+)=(?P<value>[^\]]*)\]
    | \[(?P<key>[^\]"=*]+)\]""",
    re.VERBOSE,
)
_KEYED: Final = re.compile(r"\[([A-Za-z0-9_.-]+)=([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class ListEntry:
    """The list entry whose field has a given value: ``[name=web]``."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Every:
    """Every entry of a list: ``[*]``."""


PathStep = str | int | ListEntry | Every  # an int names a field where it meets an object


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A place in an object, or several; never empty."""

    steps: tuple[PathStep, ...]

    def __str__(self) -> str:
        return spell(self.steps)


def read_path(written: str) -> FieldPath:
    """Parse a path. Raises ``Unusable``."""
    steps = _pointer(written) if written.startswith("/") else _dotted(written)
    if not steps or len(steps) > MAX_STEPS:
        raise Unusable(f'"{written[:80]}" is not the path of a field', _FIX)
    return FieldPath(steps)


def spell(steps: tuple[PathStep, ...]) -> str:
    """Return steps in the notation of a path."""
    text = ""
    for step in steps:
        match step:
            case Every():
                text += "[*]"
            case ListEntry(field, value):
                text += f"[{field}={value}]"
            case int():
                text += f"[{step}]"
            case _ if re.fullmatch(r"[A-Za-z0-9_$-]+", step):
                text += f".{step}" if text else step
            case _:
                text += f"[{step}]"
    return text


def spell_pointer(steps: tuple[PathStep, ...]) -> str:
    """Return steps as a JSON pointer."""
    return "".join(f"/{_spell_segment(step)}" for step in steps)


def _spell_segment(step: PathStep) -> str:
    match step:
        case Every():
            return "*"
        case ListEntry(field, value):
            return f"[{field}={_escaped(value)}]"
        case _:
            return _escaped(str(step))


def _escaped(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1")


def _pointer(written: str) -> tuple[PathStep, ...]:
    return tuple(_segment(part) for part in written[1:].split("/"))


def _segment(part: str) -> PathStep:
    plain = part.replace("~1", "/").replace("~0", "~")
    if keyed := _KEYED.fullmatch(plain):
        return ListEntry(keyed[1], keyed[2])
    if plain == "*":
        return Every()
    return int(plain) if re.fullmatch(r"\d{1,9}", plain) else plain


def _dotted(written: str) -> tuple[PathStep, ...]:
    steps: list[PathStep] = []
    at = 0
    while at < len(written):
        found = _STEP.match(written, at)
        if found is None or (written[at] == "." and not steps):
            raise Unusable(f'"{written[:80]}" is not valid at "{written[at : at + 20]}"', _FIX)
        steps.append(_step(found))
        at = found.end()
    return tuple(steps)


def _step(found: re.Match[str]) -> PathStep:
    if found["each"]:
        return Every()
    if found["index"]:
        return int(found["index"])
    if found["field"]:
        return ListEntry(found["field"], found["value"])
    return found["name"] or found["quoted"] or found["key"]
