"""Takes up a kubeconfig that changes while we run: one rule for the hub and for every target.

What is said of the user is taken up in place. What is said of the cluster ends the connection: who
is there must be asked before anything is written, and only whoever opens a connection asks.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Generic, Protocol, TypeVar

from tmcconsole.kube.access.kubeconfig import KubeContext
from tmcconsole.kube.secret import CredentialsError
from tmcconsole.runtime import MOVED, TransportError

log = logging.getLogger(__name__)

RENEW_S: Final = 20.0  # with a probe's longest pause, a change is taken up within a minute


class Described(Protocol):
    """What was made from a context of a kubeconfig."""

    @property
    def context(self) -> KubeContext | None: ...


E = TypeVar("E", bound=Described)


class Renewal(Generic[E]):
    """Reads a kubeconfig again; it is parsed only if it changed."""

    def __init__(self, now: Callable[[], float], reopen: Callable[[], Awaitable[E]]) -> None:
        self._now = now
        self._reopen = reopen
        self._looked_at = now()
        self._told = ""  # the last trouble in the log
        self._moved = ""

    @property
    def is_due(self) -> bool:
        """Return whether it is time to look again."""
        return bool(self._moved) or self._now() - self._looked_at >= RENEW_S

    async def look(self, current: E) -> E | None:
        """Return the endpoint with a changed user, None if nothing changed or it is unusable.

        Raises ``TransportError`` (Moved), from then on always, if the cluster's entry changed.
        """
        self._looked_at = self._now()
        if current.context is None:  # a Pod's own account is in files, which are read anyway
            return None
        if not self._moved:
            try:
                found = await self._reopen()
            except CredentialsError as error:  # being written just now, or broken
                self.tell(str(error))
                return None
            if found.context == current.context:
                return None
            if found.context is not None and found.context.cluster == current.context.cluster:
                return found
            self._moved = f"{current.context.source} describes its cluster otherwise now"
        raise TransportError(f"{self._moved}: connecting anew", sent=False, reason=MOVED)

    def tell(self, trouble: str) -> None:
        """Log why a change is not taken up, once."""
        if trouble != self._told:
            self._told = trouble
            log.warning("the credentials in use are kept: %s", trouble)
