"""What waits in the queues, and dead letters: keys refused or failed too often, with the cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from tmcconsole.contract.commands import DeadLetter, DeadLetters, QueueItem, QueueItems
from tmcconsole.contract.secret_text import cut_and_hide
from tmcconsole.contract.text import MAX_LENGTH, SafeText
from tmcconsole.runtime import Runtime
from tmcconsole.sync.queue.workqueue import Item, Trouble, WorkQueue
from tmcconsole.sync.state.ledger import Ledger

MAX_LETTERS: Final = 1000  # in one reply
MAX_ITEMS: Final = 1000


@dataclass(frozen=True, slots=True)
class Post:
    """One queue, and its owner."""

    name: str  # the target's, or hub
    queue: WorkQueue
    ledger: Ledger | None = None  # a target's: it has the cause in words


def list_queue(post: Post, lane: str, runtime: Runtime) -> QueueItems:
    """Return what waits in one lane of a queue."""
    shift = runtime.wall() - runtime.now()
    waiting = islice(post.queue.items(lane), MAX_ITEMS)
    items = []
    for key, state, attempts, at in waiting:
        entry = post.ledger.get(lane, key) if post.ledger else None
        error = entry.standing.message if entry and attempts else SafeText()
        due = at + shift if at else 0.0
        items.append(
            QueueItem(key=SafeText(key), state=state, attempts=attempts, due_at=due, error=error)
        )
    return QueueItems(items=tuple(items))


def list_dead(posts: Iterable[Post], runtime: Runtime) -> DeadLetters:
    """Return the dead letters of all queues."""
    shift = runtime.wall() - runtime.now()
    found = [(post, *one) for post in posts for one in post.queue.dead_letters()]
    letters = (_letter(post, item, trouble, due, shift) for post, item, trouble, due in found)
    return DeadLetters(items=tuple(islice(letters, MAX_LETTERS)), total=len(found))


def retry_dead(posts: Iterable[Post], wanted: Item | None) -> int:
    """Queue dead letters now, all of them without ``wanted``; return how many."""
    count = 0
    for post in posts:
        for item, _, _ in list(post.queue.dead_letters()):
            if wanted in (None, item):
                entry = post.ledger.get(*item) if post.ledger else None
                if entry is not None:
                    entry.refused = None
                post.queue.add(*item)
                count += 1
    return count


def _letter(post: Post, item: Item, trouble: Trouble, due: float, shift: float) -> DeadLetter:
    entry = post.ledger.get(*item) if post.ledger else None
    cause = entry.standing.message if entry else ""
    return DeadLetter(
        target=SafeText(post.name),
        key=SafeText(f"{item.lane}/{item.key.namespace}/{item.key.name}"),
        cause=SafeText(cause or cut_and_hide(trouble.error, MAX_LENGTH)),
        attempts=trouble.attempts,
        since=round(trouble.since + shift, 3),
        due_at=round(due + shift, 3) if due else 0.0,
    )
