"""The state of each of the hub's kinds on one target: synced, or why not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tmcconsole.config.settings import SyncSettings
from tmcconsole.contract.records import KindState
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.client.discovery import Discovery
from tmcconsole.kube.objects import Kind
from tmcconsole.sync.policy import FOLLOW, Refusal, judge_kind, judge_scope

# Groups whose kinds are built into API servers: equal versions mean equal schemas, approximately.
NATIVE_GROUPS: Final = frozenset(
    {
        "",
        "apps",
        "autoscaling",
        "batch",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "networking.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "storage.k8s.io",
    }
)


@dataclass(frozen=True, slots=True)
class KindPair:
    """One kind in the version that both sides serve."""

    hub: Kind
    target: Kind


@dataclass(frozen=True, slots=True)
class KindStanding:
    """The state of a kind on a target. It is synced if there is a ``pair``."""

    state: KindState
    reason: str = ""
    message: SafeText = field(default_factory=SafeText)
    pair: KindPair | None = None
    hub_versions: tuple[str, ...] = ()  # preferred first
    target_versions: tuple[str, ...] = ()


# Says what is incompatible: "" nothing, None not known yet.
CompareSchemas = Callable[[KindPair], str | None]


@dataclass(frozen=True, slots=True)
class KindRules:
    """What kinds are judged by, besides what the two sides serve."""

    target: str  # its name, for messages
    settings: SyncSettings
    hub_runs_pods: bool
    known: frozenset[str]  # ids that were synced with this target before
    compare: CompareSchemas


def stand_kinds(hub: Discovery, target: Discovery, rules: KindRules) -> dict[str, KindStanding]:
    """Return the state of each kind that the hub serves, or that was synced before, by its id."""
    served, there = hub.by_id(), target.by_id()
    known = {id for id in rules.known - served.keys() if not _is_nowhere(id, hub, target)}
    return {
        id: _stand(id, served.get(id, ()), there.get(id, ()), (hub, target), rules)
        for id in sorted(served.keys() | known)
    }


def pairs_of(standings: Mapping[str, KindStanding]) -> dict[str, KindPair]:
    """Return the kinds that are synced, by id."""
    return {id: one.pair for id, one in standings.items() if one.pair is not None}


def restrict(standing: KindStanding, refused: Iterable[str]) -> KindStanding:
    """Return the state of a synced kind for which the account lacks rights, naming them."""
    told = "; ".join(refused)
    if not told or standing.pair is None:
        return standing
    return _stands(
        standing,
        KindState.UNAUTHORIZED,
        "SyncerUnauthorized",
        f"the account may not {told}: grant it; existing copies stay as they are",
    )


def keep_unknown(found: Discovery, before: Discovery | None) -> Discovery:
    """Return ``found`` with the kinds of failed groups as they were: an error is not an absence."""
    if before is None or not found.failed:
        return found
    failed = {group_version for group_version, _ in found.failed}
    known = {(kind.id, kind.version) for kind in found.kinds}
    kept = [
        kind
        for kind in before.kinds
        if _is_of(kind, failed) and (kind.id, kind.version) not in known
    ]
    names = tuple(sorted({*found.names, *before.names}))
    return Discovery((*found.kinds, *kept), found.failed, names)


def _stand(
    id: str,
    here: tuple[Kind, ...],
    there: tuple[Kind, ...],
    sides: tuple[Discovery, Discovery],
    rules: KindRules,
) -> KindStanding:
    bare = KindStanding(
        KindState.PENDING,
        hub_versions=tuple(kind.version for kind in here),
        target_versions=tuple(kind.version for kind in there),
    )
    refusal = _refusal(here, there, rules)
    if refusal is not None:
        return _stands(bare, KindState.REFUSED, refusal.reason, refusal.message)
    if not here or not there:
        return _absent(id, bare, *sides, rules)
    return _meet(id, bare, here, there, rules)


def _refusal(here: tuple[Kind, ...], there: tuple[Kind, ...], rules: KindRules) -> Refusal | None:
    """The hub's own reason comes first; a kind that only the target serves is judged by that."""
    for kinds, runs_pods in ((here, rules.hub_runs_pods), (there, False)):
        found = [judge_kind(kind, rules.settings, hub_runs_pods=runs_pods) for kind in kinds]
        if found and all(found):  # another version may be allowed
            return found[0]
    return judge_scope(here[0], there[0]) if here and there else None


