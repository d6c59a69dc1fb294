"""The keys in a queue, the dead letters of all targets, and retrying them."""

from __future__ import annotations

from functools import partial

from tmcconsole.contract.commands import (
    AnyOrder,
    AnyReply,
    DeadLetters,
    ListDeadLetters,
    QueueItems,
    RetryDeadLetters,
    ShowQueue,
)
from tmcconsole.contract.records import QueueRecord
from tmcconsole.ui.orders.asking import complain, confirmed, push, send
from tmcconsole.ui.rows.letters import LETTERS, QUEUED, dead_keys, queued_keys
from tmcconsole.ui.rows.table import Listing
from tmcconsole.ui.screens.asked import AskedRows, AskedScreen, AskRows
from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.session import Session
from tmcconsole.ui.style.format import count, plural
from tmcconsole.ui.subject import Subject


async def queue_items(screen: FrameScreen, queue: QueueRecord) -> None:
    """Show the keys in a queue, including its dead letters."""
    ask = partial(_queue, screen.session, queue.target, queue.kind)
    about = Subject(queues=((queue.target, queue.kind),))
    await _open(screen, QUEUED, f"Queue: {queue.target} {queue.kind}", ask, about)


async def dead_letters(screen: FrameScreen, target: str) -> None:
    """Show the dead letters of a target, or of the hub and all targets."""
    where = f" of {target}" if target else ""
    ask = partial(_dead, screen.session, target)
    await _open(screen, LETTERS, f"Dead letters{where}", ask, Subject())


async def _open(
    screen: FrameScreen, listing: Listing, title: str, ask: AskRows, about: Subject
) -> None:
    answer = await ask()
    if isinstance(answer, AskedRows):
        push(
            screen, AskedScreen(screen.session, listing, title, ask=ask, first=answer, about=about)
        )
    else:
        complain(screen, answer)


async def _queue(session: Session, target: str, kind: str) -> AskedRows | AnyReply:
    items = await session.send(ShowQueue(target=target, kind=kind))
    if not isinstance(items, QueueItems):
        return items
    letters = await session.send(ListDeadLetters(target=target))
    if not isinstance(letters, DeadLetters):
        return letters
    return AskedRows(queued_keys(target, kind, items.items, letters.items))


async def _dead(session: Session, target: str) -> AskedRows | AnyReply:
    letters = await session.send(ListDeadLetters(target=target))
    if not isinstance(letters, DeadLetters):
        return letters
    more = letters.total - len(letters.items)
    return AskedRows(dead_keys(letters.items), f"and {count(more)} more" if more > 0 else "")


async def retry(screen: FrameScreen, subject: Subject) -> None:
    """Retry the selected dead letters, or all in the selected queues; asks if more than one."""
    letters = subject.letters
    for target, kind in subject.queues if not letters else ():
        reply = await screen.session.send(ListDeadLetters(target=target))
        if not isinstance(reply, DeadLetters):
            complain(screen, reply)
            return
        letters += tuple((row.target, row.object) for row in dead_keys(reply.items, kind).values())
    if not letters:
        screen.say("no dead letters here", "dim")
        return
    what = letters[0][1] if len(letters) == 1 else plural(len(letters), "dead letter")
    commands: list[AnyOrder] = [RetryDeadLetters(target=target, key=key) for target, key in letters]
    if len(letters) == 1 or await confirmed(screen, f"retry {what} now?"):
        await send(screen, commands, f"trying {what} again")
        _look(screen)


async def retry_named(screen: FrameScreen, targets: tuple[str, ...], key: str) -> None:
    """Retry dead letters by name: of these targets, or of all; one object's, or all."""
    commands: list[AnyOrder] = [
        RetryDeadLetters(target=target, key=key) for target in targets or ("",)
    ]
    where = ", ".join(targets) or "the hub and all targets"
    if key or await confirmed(screen, f"retry all dead letters of {where} now?"):
        await send(screen, commands, f"retrying dead letters of {where}")
        _look(screen)


def _look(screen: FrameScreen) -> None:
    """Refresh a list that shows them."""
    if isinstance(screen, AskedScreen) and screen.is_attached:
        screen.ask_again()
