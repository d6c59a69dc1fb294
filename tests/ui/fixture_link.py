"""A made-up engine behind a link: the same fleet every time, which commands change."""

from __future__ import annotations

import random
from typing import Any

from tests.ui.fixture_fleet import (
    CLUSTERS,
    CRASHES,
    DIFF,
    DRIFTS,
    KINDS,
    NOW,
    WHY,
    dead_letters,
    forget_plan,
    kinds,
)
from tmcconsole.contract.changes import Changes, RecordRef, Revision
from tmcconsole.contract.commands import (
    Accepted,
    AdoptDrift,
    AllowDeletes,
    AnyCommand,
    AnyReply,
    CedeField,
    CopyCause,
    CordonTarget,
    DrainPlan,
    DrainTarget,
    DriftReport,
    Fate,
    ForgetTarget,
    ListDeadLetters,
    Move,
    PauseTarget,
    PlanDrain,
    PlanForget,
    QueueItem,
    QueueItems,
    Refused,
    ResumeTarget,
    Resync,
    RetryDeadLetters,
    RevertDrift,
    ShowCause,
    ShowCopy,
    ShowDiff,
    ShowDrift,
    ShowObject,
    ShowQueue,
    SimFault,
    Text,
    UncordonTarget,
    Why,
)
from tmcconsole.contract.link import LinkLost
from tmcconsole.contract.records import (
    AnyRecord,
    Cell,
    Condition,
    EngineRecord,
    Health,
    HealthRecord,
    HistoryRecord,
    ObjectRecord,
    Pause,
    PlacementRecord,
    QueueRecord,
    SyncState,
    TargetRecord,
    TargetState,
)
from tmcconsole.contract.text import SafeBody
from tmcconsole.contract.text import SafeText as S

__all__ = ("NOW", "FixtureLink", "fleet")

NAMES = ("web", "api", "checkout", "cart", "search", "mailer", "billing", "session-cache")

YAML = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels:
    app: web
spec:
  replicas: 4
  template:
    spec:
      containers:
      - name: web
        image: registry.example/shop/web:1.42.0
        env:
        - name: DATABASE_PASSWORD
          value: (redacted, 14 bytes)
