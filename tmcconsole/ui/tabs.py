"""The line of the six screens, each with the one count that says whether to look there."""

from __future__ import annotations

from collections.abc import Mapping

from tmcconsole.contract.records import (
    Health,
    HealthRecord,
    HistoryRecord,
    QueueRecord,
    TargetRecord,
)
from tmcconsole.ui.actions import MODES
from tmcconsole.ui.mirror import Mirror
from tmcconsole.ui.rows.history import is_open_error
from tmcconsole.ui.rows.targets import is_problem
from tmcconsole.ui.style.format import count
from tmcconsole.ui.style.ink import Run, Runs, width_of


def tabs(mirror: Mirror, mode: str, room: int) -> Runs:
    """Return the six screens with their counts; without the words where room lacks,
    and only this screen where there is none.
    """
    counts = tab_counts(mirror) if room else {}
    for worded in (True, False):
        runs = tuple(run for one in MODES for run in _tab(one, mode, counts, worded=worded))[:-1]
        if width_of(runs) <= room:
            return runs
    return (Run(mode.capitalize(), "title"),)


def tab_counts(mirror: Mirror) -> Mapping[str, tuple[int, str, str]]:
    """Return (number, word, tone) for each screen where there is something to look at."""
    targets = sum(is_problem(target) for target in mirror.of(TargetRecord).values())
    queues = mirror.of(QueueRecord).values()
    dead = sum(queue.dead for queue in queues)
    waiting = sum(queue.depth for queue in queues)
    ill = sum(node.status is not Health.HEALTHY for node in mirror.of(HealthRecord).values())
    is_open = sum(is_open_error(entry) for entry in mirror.of(HistoryRecord).values())
    found = {
        "targets": (targets, "to look at", "drift"),
        "queues": (dead, "dead", "failed") if dead else (waiting, "waiting", "pending"),
        "health": (ill, "not well", "drift"),
        "history": (is_open, "open", "failed"),
        "resources": (len(mirror.troubled), "in trouble", "failed"),
    }
    return {mode: one for mode, one in found.items() if one[0]}


def _tab(one: str, mode: str, counts: Mapping[str, tuple[int, str, str]], *, worded: bool) -> Runs:
    name = Run(one.capitalize(), "title" if one == mode else "dim")
    runs: Runs = (Run(f"{MODES.index(one) + 1} ", "key"), name)
    if one in counts:
        number, word, tone = counts[one]
        runs += (Run(f" {count(number)} {word}" if worded else f"({count(number)})", tone),)
    return (*runs, Run("  " if worded else " "))
