"""The protobuf fields of the types of built-in kinds, as the API's Go types number them.

They are kept in protobuf_fields.txt, one type a line; a test compares it with the Go modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class WireField:
    """One field. ``name`` is "" for an embedded struct."""

    name: str
    type: str
    tells_zero: bool  # its zero value has a meaning


@cache
def messages() -> Mapping[str, Mapping[int, WireField]]:
    """Return the fields of each type by number."""
    text = files("tmcconsole.sim.request").joinpath("protobuf_fields.txt").read_text()
    lines = (line.split(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return MappingProxyType({name: dict(map(_field, words)) for name, *words in lines})


def message_of(api_version: str, kind: str) -> str | None:
    """Return the type of an apiVersion and kind, or None if it is not in the table."""
    group, _, version = api_version.rpartition("/")
    package = group.removesuffix(".k8s.io").partition(".")[0] or "core"
    name = f"{package}.{version}.{kind}" if kind != "DeleteOptions" else "meta.v1.DeleteOptions"
    return name if name in messages() else None


def _field(word: str) -> tuple[int, WireField]:
    """Read ``name=number:type*``."""
    name, _, rest = word.partition("=")
    number, _, type_ = rest.partition(":")
    return int(number), WireField(name, type_.rstrip("*"), type_.endswith("*"))
