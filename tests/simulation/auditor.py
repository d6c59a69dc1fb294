"""Catches product code that gets time, randomness or threads other than from its runtime."""

from __future__ import annotations

import gc
import os
import random
import secrets
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any, Final

PRODUCT: Final = "tmcconsole"

# Functions of these modules may be between product code and the function it must not call.
_BETWEEN: Final = frozenset(
    {__name__, "uuid", "random", "secrets", "threading", "concurrent.futures.thread"}
    | {"asyncio.base_events", "asyncio.events", "asyncio.threads", "async_solipsism.loop"}
    | {"anyio.to_thread", "anyio._backends._asyncio", "anyio._core._eventloop"}
)
_CLOCKS: Final = ("time", "monotonic", "perf_counter", "time_ns", "monotonic_ns", "sleep")
_CHANCE: Final = ("random", "randint", "randrange", "uniform", "choice", "choices", "shuffle")
_WATCHED: Final[tuple[tuple[ModuleType | type, str], ...]] = (
    *((time, name) for name in _CLOCKS),
    *((random, name) for name in (*_CHANCE, "sample", "getrandbits", "seed", "_urandom")),
    *((uuid, name) for name in ("uuid1", "uuid4")),
    *((secrets, name) for name in ("token_hex", "token_bytes", "token_urlsafe", "randbelow")),
    (os, "urandom"),
    (threading.Thread, "start"),
)


class Escape(AssertionError):
    """Product code bypassed its runtime, so the run cannot be repeated."""


@contextmanager
def audited() -> Iterator[None]:
    """Watch product code while the context is open. Raises ``Escape``, at the latest at its end.

    The engine's own calls of the garbage collector are disabled: they affect the whole process.
    """
    escapes: list[Escape] = []
    kept = [(owner, name, getattr(owner, name)) for owner, name in _WATCHED]
    collector = [(gc, name, getattr(gc, name)) for name in ("collect", "freeze")]
    _check_imported({id(function): name for _, name, function in kept})
    for owner, name, function in kept:
        setattr(owner, name, _watch(name, function, escapes))
    for owner, name, _ in collector:
        setattr(owner, name, lambda *_args: 0)
    try:
        yield
    finally:
        for owner, name, function in (*kept, *collector):
            setattr(owner, name, function)
    if escapes:
        raise escapes[0]


def _watch(name: str, function: Callable[..., Any], escapes: list[Escape]) -> Callable[..., Any]:
    def watched(*args: Any, **kwargs: Any) -> Any:
        caller = _caller()
        if caller.partition(".")[0] == PRODUCT:
            escapes.append(Escape(f"{caller} used {name} instead of its runtime"))
            raise escapes[-1]
        return function(*args, **kwargs)

    return watched


def _caller() -> str:
    """Return the module that made the call."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") in _BETWEEN:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "")) if frame is not None else ""


def _check_imported(forbidden: dict[int, str]) -> None:
    """Refuse modules that imported such a function by name: those calls cannot be watched."""
    for module_name, module in sorted(sys.modules.items()):
        if module_name.partition(".")[0] != PRODUCT or module_name == f"{PRODUCT}.runtime":
            continue
        for name, value in vars(module).items():
            if id(value) in forbidden:
                raise Escape(f"{module_name} imports {name}; take it from the runtime")
