"""``tmc-console status``: asks the running engine, or reads the hub if none runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio

from tmcconsole import __version__
from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.failure import CommandFailure, one_line
from tmcconsole.cli.setting import loaded, runtime_of, socket_of
from tmcconsole.config.settings import Settings, SyncSettings
from tmcconsole.contract.link import LinkLost
from tmcconsole.contract.text import SafeText
from tmcconsole.daemon.follow import Follower
from tmcconsole.daemon.printer import COUNTS, Document, document, to_json, to_table
from tmcconsole.daemon.socket_client import RemoteEngine
from tmcconsole.daemon.verdict import NOT_ASKED, exit_code


def run(arguments: Arguments) -> int:
    """Print the state of all targets; the exit code tells whether all is known and well."""
    settings = loaded(arguments).settings
    try:
        status, code = anyio.run(_ask, socket_of(settings))
    except LinkLost as lost:
        print(f"{one_line(lost)}: this is what the hub reports", file=sys.stderr)
        status, code = _from_hub(settings, one_line(lost)), NOT_ASKED
    print(to_json(status) if arguments.output == "json" else to_table(status))
    return code


async def _ask(socket: Path) -> tuple[Document, int]:
    async with await RemoteEngine.open(socket, version=__version__) as engine:
        board = Follower()
        await board.pull(engine)
        return document(board), exit_code(board)


def _from_hub(settings: Settings, cause: str) -> Document:
    from tmcconsole.kube.errors import KubeError
    from tmcconsole.runtime import TransportError

    try:
        return anyio.run(_read_hub, settings) | {"unknown": [_no_engine(cause)]}
    except (KubeError, TransportError, TimeoutError) as error:
        raise CommandFailure(f"hub: {one_line(error)}", NOT_ASKED) from error


def _no_engine(cause: str) -> Document:
    return {"what": "engine", "age_s": None, "cause": cause}


async def _read_hub(settings: Settings) -> Document:
    """Return what the SyncTargets report; values that only an engine knows are None."""
    from tmcconsole.kube.client.client import Client
    from tmcconsole.placement.api import SYNC_TARGETS

    runtime = runtime_of(settings)
    client = Client(await runtime.dial("hub"), name="hub")
    try:
        with anyio.fail_after(30):
            trees = [
                found.decode()
                async for page in client.list_pages(SYNC_TARGETS)
                for found in page.items
            ]
    finally:
        await client.aclose()
    return {
        "targets": [_target(tree, runtime.wall(), settings.sync) for tree in trees],
        "kinds": [kind for tree in trees for kind in _kinds(tree)],
        "unhealthy": None,
        "objects": dict.fromkeys(COUNTS),
        "errors": [],
        "engine": {"version": None, "uptime_s": None, "revision": None, "hub_connected": True},
    }


def _kinds(tree: dict[str, Any]) -> list[Document]:
    """Return the kinds that the SyncTarget reports as not synced."""
    found = (tree.get("status") or {}).get("syncedResources") or ()
    return [
        {
            "target": SafeText(tree["metadata"]["name"]),
            "kind": SafeText(".".join(filter(None, (one.get("resource"), one.get("group"))))),
            "state": str(SafeText(one.get("state", ""))),
            "reason": "",
            "message": "",
        }
        for one in found
        if isinstance(one, dict) and one.get("state") != "Accepted"
    ]


def _target(tree: dict[str, Any], wall: float, sync: SyncSettings) -> Document:
    """Return a SyncTarget's state; without a recent heartbeat it is not ready, whatever it
    reports.
    """
    from tmcconsole.placement.api import read_sync_target

    target = read_sync_target(tree, "")
    age = max(0.0, wall - target.heartbeat_at) if target.heartbeat_at else None
    is_silent = age is None or age > sync.heartbeat_timeout_s
    return {
        "name": SafeText(target.name),
        "ready": target.ready and not is_silent,
        "paused": target.pause is not None,
        "cordoned": target.unschedulable,
        "heartbeat_age_s": None if age is None else round(age, 1),
        **dict.fromkeys(("queue_depth", "objects", "in_sync", "stale")),
        "state": "Silent" if is_silent else "Served",
        "reason": "NoHeartbeat" if is_silent else "",
        "message": "",
    }
