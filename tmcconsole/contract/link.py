"""The seam: everything a front end can do with an engine."""

from __future__ import annotations

from typing import Protocol

from tmcconsole.contract.changes import Changes, Revision
from tmcconsole.contract.commands import AnyCommand, AnyReply


class LinkLost(Exception):
    """The engine is gone: it failed (``__cause__`` says how), or the connection to it broke."""


class EngineLink(Protocol):
    """Two operations. Front ends pull at their own rate; the engine never pushes."""

    async def changes(self, since: Revision) -> Changes:
        """Return what changed after ``since``, coalesced by key, without waiting.

        The result is a full snapshot if ``since`` is ``NOTHING_SEEN``, of another epoch, or too
        old. Raises ``LinkLost``.
        """
        ...

    async def request(self, command: AnyCommand) -> AnyReply:
        """Send a command; its effects are seen only through ``changes``. Raises ``LinkLost``."""
        ...
