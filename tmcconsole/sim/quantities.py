"""Quantities in the one form that Kubernetes stores: ``0.5`` is ``500m``, ``1024Mi`` is ``1Gi``.

The rules are those of k8s.io/apimachinery/pkg/api/resource, without the exponent form.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Final

_QUANTITY: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([numkMGTPE]|[KMGTPE]i)?")
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


def canonical(value: Any) -> Any:
    """Return a quantity in canonical form, or anything else as it is."""
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
    """Less than 1024 is written without a suffix of its own, as decimal."""
    for suffix, power in reversed(_BINARY.items()):
        scaled = number / 2**power
        if scaled.denominator == 1 and scaled:
            return f"{scaled}{suffix}"
    return _decimal(number)