"""


class FixtureLink:
    """Owner of a small board, whose fields tests set as clusters would."""

    def __init__(self, records: list[AnyRecord] | None = None, *, wall: float = NOW) -> None:
        self.board: dict[tuple[str, str], AnyRecord] = {}
        self.log: list[tuple[int, str, str]] = []
        self.number = 0
        self.epoch = "fixture"
        self.wall = wall
        self.sent: list[AnyCommand] = []
        self.orders: list[AnyCommand] = []  # the commands sent that are not questions
        self.retried: set[str] = set()  # resources
        self.lost: Exception | None = None
        self.put(*(fleet() if records is None else records))

    def put(self, *records: AnyRecord) -> None:
        """Add or replace records."""
        for record in records:
            self.number += 1
            self.board[type(record).__name__, record.key] = record
            self.log.append((self.number, type(record).__name__, record.key))

    def drop(self, kind: str, key: str) -> None:
        """Remove a record."""
        self.number += 1
        del self.board[kind, key]
        self.log.append((self.number, kind, key))

    def target(self, name: str) -> TargetRecord:
        """Return a target's record."""
        record = self.board["TargetRecord", name]
        assert isinstance(record, TargetRecord)
        return record

    async def changes(self, since: Revision) -> Changes:
        if self.lost is not None:
            raise LinkLost("connection closed") from self.lost
        revision = Revision(self.epoch, self.number)
        if since.epoch != self.epoch or since.number == 0:
            return Changes(revision, tuple(self.board.values()), snapshot=True, wall=self.wall)
        touched = {(kind, key) for number, kind, key in self.log if number > since.number}
        return Changes(
            revision,
            tuple(self.board[ref] for ref in sorted(touched) if ref in self.board),
            tuple(RecordRef(*ref) for ref in sorted(touched) if ref not in self.board),
            wall=self.wall,
        )

    async def request(self, command: AnyCommand) -> AnyReply:
        if self.lost is not None:
            raise LinkLost("connection closed") from self.lost
        self.sent.append(command)
        answer = self._answer(command)
        if answer is not None:
            return answer
        self.orders.append(command)
        return self._change(command)

    def _answer(self, command: AnyCommand) -> AnyReply | None:
        match command:
            case Why():
                return Text(title=S("why"), body=SafeBody(WHY))
            case ShowObject():
                return Text(title=S(command.key), body=SafeBody(YAML))
            case ShowCopy():
                return Text(title=S(command.key), body=SafeBody(f"cause {CRASHES}"))
            case ShowCause():
                return CopyCause(cause=S(CRASHES), remedy=S("read its logs there"))
            case ShowDiff():
                return Text(title=S(command.target), body=SafeBody(DIFF))
            case ShowQueue():
                return QueueItems(items=tuple(
                    QueueItem(S(f"shop/{name}"), state, tries, NOW + 30 * tries, S(error))
                    for name, state, tries, error in (
                        ("web", "in-flight", 0, ""), ("api", "ready", 0, ""),
                        ("billing", "delayed", 3, "admission webhook denied the request"))
                ))  # fmt: skip
            case PlanDrain():
                return self._plan(command.target)
            case ListDeadLetters():
                return dead_letters(command.target, self.retried)
            case ShowDrift():
                return DriftReport(
                    key=S(command.key), policy=S("hub-wins (sync.conflict_policy)"), fields=DRIFTS
                )
            case PlanForget():
                return forget_plan(command.target)
            case _:
                return None

    def _plan(self, target: str) -> DrainPlan:
        here = [r for r in self.board.values() if isinstance(r, ObjectRecord)]
        moves = tuple(
            Move(r.key, () if r.kind == "StatefulSet" else (S("eu-central-1"),),
                 S("no target has its storage class") if r.kind == "StatefulSet"
                 else S("least loaded"),
                 Fate.STAYS if r.kind == "StatefulSet" else Fate.MOVES)
            for r in sorted(here, key=lambda r: r.key)
            if any(cell.target == target for cell in r.cells)
        )  # fmt: skip
        return DrainPlan(target=S(target), moves=moves, stranded=sum(not m.to for m in moves))

    def _change(self, command: AnyCommand) -> AnyReply:
        match command:
            case PauseTarget():
                pause = Pause(command.until, S("tester"), S(command.why))
                self.change(command.target, pause=pause)
            case ResumeTarget():
                self.change(command.target, pause=None)
            case CordonTarget():
                self.change(command.target, cordoned=True)
            case UncordonTarget():
                self.change(command.target, cordoned=False, evict_after=0.0)
            case DrainTarget() if not command.force and command.confirm != command.target:
                return Refused(reason=S("the name does not match"))
            case DrainTarget():
                self.change(command.target, cordoned=True, evict_after=self.wall)
            case AllowDeletes():
                self.change(command.target, deletes_held=0)
            case RetryDeadLetters():
                self.retried.add(command.key.partition("/")[0])
            case ForgetTarget():
                return forget_plan(command.target)
            case AdoptDrift() | RevertDrift() | CedeField():
                return Accepted(message=S(f"{type(command).__name__} {command.field}"))
            case Resync() | SimFault():
                pass
            case _:
                return Refused(reason=S("not known here"))
        return Accepted()

    def change(self, name: str, **fields: object) -> None:
        """Change fields of a target."""
        values = {f: getattr(self.target(name), f) for f in TargetRecord.__struct_fields__}
        self.put(TargetRecord(**(values | fields)))


def fleet(seed: int = 7) -> list[AnyRecord]:
    """Return six targets in different states with their objects, queues, health and history."""
    rng = random.Random(seed)
    targets = [_target(rng, index, *cluster) for index, cluster in enumerate(CLUSTERS)]
    objects = _objects(rng)
    return [
        EngineRecord(
            version="0.1.0", started_at=NOW - 8000, hub=S("https://127.0.0.1:7443/clusters/root"),
            hub_flavour="kcp", hub_workspace=S("root:shop"), hub_connected=True,
            hub_since=NOW - 7990, placed=sum(len(o.cells) for o in objects),
            in_sync=sum(c.state is SyncState.IN_SYNC for o in objects for c in o.cells),
            pending=3, failed=2, write_attempts=1843,
            notes=(S("kubectl --kubeconfig /tmp/tmc-demo/hub.kubeconfig get synctargets"),),
        ),
        *targets, *objects, *kinds(), *_queues(rng), *_health(), *_history(),
        PlacementRecord(name=S("shop"), phase="Bound", strategy="OneToMany",
                        targets=tuple(S(name) for name, _ in CLUSTERS), reason=S("all match")),
    ]  # fmt: skip