def _absent(
    id: str, bare: KindStanding, hub: Discovery, target: Discovery, rules: KindRules
) -> KindStanding:
    side, found = ("the hub", hub) if not bare.hub_versions else (rules.target, target)
    if any(_names(id, failed) for failed, _ in found.failed):
        message = f"{side}: discovery of {id} fails at the moment"
        return _stands(bare, KindState.PENDING, "DiscoveryFailed", message)
    if id in rules.known:
        message = f"{side} does not serve {id} now; its copies are left alone until it does"
        return _stands(bare, KindState.GONE, "KindAway", message)
    remedy = "install its CRD there"
    if bare.hub_versions and rules.settings.crds == FOLLOW:
        remedy = "its CRD is synced with the first object placed there (sync.crds)"
    message = f"{side} does not serve {id}: {remedy}"
    return _stands(bare, KindState.PENDING, "KindNotServed", message)


def _meet(
    id: str,
    bare: KindStanding,
    here: tuple[Kind, ...],
    there: tuple[Kind, ...],
    rules: KindRules,
) -> KindStanding:
    """The first version of the hub's that is compatible; kcp's rule."""
    told: list[str] = []
    is_open = False
    for pair in _pairs(here, there, rules):
        narrower = _narrower(pair, rules)
        if narrower == "":
            return KindStanding(
                KindState.ACCEPTED,
                pair=pair,
                hub_versions=bare.hub_versions,
                target_versions=bare.target_versions,
            )
        is_open = is_open or narrower is None
        if narrower:
            told.append(f"{pair.hub.version}: {narrower}")
    if is_open:
        return _stands(
            bare, KindState.PENDING, "SchemaUnread", f"the schemas of {id} are being read"
        )
    if told:
        message = (
            f"{'; '.join(told)}; make {rules.target}'s definition of {id} as wide as the hub's"
        )
        return _stands(bare, KindState.INCOMPATIBLE, "SchemaNarrower", message)
    versions = f"{', '.join(bare.hub_versions)} in the hub, {', '.join(bare.target_versions)} there"
    return _stands(bare, KindState.INCOMPATIBLE, "NoCommonVersion", f"{id} is served as {versions}")


def _narrower(pair: KindPair, rules: KindRules) -> str | None:
    return "" if pair.hub.group in NATIVE_GROUPS else rules.compare(pair)


def _pairs(here: tuple[Kind, ...], there: tuple[Kind, ...], rules: KindRules) -> Iterable[KindPair]:
    for kind in here:
        for other in there:
            if kind.version != other.version:
                continue
            passes = judge_kind(kind, rules.settings, hub_runs_pods=rules.hub_runs_pods) is None
            if passes and judge_kind(other, rules.settings, hub_runs_pods=False) is None:
                yield KindPair(kind, other)


def _stands(bare: KindStanding, state: KindState, reason: str, message: str) -> KindStanding:
    return KindStanding(
        state=state,
        reason=reason,
        message=SafeText(message),
        pair=bare.pair,
        hub_versions=bare.hub_versions,
        target_versions=bare.target_versions,
    )


def _is_nowhere(id: str, hub: Discovery, target: Discovery) -> bool:
    """Neither side has it, and both know: there is nothing left to report."""
    if hub.find(id) or target.find(id):
        return False
    return not any(_names(id, failed) for found in (hub, target) for failed, _ in found.failed)


def _names(id: str, group_version: str) -> bool:
    """True if a failed group, or a version of it, may contain a kind."""
    group = id.partition(".")[2]
    return group_version.partition("/")[0] == group if group else "/" not in group_version


def _is_of(kind: Kind, failed: set[str]) -> bool:
    return kind.api_version in failed or kind.group in failed
