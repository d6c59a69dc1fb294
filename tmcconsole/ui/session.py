"""The console's side of the seam: the link, the mirror, and how fresh they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import anyio

from tmcconsole.config.settings import ConsoleSettings
from tmcconsole.contract.changes import NOTHING_SEEN, Changes
from tmcconsole.contract.commands import (
    AnyCommand,
    AnyReply,
    ForgetTarget,
    Order,
    PlanForget,
    Refused,
)
from tmcconsole.contract.link import EngineLink, LinkLost
from tmcconsole.contract.records import Record, TargetRecord
from tmcconsole.contract.text import SafeText
from tmcconsole.ui.mirror import Mirror
from tmcconsole.ui.rows.table import DrawContext, Listing
from tmcconsole.ui.rows.targets import labels_of
from tmcconsole.ui.view import View

PULL_TIMEOUT_S: Final = 5.0  # after this long without an answer, ask again
REQUEST_TIMEOUT_S: Final = 15.0
WALK_TIMEOUT_S: Final = 60.0  # for a scan of the whole hub: the engine gives up before
LATE_S: Final = 3.0  # data older than this is called old

OpenLink = Callable[[], Awaitable[EngineLink]]


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """The options that the composition root chose for this console."""

    settings: ConsoleSettings
    link_mode: str  # local | demo | attached
    on_quit: str  # stop: quitting stops the engine; detach: the engine can outlive us
    clock: Callable[[], float]  # wall seconds
    monotonic: Callable[[], float]  # seconds that never go back
    open_link: OpenLink | None = None


class Session:
    """Owner of the link and the mirror. Screens read from it and send commands through it."""

    def __init__(self, link: EngineLink | None, options: ConsoleOptions) -> None:
        self.options = options
        self.link = link
        self.mirror = Mirror()
        self.lost = ""  # why the link is gone; "" while it is not
        self.held_at = 0.0  # our clock when the display was held; 0 = live
        self.waiting = 0  # changes not shown because the display is held
        self.serial = 0  # incremented with every change applied
        self._views: list[View] = []
        self._pulling = False

    @property
    def clock(self) -> float:
        """Return our wall clock."""
        return self.options.clock()

    @property
    def data_age(self) -> float:
        """Return seconds since the engine last answered."""
        return max(0.0, self.clock - self.mirror.received_at) if self.mirror.loaded else 0.0

    @property
    def is_late(self) -> bool:
        """Return whether the data shown may be outdated."""
        return bool(self.lost) or self.data_age > LATE_S

    @property
    def read_only(self) -> bool:
        """Return whether writes are refused, by the console or the engine."""
        engine = self.mirror.engine
        return self.options.settings.read_only or (engine is not None and engine.read_only)

    def draw(self) -> DrawContext:
        """Return what drawing depends on now. On a held display, time stands still, too."""
        clock = self.held_at or self.clock
        return DrawContext(
            now=self.mirror.now(clock),
            ascii_only=self.options.settings.ascii_only,
            targets=tuple(sorted(self.mirror.of(TargetRecord))),
        )

    def labels(self) -> dict[str, dict[str, str]]:
        """Return each target's labels, for scopes."""
        return {name: labels_of(target) for name, target in self.mirror.of(TargetRecord).items()}

    def view(self, listing: Listing) -> View:
        """Return a view on a kind of record that is notified of every change."""
        kind: type[Record] = listing.kind
        view = View(listing, lambda: self.mirror.of(kind))
        self._views.append(view)
        return view

    def settle(self, view: View) -> bool:
        """Bring a view up to date; return whether its order changed."""
        return view.settle(self.draw(), self.labels())

    async def pull(self) -> bool:
        """Pull changes once and apply them; return whether there were any.

        Calls never overlap. If the link does not answer, the data ages.
        """
        if self.link is None or self._pulling or self.lost:
            return False
        self._pulling = True
        try:
            with anyio.move_on_after(PULL_TIMEOUT_S) as scope:
                changes = await self.link.changes(self.mirror.revision)
        except LinkLost as error:
            self.lost = _reason(error)
            return True
        finally:
            self._pulling = False
        return not scope.cancelled_caught and self._take(changes)

    def _take(self, changes: Changes) -> bool:
        if self.held_at:
            self.waiting = len(changes.upserted) + len(changes.removed)
            self.mirror.received_at = self.clock
            return False
        first = not self.mirror.loaded
        touched = self.mirror.apply(changes, self.clock)
        for view in self._views:
            view.touch(touched.get(view.listing.kind.__name__, ()))
        self.serial += bool(touched)
        return bool(touched) or first

    def toggle_hold(self) -> bool:
        """Hold the display, or release it; return whether it is held."""
        self.held_at = 0.0 if self.held_at else self.clock
        self.waiting = 0
        return bool(self.held_at)

    async def send(self, command: AnyCommand) -> AnyReply:
        """Send a command. Errors come back as ``Refused``."""
        if self.link is None:
            return Refused(reason=SafeText("the engine has not started yet"))
        if self.read_only and isinstance(command, Order):
            return Refused(reason=SafeText("this console is read-only"))
        is_walk = isinstance(command, PlanForget | ForgetTarget)
        patience = WALK_TIMEOUT_S if is_walk else REQUEST_TIMEOUT_S
        try:
            with anyio.fail_after(patience):
                return await self.link.request(command)
        except TimeoutError:
            return Refused(
                reason=SafeText(
                    f"no answer in {patience:.0f} s; the command may still take effect"
                ),
                fix=SafeText("watch the records before you retry"),
            )
        except LinkLost as error:
            self.lost = _reason(error)
            return Refused(reason=SafeText(self.lost))

    def reopen(self, link: EngineLink) -> None:
        """Continue with a new link; its first snapshot refills the mirror."""
        self.link = link
        self.lost = ""
        self.mirror.revision = NOTHING_SEEN


def _reason(error: LinkLost) -> str:
    cause: Any = error.__cause__
    text = str(error) or "the engine is gone"
    return SafeText(f"{text}: {cause}" if cause is not None and str(cause) not in text else text)
