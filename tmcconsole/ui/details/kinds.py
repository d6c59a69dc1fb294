"""The kinds of one target in words: each one that is not synced, the others by name only."""

from __future__ import annotations

from typing import Final

from tmcconsole.contract.records import KindRecord, KindState
from tmcconsole.contract.words import words
from tmcconsole.ui.details.detail_lines import beside, heading, paragraph
from tmcconsole.ui.mirror import Mirror
from tmcconsole.ui.rows.table import DrawContext
from tmcconsole.ui.style.format import age, count, plural
from tmcconsole.ui.style.ink import Run, Runs, wrap
from tmcconsole.ui.style.signs import KIND

SHOWN: Final = 30  # with their messages; more are counted
_BY_NAME: Final = (KindState.ACCEPTED, KindState.REFUSED)  # as it should be: no news


def kind_lines(target: str, mirror: Mirror, draw: DrawContext, width: int) -> list[Runs]:
    """Return each kind that should be synced but is not, with its reason, then those that are."""
    kinds = [kind for kind in mirror.of(KindRecord).values() if kind.target == target]
    if not kinds:
        return []
    others = sorted(
        (kind for kind in kinds if kind.state not in _BY_NAME),
        key=lambda kind: (KIND[kind.state].rank, kind.kind),
    )
    accepted = sorted(_named(kind) for kind in kinds if kind.state is KindState.ACCEPTED)
    refused = len(kinds) - len(others) - len(accepted)
    lines = heading(_counted(len(accepted), len(others), refused))
    for kind in others[:SHOWN]:
        lines += _lacking(kind, draw, width)
    if len(others) > SHOWN:
        lines += paragraph("", f"and {count(len(others) - SHOWN)} more", width, "dim")
    return [*lines, *paragraph("accepted", ", ".join(accepted), width)]


def _counted(accepted: int, others: int, refused: int) -> str:
    parts = [f"{count(accepted)} accepted"]
    parts += [f"{count(others)} not"] if others else []
    parts += [f"{count(refused)} excluded"] if refused else []
    return f"Kinds ({', '.join(parts)})"


def refused_lines(target: str, mirror: Mirror, width: int) -> list[Runs]:
    """Return the kinds that policy or config excludes, by reason."""
    kinds = [kind for kind in mirror.of(KindRecord).values() if kind.target == target]
    refused: dict[str, list[str]] = {}
    for kind in sorted(kinds, key=lambda kind: (kind.reason, kind.kind)):
        if kind.state is KindState.REFUSED:
            refused.setdefault(kind.reason, []).append(kind.kind)
    lines = heading("Kinds excluded by policy") if refused else []
    for reason, names in refused.items():
        lines += wrap(f"{words(reason)}: {', '.join(names)}", width, "dim")
    return lines


def _named(kind: KindRecord) -> str:
    return f"{kind.kind} {kind.version}".rstrip()


def _lacking(kind: KindRecord, draw: DrawContext, width: int) -> list[Runs]:
    copies = f", {plural(kind.objects, 'copy', 'copies')}" if kind.objects else ""
    head: Runs = (*draw.state(KIND[kind.state]), Run(f"  {kind.kind}", "strong"))
    since = f"{words(kind.reason)}, {age(kind.since, draw.now)}{copies}"
    told = wrap(kind.message, max(20, width - 2)) if kind.message else []
    return [*beside(head, since, width), *((Run("  "), *runs) for runs in told)]
