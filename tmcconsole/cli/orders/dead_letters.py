"""``tmc-console dead-letters``: lists the running engine's dead letters, or retries them."""

from __future__ import annotations

from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.orders.ask_engine import ask
from tmcconsole.cli.setting import loaded, runtime_of
from tmcconsole.contract.commands import (
    Accepted,
    DeadLetters,
    ListDeadLetters,
    RetryDeadLetters,
)
from tmcconsole.daemon.printer import letters_table, reply_json


def run(arguments: Arguments) -> int:
    """Print the dead letters, or have the engine retry them."""
    at, key = arguments.at, arguments.key
    if arguments.retry:
        reply = ask(arguments, RetryDeadLetters(target=at, key=key))
        assert isinstance(reply, Accepted)
        print(reply.message)
        return 0
    letters = ask(arguments, ListDeadLetters(target=at))
    assert isinstance(letters, DeadLetters)
    wanted = [one for one in letters.items if key in ("", one.key)]
    if arguments.output == "json":
        print(reply_json(wanted))
        return 0
    wall = runtime_of(loaded(arguments).settings).wall()
    print(letters_table(wanted, len(wanted) if key else letters.total, wall))
    return 0
