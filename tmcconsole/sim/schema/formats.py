"""The formats of strings and numbers in CRD schemas."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

_INT32: Final = range(-(2**31), 2**31)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_UUID: Final = re.compile(r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_MAC: Final = re.compile(r"(?i)([0-9a-f]{2}[:-]){5}[0-9a-f]{2}")
_DATE_TIME: Final = re.compile(
    r"(?i)\d{4}-\d\d-\d\dt\d\d:\d\d:\d\d(\.\d+)?(z|[+-]\d\d:\d\d)", re.ASCII
)


def is_formatted(value: str, name: str) -> bool:
    """Return whether a string matches a format. Unknown formats match everything."""
    check = _CHECKS.get(name)
    if check is None:
        return True
    try:
        return check(value)
    except ValueError:
        return False


def fits_number(value: Any, name: str) -> bool:
    """Return whether a number is in the range of its format."""
    return name != "int32" or value in _INT32


def _parses(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        parse(value)
        return True

    return check


def _date_time(value: str) -> bool:
    found = _DATE_TIME.fullmatch(value)
    return found is not None and datetime.fromisoformat(f"{value[:10]}T{value[11:19]}") is not None


def _base64(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(value) from error


def _cidr(value: str) -> Any:
    if "/" not in value:
        raise ValueError(value)
    return ipaddress.ip_network(value, strict=False)


_CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "date": _parses(date.fromisoformat),
    "date-time": _date_time,
    "datetime": _date_time,
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "cidr": _parses(_cidr),
    "mac": lambda value: _MAC.fullmatch(value) is not None,
    "email": lambda value: _EMAIL.fullmatch(value) is not None,
    "uuid": lambda value: _UUID.fullmatch(value) is not None,
    "byte": _parses(_base64),
}
