"""The kinds of one target in words: what lacks first, what is synced in one paragraph."""

from __future__ import annotations

from typing import Final

from tmcconsole.contract.records import KindRecord, KindState
from tmcconsole.ui.details.lines import heading, paragraph
from tmcconsole.ui.format import age, count
from tmcconsole.ui.ink import Run, Runs, wrap
from tmcconsole.ui.mirror import Mirror
from tmcconsole.ui.rows.table import Look
from tmcconsole.ui.signs import KIND

SHOWN: Final = 30  # with their messages; more are counted


def kind_lines(target: str, mirror: Mirror, look: Look, width: int) -> list[Runs]:
    """Return each kind that is not simply synced with its reason, then those that are."""
    kinds = [kind for kind in mirror.of(KindRecord).values() if kind.target == target]
    if not kinds:
        return []
    others = sorted(
        (kind for kind in kinds if kind.state is not KindState.ACCEPTED),
        key=lambda kind: (KIND[kind.state].rank, kind.kind),
    )
    accepted = sorted(_named(kind) for kind in kinds if kind.state is KindState.ACCEPTED)
    lines = heading(f"Kinds ({count(len(accepted))} of {count(len(kinds))} accepted)")
    for kind in others[:SHOWN]:
        lines += _lacking(kind, look, width)
    if len(others) > SHOWN:
        lines += paragraph("", f"and {count(len(others) - SHOWN)} more", width, "dim")
    return [*lines, *paragraph("accepted", ", ".join(accepted), width)]


def _named(kind: KindRecord) -> str:
    return f"{kind.kind} {kind.version}".rstrip()


def _lacking(kind: KindRecord, look: Look, width: int) -> list[Runs]:
    copies = f", {count(kind.objects)} copies" if kind.objects else ""
    head: Runs = (
        *look.state(KIND[kind.state]),
        Run(f"  {kind.kind}", "strong"),
        Run(f"  {kind.reason}, {age(kind.since, look.now)}{copies}", "dim"),
    )
    tone = "dim" if kind.state is KindState.REFUSED else "text"
    told = wrap(kind.message, max(20, width - 2), tone) if kind.message else []
    return [head, *((Run("  "), *runs) for runs in told)]
