"""One command to the running engine, and its reply, over its socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from tmcconsole import __version__
from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.failure import CommandFailure, one_line
from tmcconsole.cli.setting import loaded, socket_of
from tmcconsole.contract.commands import AnyCommand, AnyReply, Refused
from tmcconsole.contract.link import EngineLink, LinkLost
from tmcconsole.daemon.socket_client import RemoteEngine
from tmcconsole.daemon.verdict import NOT_ASKED

T = TypeVar("T")


def ask(arguments: Arguments, command: AnyCommand) -> AnyReply:
    """Return the running engine's reply; a refusal, or no engine, raises ``CommandFailure``."""
    return with_engine(arguments, lambda engine: answer_of(engine, command))


async def answer_of(engine: EngineLink, command: AnyCommand) -> AnyReply:
    """Return the reply to one command; a refusal raises ``CommandFailure`` with its fix."""
    reply = await engine.request(command)
    if isinstance(reply, Refused):
        raise CommandFailure(": ".join(part for part in (reply.reason, reply.fix) if part))
    return reply


def with_engine(arguments: Arguments, work: Callable[[EngineLink], Awaitable[T]]) -> T:
    """Return the result of ``work`` on the running engine; without one, raise
    ``CommandFailure``.
    """
    socket = socket_of(loaded(arguments).settings)

    async def connected() -> T:
        async with await RemoteEngine.open(socket, version=__version__) as engine:
            return await work(engine)

    try:
        return anyio.run(connected)
    except LinkLost as lost:
        text = f"{one_line(lost)}: start one with tmc-console run"
        raise CommandFailure(text, NOT_ASKED) from lost