def _target(rng: random.Random, index: int, name: str, env: str) -> TargetRecord:
    states: dict[int, dict[str, Any]] = {
        2: dict(deletes_held=14, deletes_held_since=NOW - 420, reason=S("DeletesHeld"),
                message=S("14 deletions in 10 minutes are more than the brake lets pass")),
        3: dict(state=TargetState.UNREACHABLE, ready=False, reason=S("ClusterUnreachable"),
                message=S("connect to 10.9.8.7:6443 timed out; check the VPN"),
                next_try_at=NOW + 14, health=Health.UNHEALTHY, contact_at=NOW - 260,
                heartbeat_at=NOW - 265, since=NOW - 255, in_sync=0, stale=41),
        4: dict(pause=Pause(NOW + 1500, S("mara"), S("JIRA-1842 node upgrade"))),
        5: dict(cordoned=True, state=TargetState.SYNCING),
    }  # fmt: skip
    base: dict[str, Any] = dict(
        name=S(name), target_key=f"k{index}9Lsq3x", state=TargetState.SYNCING, ready=True,
        health=Health.HEALTHY, since=NOW - 7900, heartbeat_at=NOW - 3 * index,
        contact_at=NOW - 1, conditions=_conditions(index == 3), kinds=len(KINDS), objects=41,
        in_sync=41 - (index % 3), pending=index % 3, failed=2 if index == 2 else 0,
        queue_depth=rng.choice((0, 0, 1, 12)), lag_p50_ms=rng.uniform(3, 20),
        lag_p95_ms=rng.uniform(20, 900), concurrency=16, version=S("v1.36.2"),
        address=S(f"https://{name}.example:6443"), cluster_uid=S(f"uid-{index}"),
        labels=((S("env"), S(env)), (S("region"), S(name[:2]))),
    )  # fmt: skip
    return TargetRecord(**(base | states.get(index, {})))


def _conditions(broken: bool) -> tuple[Condition, ...]:
    status = "False" if broken else "True"
    since = NOW - (200 if broken else 7900)
    rows = (
        ("Ready", status, "HeartbeatMissed" if broken else "Ready", "no heartbeat for 265 s"),
        ("SyncerReady", status, "ClusterUnreachable" if broken else "Syncing", "dial timed out"),
        ("HeartbeatReady", status, "NoHeartbeat" if broken else "Heartbeat", "last at 14:08:55Z"),
        ("APIImportsReady", "True", "Imported", ""),
    )
    return tuple(Condition(t, s, S(r), S(m), since) for t, s, r, m in rows)


def _objects(rng: random.Random) -> list[ObjectRecord]:
    found = []
    for namespace in ("payments", "shop"):
        for kind, resource in KINDS:
            for name in NAMES:
                found.append(_object(rng, namespace, kind, resource, name))
    return found


def _object(
    rng: random.Random, namespace: str, kind: str, resource: str, name: str
) -> ObjectRecord:
    cells = []
    for target, _env in CLUSTERS:
        if rng.random() < 0.25:
            continue
        state = SyncState.STALE if target == "lab-basement" else SyncState.IN_SYNC
        reason = message = ""
        if (namespace, kind, name, target) == ("shop", "Deployment", "web", "eu-west-1"):
            state, reason, message = SyncState.DRIFTED, "FieldDrift", "spec.replicas: 3, wanted 4"
        elif (namespace, name, target) == ("payments", "billing", "us-east-1"):
            state, reason = SyncState.FAILED, "AdmissionDenied"
            message = "admission webhook quota.example denied the request: over quota"
        elif rng.random() < 0.03:
            state, reason = SyncState.PENDING, "Queued"
        ready = "3/3" if kind in ("Deployment", "StatefulSet") else ""
        cells.append(Cell(S(target), state, S(reason), S(message), NOW - 400, ready))
    return ObjectRecord(
        kind=S(kind), resource=S(resource), namespace=S(namespace), name=S(name), uid="u-1",
        created_at=NOW - rng.randrange(60, 900_000), generation=rng.randrange(1, 9),
        health=Health.HEALTHY, summary=S("3/3 ready"), placement=S("Placement shop: all match"),
        cells=tuple(cells),
    )  # fmt: skip


