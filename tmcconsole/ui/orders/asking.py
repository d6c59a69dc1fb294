"""How actions ask, send, and report the reply, on the screen they were started on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tmcconsole.contract.commands import Accepted, AnyOrder, AnyQuery, AnyReply, Refused, Text
from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.screens.text_screen import TextScreen
from tmcconsole.ui.style.ink import Runs, ink
from tmcconsole.ui.subject import Subject
from tmcconsole.ui.widgets.bottom import YES, KeyChoice, Question


async def send(screen: FrameScreen, commands: Sequence[AnyOrder], done: str) -> bool:
    """Send orders one by one; report ``done``, or the first refusal. Return whether all were
    accepted.
    """
    for command in commands:
        reply = await screen.session.send(command)
        if isinstance(reply, Refused):
            complain(screen, reply)
            return False
        if isinstance(reply, Accepted) and reply.message and len(commands) == 1:
            done = reply.message
    screen.say(done, "synced")
    return True


async def confirmed(screen: FrameScreen, text: str) -> bool:
    """Ask yes or no, No being the default."""
    return await screen.ask(Question(text, YES)) == {"choice": "y"}


async def chosen(screen: FrameScreen, text: str, choices: tuple[KeyChoice, ...]) -> str:
    """Ask for one of several; return its key, "" for none."""
    answers = await screen.ask(Question(text, choices, tone="drift"))
    return answers["choice"] if answers else ""


async def read(
    screen: FrameScreen,
    subject: Subject,
    commands: Sequence[AnyQuery],
    title: str,
    lines: Callable[[str, int], list[Runs]],
) -> None:
    """Send queries and show the answers as one text."""
    screen.say("asking…", "dim")
    answers: list[Text] = []
    for command in commands:
        reply = await screen.session.send(command)
        if not isinstance(reply, Text):
            complain(screen, reply)
            return
        answers.append(reply)
    screen.say("")

    def all_parts(width: int) -> list[Runs]:
        parts: list[Runs] = []
        for answer in answers:
            parts += [ink(answer.title, "title")] if len(answers) > 1 else []
            parts += [*lines(answer.body, width), ()]
        return parts

    shown = f"{title}: {subject.objects[0]}"
    push(screen, TextScreen(screen.session, shown, all_parts, about=subject))


def push(screen: FrameScreen, new: FrameScreen) -> None:
    """Show an answer, unless the user has moved on meanwhile."""
    if screen.is_current:
        screen.app.push_screen(new)


def complain(screen: FrameScreen, reply: AnyReply) -> None:
    """Report a reply that is not the expected answer."""
    match reply:
        case Refused():
            screen.say(f"refused: {reply.reason} {reply.fix}".rstrip(), "failed")
        case Accepted():
            screen.say(reply.message or "accepted", "synced")
        case _:
            screen.say(f"unexpected answer: {type(reply).__name__}", "failed")
