"""The faults of a simulated cluster, which can be switched by name while it runs.

A fault is one or more attributes of ``Faults``, which code may also set directly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from tmcconsole.runtime import Random
from tmcconsole.sim.storage.store import Snapshot, Store


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """One fault. ``parameters`` are attributes of ``Faults`` and the values that switch it on."""

    name: str
    title: str
    parameters: Mapping[str, Any]
    is_action: bool = False  # happens once when switched on; cannot be switched off


@dataclass
class Switches:
    """The state of all faults. Defaults mean no fault; shares are fractions of requests, 0..1."""

    latency_s: float = 0.0  # each way
    jitter_s: float = 0.0  # added to the latency, evenly distributed
    outage: bool = False  # connections are refused
    blackhole: bool = False  # requests get no answer until they time out
    one_way: bool = False  # requests are carried out, but no response comes back
    reject_share: float = 0.0  # answered 429
    reject_next: int = 0
    retry_after_s: int = 1
    error_share: float = 0.0  # answered 5xx before anything is done
    error_next: int = 0
    error_code: int = 500
    silent_watches: bool = False  # open watches carry no bytes, not even bookmarks
    short_watches: bool = False  # watches are accepted and ended at once
    watch_410: bool = False  # opening a watch from a version answers 410 as HTTP status
    no_bookmarks: bool = False
    only_bookmarks: bool = False  # watches carry bookmarks that run ahead of withheld events
    refuse_watch_list: bool = False  # sendInitialEvents is answered 422
    no_initial_end: bool = False  # the bookmark that ends the initial events never comes
    disorder_share: float = 0.0  # of watch events that are doubled, repeated late or distorted
    lost_reply_share: float = 0.0  # writes that are committed, but whose answer is lost
    lost_reply_next: int = 0
    stale_lists: bool = False  # lists and watches show the state from when this was switched on
    expired_continue: bool = False
    empty_lists: bool = False  # lists answer 200 without items
    empty_resource: str = ""  # only these ("pods", "deployments.apps"); "" = all
    short_pages: bool = False  # pages hold fewer items than asked for
    slow_list_s: float = 0.0
    unauthorized: bool = False  # 401 for everything
    forbidden: set[tuple[str, str]] = field(default_factory=set)  # (verb or *, kind id or *)
    failing_kinds: set[str] = field(default_factory=set)  # kind ids whose reads answer 500
    hidden_kinds: set[str] = field(default_factory=set)  # kind ids that are not served
    conflict_share: float = 0.0  # updates and patches answered 409
    conflict_next: int = 0
    webhook_delay_s: float = 0.0  # writes hang in an admission webhook ...
    webhook_fails: bool = False  # ... and then fail with 500
    mutating_webhook: bool = False  # every write gets a fresh annotation
    quota: bool = False  # creates answer 403 exceeded quota
    malformed_share: float = 0.0  # share of the objects read, chosen by name
    malformed_resource: str = ""  # only these ("pods", "deployments.apps"); "" = all
    another_cluster: bool = False  # kube-system has a different UID
    skew_s: float = 0.0  # offset of the server's clock


_SPECS: Final = (
    FaultSpec(
        "latency", "Slow network: every request takes longer", {"latency_s": 2.0, "jitter_s": 0.5}
    ),
    FaultSpec("outage", "Outage: connections are refused", {"outage": True}),
    FaultSpec("blackhole", "Black hole: requests get no answer", {"blackhole": True}),
    FaultSpec("one_way", "One-way: requests arrive, answers are lost", {"one_way": True}),
    FaultSpec(
        "reject_429",
        "Overload: requests answered 429",
        {"reject_share": 1.0, "reject_next": 0, "retry_after_s": 1},
    ),
    FaultSpec(
        "server_error_5xx",
        "Server errors: requests answered 5xx",
        {"error_share": 1.0, "error_next": 0, "error_code": 500},
    ),
    FaultSpec("cut_watches", "Cut all watches", {"mid_line": False}, is_action=True),
    FaultSpec(
        "silent_watches", "Silent watches: open, but without a byte", {"silent_watches": True}
    ),
    FaultSpec("short_watches", "Watches end as soon as they are accepted", {"short_watches": True}),
    FaultSpec("watch_410", "Opening a watch answers 410", {"watch_410": True}),
    FaultSpec("no_bookmarks", "Watches carry no bookmarks", {"no_bookmarks": True}),
    FaultSpec("only_bookmarks", "Watches carry nothing but bookmarks", {"only_bookmarks": True}),
    FaultSpec("refuse_watch_list", "Streaming lists are refused", {"refuse_watch_list": True}),
    FaultSpec("no_initial_end", "Streaming lists never end", {"no_initial_end": True}),
    FaultSpec("disorder", "Watch events doubled, late or distorted", {"disorder_share": 0.3}),
    FaultSpec(
        "lost_reply",
        "Writes are committed, but the answer is lost",
        {"lost_reply_share": 1.0, "lost_reply_next": 0},
    ),
    FaultSpec("stale_lists", "Stale server: lists and watches are frozen", {"stale_lists": True}),
    FaultSpec("expired_continue", "Paged lists expire", {"expired_continue": True}),
    FaultSpec("short_pages", "Pages are shorter than promised", {"short_pages": True}),
    FaultSpec("compact", "Forget the history: watches must list again", {}, is_action=True),
    FaultSpec("back_up", "Remember the present state as a backup", {}, is_action=True),
    FaultSpec("restore", "Restore the backup: what came since is gone", {}, is_action=True),
    FaultSpec("empty_lists", "Lists are empty", {"empty_lists": True, "empty_resource": ""}),
    FaultSpec("slow_list", "Lists are slow", {"slow_list_s": 30.0}),
    FaultSpec("unauthorized", "Credentials are refused", {"unauthorized": True}),
    FaultSpec("forbidden", "Permissions are withdrawn", {"forbidden": {("*", "*")}}),
    FaultSpec("kind_500", "Reads of some kinds fail", {"failing_kinds": set()}),
    FaultSpec("kind_gone", "Some kinds are no longer served", {"hidden_kinds": set()}),
    FaultSpec("conflicts", "Updates meet conflicts", {"conflict_share": 1.0, "conflict_next": 0}),
    FaultSpec(
        "webhook_timeout",
        "An admission webhook hangs and fails",
        {"webhook_delay_s": 10.0, "webhook_fails": True},
    ),
    FaultSpec("mutating_webhook", "A webhook changes every write", {"mutating_webhook": True}),
    FaultSpec("quota", "Creates exceed the quota", {"quota": True}),
    FaultSpec(
        "malformed",
        "Objects are malformed",
        {"malformed_share": 0.3, "malformed_resource": ""},
    ),
    FaultSpec(
        "another_cluster", "Another cluster answers at the address", {"another_cluster": True}
    ),
    FaultSpec("clock_skew", "The server's clock is wrong", {"skew_s": 3600.0}),
)
FAULTS: Final[dict[str, FaultSpec]] = {spec.name: spec for spec in _SPECS}

# With a "next" counter, the default share would hit later requests, too.
_COUNTED: Final = {
    "reject_next": "reject_share",
    "error_next": "error_share",
    "lost_reply_next": "lost_reply_share",
    "conflict_next": "conflict_share",
}


class Faults(Switches):
    """One cluster's faults, owned by the cluster. Anyone with a reference may switch them."""

    def __init__(self, store: Store, rng: Random) -> None:
        super().__init__()
        self._store = store
        self._rng = rng
        self._frozen: Snapshot | None = None
        self._backup: Snapshot | None = None
        self._listeners: list[Callable[[str], None]] = []

    def __repr__(self) -> str:
        return f"Faults(active={self.active()})"

    def switch(self, name: str, on: bool = True, **parameters: Any) -> None:
        """Switch a fault on or off. Raises ValueError for unknown names and parameters.

        A count (``reject_next=3``) without its share hits only the next requests.
        """
        spec = FAULTS.get(name)
        if spec is None:
            raise ValueError(f"no fault {name!r}; there are: {', '.join(FAULTS)}")
        unknown = sorted(set(parameters) - set(spec.parameters))
        if unknown:
            raise ValueError(f"fault {name!r} has no {unknown[0]!r}, but: {list(spec.parameters)}")
        if spec.is_action:
            self._act(name, on, parameters)
            return
        neutral = Switches()
        for attribute, value in spec.parameters.items():
            wanted = parameters.get(attribute, _unless_counted(attribute, value, parameters))
            setattr(self, attribute, wanted if on else getattr(neutral, attribute))
        self.refresh()

    def active(self) -> list[str]:
        """Return the names of the faults that are on."""
        neutral = Switches()
        return [
            spec.name
            for spec in _SPECS
            if not spec.is_action
            and any(getattr(self, name) != getattr(neutral, name) for name in spec.parameters)
        ]

    def clear(self) -> None:
        """Switch everything off."""
        for spec in fields(Switches):
            setattr(self, spec.name, getattr(Switches(), spec.name))
        self.refresh()

    def cut_watches(self, *, mid_line: bool = False) -> None:
        """End all open watches now, optionally in the middle of a line."""
        self._tell("mid-line" if mid_line else "cut")

    def compact(self) -> None:
        """Drop the history: watches from older versions and continue tokens answer 410."""
        self._store.compact()
        self._tell("compacted")

    def back_up(self) -> None:
        """Keep a backup of the current state."""
        self._backup = self._store.snapshot()

    def restore(self) -> None:
        """Restore the last backup. Raises ValueError if there is none."""
        if self._backup is None:
            raise ValueError("there is no backup yet: switch back_up on first")
        self._store.restore(self._backup)
        self._tell("restored")
        self.cut_watches()

    def refresh(self) -> None:
        """Make open watches take note of a switched fault."""
        self._tell("switched")

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call ``listener`` with each event: cut, mid-line, compacted, restored or switched.

        Returns a function that unsubscribes.
        """
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def source(self) -> Store | Snapshot:
        """Return the source of lists: the store, or a frozen snapshot of it."""
        if not self.stale_lists:
            self._frozen = None
            return self._store
        if self._frozen is None:
            self._frozen = self._store.snapshot()
        return self._frozen

    def strikes(self, name: str) -> bool:
        """Return whether ``reject``, ``error``, ``lost_reply`` or ``conflict`` hits a request."""
        left: int = getattr(self, f"{name}_next")
        if left > 0:
            setattr(self, f"{name}_next", left - 1)
            return True
        share: float = getattr(self, f"{name}_share")
        return share > 0 and self._rng.random() < share

    def forbids(self, verb: str, kind_id: str) -> bool:
        """Return whether the permission for a verb on a kind is withdrawn."""
        return any(v in ("*", verb) and k in ("*", kind_id) for v, k in sorted(self.forbidden))

    def delay(self) -> float:
        """Return the one-way delay of a message in seconds."""
        if not (self.latency_s or self.jitter_s):
            return 0.0
        return self.latency_s + self._rng.random() * self.jitter_s

    def disorders(self) -> bool:
        """Return whether the next watch event is distorted."""
        return self.disorder_share > 0 and self._rng.random() < self.disorder_share

    def one_of(self, choices: int) -> int:
        """Return a random number below ``choices``."""
        return self._rng.randrange(choices)

    def _act(self, name: str, on: bool, parameters: Mapping[str, Any]) -> None:
        if not on:
            return
        match name:
            case "compact":
                self.compact()
            case "back_up":
                self.back_up()
            case "restore":
                self.restore()
            case _:
                self.cut_watches(mid_line=bool(parameters.get("mid_line")))

    def _tell(self, what: str) -> None:
        if what == "switched":
            self.source()  # freezes or thaws now
        for listener in list(self._listeners):
            listener(what)


def _unless_counted(attribute: str, value: Any, parameters: Mapping[str, Any]) -> Any:
    for counter, share in _COUNTED.items():
        if share == attribute and parameters.get(counter):
            return 0.0
    return value
