"""Transforms as data: what they match and what they change. Written in TOML or in a Placement."""

from __future__ import annotations

from dataclasses import dataclass

from tmcconsole.config.grammar.fieldpath import FieldPath
from tmcconsole.config.grammar.template import Template

Pairs = tuple[tuple[str, str], ...]
# Label names with the values that match ("*" is any), sorted.
LabelChoice = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Match:
    """Which objects on which targets; an empty field matches everything. ``*`` and ``?`` are
    wildcards.
    """

    kinds: tuple[str, ...] = ()  # deployments.apps, or Deployment
    namespaces: tuple[str, ...] = ()  # in the hub
    names: tuple[str, ...] = ()
    labels: LabelChoice = ()  # on the hub object
    targets: tuple[str, ...] = ()
    target_labels: LabelChoice = ()  # on the SyncTarget, describing its environment


@dataclass(frozen=True, slots=True)
class SetField:
    """Set a field to a value; missing parents are created."""

    path: FieldPath
    value: bytes  # JSON


@dataclass(frozen=True, slots=True)
class ReplaceField:
    """Set a field to a value if the field exists."""

    path: FieldPath
    value: bytes  # JSON


@dataclass(frozen=True, slots=True)
class FillField:
    """Set a field to text made from placeholders."""

    path: FieldPath
    template: Template


@dataclass(frozen=True, slots=True)
class DeleteField:
    """Remove a field, or entries of a list."""

    path: FieldPath


@dataclass(frozen=True, slots=True)
class JsonPatch:
    """Operations of RFC 6902."""

    operations: bytes  # JSON, a list of objects with op and path


@dataclass(frozen=True, slots=True)
class Images:
    """Pull container images from another registry: (prefix, replacement)."""

    rules: tuple[tuple[str, Template], ...]  # longest prefix first


@dataclass(frozen=True, slots=True)
class Replicas:
    """Run this many replicas, whatever the hub says."""

    count: int


@dataclass(frozen=True, slots=True)
class Resources:
    """Requests and limits by container name, ``*`` for all; "" removes one."""

    container: str
    requests: Pairs
    limits: Pairs


@dataclass(frozen=True, slots=True)
class StorageClass:
    """Storage classes of claims: (the hub's, where ``*`` matches any or none; the target's)."""

    rules: Pairs


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A change that could not be parsed: matching objects are held back until it can."""

    message: str


Change = (
    SetField
    | ReplaceField
    | FillField
    | DeleteField
    | JsonPatch
    | Images
    | Replicas
    | Resources
    | StorageClass
    | Unreadable
)


@dataclass(frozen=True, slots=True)
class Transform:
    """One transform: changes applied in order to every object that matches."""

    name: str
    source: str  # where it is declared: "config", or "Placement NAME"
    match: Match
    changes: tuple[Change, ...]
    written: bytes = b""  # JSON of the table it was read from

    def __str__(self) -> str:
        return f"{self.name} ({self.source})"
