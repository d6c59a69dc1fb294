"""``tmc-console attach``: the console for an engine in another process."""

from __future__ import annotations

from pathlib import Path

import anyio

from tmcconsole import __version__
from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.failure import CommandFailure, one_line
from tmcconsole.cli.screen import show
from tmcconsole.cli.setting import bare_settings, loaded, socket_of
from tmcconsole.contract.link import EngineLink, LinkLost
from tmcconsole.daemon.socket_client import RemoteEngine


def run(arguments: Arguments) -> int:
    """Show the console; quitting it leaves the engine running."""
    if arguments.socket:
        path, console = Path(arguments.socket).absolute(), bare_settings(arguments).console
    else:
        settings = loaded(arguments).settings
        path, console = socket_of(settings), settings.console

    async def open_link() -> EngineLink:
        return await RemoteEngine.open(path, version=__version__)

    async def try_it() -> None:
        await (await RemoteEngine.open(path, version=__version__)).aclose()

    try:
        anyio.run(try_it)
    except LinkLost as lost:
        raise CommandFailure(f"{one_line(lost)}; start one with tmc-console run") from lost
    return show(None, console, link_mode="attached", on_quit="detach", open_link=open_link)
