"""``tmc-console init``: a config for existing clusters, and with --install the hub's CRDs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import anyio

from tmcconsole.cli.arguments import Arguments, UsageError
from tmcconsole.cli.failure import CommandFailure, one_line
from tmcconsole.cli.setting import access_problem, runtime_of
from tmcconsole.config.load import load
from tmcconsole.config.places import FILE_NAME, expanded, state_home
from tmcconsole.config.problems import ConfigError, Unusable
from tmcconsole.config.settings import ClusterAccess, Settings, TargetSettings
from tmcconsole.config.values import access, named_access, path
from tmcconsole.config.write import to_toml, write_private


def run(arguments: Arguments) -> int:
    """Write the config; with --install also apply CRDs and SyncTargets to the hub."""
    file = expanded(arguments.config or FILE_NAME).absolute()
    settings = _settings(arguments)
    if problems := list(_unreachable(settings)):
        raise CommandFailure("\n".join(problems))
    if file.exists() and not arguments.force:
        raise CommandFailure(f"{file} already exists; --force replaces it")
    document = to_toml(settings, beside=file.parent)
    try:
        write_private(file, document)
        load(file, {}, {}, file.parent)
    except ConfigError as error:
        raise CommandFailure(str(error)) from error
    except OSError as error:
        raise CommandFailure(f"{file}: {error.strerror}; name another with --config") from error
    print(f"wrote {file}")
    if arguments.install:
        for line in install_into(settings):
            print(f"applied {line}")
    print(f"next: tmc-console --config {file}   (append run for no console)")
    return 0


def install_into(settings: Settings) -> list[str]:
    """Apply the CRDs and the SyncTargets to the hub; return what was applied."""
    from tmcconsole.kube.errors import KubeError
    from tmcconsole.runtime import TransportError

    try:
        return anyio.run(_install, settings)
    except (KubeError, TransportError, TimeoutError) as error:
        raise CommandFailure(f"hub: {one_line(error)}") from error


async def _install(settings: Settings) -> list[str]:
    from tmcconsole.kube.client.client import Client
    from tmcconsole.placement.install import install

    client = Client(await runtime_of(settings).dial("hub"), name="hub")
    try:
        return await install(client, settings.targets)
    finally:
        await client.aclose()


def _settings(arguments: Arguments) -> Settings:
    here = Path.cwd()
    try:
        targets = [named_access(written, here) for written in arguments.target]
        hub = access(arguments.hub, here)
        state_dir = path(arguments.settings.get("state_dir", str(state_home(os.environ))), here)
    except Unusable as error:
        raise UsageError(f"tmc-console init: {error}; {error.fix}") from error
    names = [name for name, _ in targets]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise UsageError(
            f'tmc-console init: --target: "{twice}" is given twice; use a different name for each'
        )
    return Settings(hub, tuple(TargetSettings(name, way) for name, way in targets), state_dir)


def _unreachable(settings: Settings) -> Iterator[str]:
    """Return the problems with the kubeconfigs and contexts given."""
    yield from _check("--hub", settings.hub)
    for target in settings.targets:
        yield from _check(f"--target {target.name}", target.access)


def _check(flag: str, way: ClusterAccess) -> Iterator[str]:
    if problem := access_problem(way):
        yield f"{flag}: {problem}"
