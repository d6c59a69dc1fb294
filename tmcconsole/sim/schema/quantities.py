"""Quantities in Kubernetes' canonical form: ``0.5`` is ``500m``, ``1024Mi`` is ``1Gi``.

The rules are those of k8s.io/apimachinery/pkg/api/resource; exponent notation is kept.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Final

from tmcconsole.sim.schema.structs import LIST, MAP, quantity_fields

_QUANTITY: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([numkMGTPE]|[KMGTPE]i)?")
_EXPONENT: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))[eE]([+-]?\d{1,3})")
_DECIMAL: Final = {
    "n": -9,
    "u": -6,
    "m": -3,
    "": 0,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
    "P": 15,
    "E": 18,
}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def is_quantity(value: str) -> bool:
    """Return whether a string is a quantity."""
    return bool(_QUANTITY.fullmatch(value) or _EXPONENT.fullmatch(value))


def canonical(value: Any) -> Any:
    """Return a quantity in canonical form, and anything else unchanged."""
    match = _QUANTITY.fullmatch(str(value))
    if match is None or isinstance(value, bool):
        return value
    number, suffix = Fraction(match[1]), match[2] or ""
    if suffix in _BINARY:
        return _binary(number * 2 ** _BINARY[suffix])
    return _decimal(number * Fraction(10) ** _DECIMAL[suffix])


def _decimal(number: Fraction) -> str:
    for suffix, power in reversed(_DECIMAL.items()):
        scaled = number / Fraction(10) ** power
        if scaled.denominator == 1 and scaled:
            return f"{scaled}{suffix}"
    return "0"


def _binary(number: Fraction) -> str:
    """Return a binary quantity; below 1024 it is written as a decimal one."""
    for suffix, power in reversed(_BINARY.items()):
        scaled = number / 2**power
        if scaled.denominator == 1 and scaled:
            return f"{scaled}{suffix}"
    return _decimal(number)


def make_canonical(struct: str, tree: Any) -> None:
    """Convert the quantities in an object of a built-in type to canonical form, in place."""
    if not isinstance(tree, dict):
        return
    for field in quantity_fields(struct):
        if field.name in tree:
            tree[field.name] = _canonical_field(field.type, tree[field.name])


def _canonical_field(type_: str, value: Any) -> Any:
    if type_.startswith(LIST):
        items = value if isinstance(value, list) else ()
        return [_canonical_field(type_[2:], item) for item in items] if items else value
    if type_.startswith(MAP):
        found = value if isinstance(value, dict) else {}
        return {key: _canonical_field(type_[2:], item) for key, item in found.items()} or value
    if type_ == "quantity":
        return canonical(value)
    make_canonical(type_, value)
    return value


def amount(value: Any) -> Fraction:
    """Return the value of a quantity, 0 if it is not one."""
    raised = _EXPONENT.fullmatch(str(value))
    if raised is not None:
        return Fraction(raised[1]) * Fraction(10) ** int(raised[2])
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return Fraction(0)
    suffix = match[2] or ""
    unit = Fraction(2 ** _BINARY[suffix]) if suffix in _BINARY else _power_of_ten(suffix)
    return Fraction(match[1]) * unit


def _power_of_ten(suffix: str) -> Fraction:
    power: int = _DECIMAL[suffix]
    return Fraction(10**power) if power >= 0 else Fraction(1, 10**-power)


def total(*values: Any) -> str:
    """Return the canonical sum; binary if one of the parts is."""
    whole = sum((amount(value) for value in values), Fraction(0))
    is_binary = any(str(value).endswith("i") for value in values)
    return _binary(whole) if is_binary else _decimal(whole)
