"""The ``:`` line: views and verbs with arguments, completion, and suggestions.

``VIEW [kind[/name]] [-n ns] [-l sel] [/filter] [@scope]`` opens a screen with a filter; ``VERB
target [@scope] [for 30m] [because text]`` acts.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from tmcconsole.ui.style.format import parse_duration

# Word -> mode. The first spelling of each is the one that completion offers.
VIEWS: Final = {
    "overview": "overview",
    "targets": "targets",
    "queues": "queues",
    "health": "health",
    "history": "history",
    "resources": "resources",
    "ov": "overview",
    "target": "targets",
    "synctargets": "targets",
    "queue": "queues",
    "errors": "history",
    "events": "history",
    "res": "resources",
    "resource": "resources",
    "objects": "resources",
}
VERBS: Final = (
    "pause", "resume", "resync", "cordon", "uncordon", "drain", "allow-deletes", "retry", "forget",
    "drift", "adopt", "revert", "cede",
)  # fmt: skip
OF_OBJECTS: Final = frozenset({"drift", "adopt", "revert", "cede"})
OF_FIELDS: Final = OF_OBJECTS - {"drift"}  # they take a field after the object
PLAIN: Final = {
    "dead": "TARGET: dead letters of a target, or of all",
    "theme": "NAME: change the colours",
    "screenshot": "FILE: write the screen as SVG",
    "save": "FILE: write the text that is shown to a file, whole",
    "hz": "RATE: frames per second, 0.2 to 10",
    "help": "keys and filter syntax of this screen",
    "quit": "leave",
    "q": "leave",
    "clear": "clear filter and marks",
    "notes": "the engine's own state",
}


class CommandError(ValueError):
    """The line is not a command; the message suggests one."""


@dataclass(frozen=True, slots=True)
class OpenView:
    """Show a screen, narrowed by a filter."""

    mode: str
    filter: str


@dataclass(frozen=True, slots=True)
class ActLine:
    """Do something to targets or an object."""

    verb: str
    subject: str  # a target's name, an object's key or part of it, or "" for the selection
    scope: tuple[str, ...] = ()
    duration_s: float = 0.0
    why: str = ""
    field: str = ""  # a path or pointer, where the verb takes one


@dataclass(frozen=True, slots=True)
class Say:
    """A command for the console itself."""

    word: str
    argument: str


Parsed = OpenView | ActLine | Say


def parse(line: str) -> Parsed:
    """Parse a command line. Raises ``CommandError``."""
    words = line.strip().lstrip(":").split()
    if not words:
        raise CommandError("type a view or a verb; ? lists them")
    head, rest = words[0].lower(), words[1:]
    if head in VIEWS:
        return OpenView(VIEWS[head], _filter(rest))
    if head in VERBS:
        return _act(head, rest)
    if head in PLAIN:
        return Say("quit" if head == "q" else head, " ".join(rest))
    near = nearest(head)
    raise CommandError(f"no command {head!r}" + (f": did you mean {near}?" if near else ""))


def nearest(word: str) -> str:
    """Return the known word most similar to ``word``, or nothing."""
    return next(iter(get_close_matches(word, [*VIEWS, *VERBS, *PLAIN], 1, 0.5)), "")


def _filter(words: list[str]) -> str:
    """Translate a view's arguments into the filter grammar."""
    terms: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in ("-n", "-l", "-f") and rest:
            terms += [word, rest.pop(0)]
        elif word.startswith("/"):
            terms += [" ".join([word[1:], *rest]).strip()]
            rest = []
        elif word.startswith(("@", "!", "-")) or ":" in word:
            terms.append(word)
        else:
            kind, _, name = word.partition("/")
            terms.append(f"kind:{kind}")
            terms += [f"name:{name}"] if name else []
    return " ".join(term for term in terms if term)


def _act(verb: str, words: list[str]) -> ActLine:
    subject = ""
    scope: tuple[str, ...] = ()
    duration, why, field = 0.0, "", ""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "because":
            why, rest = " ".join(rest), []
        elif word == "for" and rest:
            duration = _duration(rest.pop(0))
        elif word.startswith("@"):
            scope = tuple(part for part in word[1:].split(",") if part)
        elif subject and verb in OF_FIELDS and not field:
            field = word
        elif subject:
            raise CommandError(f"{verb} takes one name; {word!r} is extra")
        else:
            subject = word
    return ActLine(
        verb=verb, subject=subject, scope=scope, duration_s=duration, why=why, field=field
    )


def _duration(word: str) -> float:
    try:
        return parse_duration(word)
    except ValueError as error:
        raise CommandError(str(error)) from error


def complete(line: str, *, targets: tuple[str, ...], themes: tuple[str, ...]) -> tuple[str, ...]:
    """Return whole lines that could continue ``line``, the most likely first."""
    head, space, rest = line.lstrip().partition(" ")
    if not space:
        words = [*dict.fromkeys([*VERBS, *_main_views(), *PLAIN])]
        return tuple(word for word in words if head and word.startswith(head) and word != head)
    before, _, last = rest.rpartition(" ")
    stem = f"{head} {before} " if before else f"{head} "
    return tuple(stem + word for word in _arguments(head, last, targets, themes) if word != last)


def _main_views() -> list[str]:
    return list(dict.fromkeys(VIEWS.values()))


def _arguments(
    head: str, last: str, targets: tuple[str, ...], themes: tuple[str, ...]
) -> tuple[str, ...]:
    if head == "theme":
        return tuple(name for name in themes if name.startswith(last))
    if last.startswith("@"):
        return tuple(f"@{name}" for name in targets if name.startswith(last[1:]))
    if (head in VERBS or head == "dead") and last:
        return tuple(name for name in targets if name.startswith(last))
    return ()
