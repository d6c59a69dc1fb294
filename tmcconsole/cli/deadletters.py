"""``tmc-console dead-letters``: asks the running engine what failed for good; tries it again."""

from __future__ import annotations

import anyio
import msgspec

from tmcconsole import __version__
from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.failure import Failure, one_line
from tmcconsole.cli.setting import loaded, runtime_of, socket_of
from tmcconsole.contract.commands import (
    Accepted,
    AnyCommand,
    AnyReply,
    DeadLetters,
    ListDeadLetters,
    Refused,
    RetryDeadLetters,
)
from tmcconsole.contract.link import LinkLost
from tmcconsole.daemon.client import RemoteEngine
from tmcconsole.daemon.printer import letters_table


def run(arguments: Arguments) -> int:
    """Print the dead letters, or have them tried again."""
    settings = loaded(arguments).settings
    socket = socket_of(settings)
    command: AnyCommand = ListDeadLetters(target=arguments.at)
    if arguments.retry:
        command = RetryDeadLetters(target=arguments.at, key=arguments.key)

    async def ask() -> AnyReply:
        async with await RemoteEngine.open(socket, version=__version__) as engine:
            return await engine.request(command)

    try:
        reply = anyio.run(ask)
    except LinkLost as lost:
        raise Failure(f"{one_line(lost)}: start one with tmc-console run") from lost
    _print(reply, arguments, runtime_of(settings).wall())
    return 0


def _print(reply: AnyReply, arguments: Arguments, wall: float) -> None:
    if isinstance(reply, Refused):
        raise Failure(": ".join(part for part in (reply.reason, reply.fix) if part))
    if isinstance(reply, Accepted):
        print(reply.message)
    elif isinstance(reply, DeadLetters):
        wanted = [one for one in reply.items if arguments.key in ("", one.key)]
        total = len(wanted) if arguments.key else reply.total
        if arguments.output == "json":
            print(msgspec.json.encode(wanted).decode())
        else:
            print(letters_table(wanted, total, wall))
