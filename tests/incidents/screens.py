"""Compares the console's screens with the facts."""

from __future__ import annotations

import re
import time

from tests.incidents.claims import CONSOLE_STEP_S, Claims, is_age
from tests.incidents.facts import Copy, Facts, read_facts
from tests.incidents.script import Look
from tests.incidents.tables import Row, has_table, rows_under
from tests.incidents.terminal import Size
from tests.incidents.world import World

OVERVIEW, TARGETS, HEALTH, HISTORY, RESOURCES = "1", "2", "4", "5", "6"
# The headings of each screen's table; a screen with nothing to list may have none.
HEADINGS = {
    OVERVIEW: ("PROBLEM", "SINCE", "WHAT"),
    TARGETS: ("STATE", "TARGET", "IN SYNC"),
    HEALTH: ("STATUS", "WHAT"),
    HISTORY: ("TIME", "EVENT"),
    RESOURCES: ("STATE", "KIND", "NAME"),
}
IN_SYNC = re.compile(r"([\d,]+)/([\d,]+) in sync")
CLOCK = re.compile(r"\d\d:\d\d:\d\d")
DAY_S = 86400.0
READY_TARGETS = re.compile(r"(\d+)/(\d+) targets")
GOOD = ("● ready", "● in sync", "● healthy")
BEFORE_S, AFTER_S = 2.0, 8.0  # how far a shown moment may be from the real one
OVER_S = 25.0  # the next attempt notices that it is over
SILENT = ("unreachable", "unauthorized", "timeout", "refused", "stale", "unknown", "not")


def face_of(size: Size) -> str:
    """Return the name of the face that a screen's claims belong to."""
    return f"screen {size[0]}x{size[1]}"


async def judge_screens(world: World, look: Look, size: Size) -> Claims:
    """Return the claims of all screens at one size."""
    claims = Claims(face_of(size))
    await world.screen.resize(size)
    facts = await read_facts(world)
    for key, judge in (
        (RESOURCES, _resources), (TARGETS, _targets), (HEALTH, _health), (OVERVIEW, _overview),
    ):  # fmt: skip
        text = await shown(world, key)
        judge(claims, world, look, text, facts)
    return claims


async def shown(world: World, key: str) -> str:
    """Return the text of a screen."""
    return await world.screen.show(key, lambda text: has_table(text, *HEADINGS[key]))


def _header(claims: Claims, text: str, facts: Facts) -> None:
    head = "\n".join(text.splitlines()[:3])
    found = IN_SYNC.search(head)
    if found and not facts.are_leaving:
        told = tuple(int(number.replace(",", "")) for number in found.groups())
        fact = (sum(one.is_same for one in facts.copies), len(facts.copies))
        claims.check("header: in sync", told, fact, told == fact or "hub" in facts.down)
    if found := READY_TARGETS.search(head):
        told = int(found[1]), int(found[2])
        targets = {one.target for one in facts.copies} | set(facts.down) - {"hub"}
        up = len(targets - set(facts.down))
        # Whether a cordoned, paused or braked target is ready is a matter of wording.
        claims.must("header: targets ready", str(told[0]), f"{up} answer", told[0] <= up)
    if "hub" in facts.down:
        claims.must("header: hub", head, "it does not answer", "● hub" not in head)


def _targets(claims: Claims, world: World, look: Look, text: str, facts: Facts) -> None:
    _header(claims, text, facts)
    rows = {row["TARGET"]: row for row in rows_under(text, *HEADINGS[TARGETS])}
    for name in world.clusters:
        row = rows.get(name)
        if row is None:
            claims.must(f"targets: {name}", "nothing", "there is such a target", False)
            continue
        _target_row(claims, name, row, facts)


def _target_row(claims: Claims, name: str, row: Row, facts: Facts) -> None:
    state, is_up = row["STATE"], name not in facts.down
    if "hub" not in facts.down:
        good = state.startswith("● ready")
        fact = facts.down.get(name) or "it answers"
        claims.must(f"targets: state of {name}", state, fact, not good if not is_up else True)
        silent = any(word in state for word in SILENT)
        claims.must(f"targets: {name}", state, fact, not (silent and is_up))
    same, all_ = sum(one.is_same for one in facts.on(name)), len(facts.on(name))
    told = row["IN SYNC"]
    first = told.partition("/")[0]
    is_so = told == f"{same}/{all_}" or (not first.isdigit() and not (is_up and all_))
    if "hub" not in facts.down and not facts.are_leaving:
        claims.must(f"targets: in sync on {name}", told, f"{same} of {all_}", is_so)


def _resources(claims: Claims, world: World, look: Look, text: str, facts: Facts) -> None:
    rows = {row["NAME"]: row for row in rows_under(text, *HEADINGS[RESOURCES])}
    by_name: dict[str, list[Copy]] = {}
    for copy in facts.copies:
        by_name.setdefault(copy.key.rpartition("/")[2], []).append(copy)
    for name, copies in sorted(by_name.items())[:10]:
        row = next((row for shown, row in rows.items() if _is_name(shown, copies[0].key)), None)
        if row is None:
            claims.must(f"resources: {name}", "no row", "it is wanted on targets", False)
            continue
        _object_row(claims, name, row, copies, "hub" in facts.down)


