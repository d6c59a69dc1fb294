"""The cost of an idle engine: CPU, memory and writes, at 1,000 and 10,000 objects."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio

from tests.bench.fleet import Fleet
from tests.bench.hands import open_hands
from tests.bench.table import Row
from tmcconsole import __version__
from tmcconsole.config.write import to_toml, write_private
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.link import LinkLost
from tmcconsole.contract.records import EngineRecord
from tmcconsole.daemon.socket_client import RemoteEngine
from tmcconsole.placement.install import install

IDLE_S = 20.0
TICKS = os.sysconf("SC_CLK_TCK")


def measure(fleet: Fleet, quick: bool) -> list[Row]:
    """Return CPU, memory and write attempts of a daemon at rest, at two sizes."""
    rows: list[Row] = []
    settings = fleet.settings("idle-state")
    config = fleet.folder / "idle.toml"
    write_private(config, to_toml(settings))
    anyio.run(_install, fleet)
    with _daemon(config) as pid:
        empty_kib = _resident_kib(pid)
        done = 0
        for count in (100, 1000) if quick else (1000, 10_000):
            took = anyio.run(_grow, fleet, settings.state_dir / "engine.sock", done, count)
            done = count
            rows += _rest(fleet, settings.state_dir / "engine.sock", pid, count, took, empty_kib)
    return rows


async def _install(fleet: Fleet) -> None:
    async with open_hands(fleet) as hands:
        await install(hands.hub, fleet.settings("idle-state").targets)
        await hands.make_namespace("idle", labels={"app": "idle"})
        await hands.place("idle")


async def _grow(fleet: Fleet, socket: Path, done: int, count: int) -> float:
    """Fill up to ``count`` objects; return the seconds until all copies are in sync."""
    start = time.perf_counter()
    async with open_hands(fleet) as hands:
        # Names continue where the last size ended.
        await hands.fill("idle", count, 0) if not done else await _more(hands, done, count)
    copies = count * len(fleet.clusters)
    while True:
        record = await _engine_record(socket)
        if record is not None and record.in_sync >= copies:
            return time.perf_counter() - start
        await anyio.sleep(0.25)


async def _more(hands, done: int, count: int) -> None:  # type: ignore[no-untyped-def]
    from tests.bench.hands import in_parallel
    from tests.world.world import CONFIGMAPS, make_configmap

    trees = [make_configmap(f"cm-{n}", "idle", payload="x" * 1024) for n in range(done, count)]
    jobs = [lambda tree=tree: hands.apply(hands.hub, CONFIGMAPS, tree) for tree in trees]
    await in_parallel(16, jobs)


async def _engine_record(socket: Path) -> EngineRecord | None:
    try:
        async with await RemoteEngine.open(socket, version=__version__) as link:
            changes = await link.changes(NOTHING_SEEN)
    except (LinkLost, OSError):
        return None
    found = [record for record in changes.upserted if isinstance(record, EngineRecord)]
    return found[0] if found else None


def _rest(
    fleet: Fleet, socket: Path, pid: int, count: int, took: float, empty_kib: int
) -> list[Row]:
    time.sleep(12)  # until the first garbage collection after the load is over
    before, writes = _cpu_s(pid), anyio.run(_engine_record, socket)
    time.sleep(IDLE_S)
    after, writes_after = _cpu_s(pid), anyio.run(_engine_record, socket)
    attempts = (
        writes_after.write_attempts - writes.write_attempts if writes and writes_after else -1
    )
    cached = count * (1 + len(fleet.clusters))
    resident = _resident_kib(pid)
    what = f"{count:,} objects x {len(fleet.clusters)} targets at rest"
    share = (after - before) / IDLE_S
    return [
        Row(f"{what}: until in sync, hub writes included", fleet.servers, f"{took:.1f} s"),
        Row(f"{what}: CPU", fleet.servers, f"{share:.2%} of a core", "< 1 %"),
        Row(f"{what}: memory", fleet.servers, f"{resident / 1024:.0f} MiB"),
        Row(
            f"{what}: memory per cached object",
            fleet.servers,
            f"{resident / cached:.1f} KiB ({(resident - empty_kib) / cached:.1f} beyond empty)",
            "≤ 8 KB, process included, at 40,000",
        ),
        Row(
            f"{what}: write attempts in {IDLE_S:.0f} s",
            fleet.servers,
            str(attempts),
            "0 beyond heartbeats",
        ),
    ]


@contextmanager
def _daemon(config: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "tmcconsole", "run", "--config", str(config)]
    with (config.with_suffix(".log")).open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            time.sleep(4)
            yield process.pid
        finally:
            process.terminate()
            process.wait(15)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0
