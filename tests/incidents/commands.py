"""Compares what the commands print with the facts: ``status`` in both forms, and ``why``."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from tests.incidents.claims import COMMAND_STEP_S, Claims, is_age
from tests.incidents.facts import Copy, Facts, names, read_facts
from tests.incidents.script import Look
from tests.incidents.tables import rows_under
from tests.incidents.world import Said, World

ALL_WELL = re.compile(
    r"(all|everything)( is)? in sync|nothing needs you|all (is )?well", re.IGNORECASE
)
NOT_THERE = "it is not there"
NEXT_TRY = re.compile(
    r"(?:next (?:try|attempt)|retry|tried again)[^\n]{0,20}?(\d+) ?[smh]\b"
    r"|(?:next (?:try|attempt)|retry) now"
    r"|in the queue: (?!delayed)"  # it is being tried, or will be at once
)
WELL, NOT_WELL, NOT_KNOWN = 0, 3, 4  # exit codes
OBJECTS_ASKED = 2  # of each incident, by ``why KEY``


async def judge_status(world: World, look: Look) -> Claims:
    """Return the claims of ``status`` and ``status -o json``."""
    claims = Claims("status")
    document, table = await world.ask("status", "-o", "json"), await world.ask("status")
    facts = await read_facts(world)
    _check_code(claims, document.code, facts)
    claims.check("exit code of the table", table.code, document.code)
    if not document.out.startswith("{"):
        claims.must("the answer", document.err.strip(), "that is no document", False)
        return claims
    status = json.loads(document.out)
    if "hub" in facts.down:
        hub = status["engine"]["hub_connected"]
        claims.check("hub connected", hub, False)
        first = _first_line(table)
        claims.must("first line", first, "the hub does not answer", "hub" in first.lower())
    else:
        for target in status["targets"]:
            claims.check(
                f"{target['name']} ready", target["ready"], target["name"] not in facts.down
            )
        if not facts.are_leaving:
            _counts(claims, status, facts)
    _same_table(claims, status, table.out)
    return claims


def _check_code(claims: Claims, code: int, facts: Facts) -> None:
    """Compare an exit code with the facts; for a kind that is not heard of, either is right."""
    if facts.unheard and not facts.down:
        claims.must("exit code", str(code), "3 or 4", code in (NOT_WELL, NOT_KNOWN))
        return
    fact = NOT_KNOWN if facts.down else NOT_WELL if facts.ailing else WELL
    claims.check("exit code", code, fact)


def _counts(claims: Claims, status: dict[str, Any], facts: Facts) -> None:
    told = status["objects"]
    claims.check("objects placed", told["placed"], len(facts.copies))
    claims.check("objects in sync", told["in_sync"], sum(one.is_same for one in facts.copies))
    for target in status["targets"]:
        name = target["name"]
        claims.check(f"objects on {name}", target["objects"], len(facts.on(name)))
        in_sync = sum(one.is_same for one in facts.on(name))
        # What is not known may be shown as 0, as nothing, or as not current.
        is_so = target["in_sync"] in (in_sync, None) if name in facts.down else None
        claims.check(f"in sync on {name}", target["in_sync"], in_sync, is_so)


def _same_table(claims: Claims, status: dict[str, Any], table: str) -> None:
    rows = {row["TARGET"]: row for row in rows_under(table, "TARGET", "IN SYNC")}
    for target in status["targets"]:
        row = rows.get(str(target["name"]), {})
        told = tuple(row.get(title, "") for title in ("READY", "OBJECTS", "IN SYNC"))
        ready = "yes" if target["ready"] else "no"
        fact = (ready, *(_number(target[name]) for name in ("objects", "in_sync")))
        claims.check(f"the table of {target['name']}", told, fact)


def _number(value: object) -> str:
    return "-" if value is None else str(value)


async def judge_why(world: World, look: Look) -> Claims:
    """Return the claims of ``why``, and of ``why KEY`` for what is not well."""
    claims = Claims("why")
    listed = await world.ask("why")
    facts = await read_facts(world)
    _check_code(claims, listed.code, facts)
    says_well = ALL_WELL.search(listed.out) is not None
    claims.must(
        "all is well", str(says_well), f"{len(facts.ailing)} are not, down: {sorted(facts.down)}",
        says_well == (not facts.ailing and not facts.down),
    )  # fmt: skip
    if "hub" in facts.down:
        first = _first_line(listed)
        claims.must("first line", first, "the hub does not answer", "hub" in first.lower())
    else:
        _list(claims, world, look, listed, facts)
    for copy in facts.ailing[:OBJECTS_ASKED]:
        _explained(claims, look, copy, await world.ask("why", copy.key))
    return claims


def _list(claims: Claims, world: World, look: Look, listed: Said, facts: Facts) -> None:
    rows = rows_under(listed.out, "TARGET", "KEY", "SINCE")
    told = {f"{row['KEY']} on {row['TARGET']}" for row in rows if row["TARGET"] in world.clusters}
    # A healthy copy that is leaving may be shown with its present state, or with its former one.
    to_go = {one for one in facts.ailing if one.target in world.leaving and one.is_heard}
    must = set(names([one for one in facts.ailing if one not in to_go]))
    may = must | set(names(list(to_go)))
    claims.must("what is listed", str(sorted(told)), str(sorted(must)), must <= told <= may)
    for row in rows:
        about = f"since, {row['KEY']} on {row['TARGET']}"
        if look.since in world.marks and row["TARGET"] in world.clusters:
            true_age = time.time() - world.marks[look.since]
            claims.must(
                about,
                row["SINCE"],
                f"it is {true_age:.0f} s",
                is_age(row["SINCE"], true_age, COMMAND_STEP_S),
            )


def _explained(claims: Claims, look: Look, copy: Copy, said: Said) -> None:
    about = f"why {copy.key}"
    claims.must(about, _line_with(said.out, NOT_THERE), "the hub has it", NOT_THERE not in said.out)
    if look.cause and copy.target in said.out:
        found = re.search(look.cause, said.out) is not None
        claims.must(f"{about}: cause", said.out, f"it is {look.cause!r}", found)
    if look.next_try:
        found = NEXT_TRY.search(said.out) is not None
        claims.must(f"{about}: next try", said.out, "there is one", found)


def _line_with(text: str, part: str) -> str:
    return next((line for line in text.splitlines() if part in line), "")


def _first_line(said: Said) -> str:
    return next(iter((said.err + said.out).strip().splitlines()), "")
