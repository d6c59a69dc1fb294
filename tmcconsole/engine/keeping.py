"""Keeps the history on disk while the engine runs, so that it survives a restart."""

from __future__ import annotations

import logging
from typing import Final

import anyio

from tmcconsole.runtime import Runtime
from tmcconsole.tmc.history import History
from tmcconsole.tmc.history_store import HistoryStore, HistoryUnavailable

log = logging.getLogger(__name__)

SAVE_S: Final = 2.0


async def load_history(history: History, store: HistoryStore) -> None:
    """Take over what an earlier run left, before anything new is recorded.

    A disk that cannot be read costs the history of earlier runs, not the engine.
    """
    try:
        history.load(await store.load())
    except HistoryUnavailable as error:
        log.error("the history of earlier runs cannot be read: %s", error)


async def keep_history(history: History, store: HistoryStore, runtime: Runtime) -> None:
    """Save what is new every few seconds, and at the end; until cancelled."""
    try:
        while True:
            await runtime.sleep(SAVE_S)
            await _save(history, store)
    finally:
        with anyio.CancelScope(shield=True):
            await _save(history, store)
            await store.aclose()


async def _save(history: History, store: HistoryStore) -> None:
    records = history.pending()
    if not records:
        return
    try:
        await store.save(records)
    except HistoryUnavailable as error:
        history.unsaved(records)
        log.error("the history cannot be saved: %s", error)
