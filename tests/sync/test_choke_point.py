"""Nothing changes a target but through its door: no code holds another way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.reader import Reader

CODE = Path(__file__).parents[2] / "tmcconsole"
WRITES = ("apply", "create", "delete", "json_patch", "merge_patch", "scale")
# What holds the hub's client under another name than ``hub.client``.
OF_THE_HUB = ("placement/", "engine/replicas/leases.py")
ACTING = sorted(
    path for part in ("sync", "engine", "placement") for path in (CODE / part).rglob("*.py")
)


def calls_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (what the method is called on, the method) of every method call."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func.value), node.func.attr


def test_a_reader_can_do_nothing_that_changes_a_server() -> None:
    assert [name for name in WRITES if name in vars(Reader)] == []
    assert [name for name in WRITES if name not in vars(Client)] == []


@pytest.mark.parametrize("method", WRITES)
def test_every_write_of_a_client_is_to_the_hub_or_behind_the_door(method: str) -> None:
    found = {
        (str(path.relative_to(CODE)), on)
        for path in ACTING
        for on, name in calls_of(path)
        if name == method and on.endswith("client")
    }

    others = {(path, on) for path, on in found if not _is_of_the_hub(path, on)}
    assert others <= {("sync/policy/target_writer.py", "self._client")}


def _is_of_the_hub(path: str, on: str) -> bool:
    return on.endswith(("hub.client", "session.client")) or path.startswith(OF_THE_HUB)


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def test_permits_are_made_by_the_policy_and_doors_by_the_wiring() -> None:
    users = {
        name: {str(path.relative_to(CODE)) for path in ACTING if name in names_in(path)}
        for name in ("_SEAL", "Door")
    }

    assert users["_SEAL"] == {"sync/policy/permit.py"}
    assert users["Door"] <= {
        "sync/policy/target_writer.py",
        "sync/state/target.py",
        "engine/targets/wiring.py",
    }
