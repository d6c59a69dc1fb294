"""No write leaves this process for a duty whose Lease is not ours at that moment.

The API server does not enforce a Lease: every write has preconditions, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio

from tmcconsole.contract.text import SafeText
from tmcconsole.engine.replicas.election import Timing
from tmcconsole.kube.errors import KubeError
from tmcconsole.runtime import ByteStream, Request, Response, Transport, TransportError
from tmcconsole.sync.assignment.duties import ACTING

_READING: Final = frozenset({"GET", "HEAD"})
# POSTs that change nothing: access and token reviews.
_QUESTIONS: Final = ("/apis/authorization.k8s.io/", "/apis/authentication.k8s.io/")


class NotHolder(KubeError):
    """Another replica does this work now, or may by now; nothing was sent."""

    reason = "NotHolder"


@dataclass(slots=True)
class Holds:
    """The Leases that are ours, by duty, and the writes in flight in their name."""

    now: Callable[[], float]  # monotonic: a jump of the wall clock extends nothing
    timing: Timing
    _renewed: dict[str, float] = field(default_factory=dict)
    _under_way: dict[str, list[anyio.CancelScope]] = field(default_factory=dict)

    def renewed_at(self, duty: str) -> float | None:
        """Return when the last successful renewal was sent, None if the Lease is not ours."""
        return self._renewed.get(duty)

    def holds(self, duty: str) -> bool:
        """True until the renew deadline."""
        at = self._renewed.get(duty)
        return at is not None and self.now() - at < self.timing.deadline_s

    def renewed(self, duty: str, at: float) -> None:
        """Record a successful renewal whose request was sent ``at``."""
        self._renewed[duty] = at
        for scope in self._under_way.get(duty, ()):
            scope.deadline = max(scope.deadline, self._limit(duty))

    def resign(self, duty: str) -> None:
        """Start no more writes; those in flight may finish."""
        self._renewed.pop(duty, None)

    def lose(self, duty: str) -> None:
        """Another replica has it: cancel writes in flight, too."""
        self.resign(duty)
        for scope in self._under_way.get(duty, ()):
            scope.cancel()

    def is_quiet(self, duty: str) -> bool:
        """True if no write is in flight in the name of a duty."""
        return not self._under_way.get(duty)

    @contextmanager
    def writing(self, duties: tuple[str, ...] | None) -> Iterator[None]:
        """Let one write through, or raise ``NotHolder``; cancel it before others may start."""
        self._require(duties)
        names = duties or ()
        deadline = min((self._limit(duty) for duty in names), default=float("inf"))
        with anyio.CancelScope(deadline=deadline) as scope:
            for duty in names:
                self._under_way.setdefault(duty, []).append(scope)
            try:
                yield
            finally:
                for duty in names:
                    self._under_way[duty].remove(scope)
        if scope.cancelled_caught:
            raise TransportError(
                "the Lease was not renewed while the write was in flight",
                sent=True,
                reason="Timeout",
            )

    def _require(self, duties: tuple[str, ...] | None) -> None:
        if duties is None:
            raise NotHolder(SafeText("a write without a duty is not sent"))
        for duty in duties:
            if not self.holds(duty):
                raise NotHolder(SafeText(f"the Lease of {duty} is not ours: nothing was sent"))

    def _limit(self, duty: str) -> float:
        left = self._renewed[duty] + self.timing.under_way_s - self.now()
        return anyio.current_time() + left


@dataclass(frozen=True, slots=True)
class Fenced:
    """A ``Transport`` whose writes pass the fence.

    ``duty`` is the one in whose name all of them are; "" = that of the caller (``acting_for``).
    """

    inner: Transport
    holds: Holds
    duty: str = ""

    async def request(self, request: Request) -> Response:
        """See ``Transport``. Raises ``NotHolder``."""
        if changes_nothing(request):
            return await self.inner.request(request)
        with self.holds.writing((self.duty,) if self.duty else ACTING.get()):
            return await self.inner.request(request)

    def stream(self, request: Request) -> AbstractAsyncContextManager[ByteStream]:
        """See ``Transport``."""
        return self.inner.stream(request)

    async def aclose(self) -> None:
        """See ``Transport``."""
        await self.inner.aclose()


def changes_nothing(request: Request) -> bool:
    """True for reads, dry runs and reviews."""
    is_dry = ("dryRun", "All") in request.query
    return request.method in _READING or is_dry or request.path.startswith(_QUESTIONS)
