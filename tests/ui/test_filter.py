"""The filter grammar."""

from __future__ import annotations

import pytest

from tmcconsole.ui.filter import FilterError, RowFacts, parse, scope_names

ROW = RowFacts(
    texts={"name": "web", "kind": "Deployment", "namespace": "shop", "state": "✗ failed"},
    numbers={"lag": 45.0, "depth": 100.0},
    labels={"env": "prod", "region": "eu"},
    targets=("eu-west-1", "us-east-1"),
)


@pytest.mark.parametrize(
    ("source", "passes"),
    [
        ("", True),
        ("web", True),
        ("WEB", True),
        ("we[bx]$", True),
        ("api", False),
        ("!api", True),
        ("!web", False),
        ("kind:deploy", True),
        ("!kind:deploy", False),
        ("name:deploy", False),
        ("kind:config kind:deploy", True),
        ("kind:deploy name:api", False),
        ("lag>30s", True),
        ("lag>1m", False),
        ("lag<=45", True),
        ("depth>=100", True),
        ("!depth>=100", False),
        ("-f wbdp", True),
        ("-f wxz", False),
        ("-l env=prod", True),
        ("-l env=prod,region=us", False),
        ("-n shop", True),
        ("-n sho", False),
        ("@eu-*", True),
        ("@ap-*", False),
        ("@ap-*,us-east-1", True),
        ("web failed @eu-*", True),
        ("nosuch:web", True),
    ],
)
def test_filter_lets_pass_what_it_says(source: str, passes: bool) -> None:
    wanted = parse(source)
    scope = frozenset(scope_names(wanted.scope, {"eu-west-1": {}, "us-east-1": {}, "ap-1": {}}))

    assert wanted.matches(ROW, scope) is passes


def test_scope_means_label_values_too() -> None:
    labels = {"eu-west-1": {"env": "prod"}, "lab": {"env": "dev"}}

    assert scope_names(("prod",), labels) == {"eu-west-1"}


def test_a_term_on_a_missing_column_stays_and_is_named_inactive() -> None:
    wanted = parse("nosuch:web name:web lag>1s")

    assert wanted.inactive(frozenset({"name"}), frozenset({"lag"})) == ("nosuch:web",)


@pytest.mark.parametrize("source", ["[", "name:(", "-l env", "-f"])
def test_what_is_no_filter_is_refused_with_its_text(source: str) -> None:
    with pytest.raises(FilterError, match=source[:1].replace("[", r"\[")):
        parse(source)
