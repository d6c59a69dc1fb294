"""Keeps the history on disk while the engine runs, so that it survives a restart."""

from __future__ import annotations

import logging

from tmcconsole.contract.text import SafeText
from tmcconsole.runtime import Runtime
from tmcconsole.tmc.history.history import History
from tmcconsole.tmc.history.history_store import HistoryStore, HistoryUnavailable, keep_saved

log = logging.getLogger(__name__)


async def load_history(history: History, store: HistoryStore) -> None:
    """Load what an earlier run left, before anything new is recorded.

    A disk that cannot be read costs the history of earlier runs, not the engine.
    """
    try:
        history.load(await store.load(), await store.load_subjects())
    except HistoryUnavailable as error:
        log.error("the history of earlier runs cannot be read: %s", error)


async def keep_history(history: History, store: HistoryStore, runtime: Runtime) -> None:
    """Save what is new until cancelled, and then once more."""
    told = SafeText()

    def report(problem: SafeText) -> None:
        nonlocal told
        if problem != told:
            told = problem
            log.error("the history cannot be saved: %s", problem or "works again")

    await keep_saved(history, store, runtime.sleep, report)
