"""First causes of copies that are not well, asked of their targets while a list shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tmcconsole.contract.commands import CopyCause, ShowCause
from tmcconsole.ui.rows.problems import Asked, Causes, Copy
from tmcconsole.ui.session import Session

EVERY_S: Final = 5.0  # a shown cause is asked for again, since pods restart and quotas change
AT_ONCE: Final = 3  # problems whose causes are asked for, worst first


class AskedCauses:
    """Owner of the last answers. Answers that are no longer shown are forgotten."""

    def __init__(self, session: Session) -> None:
        self.told: Causes = {}
        self._session = session
        self._is_asking = False

    def due(self, shown: Sequence[Copy]) -> list[Copy]:
        """Return which of the shown copies to ask about now."""
        self.told = {copy: self.told[copy] for copy in shown if copy in self.told}
        if self._is_asking or self._session.link is None or self._session.held_at:
            return []
        now = self._session.options.monotonic()
        old = [
            copy for copy in shown[:AT_ONCE]
            if copy not in self.told or now - self.told[copy].at >= EVERY_S
        ]  # fmt: skip
        self._is_asking = bool(old)
        return old

    async def ask(self, copies: Sequence[Copy]) -> None:
        """Ask about them one by one. Without an answer nothing is shown."""
        try:
            for key, target in copies:
                reply = await self._session.send(ShowCause(key=key, target=target))
                found = reply if isinstance(reply, CopyCause) else None
                self.told[key, target] = Asked(
                    cause=str(found.cause) if found else "",
                    remedy=str(found.remedy) if found else "",
                    at=self._session.options.monotonic(),
                )
        finally:
            self._is_asking = False
