"""The faults of simulated clusters as the user sees them: grouped, each with a key and a label.

The names are the simulator's; a test compares this list with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MEND_ALL: Final = "all"  # turns every fault off


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: the key that selects it, its label and its name."""

    key: str
    word: str
    name: str


@dataclass(frozen=True, slots=True)
class FaultGroup:
    """Faults of one kind."""

    key: str
    word: str
    faults: tuple[Fault, ...]


FAULT_MENU: Final = (
    FaultGroup(
        "n",
        "network",
        (
            Fault("o", "outage", "outage"),
            Fault("b", "black hole", "blackhole"),
            Fault("w", "one-way", "one_way"),
            Fault("s", "slow", "latency"),
            Fault("r", "reply lost", "lost_reply"),
        ),
    ),
    FaultGroup(
        "a",
        "answers",
        (
            Fault("t", "429", "reject_429"),
            Fault("e", "5xx", "server_error_5xx"),
            Fault("u", "401", "unauthorized"),
            Fault("f", "403", "forbidden"),
            Fault("k", "kind fails", "kind_500"),
            Fault("g", "kind gone", "kind_gone"),
        ),
    ),
    FaultGroup(
        "r",
        "writes",
        (
            Fault("c", "conflicts", "conflicts"),
            Fault("q", "quota", "quota"),
            Fault("h", "hook hangs", "webhook_timeout"),
            Fault("m", "hook edits", "mutating_webhook"),
        ),
    ),
    FaultGroup(
        "w",
        "watches",
        (
            Fault("c", "cut", "cut_watches"),
            Fault("s", "silent", "silent_watches"),
            Fault("e", "ends", "short_watches"),
            Fault("g", "410", "watch_410"),
            Fault("d", "disorder", "disorder"),
            Fault("b", "no marks", "no_bookmarks"),
            Fault("o", "only marks", "only_bookmarks"),
        ),
    ),
    FaultGroup(
        "l",
        "lists",
        (
            Fault("s", "stale", "stale_lists"),
            Fault("e", "empty", "empty_lists"),
            Fault("l", "slow", "slow_list"),
            Fault("p", "expire", "expired_continue"),
            Fault("h", "short", "short_pages"),
            Fault("r", "no stream", "refuse_watch_list"),
            Fault("u", "no end", "no_initial_end"),
        ),
    ),
    FaultGroup(
        "s",
        "state",
        (
            Fault("b", "back up", "back_up"),
            Fault("r", "restore", "restore"),
            Fault("h", "compact", "compact"),
            Fault("a", "another", "another_cluster"),
            Fault("c", "clock", "clock_skew"),
            Fault("m", "malformed", "malformed"),
        ),
    ),
)
