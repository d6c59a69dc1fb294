"""The health tree as rows: system, targets, kinds, worst-of upward."""

from __future__ import annotations

from tmcconsole.contract.records import Health, HealthRecord
from tmcconsole.contract.words import told_of
from tmcconsole.ui.rows.table import Column, DrawContext, Listing
from tmcconsole.ui.style.format import age
from tmcconsole.ui.style.ink import Run, Runs, ink
from tmcconsole.ui.style.signs import HEALTH


def depth_of(path: str) -> int:
    """Return a node's depth; group segments such as ``targets`` do not count."""
    return sum(part not in ("targets", "workspaces") for part in path.split("/")) - 1


def target_of(path: str) -> tuple[str, ...]:
    """Return the target a node belongs to, if any."""
    parts = path.split("/")
    if "targets" in parts and parts.index("targets") + 1 < len(parts):
        return (parts[parts.index("targets") + 1],)
    return ()


def kind_of(path: str) -> str:
    """Return the kind of a node, or nothing."""
    parts = path.split("/")
    return parts[-1] if "targets" in parts and len(parts) > parts.index("targets") + 2 else ""


def _label(node: HealthRecord, draw: DrawContext) -> Runs:
    depth = depth_of(node.path)
    twig = "" if depth <= 0 else "  " * (depth - 1) + ("`- " if draw.ascii_only else "└─ ")
    return (Run(twig, "rule"), Run(node.label, "strong" if depth <= 1 else "text"))


_COLUMNS = (
    Column("status", "STATUS", lambda n, draw: draw.state(HEALTH[n.status]),
           lambda n: float(HEALTH[n.status].rank), key="S", least=11, most=11),
    Column("name", "WHAT", _label, lambda n: n.path, key="N", least=16, most=46, middle=True),
    Column("age", "SINCE", lambda n, draw: ink(age(n.since, draw.now), "dim"),
           lambda n: -n.since, number=lambda n, now: now - n.since, key="A",
           right=True, least=5, most=6, drop=1),
    Column("reason", "REASON", lambda n, _l: ink(told_of(n.reason), HEALTH[n.status].tone
           if n.status is not Health.HEALTHY else "dim"), lambda n: n.reason,
           least=12, most=100, grow=True),
)  # fmt: skip

HEALTH_TREE = Listing(
    kind=HealthRecord,
    noun="node",
    columns=lambda _look, _width: _COLUMNS,
    problem=lambda node: node.status is not Health.HEALTHY,
    first=lambda node: tuple(node.path.split("/")),
    targets_of=lambda node: target_of(node.path),
)
