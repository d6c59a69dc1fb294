"""Rules for single fields of built-in types.

The rules are in struct_rules.txt; a test measures how many of a real server's refusals they share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.sim.rules.text_forms import fits
from tmcconsole.sim.rules.unions import HOOKS
from tmcconsole.sim.schema.structs import LIST, MAP, closure, structs
from tmcconsole.sim.storage.status_errors import StatusCause

_RULE: Final = re.compile(
    r"(\w+)(!)?(?:(==?)([\w|]+))?(?::(\d*)\.\.(\d*))?(?:(~~?)([\w-]+))?(?:(\+)(\w*))?"
)
_NOT_HERE: Final = ("metadata", "status", "apiVersion", "kind")  # checked elsewhere


@dataclass(frozen=True, slots=True)
class FieldRule:
    """The rules for one field."""

    name: str
    is_required: bool
    choices: tuple[str, ...]
    low: int | None
    high: int | None
    form: str
    takes_empty: bool  # an empty string counts as absent
    is_distinct: bool
    key: str  # the field by which list items must differ; "" = the items themselves


@dataclass(frozen=True, slots=True)
class StructPlan:
    """What to check in the values of one type."""

    rules: tuple[FieldRule, ...]
    within: tuple[tuple[str, str], ...]  # name and type of fields that have rules inside


def broken_rules(struct: str, tree: Json) -> Iterator[StatusCause]:
    """Yield the violations of an object's type rules; metadata and status are not checked."""
    shown = {key: value for key, value in tree.items() if key not in _NOT_HERE}
    yield from _of_struct(struct, shown, "")


@cache
def _rules() -> Mapping[str, tuple[FieldRule, ...]]:
    text = files("tmcconsole.sim.rules").joinpath("struct_rules.txt").read_text()
    lines = (line.split(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: tuple(map(_parsed, words)) for name, *words in lines}


def _parsed(word: str) -> FieldRule:
    match = _RULE.fullmatch(word)
    if match is None:
        raise ValueError(f"struct_rules.txt: {word}")
    name, required, equals, choices, low, high, tilde, form, plus, key = match.groups()
    return FieldRule(
        name=name,
        is_required=bool(required),
        choices=tuple((choices or "").split("|")) if choices else (),
        low=int(low) if low else None,
        high=int(high) if high else None,
        form=form or "",
        takes_empty=equals != "==" and tilde != "~~",
        is_distinct=bool(plus),
        key=key or "",
    )


@cache
def _plan(struct: str) -> StructPlan:
    fields = structs()[struct].fields
    within = ((name, f.type) for name, f in fields.items() if _leads_to_rules(f.type))
    return StructPlan(_rules().get(struct, ()), tuple(within))


@cache
def _leads_to_rules(type_: str) -> bool:
    inner = type_.lstrip(LIST + MAP)
    return inner in structs() and any(n in _rules() or n in HOOKS for n in closure(inner))


def _of_struct(struct: str, value: Any, path: str) -> Iterator[StatusCause]:
    if not isinstance(value, dict):
        return
    plan, below = _plan(struct), f"{path}." if path else ""
    for rule in plan.rules:
        yield from _of_field(rule, value.get(rule.name), below + rule.name)
    hook = HOOKS.get(struct)
    if hook is not None:
        yield from hook(value, below)
    for name, type_ in plan.within:
        if name in value and (path or name not in _NOT_HERE):
            yield from _of_type(type_, value[name], below + name)


def _of_type(type_: str, value: Any, path: str) -> Iterator[StatusCause]:
    if type_.startswith(LIST) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _of_type(type_[2:], item, f"{path}[{index}]")
    elif type_.startswith(MAP) and isinstance(value, dict):
        for key, item in value.items():
            yield from _of_type(type_[2:], item, f"{path}[{key}]")
    elif type_ in structs():
        yield from _of_struct(type_, value, path)


def _of_field(rule: FieldRule, value: Any, path: str) -> Iterator[StatusCause]:
    if value is None or value == "" or value == [] or value == {}:
        if rule.is_required:
            yield StatusCause("FieldValueRequired", "Required value", path)
        elif value != "" or rule.takes_empty:
            return
        elif rule.choices or rule.form:
            yield _refused(rule, value, path)
        return
    if isinstance(value, list):
        yield from _of_items(rule, value, path)
    elif not _is_right(rule, value):
        yield _refused(rule, value, path)


def _of_items(rule: FieldRule, items: list[Any], path: str) -> Iterator[StatusCause]:
    if rule.choices or rule.form:
        for index, item in enumerate(items):
            if not _is_right(rule, item):
                yield _refused(rule, item, f"{path}[{index}]")
    seen: list[Any] = []
    for index, item in enumerate(items if rule.is_distinct else ()):
        same = item.get(rule.key) if rule.key and isinstance(item, dict) else item
        if same in seen:
            shown = orjson.dumps(same).decode()
            place = f"{path}[{index}].{rule.key}" if rule.key else f"{path}[{index}]"
            yield StatusCause("FieldValueDuplicate", f"Duplicate value: {shown}", place)
        if same not in (None, ""):
            seen.append(same)


def _is_right(rule: FieldRule, value: Any) -> bool:
    if rule.choices:
        return value in rule.choices
    if rule.form:
        return fits(rule.form, value)
    if isinstance(value, int):
        return not (
            (rule.low is not None and value < rule.low)
            or (rule.high is not None and value > rule.high)
        )
    return True


def _refused(rule: FieldRule, value: Any, path: str) -> StatusCause:
    shown = orjson.dumps(value).decode()
    if rule.choices:
        known = ", ".join(f'"{choice}"' for choice in sorted(rule.choices))
        text = f"Unsupported value: {shown}: supported values: {known}"
        return StatusCause("FieldValueNotSupported", text, path)
    return StatusCause("FieldValueInvalid", f"Invalid value: {shown}: {_why(rule)}", path)


def _why(rule: FieldRule) -> str:
    if rule.form:
        return f"must be a valid {rule.form}"
    if rule.high is None:
        return f"must be greater than or equal to {rule.low}"
    return f"must be between {rule.low} and {rule.high}, inclusive"
