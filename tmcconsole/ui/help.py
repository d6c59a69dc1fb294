"""The help of a screen, made from the actions that are bound on it."""

from __future__ import annotations

from itertools import groupby

from tmcconsole.ui.actions import ACTIONS, Action
from tmcconsole.ui.orders.command_grammar import PLAIN, VERBS, VIEWS
from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.style.ink import BLANK, Run, Runs, ink, wrap
from tmcconsole.ui.style.signs import KIND, SYNC

_GROUPS = ("Screens", "Move", "Look", "List", "Inspect", "Act", "Leave")
_ABOUT = {
    "overview": "The fleet, worst first, and every problem with its cause. IN SYNC: copies as"
    " wanted, of all; FAIL: copies that cannot be written; LAG: from a change in the hub to its"
    " write, at the 95th percentile; BEAT: the age of the last heartbeat; SINCE: when it began.",
    "targets": "One row for each cluster. IN SYNC: copies that are as wanted, of all that should"
    " be there; FAIL: copies that cannot be written, without those held; QUEUE: keys that wait.",
    "queues": "Work for each target and kind. DEPTH waits now, FLIGHT is under way, LATER waits"
    " for its time, RETRY failed and is tried again, DEAD was refused or failed too often: it is"
    " tried again rarely, and at once when asked (t).",
    "health": "What is well and what is not, the worst of each group upward. Enter on a kind lists"
    " its objects.",
    "history": "Errors, recoveries and what people did, newest first. TIME: when a trouble began,"
    " when anything else last happened; RECOVERED: at what time, or for how long it has been open.",
    "resources": "One row for each object of the hub, with its copies. IN SYNC: copies as"
    " wanted, of all.",
}
_TARGET_ACTS = frozenset({"", "target", "held", "gone", "any"})
_SELECTED = {  # what can be selected there, as actions need it
    "overview": _TARGET_ACTS | {"object"},
    "targets": _TARGET_ACTS,
    "queues": _TARGET_ACTS | {"letter"},
    "health": _TARGET_ACTS,
    "history": _TARGET_ACTS | {"object"},
    "resources": frozenset({"", "object", "any", "held"}),
}
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
    lines = _about(screen)
    actions = [action for action in ACTIONS if screen.WHERE in action.where]
    actions.sort(key=lambda action: _GROUPS.index(action.group))
    for group, members in groupby(actions, key=lambda action: action.group):
        lines.append(ink(group, "title"))
        lines += [_key_line(action, screen) for action in members if _is_shown(action, screen)]
        lines.append(BLANK)
    lines += _table("Filter (/)", _FILTERS, 16)
    lines += _table("Commands (:)", _COMMANDS, 44)
    return [*lines, *_glyphs(screen)]


def _about(screen: FrameScreen) -> list[Runs]:
    """Return what the screen shows, and which cluster each dot stands for."""
    told = _ABOUT.get(screen.name or "")
    if told is None:
        return []
    lines = [*wrap(told, 78), BLANK]
    names = screen.session.draw().targets
    if screen.name == "resources" and names:
        lines += [ink("WHERE: one sign for each target, in this order", "title")]
        lines += [(Run(f"  {place:>3}  ", "key"), Run(name)) for place, name in enumerate(names, 1)]
        lines.append(BLANK)
    return lines


def _is_shown(action: Action, screen: FrameScreen) -> bool:
    if screen.name in _ABOUT and action.needs not in _SELECTED[screen.name or ""]:
        return False
    return screen.offers(action)


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
