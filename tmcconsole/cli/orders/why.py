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
from tmcconsole.daemon.printer import (
    to_json,
    trouble_rows,
    trouble_table,
    unknown_lines,
    unknown_row,
)
from tmcconsole.daemon.verdict import NOT_ASKED, NOT_WELL, WELL, exit_code, troubles, unknowns

SHOWN: Final = 10  # candidates to list for an ambiguous name


def run(arguments: Arguments) -> int:
    """Print the explanation of one object, or all copies that are not in sync or not healthy."""
    word, at = arguments.key, arguments.at
    body, code = with_engine(
        arguments, partial(_told, word=word, at=at, is_json=arguments.output == "json")
    )
    print(body)
    return code


async def _told(engine: EngineLink, *, word: str, at: str, is_json: bool) -> tuple[str, int]:
    """Return what to print, and the exit code: for one object it is about that object."""
    board = Follower()
    await board.pull(engine)
    silent = [unknown_row(one, board.wall) for one in unknowns(board)]
    if not word:
        rows = trouble_rows(board, at)
        text = trouble_table(board, at)
        return to_json({"unknown": silent, "troubles": rows}) if is_json else text, exit_code(board)
    path, at_sign, only = word.partition("@")
    key = named(board, path)
    reply = await answer_of(engine, Why(key=f"{key}{at_sign}{only}"))
    assert isinstance(reply, Text)
    is_ill = any(one.record.key == key for one in troubles(board))
    code = NOT_ASKED if silent else NOT_WELL if is_ill else WELL
    if is_json:
        return to_json({"unknown": silent, "key": key, "lines": reply.body.splitlines()}), code
    return "\n".join([*unknown_lines(silent), reply.body]), code


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
