"""Which kinds are synced between the hub and one target. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tmcconsole.config.settings import SyncSettings
from tmcconsole.kube.discovery import Discovery
from tmcconsole.kube.objects import Kind
from tmcconsole.sync.policy import judge_kind, judge_scope


@dataclass(frozen=True, slots=True)
class KindPair:
    """One kind in the version that both sides serve."""

    hub: Kind
    target: Kind


def synced_kinds(
    hub: Discovery, target: Discovery, settings: SyncSettings, *, hub_runs_pods: bool
) -> dict[str, KindPair]:
    """Return the kinds to sync by ``Kind.id``, in the hub's preferred common version."""
    pairs: dict[str, KindPair] = {}
    for kind in hub.kinds:
        if kind.id in pairs or judge_kind(kind, settings, hub_runs_pods=hub_runs_pods):
            continue
        there = target.find(kind.id, kind.version)
        if there is None or judge_scope(kind, there) is not None:
            continue
        if judge_kind(there, settings, hub_runs_pods=False) is None:
            pairs[kind.id] = KindPair(kind, there)
    return dict(sorted(pairs.items()))


def keep_unknown(found: Discovery, before: Discovery | None) -> Discovery:
    """Return ``found`` with the kinds of failed groups as they were: an error is no absence."""
    if before is None or not found.failed:
        return found
    failed = {group_version for group_version, _ in found.failed}
    known = {(kind.id, kind.version) for kind in found.kinds}
    kept = [
        kind
        for kind in before.kinds
        if _is_of(kind, failed) and (kind.id, kind.version) not in known
    ]
    return Discovery((*found.kinds, *kept), found.failed)


def _is_of(kind: Kind, failed: set[str]) -> bool:
    return kind.api_version in failed or kind.group in failed