def _object_row(claims: Claims, name: str, row: Row, copies: list[Copy], is_hub_down: bool) -> None:
    well = all(one.is_well for one in copies)
    good = row["STATE"].startswith("● in sync")
    fact = "; ".join(f"{one.target}: {one.stand}" for one in copies if not one.is_well) or "well"
    if not is_hub_down:
        claims.must(f"resources: state of {name}", row["STATE"], fact, good == well)
    for copy in copies:
        cell = row.get(copy.target.upper())
        if cell and copy.is_heard and copy.ready is not None and (found := _ready(cell)):
            claims.check(f"resources: {name} on {copy.target}", found, (copy.ready, copy.wanted))
        if cell and not copy.is_heard:
            is_so = not cell.startswith("● ")
            claims.must(f"resources: {name} on {copy.target}", cell, "it does not answer", is_so)


def _is_name(shown: str, key: str) -> bool:
    """Return whether a cell has this name, also with its namespace or shortened in the middle."""
    head, dots, tail = shown.partition("…")
    return any(
        shown == name or (bool(dots) and name.startswith(head) and name.endswith(tail))
        for name in (key.rpartition("/")[2], key.partition("/")[2])
    )


def _ready(cell: str) -> tuple[int, int] | None:
    found = re.search(r"(\d+)/(\d+)", cell)
    return (int(found[1]), int(found[2])) if found else None


def _health(claims: Claims, world: World, look: Look, text: str, facts: Facts) -> None:
    silent = ""
    for row in rows_under(text, *HEADINGS[HEALTH]):
        node = row["WHAT"].lstrip("└├─│ ")
        if node in world.clusters:
            silent = node if node in facts.down else ""
        elif node == "hub":
            silent = "hub" if "hub" in facts.down else ""
        if silent:
            is_so = not row["STATUS"].startswith("● healthy")
            claims.must(
                f"health: {node} under {silent}", row["STATUS"], "it does not answer", is_so
            )
        if node == "system" and not look.on_purpose:
            well = not facts.ailing and not facts.down
            good = row["STATUS"].startswith("● healthy")
            fact = "all is well" if well else "something is not"
            claims.must("health: system", row["STATUS"], fact, good == well)


def _overview(claims: Claims, world: World, look: Look, text: str, facts: Facts) -> None:
    rows = rows_under(text, *HEADINGS[OVERVIEW])
    is_well = not facts.ailing and not facts.down
    says_well = "No problems" in text
    fact = "there are none" if is_well else "there are some"
    if look.on_purpose:
        return
    claims.must(
        "problems", "none" if says_well else f"{len(rows)} rows", fact, says_well == is_well
    )
    for row in rows:
        if not look.since or row["SINCE"] in ("", "-"):
            continue
        true_age = time.time() - world.marks[look.since]
        is_so = is_age(row["SINCE"], true_age, CONSOLE_STEP_S)
        claims.must(f"problems: since, {row['line']}", row["SINCE"], f"{true_age:.0f} s", is_so)


async def judge_history(world: World, look: Look, size: Size) -> Claims:
    """Return the claims of the history about what began and what ended."""
    claims = Claims("history")
    mark = world.marks.get(look.since or look.ended)
    if mark is None or not look.in_history:
        return claims
    await world.screen.resize(size)
    text = await shown(world, HISTORY)
    rows = rows_under(text, *HEADINGS[HISTORY])
    at = mark + world.skew_s
    patience_s = AFTER_S if look.since else OVER_S
    since = [row for row in rows if _after(row["TIME"], at) >= -BEFORE_S]
    age_s = time.time() - mark
    began = [
        row
        for row in since
        if _after(row["TIME"], at) <= patience_s or is_age(_open_for(row), age_s, CONSOLE_STEP_S)
    ]
    ended = [row for row in rows if -BEFORE_S <= _after(row.get("RECOVERED", ""), at) <= patience_s]
    what = f"{look.about or 'it'} {'since' if look.since else 'until'} {_clock(at)}"
    claims.must(what, _lines(rows), "that is in the history", bool(began or ended))
    if look.since and look.about in (*world.clusters, "hub"):
        same = [row for row in since if look.about in row["line"]]
        claims.must(f"lines of {what}", _lines(same), "it is one trouble", len(same) <= 1)
    return claims


def _lines(rows: list[Row]) -> str:
    return " | ".join(row["line"] for row in rows) or "nothing"


def _open_for(row: Row) -> str:
    """Return the age of a lasting trouble; its time is when it was last met."""
    return row.get("RECOVERED", "").removeprefix("open ")


def _after(shown: str, at: float) -> float:
    """Return how many seconds a time of day is after a moment, even across midnight."""
    if not CLOCK.fullmatch(shown):
        return -DAY_S
    hours, minutes, seconds = (int(part) for part in shown.split(":"))
    ahead = (hours * 3600 + minutes * 60 + seconds - at) % DAY_S
    return ahead if ahead < DAY_S / 2 else ahead - DAY_S


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(at))
