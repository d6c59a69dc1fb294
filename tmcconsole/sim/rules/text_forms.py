"""The formats of strings, numbers and maps in built-in types, by the names of the rules."""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from tmcconsole.sim.schema.quantities import amount

_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_SYSCTL: Final = re.compile(r"([a-z0-9][-_a-z0-9]*[a-z0-9]|[a-z0-9])([./][-_a-z0-9]*[a-z0-9])*")
_PORT_NAME: Final = re.compile(r"(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")
_CONFIG_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_PERCENT: Final = re.compile(r"\d+%")
_CRON_FIELD: Final = re.compile(r"[-*/,?0-9A-Za-z#L]+")
_CRON_WORDS: Final = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight")
_PORTS: Final = range(1, 65536)


def fits(form: str, value: Any) -> bool:
    """Return whether a value has a format. Empty strings are left to the caller."""
    return _FORMS[form](value)


def is_subdomain(value: str) -> bool:
    """Return whether a string is a lower-case DNS name of at most 253 characters."""
    return len(value) <= 253 and _SUBDOMAIN.fullmatch(value) is not None


def is_label_key(value: str) -> bool:
    """Return whether a string is a label key: a name with an optional domain prefix."""
    prefix, slash, name = value.rpartition("/")
    if slash and not is_subdomain(prefix):
        return False
    return len(name) <= 63 and _QUALIFIED.fullmatch(name) is not None


def is_label_value(value: Any) -> bool:
    """Return whether a string is a label value, which may be empty."""
    return value == "" or (len(value) <= 63 and _QUALIFIED.fullmatch(value) is not None)


def is_share(value: Any) -> bool:
    """Return whether a value is a number of at least 0, or a percentage."""
    return value >= 0 if isinstance(value, int) else _PERCENT.fullmatch(value) is not None


def _is_address(value: str) -> bool:
    try:
        return ipaddress.ip_address(value) is not None
    except ValueError:
        return False


def _is_network(value: str) -> bool:
    try:
        return "/" in value and ipaddress.ip_network(value, strict=False) is not None
    except ValueError:
        return False


def _is_port(value: Any) -> bool:
    if isinstance(value, int):
        return value in _PORTS
    return _PORT_NAME.fullmatch(value) is not None


def _is_host(value: str) -> bool:
    return is_subdomain(value.removeprefix("*."))


def _is_relative_path(value: str) -> bool:
    return not value.startswith("/") and ".." not in value.split("/")


def _is_schedule(value: str) -> bool:
    if value.startswith("@"):
        return value in (*_CRON_WORDS, "@hourly") or value.startswith("@every ")
    fields = value.split()
    return len(fields) == 5 and all(_CRON_FIELD.fullmatch(field) for field in fields)


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _is_not_negative(value: Any) -> bool:
    values = value.values() if isinstance(value, dict) else (value,)
    return all(str(one) != "" and amount(one) >= 0 for one in values)


_FORMS: Final[dict[str, Callable[[Any], bool]]] = {
    "label": lambda value: _LABEL.fullmatch(value) is not None,
    "subdomain": is_subdomain,
    "label-key": is_label_key,
    "label-value": is_label_value,
    "labels": lambda value: all(is_label_key(k) and is_label_value(v) for k, v in value.items()),
    "label-keys": lambda value: all(is_label_key(key.lower()) for key in value),
    "ip": _is_address,
    "cidr": _is_network,
    "search": lambda value: value == "." or is_subdomain(value.removesuffix(".")),
    "sysctl": lambda value: len(value) <= 253 and _SYSCTL.fullmatch(value) is not None,
    "relative-path": _is_relative_path,
    "back-free": lambda value: ".." not in value.split("/"),
    "config-key": lambda value: _CONFIG_KEY.fullmatch(value) is not None,
    "port-name": lambda value: _PORT_NAME.fullmatch(value) is not None,
    "port": _is_port,
    "share": is_share,
    "not-negative": _is_not_negative,
    "cron": _is_schedule,
    "zone": lambda value: value in _zones(),
    "host": _is_host,
    "controller": lambda value: "/" in value and is_label_key(value.replace("/", ".")),
    "provisioner": lambda value: is_label_key(value.lower()),
}
