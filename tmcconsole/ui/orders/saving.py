"""Saves a shown text to a file: complete, unwrapped, never over another file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.screens.text_screen import TextScreen

_MAX_NAME: Final = 100  # characters of a title that are used in a file name
_OTHER: Final = re.compile(r"[^a-z0-9.]+")


def save(screen: FrameScreen, name: str) -> None:
    """Write the text on top to a file and say where; a name of its own where none is given."""
    if not isinstance(screen, TextScreen):
        screen.say("save: open a text first (w, y, =); :screenshot saves a list", "drift")
        return
    path = Path(name or file_name(screen.reading)).expanduser().absolute()
    try:
        written = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(written, "w", encoding="utf-8") as file:
            file.write(screen.whole())
    except FileExistsError:
        screen.say(f"already there, not written: {path.name} in {path.parent}", "drift")
    except OSError as error:
        screen.say(f"not written: {error}", "failed")
    else:
        screen.say(f"wrote {path.name} in {path.parent}", "synced")


def file_name(title: str) -> str:
    """Return a file name for a text's title, without characters that mean something to a shell."""
    ending = {"YAML": ".yaml", "Diff": ".diff"}.get(title.partition(":")[0], ".txt")
    return f"tmc-{_OTHER.sub('-', title.lower()).strip('-.')[:_MAX_NAME]}{ending}"
