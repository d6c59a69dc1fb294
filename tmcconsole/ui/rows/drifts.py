"""Fields of copies that others changed, as rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tmcconsole.contract.commands import DriftField, DriftReport
from tmcconsole.ui.rows.table import Column, Listing
from tmcconsole.ui.style.format import age, count
from tmcconsole.ui.style.ink import ink
from tmcconsole.ui.style.signs import outcome_sign

# Nothing is left to decide: the copy has the desired value, or the hub has the copy's.
DONE: Final = frozenset({"Reverted", "Adopted", "Ended"})


@dataclass(frozen=True, slots=True)
class DriftedField:
    """One field of an object's copy on one target."""

    object: str  # an ObjectRecord's key
    policy: str  # who wins, and which setting says so
    field: DriftField

    @property
    def key(self) -> str:
        """Identity in the list."""
        return f"{self.field.target} {self.field.pointer}"


def drifted_fields(report: DriftReport) -> dict[str, DriftedField]:
    """Return a report's fields by row key."""
    rows = [DriftedField(report.key, report.policy, one) for one in report.fields]
    return {row.key: row for row in rows}


_COLUMNS = (
    Column("state", "OUTCOME", lambda r, draw: draw.state(outcome_sign(r.field.outcome)),
           lambda r: float(outcome_sign(r.field.outcome).rank), key="S", least=10, most=10),
    Column("target", "TARGET", lambda r, _l: ink(r.field.target, "strong"),
           lambda r: r.field.target, key="N", least=8, most=26, middle=True),
    Column("field", "FIELD", lambda r, _l: ink(r.field.path), lambda r: r.field.path,
           least=14, most=60, middle=True),
    Column("wanted", "WANTED", lambda r, _l: ink(r.field.wanted, "diff-removed"), None,
           least=6, most=24, middle=True),
    Column("actual", "FOUND", lambda r, _l: ink(r.field.actual, "diff-added"), None,
           least=8, most=24, middle=True),
    Column("by", "BY", lambda r, _l: ink(r.field.manager, "info"), lambda r: r.field.manager,
           least=8, most=28, middle=True),
    Column("times", "TIMES", lambda r, _l: ink(count(r.field.count), "dim"),
           lambda r: -float(r.field.count), number=lambda r, _n: float(r.field.count), key="E",
           right=True, least=5, most=6, drop=2),
    Column("first", "FIRST", lambda r, draw: ink(age(r.field.first_seen, draw.now), "dim"),
           lambda r: r.field.first_seen, right=True, least=5, most=6, drop=4),
    Column("last", "LAST", lambda r, draw: ink(age(r.field.last_seen, draw.now), "dim"),
           lambda r: r.field.last_seen, key="A", right=True, least=4, most=6, drop=3),
)  # fmt: skip

DRIFTS = Listing(
    kind=DriftedField,
    noun="field",
    columns=lambda _look, _width: _COLUMNS,
    problem=lambda row: outcome_sign(row.field.outcome).rank <= 2,
    first=lambda row: (
        float(outcome_sign(row.field.outcome).rank), row.field.target, row.field.pointer,
    ),
    targets_of=lambda row: (row.field.target,),
)  # fmt: skip
