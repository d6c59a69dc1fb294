"""The invariants that hold after every step. Their ids are those of the specification.

An object is ours if the engine was seen to make it, not by its labels: they can be lost or forged.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import orjson

from tests.simulation.marks import (
    STAMP,
    Parent,
    is_wanted,
    namespace_of_locator,
    read_copy,
    residents,
    syncer_finalizers,
    target_keys_marked,
    target_keys_wanting,
)
from tests.simulation.moves import DEPLOYMENTS, Moves
from tests.simulation.trace import Trace, Violation
from tests.simulation.wire import ACTOR, WRITING
from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Request, Response
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.request.request_info import ADMIN, RequestInfo, parse
from tmcconsole.sim.storage.status_errors import StatusError
from tmcconsole.sim.storage.store import Commit, StoreKey

PROOF_S: Final = 60.0  # how old the live read behind a deletion may be
RECHECK_S: Final = 590.0  # a collision is checked again no sooner, unless something changed
READS: Final = 16  # remembered of one object
WINDOW_S: Final = 60.0
MOST_ATTEMPTS: Final = 80  # of one request in the window (I12)


@dataclass(frozen=True, slots=True)
class Made:
    """An object the engine has made on a cluster, and which is still there."""

    kind: str
    key: StoreKey
    parent: Parent | None  # None for namespaces


@dataclass(slots=True)
class LiveRead:
    """What the hub told the engine about one object."""

    at: float
    tree: Json | None


@dataclass(slots=True)
class Watchdog:
    """Checks every request and every commit; the first violation ends the run."""

    clusters: dict[str, SimCluster]  # "hub" and the targets
    keys: dict[str, str]  # SyncTarget key by target name
    now: Callable[[], float]
    trace: Trace
    on_violation: Callable[[], None]
    memory: Callable[[], int] = lambda: 0  # changes whenever the engine has lost its memory
    on_request: Callable[[], None] = lambda: None  # called after each decision of the engine
    announced: Counter[str] = field(default_factory=Counter)  # uid: announcements in the audit log
    violation: Violation | None = None
    made: dict[str, dict[str, Made]] = field(default_factory=dict)  # cluster: uid: object
    writes: Counter[str] = field(default_factory=Counter)  # the engine's attempts, by cluster
    last_write: str = ""
    under_way: Counter[str] = field(default_factory=Counter)  # requests waiting for an answer
    moves: Moves = field(init=False)
    _reads: dict[tuple[str, StoreKey], deque[LiveRead]] = field(default_factory=dict)
    _born: dict[str, dict[str, float]] = field(default_factory=dict)  # cluster: uid: when
    # (hub namespace, target key): since when it is placed there
    _placed: dict[tuple[str, str], float] = field(default_factory=dict)
    _creates: Counter[tuple[str, str]] = field(default_factory=Counter)  # (cluster, parent uid)
    _allowed: Counter[tuple[str, str]] = field(default_factory=Counter)
    _refused: dict[tuple[object, ...], list[float]] = field(default_factory=dict)
    _seen: dict[tuple[int, str, str, StoreKey], float] = field(default_factory=dict)  # live reads
    _attempts: dict[tuple[int, str, str, str, bytes], deque[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.moves = Moves(self.clusters, self.keys, self.now)
        for name, cluster in self.clusters.items():
            self.made[name], self._born[name] = {}, {}
            cluster.store.on_commit(self._hook(name))

    def fail(self, invariant: str, message: str) -> None:
        """Record the first violation and end the run."""
        if self.violation is None:
            self.violation = Violation(invariant, message)
            self.trace.commit(f"VIOLATION {self.violation}")
            self.on_violation()

    # Requests

    def sent(self, cluster: str, request: Request, life: int) -> None:
        """Check a request that the engine sends."""
        self.under_way[_line(cluster, request)] += ("watch", "1") not in request.query
        self.trace.request(f"{life} {cluster} {request.method} {request.path} {request.query}")
        self._count_attempt(cluster, request)
        self.on_request()
        asked = self._understand(cluster, request)
        if asked is None or request.method not in WRITING or asked.is_dry_run:
            return
        if asked.verb == "create" and asked.kind.verbs == ("create",):
            return  # a review
        if asked.kind.id not in ("synctargets.workload.kcp.io", "leases.coordination.k8s.io"):
            self.writes[cluster] += 1
            self.last_write = _line(cluster, request)

    def answered(self, cluster: str, request: Request, answer: Response | None, life: int) -> None:
        """Record that a request of the engine was answered, or failed."""
        self.under_way[_line(cluster, request)] -= 1
        status = answer.status if answer else 0
        self.trace.request(f"{life} {cluster} {status} to {request.method} {request.path}")
        asked = self._understand(cluster, request)
        if asked is None or answer is None or asked.subresource:
            return
        if cluster == "hub" and asked.verb == "get" and status in (200, 404):
            tree = orjson.loads(answer.body) if status == 200 else None
            reads = self._reads.setdefault((asked.kind.id, asked.key), deque(maxlen=READS))
            reads.append(LiveRead(self.now(), tree))
        if cluster != "hub" and asked.verb == "get" and status == 200:
            self.moves.seen(cluster, orjson.loads(answer.body))
            self._seen[self.memory(), cluster, asked.kind.id, asked.key] = self.now()
        if cluster != "hub" and request.method in WRITING and status == 409:
            self._check_quarantine(cluster, asked, self.memory())

    def _understand(self, cluster: str, request: Request) -> RequestInfo | None:
        try:
            return parse(request, self.clusters[cluster].server.kinds, ADMIN)
        except StatusError:
            return None

    def _count_attempt(self, cluster: str, request: Request) -> None:
        """I12: the attempts of the same request are bounded.

        Counted per life of the engine: one that starts again has to check everything again, and a
        world may start one every few seconds.
        """
        asked = request.body if request.path.endswith("reviews") else b""  # reviews share a path
        one = (self.memory(), cluster, request.method, request.path, asked)
        recent = self._attempts.setdefault(one, deque())
        now = self.now()
        while recent and recent[0] < now - WINDOW_S:
            recent.popleft()
        recent.append(now)
        if len(recent) > MOST_ATTEMPTS:
            what = f"{request.method} {request.path} on {cluster}"
            self.fail("I12", f"{len(recent)} times {what} within {WINDOW_S:.0f} s")

    def _check_quarantine(self, cluster: str, asked: RequestInfo, memory: int) -> None:
        """I10: an object seen to be foreign is tried again only after a change or a long time."""
        found = self.clusters[cluster].store.find(asked.kind.id, asked.key)
        if found is None or found.uid in self.made[cluster] or asked.kind.id == "namespaces":
            return
        sent = read_copy(asked.body)
        desired = (sent.digest, self._allowed[cluster, sent.parent.uid]) if sent else ()
        tries = self._refused.setdefault((memory, cluster, found.uid, desired), [])
        seen_at = self._seen.get((memory, cluster, asked.kind.id, asked.key), -1.0)
        if tries and tries[-1] <= seen_at and self.now() - tries[-1] < RECHECK_S:
            again = self.now() - tries[-1]
            what = f"{asked.kind.id} {asked.key} on {cluster}"
            self.fail("I10", f"the foreign {what} was written to again after {again:.1f} s")
        tries.append(self.now())

    # Commits

    def _told(self, cluster: str, actor: str, commit: Commit) -> str:
        """Return a commit as one line; SyncTarget keys are written as names."""
        tree = commit.new or commit.old or {}
        meta, deleting = tree["metadata"], ""
        if meta.get("deletionTimestamp"):
            deleting = " deleting"
        marks = f"{sorted((meta.get('labels') or {}).items())} {meta.get('finalizers') or ''}"
        stamps = [name for name in meta.get("annotations") or {} if name.startswith(STAMP)]
        for name, key in self.keys.items():
            marks = marks.replace(key, name)
            stamps = [stamp.removeprefix(STAMP).replace(key, name) for stamp in stamps]
        where = f"{commit.kind_id} {commit.key.namespace}/{commit.key.name} {commit.subresource}"
        return (
            f"{cluster:<6}{actor or 'cluster'} ({commit.manager}) {commit.verb} {where} "
            f"{meta['uid'][:8]} v{meta['resourceVersion']} g{meta.get('generation', '')}{deleting} "
            f"{marks} {f'leaving {stamps}' if stamps else ''}"
        )

    def _hook(self, cluster: str) -> Callable[[Commit], None]:
        def committed(commit: Commit) -> None:
            actor = ACTOR.get()
            if commit.new is not None:
                self._born[cluster].setdefault(commit.new["metadata"]["uid"], self.now())
            self.trace.commit(self._told(cluster, actor, commit))
            if cluster == "hub":
                self._hub_commit(commit, by_engine=actor == "engine")
            else:
                self._cluster_commit(cluster, commit, by_engine=actor == "engine")

        return committed

    def _hub_commit(self, commit: Commit, *, by_engine: bool) -> None:
        self._check_status_order(commit)
        self._note_turns(commit)
        if not by_engine:
            return
        self._check_release(commit)
        self._check_operator(commit)

    def _check_status_order(self, commit: Commit) -> None:
        """I8: the observed generation in a status never falls."""
        if commit.old is None or commit.new is None:
            return
        before = (commit.old.get("status") or {}).get("observedGeneration") or 0
        after = (commit.new.get("status") or {}).get("observedGeneration")
        if after is not None and after < before:
            self.fail("I8", f"{commit.kind_id} {commit.key}: observed {before}, then {after}")

    def _note_turns(self, commit: Commit) -> None:
        """An object that leaves a target may be created there anew."""
        if commit.kind_id == "namespaces":
            self._note_placed(commit)
        if commit.old is None:
            return
        uid = commit.old["metadata"]["uid"]
        left = target_keys_wanting(commit.old) - target_keys_wanting(commit.new)
        for name, key in self.keys.items():
            if key in left:
                self._allowed[name, uid] += 1

    def _note_placed(self, commit: Commit) -> None:
        keys = target_keys_marked(commit.new)
        for key in self.keys.values():
            if key in keys:
                self._placed.setdefault((commit.key.name, key), self.now())
            else:
                self._placed.pop((commit.key.name, key), None)

    def _check_release(self, commit: Commit) -> None:
        """I4: our finalizer goes only when the copy is gone."""
        if commit.old is None:
            return
        gone = syncer_finalizers(commit.old) - syncer_finalizers(commit.new)
        uid = commit.old["metadata"]["uid"]
        for name, key in self.keys.items():
            copies = [one for one in self.made[name].values() if one.parent]
            held = [one for one in copies if one.parent and one.parent.uid == uid]
            if key in gone and held:
                self.fail("I4", f"{commit.key} was released while {name} has {held[0].key}")

    def _check_operator(self, commit: Commit) -> None:
        """I11: an operator's order is in the audit log before it is carried out."""
        if commit.kind_id != "synctargets.workload.kcp.io" or commit.old is None:
            return
        if commit.new is None or commit.subresource or _orders(commit.old) == _orders(commit.new):
            return
        if not self.announced[commit.new["metadata"]["uid"]]:
            self.fail("I11", f"SyncTarget {commit.key.name} was changed without announcement")

    def _cluster_commit(self, cluster: str, commit: Commit, *, by_engine: bool) -> None:
        tree = commit.new or commit.old or {}
        uid = tree["metadata"]["uid"]
        if commit.verb == "create":
            if by_engine:
                self._check_create(cluster, commit, tree)
            return
        known = self.made[cluster].get(uid)
        if by_engine:
            self._check_change(cluster, commit, known)
        if commit.verb == "delete" and known is not None:
            del self.made[cluster][uid]
        if _is_leaving(commit) and known is not None and known.parent and not by_engine:
            self._allowed[cluster, known.parent.uid] += 1

    def _check_create(self, cluster: str, commit: Commit, tree: Json) -> None:
        namespace = commit.key.namespace or commit.key.name
        if namespace.startswith("kube-") or namespace == "default":
            self.fail("I3", f"{commit.kind_id} {commit.key} was made on {cluster}")
        uid = tree["metadata"]["uid"]
        if commit.kind_id == "namespaces":
            self.made[cluster][uid] = Made(commit.kind_id, commit.key, None)
            return
        parent = Parent.of_origin(tree)
        self.made[cluster][uid] = Made(commit.kind_id, commit.key, parent)
        self._check_place(cluster, commit)
        self._check_protected(cluster, commit, parent)
        self._creates[cluster, parent.uid] += 1
        if self._creates[cluster, parent.uid] > 1 + self._allowed[cluster, parent.uid]:
            self.fail("C1", f"{commit.kind_id} {commit.key} was made once too often on {cluster}")

    def _check_place(self, cluster: str, commit: Commit) -> None:
        """I3: copies live in namespaces of the same name, or in ones that we made for them."""
        name = commit.key.namespace
        found = self.clusters[cluster].store.find("namespaces", StoreKey("", name))
        ours = found is not None and found.uid in self.made[cluster]
        if not ours and self.clusters["hub"].store.get("namespaces", "", name) is None:
            self.fail("I3", f"{commit.kind_id} {commit.key} is in a foreign namespace on {cluster}")

    def _check_protected(self, cluster: str, commit: Commit, parent: Parent) -> None:
        """I5: the hub object has our finalizer before the first copy exists.

        A hub that serves old lists to an engine that has just started can hide that it is gone
        again. Such a copy is taken away when the hub tells the truth.
        """
        if self.clusters["hub"].faults.stale_lists:
            return
        source = self.clusters["hub"].store.get(commit.kind_id, *parent.key)
        if source is None or source["metadata"]["uid"] != parent.uid:
            self.fail("I5", f"{commit.key} on {cluster} has no parent in the hub any more")
        elif self.keys[cluster] not in syncer_finalizers(source):
            self.fail("I5", f"{commit.key} was made on {cluster} before the finalizer")

    def _check_change(self, cluster: str, commit: Commit, known: Made | None) -> None:
        """I1, and for deletions I2 and I11."""
        if known is None:
            self.fail("I1", f"the foreign {commit.kind_id} {commit.key} on {cluster} was changed")
            return
        self._check_shrinking(cluster, commit, known)
        if not _is_leaving(commit):
            return
        assert commit.old is not None
        if not self.announced[commit.old["metadata"]["uid"]]:
            what = f"{commit.kind_id} {commit.key} on {cluster}"
            self.fail("I11", f"{what} was deleted without announcement")
        if known.parent is None:
            self._check_emptied(cluster, commit.old)
        else:
            self._check_deletion(cluster, commit, known.parent)

    def _check_shrinking(self, cluster: str, commit: Commit, known: Made) -> None:
        """R13 for replicas that move from one target to another without a copy leaving."""
        if commit.kind_id != DEPLOYMENTS or not known.parent or not (commit.old and commit.new):
            return
        found = self.moves.shrinking(cluster, commit.old, commit.new, known.parent)
        if found:
            self.fail("R13", f"{commit.kind_id} {commit.key} on {cluster} shrank: {found}")

    def _check_deletion(self, cluster: str, commit: Commit, parent: Parent) -> None:
        what = f"{commit.kind_id} {commit.key} on {cluster}"
        since = self.now() - PROOF_S
        reads = self._reads.get((commit.kind_id, parent.key), ())
        fresh = [read.tree for read in reads if read.at >= since]
        if not fresh:
            self.fail("I2", f"{what} was deleted without a live read of its parent (D2)")
        elif all(is_wanted(tree, parent.uid, self.keys[cluster]) for tree in fresh):
            self.fail("I2", f"{what} was deleted although its parent wants it there")
        assert commit.old is not None
        found = self.moves.complaint(cluster, commit.kind_id, commit.old, parent)
        if found:
            self.fail("R13", f"{what} was taken away: {found}")

    def _check_emptied(self, cluster: str, namespace: Json) -> None:
        """I1 and I2 for a namespace: it has nobody's objects, and the hub does not need it."""
        name = namespace["metadata"]["name"]
        source = namespace_of_locator(namespace)
        placed_at = self._placed.get((source, self.keys[cluster]))
        if placed_at is not None and placed_at < self.now() - PROOF_S:
            self.fail("I2", f"namespace {name} on {cluster} was deleted, but {source} is placed")
        born, long_ago = self._born[cluster], self.now() - PROOF_S
        for stored in residents(self.clusters[cluster].store, name):
            if born.get(stored.uid, 0.0) < long_ago:
                what = f"{stored.kind.id} {stored.key.name}"
                self.fail("I1", f"namespace {name} on {cluster} was deleted with {what} in it")


def _line(cluster: str, request: Request) -> str:
    return f"{cluster} {request.method} {request.path}"


def _is_leaving(commit: Commit) -> bool:
    """True for a deletion that had not begun before."""
    if commit.old is None or commit.old["metadata"].get("deletionTimestamp"):
        return False
    return commit.new is None or bool(commit.new["metadata"].get("deletionTimestamp"))


def _orders(tree: Json) -> tuple[object, ...]:
    notes = tree["metadata"].get("annotations") or {}
    orders = {name: notes[name] for name in sorted(notes) if not name.endswith("cluster-uid")}
    return tree.get("spec"), str(orders)
