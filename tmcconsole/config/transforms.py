"""Transforms as data: what they select, and what they change. Written in TOML or in a Placement."""

from __future__ import annotations

from dataclasses import dataclass

from tmcconsole.config.grammar.fieldpath import FieldPath
from tmcconsole.config.grammar.template import Template

Pairs = tuple[tuple[str, str], ...]
# Label names with the values that match, "*" being any; sorted.
LabelChoice = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Match:
    """Which objects on which targets; what is empty matches everything. ``*`` and ``?`` work."""

    kinds: tuple[str, ...] = ()  # deployments.apps, or Deployment
    namespaces: tuple[str, ...] = ()  # of the hub
    names: tuple[str, ...] = ()
    labels: LabelChoice = ()  # of the hub object
    targets: tuple[str, ...] = ()
    target_labels: LabelChoice = ()  # of the SyncTarget: its environment


@dataclass(frozen=True, slots=True)
class SetField:
    """Give a field a value; what is missing on the way is made."""

    path: FieldPath
    value: bytes  # JSON


@dataclass(frozen=True, slots=True)
class ReplaceField:
    """Give a field a value where it has one already."""

    path: FieldPath
    value: bytes  # JSON


@dataclass(frozen=True, slots=True)
class FillField:
    """Give a field text made of placeholders."""

    path: FieldPath
    template: Template


@dataclass(frozen=True, slots=True)
class DeleteField:
    """Take a field, or entries of a list, away."""

    path: FieldPath


@dataclass(frozen=True, slots=True)
class JsonPatch:
    """Operations of RFC 6902."""

    operations: bytes  # JSON, a list of objects with op and path


@dataclass(frozen=True, slots=True)
class Images:
    """Take container images from another registry: (what they begin with, what instead)."""

    rules: tuple[tuple[str, Template], ...]  # the longest beginning first


@dataclass(frozen=True, slots=True)
class Replicas:
    """Run so many, whatever the hub says."""

    count: int


@dataclass(frozen=True, slots=True)
class Resources:
    """Requests and limits of a container by name, ``*`` being all; "" takes one away."""

    container: str
    requests: Pairs
    limits: Pairs


@dataclass(frozen=True, slots=True)
class StorageClass:
    """Storage classes of claims: (the hub's, ``*`` being any and none; the target's)."""

    rules: Pairs


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What was meant cannot be read: nothing passes until it can."""

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
    """One transform: changes made in the order given to every object that matches."""

    name: str
    source: str  # where it is declared: "config", or "Placement NAME"
    match: Match
    changes: tuple[Change, ...]
    written: bytes = b""  # JSON of the table it was read from

    def __str__(self) -> str:
        return f"{self.name} ({self.source})"
