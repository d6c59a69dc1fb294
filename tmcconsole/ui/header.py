"""The two top lines: where we are connected, how fresh the data is, how many rows."""

from __future__ import annotations

from tmcconsole.contract.records import EngineRecord, TargetRecord
from tmcconsole.ui.session import Session
from tmcconsole.ui.style.format import clock_time, count, seconds
from tmcconsole.ui.style.ink import BLANK, Run, Runs, ink
from tmcconsole.ui.style.signs import STANDBY, hub_sign, target_sign

ROOMY = 100  # columns from which the hub's name fits next to the totals


def head_left(session: Session, width: int) -> Runs:
    """Return the program, the hub, and the totals; a narrow line omits the hub's name."""
    engine = session.mirror.engine
    name = Run("tmc-console", "strong")
    mode = Run(f" {session.options.link_mode} ", "badge")
    if engine is None:
        word = "engine lost" if session.lost else "starting engine…"
        return (name, Run(" "), mode, Run(f"  {word}", "dim"))
    where = engine.hub_workspace or engine.hub
    return (
        name, Run(" "), mode, Run("  "),
        *session.draw().state(hub_sign(engine), "hub" if engine.hub_connected else "hub down"),
        *_fleet(session, width),
        *(ink(f"  {where}", "info") if width >= ROOMY else ()),  # last: it may be a long path
    )  # fmt: skip


def _fleet(session: Session, width: int) -> Runs:
    """Return how many targets are ready, including those that another replica writes to, and the
    rest; or that nothing is known of them.
    """
    engine = session.mirror.engine
    assert engine is not None, "the caller has looked"
    targets = session.mirror.of(TargetRecord).values()
    if not targets and not engine.hub_connected:  # the hub has not told of any
        return ink("  targets not known", "dim")
    others = sum(target_sign(target).word == STANDBY for target in targets)
    ready = others + sum(target_sign(target).tone == "synced" for target in targets)
    tone = "synced" if ready == len(targets) else "drift"
    standby = ink(f" ({count(others)} standby)", "dim") if others and width >= ROOMY else ()
    number = Run(f"{ready}/{len(targets)} targets", tone)
    return (Run("  "), number, *standby, *_objects(engine, width))


def _objects(engine: EngineRecord, width: int) -> Runs:
    """Return how many of all copies are in sync, and what holds the others up."""
    if not engine.placed:
        return BLANK
    tone = "synced" if engine.in_sync == engine.placed else "pending"
    runs: Runs = (Run("  "), Run(f"{count(engine.in_sync)}/{count(engine.placed)} in sync", tone))
    if engine.stale:
        runs += (Run(f"  {count(engine.stale)} not known", "stale"),)
    if engine.pending and width >= ROOMY:
        runs += (Run(f"  {count(engine.pending)} pending", "pending"),)
    if engine.held:
        runs += (Run(f"  {count(engine.held)} held", "paused"),)
    if engine.failed:
        runs += (Run(f"  {count(engine.failed)} failed", "failed"),)
    return runs


def head_right(session: Session) -> Runs:
    """Return read-only, hold, and the data's age."""
    runs: list[Run] = []
    if session.read_only:
        runs += [Run("read-only", "paused"), Run("  ")]
    runs += _freshness(session)
    return tuple(runs)


def _freshness(session: Session) -> Runs:
    mirror = session.mirror
    if session.lost:
        since = f", data {seconds(session.data_age)} old" if mirror.loaded else ""
        return ink(f"engine lost{since}", "failed")
    if not mirror.loaded:
        return ink("no data yet", "dim")
    if session.held_at:
        held = seconds(session.clock - session.held_at)
        return ink(f"held {held}, {count(session.waiting)} changes waiting", "paused")
    if session.is_late:
        return ink(f"data {seconds(session.data_age)} old", "drift")
    return ink("live", "synced")


def crumb_right(session: Session, chip: str) -> Runs:
    """Return the row counts, and while the data is old, its time."""
    old = session.is_late or session.held_at
    as_of = f"as of {clock_time(session.held_at or session.mirror.received_at)}Z  " if old else ""
    return (Run(as_of, "drift"), Run(chip, "dim")) if session.mirror.loaded else ink(chip, "dim")
