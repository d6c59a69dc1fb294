"""The world as the engine sees it: time, randomness, tasks and the network, all injected.

Engine code takes every one of these from a ``Runtime`` and never from the standard library, so
that a seeded simulation can drive the whole engine on virtual time and replay it identically.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import anyio
from anyio.abc import TaskGroup

E = TypeVar("E", bound=BaseException)

MOVED: Final = "Moved"  # the transport is over: open another, and ask who is there

Random = random.Random  # an injected source of randomness; nobody else imports the module


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request to an API server, relative to the server's base path."""

    method: str
    path: str  # begins with "/", already percent-encoded, e.g. "/api/v1/namespaces"
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str = ""
    accept: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    timeout_s: float = 30.0  # the whole request; for a stream: until the answer's head


@dataclass(frozen=True, slots=True)
class Response:
    """One whole HTTP answer. ``headers`` has lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class TransportError(Exception):
    """No HTTP answer came: refused, reset, timed out, TLS or name lookup failed.

    ``sent`` is False only where the request certainly never reached the server; a write that
    failed with ``sent`` True may have been carried out.
    """

    def __init__(self, message: str, *, sent: bool, reason: str = "Unreachable") -> None:
        super().__init__(message)
        self.sent = sent
        self.reason = (
            reason  # Unreachable | Timeout | Certificate | Credentials | Kubeconfig | Moved
        )


class ByteStream(Protocol):
    """An answer read piece by piece (a watch)."""

    @property
    def head(self) -> Response:
        """Status and headers; ``body`` is filled only where the status is not 200."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield bytes as they come. Raises ``TransportError`` when the connection breaks."""
        ...


class Transport(Protocol):
    """How requests reach one API server: over HTTP, or within the process."""

    async def request(self, request: Request) -> Response:
        """Return the whole answer. Raises ``TransportError`` when there was none."""
        ...

    def stream(self, request: Request) -> AbstractAsyncContextManager[ByteStream]:
        """Open a streaming answer; leaving the context closes the connection."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


# Opens the transport of one cluster by its configured name ("hub", or a target's name).
# Raises TransportError(reason="Credentials") where kubeconfig or credentials are unusable.
Dial = Callable[[str], Awaitable[Transport]]


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything the engine takes from outside itself."""

    now: Callable[[], float]  # monotonic seconds
    wall: Callable[[], float]  # Unix seconds
    sleep: Callable[[float], Awaitable[None]]
    rng: random.Random
    dial: Dial
    # Offers a rare branch to the simulation (a tiny page, a short timeout); False in production.
    sometimes: Callable[[str], bool]

    def token(self, length: int = 8) -> str:
        """Return a fresh identifier of lower-case hexadecimal digits."""
        return f"{self.rng.getrandbits(4 * length):0{length}x}"


def first_error(group: BaseExceptionGroup[E]) -> E:
    """Return the first real error in a group, groups in it included: the others came of it."""
    error = group.exceptions[0]
    return first_error(error) if isinstance(error, BaseExceptionGroup) else error


def spawn(
    group: TaskGroup, task: Callable[..., Coroutine[Any, Any, Any]], *args: object, name: str
) -> None:
    """Start a named task that lives no longer than ``group``."""
    group.start_soon(task, *args, name=name)


def real_runtime(dial: Dial, *, seed: int | None = None) -> Runtime:
    """Return the runtime of a real process: its clocks, its event loop, its network."""
    return Runtime(
        now=time.monotonic,
        wall=time.time,
        sleep=anyio.sleep,
        rng=random.Random(seed),
        dial=dial,
        sometimes=lambda _name: False,
    )


def wall_clock() -> float:
    """Return this machine's Unix seconds, for front ends: those are not simulated."""
    return time.time()


def monotonic_clock() -> float:
    """Return seconds that never go back, for front ends: those are not simulated."""
    return time.monotonic()
