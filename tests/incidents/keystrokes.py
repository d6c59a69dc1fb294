"""How many keys lead from the first screen to the cause, and to what to do about it."""

from __future__ import annotations

import re

from tests.incidents.claims import Claims
from tests.incidents.screens import HEADINGS, OVERVIEW, shown
from tests.incidents.script import Look
from tests.incidents.tables import has_table
from tests.incidents.terminal import SMALL
from tests.incidents.world import World

BOUND = 2
# What a user who knows the bar of keys tries: open the selected problem, or ask why.
PATHS = (
    (), ("\r",), ("w",), ("5",), ("\t", "\r"), ("\t", "w"), ("\r", "w"), ("5", "\r"),
    ("6", "w"), ("6", "\r"),
)  # fmt: skip
NAMES = {"\r": "Enter", "\t": "Tab"}
ESCAPE = "\x1b"


async def judge_keystrokes(world: World, look: Look) -> Claims:
    """Return whether the cause and the remedy are at most two keys away on a small screen."""
    claims = Claims("keystrokes")
    wanted = {"cause": look.cause, "remedy": look.remedy}
    left = {name: words for name, words in wanted.items() if words}
    await world.screen.resize(SMALL)
    for path in PATHS if left else ():
        text = _joined(await _walk(world, path))
        for name, words in list(left.items()):
            if re.search(words, text):
                del left[name]
                keys = " ".join(NAMES.get(key, key) for key in path) or "none"
                claims.must(f"keys to the {name}", keys, f"at most {BOUND}", len(path) <= BOUND)
        if not left:
            break
    for name, words in left.items():
        claims.must(f"keys to the {name}", "no two keys lead there", f"it is {words!r}", False)
    if wanted["cause"] or wanted["remedy"]:
        await go_home(world)
    return claims


async def go_home(world: World) -> str:
    """Return to the first screen from wherever the keys have led; return what it shows."""
    for _ in range(3):
        text = await world.screen.press(OVERVIEW)
        if has_table(text, *HEADINGS[OVERVIEW]):
            return text
        await world.screen.press(ESCAPE)  # a view or a question covers it
    return await shown(world, OVERVIEW)


async def _walk(world: World, keys: tuple[str, ...]) -> str:
    """Press keys on the first screen, and return what comes."""
    text = await go_home(world)
    return await world.screen.press(*keys) if keys else text


def _joined(text: str) -> str:
    """Return the text, followed by a form in which wrapped lines are joined."""
    lines = [line.strip(" │▏|") for line in text.splitlines()]
    return "\n".join(lines) + "\n" + " ".join(lines)
