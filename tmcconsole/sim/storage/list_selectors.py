"""Label and field selectors, parsed once into predicates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from tmcconsole.sim.storage.status_errors import bad_request

LabelTest = Callable[[Mapping[str, str]], bool]
FieldTest = Callable[[Mapping[str, Any]], bool]

_KEY: Final = (
    r"(?:[a-z0-9A-Z]([-a-z0-9A-Z.]*[a-z0-9A-Z])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
)
_VALUE: Final = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_COMMON_FIELDS: Final = ("metadata.name", "metadata.namespace")
_REQUIREMENT: Final = re.compile(
    rf"\s*(?:(?P<absent>!)\s*)?(?P<key>{_KEY})\s*"
    r"(?:(?P<op>==|=|!=|>|<)\s*(?P<value>[^,()\s=!]*)"
    r"|(?P<set>in|notin)\s*\((?P<values>[^()]*)\))?\s*(?:,|$)"
)


def label_selector(text: str) -> LabelTest | None:
    """Return a label selector's predicate, or None if it selects everything.

    Raises StatusError 400 where the text is none.
    """
    tests: list[LabelTest] = []
    position = 0
    while position < len(text):
        match = _REQUIREMENT.match(text, position)
        if not match:
            raise bad_request(
                f'unable to parse requirement: found "{text[position:]}", expected: a requirement'
            )
        tests.append(_requirement(match))
        position = match.end()
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    return lambda labels: all(test(labels) for test in tests)


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Return whether a LabelSelector object matches. None matches nothing, {} everything."""
    if selector is None:
        return False
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_expression(entry, labels) for entry in selector.get("matchExpressions") or ())


def field_selector(text: str, more: frozenset[str] | None) -> FieldTest | None:
    """Return a field selector's predicate, or None if it selects everything.

    ``more`` are the kind's fields beside name and namespace; None for a kind without any of its
    own. Raises StatusError 400 for any other field.
    """
    tests = [_field_requirement(term, more) for term in text.split(",") if term.strip("=")]
    if not tests:
        return None
    return lambda tree: all(test(tree) for test in tests)


def text_of(selector: Mapping[str, Any] | None) -> str:
    """Return a LabelSelector object in its string form."""
    if not selector:
        return ""
    terms = [f"{k}={v}" for k, v in sorted((selector.get("matchLabels") or {}).items())]
    for entry in selector.get("matchExpressions") or ():
        terms.append(_expression_text(entry))
    return ",".join(terms)


def _requirement(match: re.Match[str]) -> LabelTest:
    key = match["key"]
    values = match["values"].split(",") if match["set"] else [match["value"] or ""]
    for value in values:
        _check_value(value.strip())
    if match["absent"]:
        return lambda labels: key not in labels
    if match["set"]:
        values = {value.strip() for value in match["values"].split(",")}
        if match["set"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    return _comparison(key, match["op"], match["value"])


def _check_value(value: str) -> None:
    if len(value) > 63 or not _VALUE.fullmatch(value):
        raise bad_request(f'unable to parse requirement: Invalid value: "{value}"')


def _comparison(key: str, op: str | None, value: str) -> LabelTest:
    match op:
        case None:
            return lambda labels: key in labels
        case "=" | "==":
            return lambda labels: labels.get(key) == value
        case "!=":
            return lambda labels: labels.get(key) != value
        case _:
            if not value.isdigit():
                raise bad_request(f'for ">", "<" operators, the value must be an integer: {value}')
            return _number_test(key, op == ">", int(value))


def _number_test(key: str, greater: bool, bound: int) -> LabelTest:
    def test(labels: Mapping[str, str]) -> bool:
        value = labels.get(key, "")
        if not value.isdigit():
            return False
        return int(value) > bound if greater else int(value) < bound

    return test


def _expression(entry: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = entry["key"], entry.get("values") or ()
    match entry["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


def _expression_text(entry: Mapping[str, Any]) -> str:
    key, values = entry["key"], ",".join(entry.get("values") or ())
    match entry["operator"]:
        case "In":
            return f"{key} in ({values})"
        case "NotIn":
            return f"{key} notin ({values})"
        case "Exists":
            return str(key)
        case _:
            return f"!{key}"


def _field_requirement(term: str, more: frozenset[str] | None) -> FieldTest:
    match = re.fullmatch(r"([^=!]*)(==|!=|=)(.*)", term)
    if not match:
        raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    field, op, value = match[1], match[2], match[3]
    if field not in _COMMON_FIELDS and field not in (more or ()):
        raise _unknown_field(field, more)
    path = field.split(".")

    def test(tree: Mapping[str, Any]) -> bool:
        found: Any = tree
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        return (_text(found) == value) == (op != "!=")

    return test


def _unknown_field(field: str, more: frozenset[str] | None) -> Exception:
    if more is None:
        known = '"metadata.name", "metadata.namespace"'
        return bad_request(f'"{field}" is not a known field selector: only {known}')
    return bad_request(f"field label not supported: {field}")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
