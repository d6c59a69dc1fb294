"""From the command line to the effective settings, and from those to connections."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.failure import CommandFailure, one_line
from tmcconsole.config.load import Loaded, load
from tmcconsole.config.places import expanded, find_config, private_folder
from tmcconsole.config.problems import ConfigError, Unusable
from tmcconsole.config.settings import ClusterAccess, Settings

if TYPE_CHECKING:
    from tmcconsole.runtime import Runtime, Transport


def loaded(arguments: Arguments) -> Loaded:
    """Return the effective settings and their origins. Raises ``CommandFailure`` with all
    problems.
    """
    file = config_file(arguments)
    if file is None and not any(name.startswith("TMC_HUB_") for name in os.environ):
        raise CommandFailure(
            "no config file; write one with tmc-console init --hub FILE --target NAME=FILE "
            "--config tmc-console.toml, or try tmc-console demo"
        )
    try:
        found = load(file, os.environ, arguments.settings, Path.cwd())
    except ConfigError as error:
        raise CommandFailure(str(error)) from error
    except Unusable as error:
        raise CommandFailure(f"{error}; {error.fix}, or state_dir in the config") from error
    state_dir = private_folder(found.settings.state_dir)
    return replace(found, settings=replace(found.settings, state_dir=state_dir))


def config_file(arguments: Arguments) -> Path | None:
    """Return the config file to read, or None if no flag, variable or default location has one."""
    if arguments.config:
        return expanded(arguments.config).absolute()
    return find_config(os.environ, Path.cwd())


def socket_of(settings: Settings) -> Path:
    """Return the path of the socket of an engine with these settings."""
    return settings.daemon.socket or settings.state_dir / "engine.sock"


def runtime_of(settings: Settings) -> Runtime:
    """Return the real runtime: this machine's clocks, and the clusters that the settings name."""
    from tmcconsole.runtime import real_runtime

    ways = {"hub": settings.hub, **{target.name: target.access for target in settings.targets}}

    async def dial_cluster(name: str) -> Transport:
        from tmcconsole.kube.access.credentials import dial

        return await dial(ways[name], now=runtime.now, wall=runtime.wall)

    runtime = real_runtime(dial_cluster)
    return runtime


def access_problem(access: ClusterAccess) -> str:
    """Return what makes a kubeconfig unusable, on one line with the remedy; "" if nothing does.

    Read as an engine would read it; neither the server nor an exec plugin is asked.
    """
    from tmcconsole.kube.access.credentials import CredentialsError, check_access

    try:
        check_access(access)
    except CredentialsError as error:
        return one_line(error)
    return ""


def bare_settings(arguments: Arguments) -> Settings:
    """Return settings without a config file or clusters: only console and daemon keys have a
    meaning.
    """
    sections = ("TMC_CONSOLE_", "TMC_DAEMON_")
    environ = {name: value for name, value in os.environ.items() if name.startswith(sections)}
    anywhere = {
        "TMC_HUB_IN_CLUSTER": "true",
        "TMC_TARGETS": "any=in-cluster",
        "TMC_STATE_DIR": "/",  # not used: there may be no home directory
    }
    try:
        return load(None, environ | anywhere, arguments.settings, Path.cwd()).settings
    except ConfigError as error:
        raise CommandFailure(str(error)) from error
