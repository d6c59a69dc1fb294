"""Why something is not written: one stable reason, and one sentence with the remedy."""

from __future__ import annotations

from dataclasses import dataclass

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.errors import KubeError


@dataclass(frozen=True, slots=True)
class Refusal:
    """A denial by policy."""

    reason: str  # one stable word, explained in docs/operating.md
    message: SafeText  # with the field's path and the remedy


class NotPermitted(KubeError):
    """Policy issued no permit for a request, so none was sent."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.reason = refusal.reason


def refuse(reason: str, message: str) -> Refusal:
    """Return a refusal; the message may quote what a tenant wrote."""
    return Refusal(reason, SafeText(message))
