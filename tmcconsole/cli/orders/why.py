"""``tmc-console why``: what is not as it should be, and why one object is as it is."""

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

SHOWN: Final = 10  # objects that a word may have meant


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
    """Return the key of the object that a word like ``deploy/shop/web`` stands for.

    One that stands for none is returned as it is: the engine says what it knows of it.
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
        raise CommandFailure(f'"{word}" may be {", ".join(found[:SHOWN])}: write one of them')
    return found[0] if found else word
