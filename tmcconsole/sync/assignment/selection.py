"""Which objects go to which target at all: by the config, and by annotations on the object. Pure.

An object that is not selected is unassigned as usual: with stamps, the delete gate and the brake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from tmcconsole.config.grammar.selectors import fields_match, labels_match
from tmcconsole.config.settings import SyncSettings, TargetSettings
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import annotations_of, key_of, labels_of
from tmcconsole.sync.names.markers import EXCLUDE_TARGETS, SWITCH, TARGETS
from tmcconsole.sync.policy import Refusal

ENABLED: Final = "enabled"
DISABLED: Final = "disabled"
PAUSED: Final = "pause"


@dataclass(frozen=True, slots=True)
class Selection:
    """What one target accepts. ``target`` is "" if its name is unknown to this engine."""

    target: str = ""
    settings: SyncSettings | None = None  # None: only the object's own annotations count


ANY: Final = Selection()


def selection_of(settings: SyncSettings, target: TargetSettings) -> Selection:
    """Return what a configured target accepts; its own settings override the common ones."""
    return Selection(target.name, replace(settings, **dict(target.overrides)))


def selected(tree: Mapping[str, Any], selection: Selection) -> Refusal | None:
    """Return why an object is not for a target, None if it is."""
    if switch_of(tree) == DISABLED:
        return _not_selected("SyncDisabled", f"{SWITCH} is {DISABLED}")
    if not selection.target:
        return None
    return _by_lists(tree, selection.target) or _by_settings(tree, selection)


def switch_of(tree: Mapping[str, Any]) -> str:
    """Return enabled, disabled or pause: the annotation, else the label.

    An unknown value pauses: that neither writes nor removes anything.
    """
    word = annotations_of(tree).get(SWITCH) or labels_of(tree).get(SWITCH) or ENABLED
    return word if word in (ENABLED, DISABLED) else PAUSED


def _by_lists(tree: Mapping[str, Any], target: str) -> Refusal | None:
    notes = annotations_of(tree)
    only, never = _names(notes.get(TARGETS)), _names(notes.get(EXCLUDE_TARGETS))
    if target in never:
        return _not_selected("TargetExcluded", f"{EXCLUDE_TARGETS} names {target}")
    if only and target not in only:
        return _not_selected("TargetNotListed", f"{TARGETS} does not name {target}")
    return None


def _by_settings(tree: Mapping[str, Any], selection: Selection) -> Refusal | None:
    settings = selection.settings
    if settings is None:
        return None
    namespace = key_of(tree).namespace
    if namespace and _is_among(namespace, settings.namespaces_exclude):
        return _not_selected("NamespaceExcluded", f"sync.namespaces_exclude has {namespace}")
    include = settings.namespaces_include
    if namespace and include and not _is_among(namespace, include):
        return _not_selected("NamespaceNotIncluded", f"sync.namespaces_include lacks {namespace}")
    if not labels_match(settings.selector, labels_of(tree)):
        return _not_selected("SelectorMismatch", f"its labels are not: {settings.selector}")
    if not fields_match(settings.field_selector, tree):
        return _not_selected("FieldMismatch", f"its fields are not: {settings.field_selector}")
    return None


def _is_among(namespace: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(namespace, glob) for glob in globs)


def _names(text: str | None) -> frozenset[str]:
    return frozenset(name.strip() for name in (text or "").split(",") if name.strip())


def _not_selected(reason: str, message: str) -> Refusal:
    return Refusal(reason, SafeText(message))
