"""The help of a screen, made from the actions that are bound on it."""

from __future__ import annotations

from itertools import groupby

from tmcconsole.ui.actions import ACTIONS, Action
from tmcconsole.ui.orders.command_grammar import PLAIN, VERBS, VIEWS
from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.style.ink import BLANK, Run, Runs, ink
from tmcconsole.ui.style.signs import KIND, SYNC

_GROUPS = ("Screens", "Move", "Look", "List", "Inspect", "Act", "Leave")
_FILTERS = (
    ("web", "regular expression on any cell"),
    ("!web", "rows without it"),
    ("kind:Deploy", "one column; !kind:Deploy excludes"),
    ("lag>30s", "numbers and durations: > >= < <= ="),
    ("-f wbs", "letters in this order"),
    ("-n shop", "namespace"),
    ("-l env=prod", "labels of targets"),
    ("@eu-*,prod", "targets by name or label"),
)
_COMMANDS = (
    (":pause eu-west-1 for 30m because JIRA-7", "verbs: " + ", ".join(VERBS[:7])),
    (":retry deployments.apps/shop/web @eu-*", "dead letters; without arguments, all of them"),
    (":adopt deploy/shop/web /spec/replicas @eu", "also " + ", ".join(VERBS[8:])),
    (":res deploy -n shop @eu-*", "views: " + ", ".join(dict.fromkeys(VIEWS.values()))),
    *((f":{word}", text) for word, text in PLAIN.items() if word != "q"),
)


def help_lines(screen: FrameScreen) -> list[Runs]:
    """Return the screen's keys, the filter and command grammar, and the glyphs."""
    lines: list[Runs] = []
    actions = [action for action in ACTIONS if screen.WHERE in action.where]
    actions.sort(key=lambda action: _GROUPS.index(action.group))
    for group, members in groupby(actions, key=lambda action: action.group):
        lines.append(ink(group, "title"))
        lines += [_key_line(action, screen) for action in members if _is_shown(action, screen)]
        lines.append(BLANK)
    lines += _table("Filter (/)", _FILTERS, 16)
    lines += _table("Commands (:)", _COMMANDS, 44)
    return [*lines, *_glyphs(screen)]


def _is_shown(action: Action, screen: FrameScreen) -> bool:
    return not action.demo or screen.session.options.link_mode == "demo"


def _key_line(action: Action, screen: FrameScreen) -> Runs:
    reason = screen.refusal(action) if action.writes and screen.session.read_only else ""
    tone = "rule" if reason else "key"
    note = (Run(f"  ({reason})", "drift"),) if reason else ()
    return (Run(f"  {action.shown:<12}", tone), Run(action.title), *note)


def _table(title: str, rows: tuple[tuple[str, str], ...], width: int) -> list[Runs]:
    return [
        ink(title, "title"),
        *((Run(f"  {left:<{width}}", "key"), Run(right, "text")) for left, right in rows),
        BLANK,
    ]


def _glyphs(screen: FrameScreen) -> list[Runs]:
    draw = screen.session.draw()
    return [
        ink("States", "title"),
        *((Run("  "), *draw.state(sign)) for sign in SYNC.values()),
        BLANK,
        ink("States of kinds", "title"),
        *((Run("  "), *draw.state(sign)) for sign in KIND.values()),
    ]
