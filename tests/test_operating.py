"""The page for operators explains every state, error and reason of the program, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.test_docs import CODE, QUOTED, first_words, literals, rows, section, text_of, tree_of
from tmcconsole.contract.records import Health, KindState, SyncState, TargetState
from tmcconsole.engine.hub import sync_target_status as heartbeat
from tmcconsole.sync.assignment.endings import FINISHED_HERE
from tmcconsole.sync.leaving.may_leave import AWAITING_REPLACEMENT, NEEDED_HERE, NO_REPLACEMENT
from tmcconsole.tmc.errors import TRAITS, ErrorType

REASON = re.compile(r"[A-Z][A-Za-z]+")
# Reasons that API servers and transports give, not we: they are explained, but made elsewhere.
FOREIGN_REASONS = {
    "Unreachable",
    "Timeout",
    "Certificate",
    "Credentials",
    "Kubeconfig",
    "Moved",
    "Unauthorized",
}


def test_operating_explains_every_state_and_no_other() -> None:
    targets, health = (
        section("docs/operating.md", "Targets"),
        section("docs/operating.md", "Health"),
    )
    copies = section("docs/operating.md", "Copies")

    assert set(TargetState) <= first_words(targets)
    assert set(Health) <= first_words(health)
    assert set(SyncState) <= first_words(copies)
    known = {*TargetState, *Health, *SyncState, *conditions(), *reasons_of_ours(), *FOREIGN_REASONS}
    assert first_words(targets + health + copies) <= known
    kinds = first_words(section("docs/operating.md", "Kinds"))
    assert set(KindState) <= kinds <= {*KindState, *reasons_of_ours()}


def conditions() -> set[str]:
    return {
        heartbeat.READY,
        heartbeat.SYNCER,
        heartbeat.HEARTBEAT,
        heartbeat.IMPORTS,
        heartbeat.AUTHORIZED,
        heartbeat.WATCHED,
    }


def test_operating_explains_every_condition() -> None:
    assert conditions() <= first_words(section("docs/operating.md", "Targets"))


def test_operating_has_every_error_type_with_its_severity_and_pace() -> None:
    told = {row[0].strip("`"): row[1:3] for row in rows(section("docs/operating.md", "Errors"))}

    assert told == {
        kind.value: (TRAITS[kind].severity.value, TRAITS[kind].pace.value) for kind in ErrorType
    }


def test_operating_names_the_error_types_that_nothing_gives() -> None:
    """Types that only errors.py defines, or only the recoveries would handle, are told as such."""
    outside = [
        path
        for path in CODE.rglob("*.py")
        if path != CODE / "tmc/errors.py" and CODE / "tmc/recovery" not in path.parents
    ]
    given = {
        node.attr
        for path in outside
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "ErrorType"
    }
    told = section("docs/operating.md", "Errors").partition("types yet:")[2].partition(". ")[0]

    assert set(QUOTED.findall(told)) == {kind.value for kind in ErrorType if kind.name not in given}


# Calls that put a reason before a person, and where in the call it stands.
REASON_AT = {
    "stand": 1,
    "stand_on_order": 0,
    "refuse": 0,
    "_against": 1,
    "Finding": 0,
    "TenantForbidden": 1,
    "_ask": 2,
    "account": 0,
    "ViewInvalid": 0,
    "Wait": 0,
    "SetupError": 0,
    "Delete": 1,
    "Decision": 2,
    "_stands": 2,
}
REASONED = ("sync", "engine", "placement", "tmc/classify.py", "tmc/health/health.py")


@cache
def reasons_of_ours() -> frozenset[str]:
    """Return the reasons written as literals in the code that decides, judges and classifies.

    Those for which a copy stays, or is not made any more, have names: more than one module asks
    for them.
    """
    found = {NO_REPLACEMENT, AWAITING_REPLACEMENT, NEEDED_HERE, FINISHED_HERE}
    for place in REASONED:
        path = CODE / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            for node in ast.walk(tree_of(file)):
                found |= set(reasons_at(node))
    return frozenset(word for word in found if REASON.fullmatch(word))


def reasons_at(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            position = REASON_AT.get(name)
            if position is not None and len(node.args) > position:
                yield from literals(node.args[position])
            if name == "enter" and len(node.args) > 1:
                yield from literals(node.args[1])
            for keyword in node.keywords:
                if keyword.arg == "reason" and name in ("failure", "stand"):
                    yield from literals(keyword.value)
        case ast.Assign(targets=[ast.Name(id="reason")]):
            yield from literals(node.value)
        case ast.FunctionDef(name=name) if name.startswith("reason_"):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value is not None:
                    yield from literals(inner.value)
        case ast.Tuple(elts=[_, ast.Attribute(value=ast.Name(id="Health")), reason]):
            yield from literals(reason)
        case ast.Call():
            return


def test_operating_explains_every_reason_the_engine_gives() -> None:
    told = set(QUOTED.findall(text_of("docs/operating.md")))

    assert reasons_of_ours() - told == set()


def test_reasons_are_found_in_the_code() -> None:
    assert {
        "Creating",
        "Owned",
        "IdentityChanged",
        "QuotaExceeded",
        "KindAway",
    } <= reasons_of_ours()
