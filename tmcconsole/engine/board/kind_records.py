"""Records of kinds, built from their standings. Pure readers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tmcconsole.contract.records import KindRecord
from tmcconsole.contract.text import SafeText
from tmcconsole.contract.words import because, words
from tmcconsole.engine.connection.kind_standing import KindStanding
from tmcconsole.engine.targets.supervisor import Supervisor


class KindFacts(NamedTuple):
    """Everything that a record of a kind on a target contains."""

    target: str
    kind: str
    standing: KindStanding
    since: float
    objects: int


def kind_facts(supervisor: Supervisor) -> Iterator[KindFacts]:
    """Yield the state of each of the hub's kinds on one target."""
    memory, target = supervisor.kinds, supervisor.target
    for id, standing in sorted(memory.shown.items()):
        objects = len(target.ledger.keys(id)) if target else 0
        yield KindFacts(
            target=supervisor.name,
            kind=id,
            standing=standing,
            since=memory.since.get(id, 0.0),
            objects=objects,
        )


def kind_record(facts: KindFacts) -> KindRecord:
    """Return the record of one kind on one target."""
    standing = facts.standing
    return KindRecord(
        target=SafeText(facts.target),
        kind=SafeText(facts.kind),
        state=standing.state,
        reason=SafeText(standing.reason),
        message=standing.message,
        version=SafeText(standing.pair.hub.version if standing.pair else ""),
        hub_versions=tuple(SafeText(version) for version in standing.hub_versions),
        target_versions=tuple(SafeText(version) for version in standing.target_versions),
        since=facts.since,
        objects=facts.objects,
    )


def kind_line(supervisor: Supervisor, id: str) -> str:
    """Return the state of a kind on a target, "" if it is synced and there is nothing to report."""
    standing = supervisor.kinds.shown.get(id)
    if standing is None:
        return "" if supervisor.target is None else f"{id} is not served in the hub"
    if not standing.reason:
        return ""
    return f"kind {words(standing.state.value)}: {because(standing.reason, standing.message)}"
