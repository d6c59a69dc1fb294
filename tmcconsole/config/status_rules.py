"""Parses rules for merging status, from the config and from Placements."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tmcconsole.config.problems import Unusable
from tmcconsole.config.settings import STATUS_FUNCTIONS, StatusRule

MAX_RULES: Final = 64
MAX_EXPRESSION: Final = 1024  # characters
_KEYS: Final = ("kind", "field", "function", "cel")
_KIND: Final = re.compile(r"\*|[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*){0,7}")


def status_rules(raw: object, _folder: Path) -> tuple[StatusRule, ...]:
    """Return the rules in a list of tables. Raises ``Unusable`` for the first invalid one."""
    fix = "start each with [[sync.status_rules]] in the config file"
    if not isinstance(raw, list) or not all(isinstance(one, dict) for one in raw):
        raise Unusable("must be tables", fix)
    if len(raw) > MAX_RULES:
        raise Unusable(f"has {len(raw)} rules", f"write at most {MAX_RULES}")
    return tuple(_rule(number, one) for number, one in enumerate(raw, start=1))


def _rule(number: int, raw: dict[str, object]) -> StatusRule:
    unknown = sorted(set(raw) - set(_KEYS))
    if unknown:
        raise Unusable(f'rule {number} has "{unknown[0][:60]}"', f"write {', '.join(_KEYS)}")
    found = {name: value for name, value in raw.items() if isinstance(value, str)}
    if len(found) < len(raw):
        raise Unusable(f"rule {number} has a value that is not a string", "write it in quotes")
    rule = StatusRule(**found) if {"kind", "field"} <= set(found) else None
    if rule is None or not _KIND.fullmatch(rule.kind) or not _FIELD.fullmatch(rule.field):
        raise Unusable(
            f"rule {number} does not name a kind and a status field",
            'write kind = "deployments.apps" and field = "readyReplicas"',
        )
    _check_how(number, rule)
    return rule


def _check_how(number: int, rule: StatusRule) -> None:
    if bool(rule.function) == bool(rule.cel):
        raise Unusable(
            f"rule {number} ({rule.field}) needs exactly one of function and cel",
            f"write one of: {', '.join(STATUS_FUNCTIONS)}; or an expression",
        )
    if rule.function and rule.function not in STATUS_FUNCTIONS:
        raise Unusable(
            f'rule {number} has the unknown function "{rule.function[:60]}"',
            f"write one of: {', '.join(STATUS_FUNCTIONS)}",
        )
    if len(rule.cel) > MAX_EXPRESSION:
        raise Unusable(f"rule {number} is too long", f"use at most {MAX_EXPRESSION} characters")
