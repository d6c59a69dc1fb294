"""Definitions of custom resources with one thing wrong, and some with nothing wrong."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Final

import yaml

from tests.differential.trace import Json

_FILE: Final = Path(__file__).with_name("broken.yaml")


def definitions() -> dict[str, Json]:
    """Return definitions by what is wrong with them; the names of valid ones say so."""
    document = yaml.safe_load(_FILE.read_text())
    changes: dict[str, Json] = document["changes"]
    return {name: _changed(document["whole"], change) for name, change in changes.items()}


def _changed(whole: Json, change: Json) -> Json:
    tree: Json = copy.deepcopy(whole)
    *steps, last = change["at"]
    place: Any = tree
    for step in steps:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    if "to" not in change:
        del place[last]
    elif isinstance(place, list) and last == len(place):
        place.append(change["to"])
    else:
        place[last] = change["to"]
    return tree
