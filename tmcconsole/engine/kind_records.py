"""Records of kinds, made from how they stand. Pure readers."""

from __future__ import annotations

from collections.abc import Iterator

from tmcconsole.contract.records import KindRecord
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.target import Supervisor


def kind_records(supervisor: Supervisor) -> Iterator[KindRecord]:
    """Yield a record for each kind of the hub's, as it stands on one target."""
    memory, target = supervisor.kinds, supervisor.target
    for id, standing in sorted(memory.shown.items()):
        yield KindRecord(
            target=SafeText(supervisor.name),
            kind=SafeText(id),
            state=standing.state,
            reason=SafeText(standing.reason),
            message=standing.message,
            version=SafeText(standing.pair.hub.version if standing.pair else ""),
            hub_versions=tuple(SafeText(version) for version in standing.hub_versions),
            target_versions=tuple(SafeText(version) for version in standing.target_versions),
            since=memory.since.get(id, 0.0),
            objects=len(target.ledger.keys(id)) if target else 0,
        )


def kind_line(supervisor: Supervisor, id: str) -> str:
    """Return how a kind stands on a target, "" where it is synced and there is nothing to say."""
    standing = supervisor.kinds.shown.get(id)
    if standing is None:
        return "" if supervisor.target is None else f"{id} is not served in the hub"
    if not standing.reason:
        return ""
    return f"kind {standing.state.value} {standing.reason}: {standing.message}"
