"""``tmc-console``: the console, with the engine in this process."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.commands.run import refuse_core_dumps
from tmcconsole.cli.failure import CommandFailure, one_line
from tmcconsole.cli.here import opener, start_and_serve
from tmcconsole.cli.screen import show
from tmcconsole.cli.setting import loaded, socket_of
from tmcconsole.daemon.logs import logging_to
from tmcconsole.daemon.socket_server import SocketTaken, claim


def run(arguments: Arguments) -> int:
    """Show the console until the user quits, then drain and stop the engine."""
    settings = loaded(arguments).settings
    daemon = settings.daemon
    log_file = daemon.log_file or settings.state_dir / "tmc-console.log"
    refuse_core_dumps()
    with ExitStack() as stack:
        try:
            stack.enter_context(claim(socket_of(settings)))
            stack.enter_context(
                logging_to(log_file, level=daemon.log_level, log_format=daemon.log_format)
            )
        except (SocketTaken, OSError) as error:
            raise CommandFailure(one_line(error)) from error
        open_link = opener(partial(start_and_serve, settings), stack)
        return show(None, settings.console, link_mode="local", on_quit="stop", open_link=open_link)
