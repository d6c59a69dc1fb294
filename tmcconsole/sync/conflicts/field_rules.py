"""Who wins over a field, what may be taken over, and what is left to others. Pure.

An annotation on the object comes first, then the Placement, then the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from tmcconsole.config.grammar.pointers import REPLICAS, Pointer, read_pointer, split_pointers
from tmcconsole.config.policies import (
    APPLY,
    CONFLICT_POLICIES,
    HUB_WINS,
    NEVER,
    TAKEOVERS,
    WRITE_MODES,
)
from tmcconsole.config.problems import Unusable
from tmcconsole.config.settings import SyncSettings
from tmcconsole.kube.objects import annotations_of
from tmcconsole.sync.names.markers import (
    CONFLICT_POLICY,
    IGNORE_FIELDS,
    IGNORE_MANAGERS,
    TAKEOVER,
    WRITE_MODE,
)
from tmcconsole.sync.policy import Refusal, refuse


@dataclass(frozen=True, slots=True)
class FieldRules:
    """The rules for the fields of one object on one target."""

    conflict: str = HUB_WINS
    takeover: str = NEVER
    write: str = APPLY
    left: tuple[Pointer, ...] = ()  # fields left to whoever else owns them
    managers: frozenset[str] = frozenset()  # whose fields are left: NAME, or NAME/SUBRESOURCE
    said_by: str = "sync.conflict_policy"  # which setting decided ``conflict``, for people


@dataclass(frozen=True, slots=True)
class RuleInputs:
    """What the rules depend on besides the object itself and the configuration."""

    policy: str = ""  # as a Placement requests
    placement: str = ""  # its name
    is_scaled: bool = False  # an autoscaler in the hub sets the replicas


DEFAULT: Final = FieldRules()
ALONE: Final = RuleInputs()


def field_rules_of(
    settings: SyncSettings,
    kind: str,
    source: Mapping[str, Any] | None,
    around: RuleInputs = ALONE,
) -> FieldRules | Refusal:
    """Return the rules for an object, or the refusal if its annotations are invalid."""
    notes = annotations_of(source) if source is not None else {}
    try:
        left = _left(settings.ignore_fields, kind) + split_pointers(notes.get(IGNORE_FIELDS, ""))
        conflict, said_by = _conflict(settings, notes, around)
        return FieldRules(
            conflict=conflict,
            takeover=_word(notes, TAKEOVER, TAKEOVERS) or settings.takeover,
            write=_word(notes, WRITE_MODE, WRITE_MODES) or settings.write_mode,
            left=(
                *(one for one in left if one.kind in ("", kind)),
                *((REPLICAS,) if around.is_scaled else ()),
            ),
            managers=frozenset(
                (*settings.ignore_managers, *notes.get(IGNORE_MANAGERS, "").split())
            ),
            said_by=said_by,
        )
    except Unusable as error:
        return refuse("BadAnnotation", f"{IGNORE_FIELDS}: {error}; {error.fix}")
    except _UnknownWord as error:
        return refuse("BadAnnotation", str(error))


class _UnknownWord(ValueError):
    """An annotation has an unknown value."""


def _conflict(
    settings: SyncSettings, notes: Mapping[str, str], around: RuleInputs
) -> tuple[str, str]:
    own = _word(notes, CONFLICT_POLICY, CONFLICT_POLICIES)
    if own:
        return own, "its annotation"
    if around.policy:
        return CONFLICT_POLICIES[around.policy], f"Placement {around.placement}"
    return CONFLICT_POLICIES[settings.conflict_policy], "sync.conflict_policy"


def _word(notes: Mapping[str, str], name: str, known: Mapping[str, str]) -> str:
    written = notes.get(name, "")
    if not written:
        return ""
    if written not in known:
        words = ", ".join(known)
        raise _UnknownWord(f"annotation {name} is {written!r}; write one of {words}")
    return known[written]


@lru_cache(maxsize=256)
def _left(written: tuple[str, ...], kind: str) -> tuple[Pointer, ...]:
    found = (read_pointer(text) for text in written)
    return tuple(pointer for pointer in found if pointer.kind in ("", kind))
