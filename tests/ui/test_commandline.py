"""The command line grammar, completion and suggestions."""

from __future__ import annotations

import pytest

from tmcconsole.ui.orders.command_grammar import (
    ActLine,
    CommandError,
    OpenView,
    Parsed,
    Say,
    complete,
    parse,
)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("targets", OpenView("targets", "")),
        (":res deploy -n shop @eu-*", OpenView("resources", "kind:deploy -n shop @eu-*")),
        ("res deploy/web", OpenView("resources", "kind:deploy name:web")),
        ("res /web failed", OpenView("resources", "web failed")),
        ("history @us-*", OpenView("history", "@us-*")),
        ("pause eu-west-1", ActLine("pause", "eu-west-1")),
        (
            "pause @prod,eu-* for 30m because JIRA-7 node upgrade",
            ActLine("pause", "", ("prod", "eu-*"), 1800.0, "JIRA-7 node upgrade"),
        ),
        ("resync deploy/shop/web @*", ActLine("resync", "deploy/shop/web", ("*",))),
        ("drain eu-west-1", ActLine("drain", "eu-west-1")),
        ("theme mono", Say("theme", "mono")),
        ("q", Say("quit", "")),
    ],
)
def test_a_line_means_what_the_grammar_says(line: str, meant: Parsed) -> None:
    assert parse(line) == meant


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("pasue eu", "did you mean pause"),
        ("resurces", "did you mean resources"),
        ("zzz", "no command 'zzz'"),
        ("", "type a view"),
        ("pause eu for ever", "not a duration"),
        ("drain eu us", "takes one name"),
    ],
)
def test_a_wrong_line_is_refused_with_a_hint(line: str, hint: str) -> None:
    with pytest.raises(CommandError, match=hint):
        parse(line)


def test_tab_completes_commands_targets_scopes_and_themes() -> None:
    targets, themes = ("eu-central-1", "eu-west-1"), ("mono", "tmc-dark")

    assert complete("pau", targets=targets, themes=themes) == ("pause",)
    assert complete("drain eu-w", targets=targets, themes=themes) == ("drain eu-west-1",)
    assert complete("res @eu-c", targets=targets, themes=themes) == ("res @eu-central-1",)
    assert complete("theme m", targets=targets, themes=themes) == ("theme mono",)
    assert complete("", targets=targets, themes=themes) == ()
