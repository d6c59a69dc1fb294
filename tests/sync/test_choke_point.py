"""Only an API server's one writer changes it: no code has another way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_type_hints

import pytest

from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.reader import Reader, Watcher
from tmcconsole.sync.state.hub import Hub
from tmcconsole.sync.state.target import Target

CODE = Path(__file__).parents[2] / "tmcconsole"
WRITES = ("apply", "create", "delete", "json_patch", "merge_patch", "scale")
ACTING = sorted(
    path for part in ("sync", "engine", "placement") for path in (CODE / part).rglob("*.py")
)
# Where the code asks a client to write, by what the method is called on.
WRITERS: Final = {
    ("sync/policy/target_writer.py", "self._client"),
    ("sync/state/hub_writer.py", "self._client"),
    # The fence rests on Leases: they are renewed past it, and wait for no other work.
    ("engine/replicas/leases.py", "self.client"),
    # Before there is an engine: what `tmc-console init --install` writes, as another manager.
    ("placement/install.py", "client"),
}


def calls_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (what the method is called on, the method) of every method call."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func.value), node.func.attr


@pytest.mark.parametrize("reading", [Reader, Watcher])
def test_a_reader_can_do_nothing_that_changes_a_server(reading: type) -> None:
    assert [name for name in WRITES if hasattr(reading, name)] == []
    assert [name for name in WRITES if name not in vars(Client)] == []


@pytest.mark.parametrize("held_by", [Hub, HubSession, Target])
def test_reconcilers_and_sessions_hold_a_reader_and_no_client(held_by: type) -> None:
    assert get_type_hints(held_by)["client"] in (Reader, Watcher)


def test_every_write_of_a_client_is_one_of_a_writer() -> None:
    found = {
        (str(path.relative_to(CODE)), on)
        for path in ACTING
        for on, name in calls_of(path)
        if name in WRITES and on.endswith("client")
    }

    assert found == WRITERS


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def test_permits_are_made_by_the_policy_and_writers_by_who_connects() -> None:
    users = {
        name: {str(path.relative_to(CODE)) for path in ACTING if name in names_in(path)}
        for name in ("_SEAL", "TargetWriter", "HubWriter")
    }

    assert users["_SEAL"] == {"sync/policy/permit.py"}
    assert users["TargetWriter"] <= {"sync/state/target.py", "engine/targets/wiring.py"}
    assert users["HubWriter"] <= {"sync/state/hub.py", "engine/hub/open_session.py"}
