"""Which kinds one target shares with the hub: discovered, judged, watched, reported."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from anyio.abc import TaskGroup

from tmcconsole.config.settings import SyncSettings
from tmcconsole.contract.records import KindState
from tmcconsole.engine.connection.informer_set import InformerSet
from tmcconsole.engine.connection.kind_standing import (
    KindPair,
    KindRules,
    KindStanding,
    keep_unknown,
    pairs_of,
    restrict,
    stand_kinds,
)
from tmcconsole.engine.connection.probe import Probe
from tmcconsole.engine.connection.rediscovery import Rediscovery
from tmcconsole.engine.connection.rights import (
    Right,
    Rights,
    reading_rights,
    target_rights,
    tell_refused,
)
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.hub.upsyncing import UpWiring
from tmcconsole.engine.targets.wiring import Wiring
from tmcconsole.kube.cache.crd_informer import KnownDefinitions, watch_definitions
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.cache.informer_state import InformerState, Phase
from tmcconsole.kube.client.discovery import Discovery, discover
from tmcconsole.kube.errors import BadAnswer, KubeError
from tmcconsole.kube.objects import NAMESPACES, Kind
from tmcconsole.kube.trees.schema_compatibility import narrowings
from tmcconsole.runtime import spawn
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.state.target import Target
from tmcconsole.tmc.errors import Severity

log = logging.getLogger(__name__)

SHOWN_FIELDS = 3  # incompatible fields in one message
# States that an operator should know of, and their severity.
_TROUBLE = {
    KindState.GONE: Severity.MEDIUM,
    KindState.INCOMPATIBLE: Severity.MEDIUM,
    KindState.UNAUTHORIZED: Severity.HIGH,
}


@dataclass(slots=True)
class KindMemory:
    """What is known of a target's kinds from one connection to the next."""

    discovery: Discovery | None = None
    known: set[str] = field(default_factory=set)  # ids of kinds that were synced
    shown: dict[str, KindStanding] = field(default_factory=dict)  # as last reported
    since: dict[str, float] = field(default_factory=dict)  # Unix seconds, by id


