"""Which objects go to a target at all."""

from __future__ import annotations

from typing import Any

import pytest

from tmcconsole.config.settings import ClusterAccess, SyncSettings, TargetSettings
from tmcconsole.kube.objects import Json
from tmcconsole.sync.assignment.selection import ANY, Selection, selected, selection_of, switch_of
from tmcconsole.sync.names.markers import EXCLUDE_TARGETS, SWITCH, TARGETS


def make(labels: Any = None, **annotations: str) -> Json:
    names = {"switch": SWITCH, "targets": TARGETS, "exclude": EXCLUDE_TARGETS}
    notes = {names[name]: value for name, value in annotations.items()}
    meta = {"name": "web", "namespace": "shop", "labels": labels or {"app": "shop"}}
    return {"metadata": {**meta, "annotations": notes}}


def reason(tree: Json, **settings: Any) -> str:
    found = selected(tree, Selection("east", SyncSettings(**settings)))
    return found.reason if found else ""


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ""),
        ({"namespaces_exclude": ("sh*",)}, "NamespaceExcluded"),
        ({"namespaces_exclude": ("bank",)}, ""),
        ({"namespaces_include": ("bank", "sh?p")}, ""),
        ({"namespaces_include": ("bank",)}, "NamespaceNotIncluded"),
        ({"selector": "app=shop"}, ""),
        ({"selector": "app=bank"}, "SelectorMismatch"),
        ({"field_selector": "metadata.name=web"}, ""),
        ({"field_selector": "metadata.name!=web"}, "FieldMismatch"),
    ],
)
def test_the_config_selects_by_namespace_labels_and_fields(settings: Any, expected: str) -> None:
    assert reason(make(), **settings) == expected


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (make(switch="enabled"), ""),
        (make(switch="disabled"), "SyncDisabled"),
        (make(switch="pause"), ""),
        (make({SWITCH: "disabled"}), "SyncDisabled"),
        (make({SWITCH: "disabled"}, switch="enabled"), ""),
        (make(targets="west, east"), ""),
        (make(targets="west"), "TargetNotListed"),
        (make(exclude="west,east"), "TargetExcluded"),
        (make(targets="east", exclude="east"), "TargetExcluded"),
    ],
)
def test_an_object_says_itself_where_it_goes(tree: Json, expected: str) -> None:
    assert reason(tree) == expected


def test_a_switch_that_is_mistyped_pauses_and_takes_nothing_away() -> None:
    assert switch_of(make(switch="disbled")) == "pause"
    assert reason(make(switch="disbled")) == ""


def test_a_target_that_is_not_configured_here_is_judged_by_the_switch_only() -> None:
    assert selected(make(targets="west"), ANY) is None
    assert selected(make(switch="disabled"), ANY) is not None


def test_a_targets_own_settings_stand_above_the_common_ones() -> None:
    common = SyncSettings(namespaces_exclude=("shop",), selector="app=bank")
    overrides = (("namespaces_exclude", ()), ("selector", "app=shop"))
    target = TargetSettings("east", ClusterAccess(), overrides=overrides)

    assert selected(make(), selection_of(common, target)) is None
    assert selected(make(), selection_of(common, TargetSettings("east", ClusterAccess())))
