"""How an informer stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tmcconsole.contract.text import SafeText

NO_TEXT: Final = SafeText()


class Phase(StrEnum):
    """What an informer is doing. In the last three phases the cache may be outdated."""

    LISTING = "Listing"
    WATCHING = "Watching"
    STALE = "Stale"  # failing; see the reason
    GONE = "Gone"  # the server does not serve this kind (now)
    DENIED = "Denied"  # 401 or 403


@dataclass(frozen=True, slots=True)
class InformerState:
    """The state of an informer. Times are ``Runtime.now`` seconds; ``last_contact`` 0 is never."""

    phase: Phase
    reason: str = ""
    message: SafeText = NO_TEXT
    since: float = 0.0  # when phase or reason last changed
    last_contact: float = 0.0
    failing_since: float = 0.0  # since when list or watch fail, with any error; 0: they work