@dataclass(slots=True)
class SharedKinds:
    """Owns the watched kinds of one connection to a target."""

    session: HubSession
    settings: SyncSettings
    wiring: Wiring
    up: UpWiring
    probe: Probe
    memory: KindMemory
    discovery: Discovery  # what the target serves, as last read
    group: TaskGroup  # of the connection
    standings: dict[str, KindStanding] = field(default_factory=dict)
    definitions: KnownDefinitions = field(init=False)
    rights: Rights = field(init=False)
    target: Target = field(init=False)
    _informers: InformerSet = field(init=False)
    _again: Rediscovery = field(init=False)

    def __post_init__(self) -> None:
        runtime, client, self.target = (
            self.session.context.runtime,
            self.wiring.client,
            self.wiring.target,
        )
        self._informers = InformerSet(
            group=self.group,
            name=self.target.name,
            kinds=self.target.kinds,
            make=self._make_informer,
            first_look=self.wiring.when_synced,
        )
        self._again = Rediscovery(runtime, self._look)
        changed, wait_up = self.rights_changed, self.probe.wait_up
        self.definitions = watch_definitions(client, runtime, self.soon)
        self.rights = Rights(
            client=client,
            runtime=runtime,
            kinds=self._kinds,
            needs=self._needs,
            wait_up=wait_up,
            changed=changed,
        )

    def start(self) -> None:
        """Watch what is known to be shared, and keep checking."""
        name, group = self.target.name, self.group
        spawn(group, self.definitions.informer.run, name=f"{name} informer definitions")
        self.follow()
        spawn(group, self._again.run, name=f"{name} kinds")
        spawn(group, self.rights.run, name=f"{name} rights")

    def soon(self) -> None:
        """What the hub or the target serves has changed."""
        self._again.soon()

    def follow(self) -> None:
        """Judge the kinds again, and watch those that both sides serve."""
        self.up.follow(self.discovery)
        before = pairs_of(self.standings)
        self.standings = stand_kinds(self.session.discovery, self.discovery, self._rules())
        pairs = pairs_of(self.standings)
        self.memory.known |= pairs.keys()
        self.memory.known &= self.standings.keys()
        self.session.serve(self.target.name, pairs)
        self._informers.follow({id: pair.target for id, pair in pairs.items()})
        for id in sorted(before.keys() - pairs.keys()):
            self.target.queue.drop_lane(id)
        self._hold(pairs)
        self.rights.look_at(pairs)
        self.tell()

    def tell(self) -> None:
        """Record the state of the kinds, including missing rights, and report changes."""
        for id, standing in self.standings.items():
            self._note(id, restrict(standing, self._refused(id)))
        for id in self.memory.shown.keys() - self.standings.keys():
            del self.memory.shown[id]
            del self.memory.since[id]
        self.session.context.changed()

    def unauthorized(self) -> tuple[str, ...] | None:
        """Return the missing rights in words; None if they are not known yet."""
        if not (self.rights.are_known and self.session.rights.are_known):
            return None
        return tuple(told for id in ("namespaces", *self.standings) for told in self._refused(id))

    def rights_changed(self) -> None:
        """Rights were revoked or granted here: what they blocked need not wait longer."""
        self.rights.nudge_permitted(self.target.kinds)
        if not self.rights.missing:
            self.target.queue.retry_failed()
        self.tell()

    def _make_informer(self, kind: Kind) -> Informer:
        return self.wiring.make_informer(kind, self._informer_changed)

    def _informer_changed(self, kind: Kind, state: InformerState) -> None:
        """One of our informers has changed state: its kind is gone, forbidden, or fine again."""
        if state.phase is Phase.GONE or state.reason == BadAnswer.reason:
            self.soon()
        if state.phase is Phase.DENIED:
            self.rights.doubt(kind.id)
        self.tell()

    def _note(self, id: str, standing: KindStanding) -> None:
        shown, wall = self.memory.shown, self.session.context.runtime.wall()
        old = shown.get(id)
        shown[id] = standing
        if old is not None and (old.state, old.reason) == (standing.state, standing.reason):
            return
        self.memory.since[id] = wall
        was_trouble = old is not None and old.state in _TROUBLE
        if standing.state in _TROUBLE or was_trouble:
            self.session.context.history.record(
                "lifecycle",
                f"Kind{standing.state.value}",
                at=wall,
                severity=_TROUBLE.get(standing.state, Severity.LOW),
                target=self.target.name,
                subject=id,
                message=standing.message,
            )

    def _refused(self, id: str) -> Iterator[str]:
        """Yield what the account may not do with a kind, on either side."""
        hub = self.session.shared.hub.kinds
        sides = (
            (f"on {self.target.name}", self.rights, self.target.kinds.get(id)),
            ("in the hub", self.session.rights, hub.get(id)),
        )
        for where, rights, watched in sides:
            missing = rights.missing.get(id)
            if missing:
                yield from tell_refused({id: missing}, where)
            elif watched is not None and _is_denied(watched):
                yield f"list or watch {id} {where} ({watched.informer.state.message})"

    def _hold(self, pairs: Mapping[str, KindPair]) -> None:
        """Nothing can be said or done about the objects of a kind that is not synced now."""
        wall = self.session.context.runtime.wall()
        for id, standing in self.standings.items():
            if id not in pairs:
                reason = standing.reason or standing.state.value
                self.target.ledger.hold_kind(id, wall, reason, standing.message)

    def _rules(self) -> KindRules:
        runs_pods = self.session.identity.runs_pods
        known = frozenset(self.memory.known)
        return KindRules(
            target=self.target.name,
            settings=self.settings,
            hub_runs_pods=runs_pods,
            known=known,
            compare=self._compare,
        )

    def _compare(self, pair: KindPair) -> str | None:
        here, there = self.session.definitions, self.definitions
        if not (here.are_known and there.are_known):
            return None
        sender, receiver = here.schema(pair.hub), there.schema(pair.target)
        if sender is None or receiver is None:
            return ""  # one of them publishes none: incompatible objects are refused one by one
        found = narrowings(sender, receiver)
        more = f" and {len(found) - SHOWN_FIELDS} more" if len(found) > SHOWN_FIELDS else ""
        return "; ".join(str(one) for one in found[:SHOWN_FIELDS]) + more

    def _needs(self, kind: Kind) -> Iterator[Right]:
        """The engine itself creates namespaces, whoever writes into them."""
        by_tenants = self.settings.impersonate and kind.id != NAMESPACES.id
        return reading_rights(kind) if by_tenants else target_rights(kind)

    def _kinds(self) -> dict[str, Kind]:
        pairs = pairs_of(self.standings)
        return {NAMESPACES.id: NAMESPACES} | {id: pair.target for id, pair in pairs.items()}

    async def _look(self) -> None:
        await self.probe.wait_up()
        try:
            found = await discover(self.wiring.client)
        except KubeError as error:
            log.warning("%s: discovery failed: %s", self.target.name, error)
        else:
            self.discovery = self.memory.discovery = keep_unknown(found, self.discovery)
        self.follow()


def _is_denied(watched: Watched) -> bool:
    state = watched.informer.state
    return state.phase is Phase.DENIED and state.reason == "Forbidden"
