"""``tmc-console why``: what is not in sync, and why one object is in its state."""

from __future__ import annotations

from functools import partial
from typing import Final

from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.failure import CommandFailure
from tmcconsole.cli.orders.ask_engine import answer_of, with_engine
from tmcconsole.contract.commands import Text, Why
from tmcconsole.contract.link import EngineLink
from tmcconsole.contract.records import ObjectRecord
from tmcconsole.daemon.follow import Follower
from tmcconsole.daemon.printer import trouble_table

SHOWN: Final = 10  # candidates to list for an ambiguous name


def run(arguments: Arguments) -> int:
    """Print the explanation of one object, or all copies that are not in sync."""
    print(with_engine(arguments, partial(_told, word=arguments.key, at=arguments.at)))
    return 0


async def _told(engine: EngineLink, *, word: str, at: str) -> str:
    board = Follower()
    await board.pull(engine)
    if not word:
        return trouble_table(board, at)
    reply = await answer_of(engine, Why(key=named(board, word)))
    assert isinstance(reply, Text)
    return reply.body


def named(board: Follower, word: str) -> str:
    """Return the key of the object that a name such as ``deploy/shop/web`` means.

    An unknown name is returned unchanged: the engine answers what it knows of it.
    """
    records = list(board.of(ObjectRecord))
    if any(record.key == word for record in records):
        return word
    kind, _, place = word.lower().partition("/")
    found = [
        record.key
        for record in records
        if record.key.partition("/")[2] == place
        and (record.resource.startswith(kind) or record.kind.lower().startswith(kind))
    ]
    if len(found) > 1:
        raise CommandFailure(f'"{word}" is ambiguous: write one of {", ".join(found[:SHOWN])}')
    return found[0] if found else word
