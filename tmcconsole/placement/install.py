"""Installs the APIs in a hub: the three CRDs, and a SyncTarget for each target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Final

import anyio
import yaml

from tmcconsole.config.settings import TargetSettings
from tmcconsole.kube.cache.crd_informer import CRDS
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import NotFound
from tmcconsole.kube.objects import Json, ObjectKey, condition_of
from tmcconsole.placement.api import SYNC_TARGETS
from tmcconsole.sync.names.markers import MANAGER

INSTALL_MANAGER: Final = f"{MANAGER}-install"  # not the engine's: both own fields of SyncTargets
ESTABLISH_TIMEOUT_S: Final = 30.0
POLL_S: Final = 0.1


@cache
def crds() -> tuple[Json, ...]:
    """Return the CustomResourceDefinitions, ready to apply; nobody changes them."""
    folder = resources.files("tmcconsole.placement") / "crds"
    files = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return tuple(yaml.safe_load(file.read_text()) for file in files if file.name.endswith(".yaml"))


async def install(
    client: Client,
    targets: Sequence[TargetSettings],
    *,
    say: Callable[[str], None] = lambda _line: None,
) -> list[str]:
    """Apply the CRDs and one SyncTarget per target; return what was applied.

    Idempotent: fields that others set on an existing SyncTarget stay. Raises ``KubeError``.
    """
    applied: list[str] = []
    for tree in crds():
        await client.apply(CRDS, tree, manager=INSTALL_MANAGER, force=True)
        applied.append(f"customresourcedefinition/{tree['metadata']['name']}")
        say(applied[-1])
    with anyio.fail_after(ESTABLISH_TIMEOUT_S):
        for tree in crds():
            await _established(client, ObjectKey("", tree["metadata"]["name"]))
        for target in targets:
            await _apply_target(client, target)
            applied.append(f"synctarget/{target.name}")
            say(applied[-1])
    return applied


async def _established(client: Client, key: ObjectKey) -> None:
    while True:
        tree = (await client.get(CRDS, key)).decode()
        found = condition_of(tree, "Established")
        if found and found.get("status") == "True":
            return
        await anyio.sleep(POLL_S)


async def _apply_target(client: Client, target: TargetSettings) -> None:
    tree: Json = {
        "apiVersion": SYNC_TARGETS.api_version,
        "kind": SYNC_TARGETS.kind,
        "metadata": {"name": target.name, "labels": dict(target.labels)},
    }
    while True:
        try:
            await client.apply(SYNC_TARGETS, tree, manager=INSTALL_MANAGER)
        except NotFound as error:  # established, but not yet served by this API server replica
            if not error.is_kind:
                raise
        else:
            return
        await anyio.sleep(POLL_S)