def _queues(rng: random.Random) -> list[QueueRecord]:
    rows = []
    for target, _ in (("hub", ""), *CLUSTERS):
        for _kind, resource in KINDS:
            busy = rng.random() < 0.15
            failing = (target, resource) == ("us-east-1", "deployments.apps")
            rows.append(
                QueueRecord(
                    target=S(target), kind=S(resource), depth=rng.randrange(1, 90) if busy else 0,
                    in_flight=rng.randrange(0, 8) if busy else 0, retrying=3 if failing else 0,
                    dead=1 if failing else 0,
                    delayed=3 if failing else 0, done_total=rng.randrange(40, 9000),
                    failed_total=17 if failing else 0, oldest_at=NOW - 12 if busy else 0.0,
                    last_error=S("422 admission webhook denied the request" if failing else ""),
                    last_error_at=NOW - 25 if failing else 0.0,
                )
            )  # fmt: skip
    return rows


def _health() -> list[HealthRecord]:
    worst = {"lab-basement": Health.UNHEALTHY, "us-east-1": Health.DEGRADED}
    nodes = [
        HealthRecord(path=S("system"), label=S("system"), status=Health.UNHEALTHY,
                     reason=S("lab-basement: ClusterUnreachable"), since=NOW - 255)
    ]  # fmt: skip
    for name, _ in CLUSTERS:
        status = worst.get(name, Health.HEALTHY)
        reason = {Health.UNHEALTHY: "ClusterUnreachable", Health.DEGRADED: "3 keys retrying"}
        nodes.append(HealthRecord(path=S(f"system/targets/{name}"), label=S(name), status=status,
                                  reason=S(reason.get(status, "")), since=NOW - 255))  # fmt: skip
        for _, resource in KINDS[:3]:
            own = Health.UNKNOWN if status is Health.UNHEALTHY else Health.HEALTHY
            nodes.append(
                HealthRecord(path=S(f"system/targets/{name}/{resource}"), label=S(resource),
                             status=own, since=NOW - 255,
                             reason=S("not seen for 4 minutes" if own is Health.UNKNOWN else ""))
            )  # fmt: skip
    return nodes


def _history() -> list[HistoryRecord]:
    rows = (
        ("error", "High", "ClusterUnreachable", "lab-basement", "", 255, 9, 0,
         "connect to 10.9.8.7:6443 timed out", "check the VPN and the API server", ""),
        ("error", "Medium", "AdmissionDenied", "us-east-1", "deployments.apps/payments/billing",
         420, 6, 0, "admission webhook quota.example denied the request: over quota",
         "raise the quota or scale down", ""),
        ("error", "Medium", "ConflictError", "eu-west-1", "deployments.apps/shop/web", 900, 2, 60,
         "409: the object has been modified", "nothing: it is applied again", ""),
        ("drift", "Low", "FieldDrift", "eu-west-1", "deployments.apps/shop/web", 45, 1, 0,
         "spec.replicas 4 -> 3 by kubectl-edit", "", ""),
        ("action", "Low", "PauseTarget", "us-east-1", "", 300, 1, 0, "until 14:38:20Z",
         "", "mara"),
        ("action", "Low", "CordonTarget", "us-west-2-edge-retail-07", "", 2400, 1, 0, "",
         "", "mara"),
        ("placement", "Low", "Placed", "", "deployments.apps/shop/web", 7200, 1, 0,
         "6 targets match env in (prod, stage, dev)", "", ""),
        ("lifecycle", "Low", "EngineStarted", "", "", 8000, 1, 0, "version 0.1.0", "", ""),
    )  # fmt: skip
    return [
        HistoryRecord(
            id=f"h{index:04d}", at=NOW - ago, category=category, severity=severity, event=event,
            target=S(target), subject=S(subject), message=S(message), hint=S(hint), count=times,
            last_at=NOW - ago / 3, recovered_at=NOW - ago + healed if healed else 0.0,
            actor=S(actor),
        )
        for index, (category, severity, event, target, subject, ago, times, healed, message, hint,
                    actor) in enumerate(rows)
    ]  # fmt: skip
