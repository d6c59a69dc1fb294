"""Selectors in kubectl's syntax."""

from __future__ import annotations

import pytest

from tmcconsole.config.grammar.selectors import (
    SelectorUnreadable,
    field_terms,
    fields_match,
    label_terms,
    labels_match,
)

LABELS = {"app": "shop", "tier": "web", "example.com/team": "a"}
TREE = {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"paused": True, "size": 3}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("app=shop", True),
        ("app==shop,tier=web", True),
        ("app=shop,tier=db", False),
        ("app!=shop", False),
        ("none!=such", True),
        ("app in (shop, bank),tier", True),
        ("app notin (shop)", False),
        ("none notin (a)", True),
        ("!none", True),
        ("!app", False),
        ("example.com/team = a", True),
    ],
)
def test_labels_are_held_against_a_selector_as_an_api_server_does(
    text: str, expected: bool
) -> None:
    assert labels_match(text, LABELS) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("metadata.name=web", True),
        ("metadata.name!=web", False),
        ("metadata.namespace=shop,spec.size=3", True),
        ("spec.paused=true", True),
        ("spec.none=", True),
        ("spec.none!=x", True),
        ("spec.size.deeper=x", False),
    ],
)
def test_fields_are_held_against_a_selector(text: str, expected: bool) -> None:
    assert fields_match(text, TREE) is expected


@pytest.mark.parametrize("text", ["=a", "a in b", "a=b c", "a,,b", "a in (b", "-a"])
def test_what_is_no_label_selector_is_named(text: str) -> None:
    with pytest.raises(SelectorUnreadable):
        label_terms(text)


@pytest.mark.parametrize("text", ["metadata.name", "status.phase=Running", "a b=c", ",a=b"])
def test_what_is_no_field_selector_is_named(text: str) -> None:
    with pytest.raises(SelectorUnreadable):
        field_terms(text)
