"""Keys, their actions and the contract's commands match, with none missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any, get_args

import pytest

from tmcconsole.contract.commands import (
    AnyCommand,
    AnyOrder,
    AnyQuery,
    Command,
    CordonTarget,
    Order,
    Query,
    Why,
)
from tmcconsole.contract.wire import Ask, encode
from tmcconsole.ui.actions import ACTIONS, BY_ID, Action
from tmcconsole.ui.orders.command_grammar import VERBS
from tmcconsole.ui.orders.operate import ACTS

ORDERS = "tmcconsole.ui.orders"
ACTING = [action for action in ACTIONS if action.call == f"act('{action.id}')"]


def names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def reached_from(act: Callable[..., Any]) -> set[type[Command]]:
    """Return the commands that an action can make, directly or through ``ui/orders``."""
    found: set[type[Command]] = set()
    waiting: list[Any] = [act]
    seen = set[Any]()
    while waiting:
        function = waiting.pop()
        if function in seen:
            continue
        seen.add(function)
        for name in names_in(function.__code__):
            value = function.__globals__.get(name)
            if isinstance(value, type) and issubclass(value, Command):
                found.add(value)
            if isinstance(value, FunctionType) and value.__module__.startswith(ORDERS):
                waiting.append(value)
    return found


def test_every_command_is_a_query_or_an_order_and_not_both() -> None:
    queries, orders = set(get_args(AnyQuery)), set(get_args(AnyOrder))

    assert all(issubclass(one, Query) for one in queries)
    assert all(issubclass(one, Order) for one in orders)
    assert queries | orders == set(get_args(AnyCommand))
    assert not queries & orders


def test_the_wire_names_a_command_and_not_what_sort_it_is() -> None:
    cordon = encode(Ask(1, command=CordonTarget(target="east")))
    why = encode(Ask(2, command=Why(key="configmaps/shop/web")))

    assert b'"command":{"type":"CordonTarget","target":"east","actor":""}' in cordon
    assert b'"command":{"type":"Why","key":"configmaps/shop/web","actor":""}' in why


def test_every_key_that_acts_has_something_behind_it_and_nothing_else_has() -> None:
    assert {action.id for action in ACTING} == set(ACTS)


@pytest.mark.parametrize("action", ACTING, ids=lambda action: action.id)
def test_an_action_sends_what_it_says(action: Action) -> None:
    made = reached_from(ACTS[action.id])

    assert action.sends or action.id in ("copy-name", "copy-command")
    assert set(action.sends) <= made
    assert action.writes == any(issubclass(one, Order) for one in made)


def test_every_order_has_a_key() -> None:
    assert {one for action in ACTIONS for one in action.sends} >= set(get_args(AnyOrder))


def test_every_verb_of_the_command_line_is_an_action_or_its_undoing() -> None:
    assert set(VERBS) - set(BY_ID) == {"resume", "uncordon"}
