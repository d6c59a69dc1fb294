"""Traces drawn from a seed: what clients do to objects of one kind, valid and not."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from tests.differential import objects
from tests.differential.kinds import COLLECTIONS, Collection
from tests.differential.trace import (
    APPLY,
    END,
    JSON,
    JSON_PATCH,
    MERGE,
    PARTIAL,
    PARTIAL_LIST,
    STRATEGIC,
    TABLE,
    Json,
    Step,
    Trace,
    Watched,
)

NAMES: Final = ("one", "two")
MANAGERS: Final = ("alice", "bob")
WRONG_UID: Final = "00000000-0000-4000-8000-000000000000"


def generate(seed: int, length: int = 40) -> Trace:
    """Return the trace of a seed: ``length`` steps, a last look, and the END."""
    rng = random.Random(f"trace {seed}")
    of = COLLECTIONS[seed % len(COLLECTIONS)]
    steps: list[Step] = []
    while len(steps) < length:
        steps += rng.choices(_DRAWS, _WEIGHTS)[0](rng, of, rng.choice(NAMES))
    kind = of.path.rpartition("/")[2]
    end = of.make(rng, END)
    end["metadata"]["labels"] = {"tier": "front"}
    last = [Step("GET", of.path), Step("GET", of.path, accept=TABLE), Step("POST", of.path, end)]
    start = {"resourceVersion": "<start>"}
    watches = (
        Watched(of.path),
        Watched(of.path, start | {"labelSelector": "tier=front"}),
        Watched(of.path, start, TABLE),
        Watched(of.path, {}),
    )
    return Trace(f"seed {seed}: {kind}", (*steps, *last), watches)


def _create(rng: random.Random, of: Collection, name: str) -> list[Step]:
    query = {"fieldManager": rng.choice(MANAGERS)}
    return [Step("POST", of.path, of.make(rng, name), query=query | _dry(rng))]


def _create_generated(rng: random.Random, of: Collection, _name: str) -> list[Step]:
    tree = of.make(rng, "x")
    del tree["metadata"]["name"]
    tree["metadata"]["generateName"] = "gen-"
    return [Step("POST", of.path, tree, query={"dryRun": "All"})]


def _create_invalid(rng: random.Random, of: Collection, name: str) -> list[Step]:
    tree = of.make(rng, name)
    meta = tree["metadata"]
    match rng.randrange(9):
        case 0:
            meta["name"] = rng.choice(["Not_a_Name", "x" * 254, "-x"])
        case 1 if of.make is not objects.make_service:  # which first gets its address
            del meta["name"]
        case 2:
            meta["labels"] = rng.choice([{"bad key!": "x"}, {"ok": "bad value!"}, {"a": "y" * 64}])
        case 3:
            meta["annotations"] = {"bad key!": "x"}
        case 4:
            tree["kind"] = "Other"
        case 5:
            tree["apiVersion"] = "v9"
        case 6:
            meta["namespace"] = "elsewhere"
        case 7:
            meta["finalizers"] = ["nodomain"]
        case _:
            meta["resourceVersion"] = "1"
    return [Step("POST", of.path, tree)]


def _malformed(rng: random.Random, of: Collection, name: str) -> list[Step]:
    place = f"{of.path}/{name}"
    return [
        rng.choice(
            [
                Step("POST", of.path, b"{", JSON),
                Step("POST", of.path, b"[]", JSON),
                Step("POST", of.path, of.make(rng, name), "text/plain"),
                Step("PATCH", place, {}, JSON),
                Step("PATCH", place, b"{", MERGE),
                Step("PATCH", place, {}, JSON_PATCH),
                Step("PATCH", place, of.make(rng, name), APPLY),
                Step("PUT", of.path, of.make(rng, name)),
                Step("POST", place, of.make(rng, name)),
                Step("POST", of.path, of.make(rng, name), query={"dryRun": "Some"}),
            ]
        )
    ]


def _unknown_fields(rng: random.Random, of: Collection, name: str) -> list[Step]:
    tree = of.make(rng, name)
    tree["spek"] = {"x": 1}
    if rng.random() < 0.5:
        tree["metadata"]["labls"] = {}
    query = {"fieldValidation": rng.choice(["Strict", "Warn", "Ignore"])}
    if rng.random() < 0.5:
        return [Step("POST", of.path, tree, query=query)]
    query["fieldManager"] = rng.choice(MANAGERS)
    return [Step("PATCH", f"{of.path}/{name}", {"spek": 1}, MERGE, query)]


def _apply(rng: random.Random, of: Collection, name: str) -> list[Step]:
    query = {"fieldManager": rng.choice(MANAGERS)} | _dry(rng)
    if rng.random() < 0.3:
        query["force"] = "true"
    tree = of.make(rng, name)
    if rng.random() < 0.1:
        tree["metadata"]["resourceVersion"] = rng.choice(["<rv>", "<old rv>", "1"])
    if rng.random() < 0.1 and not of.knows_uid:
        tree["metadata"]["uid"] = rng.choice(["<uid>", WRONG_UID])
    return [Step("PATCH", f"{of.path}/{name}", tree, APPLY, query)]


def _put(rng: random.Random, of: Collection, name: str) -> list[Step]:
    tree = of.make(rng, name)
    version = rng.choice(["<rv>", "<rv>", "<old rv>", ""])
    if version:
        tree["metadata"]["resourceVersion"] = version
    if rng.random() < 0.3 and not of.knows_uid:
        tree["metadata"]["uid"] = rng.choice(["<uid>", WRONG_UID])
    query = {"fieldManager": rng.choice(MANAGERS)}
    return [Step("PUT", f"{of.path}/{name}", tree, query=query | _dry(rng))]


def _merge(rng: random.Random, of: Collection, name: str) -> list[Step]:
    patch = _patch(rng, of)
    query = {"fieldManager": rng.choice(MANAGERS)}
    kind = STRATEGIC if rng.random() < 0.4 else MERGE
    return [Step("PATCH", f"{of.path}/{name}", patch, kind, query | _dry(rng))]


def _patch(rng: random.Random, of: Collection) -> Json:
    match rng.randrange(6):
        case 0:
            return {"metadata": {"labels": {"tier": rng.choice(["front", "back", None])}}}
        case 1:
            return {"metadata": {"annotations": {"note": rng.choice([*objects.COLORS, None])}}}
        case 2:
            return {"metadata": {"finalizers": rng.choice([["example.com/hold"], None, []])}}
        case 3:
            version = rng.choice(["<rv>", "<old rv>"])
            return {"metadata": {"resourceVersion": version, "labels": {"color": "red"}}}
        case _:
            return rng.choice(of.patches or ({"metadata": {"labels": {"color": "blue"}}},))


def _json_patch(rng: random.Random, of: Collection, name: str) -> list[Step]:
    operations = rng.choice(
        [
            [{"op": "add", "path": "/metadata/labels", "value": {"tier": "back"}}],
            [{"op": "replace", "path": "/metadata/labels/tier", "value": "front"}],
            [{"op": "remove", "path": "/metadata/annotations"}],
            [{"op": "test", "path": "/metadata/name", "value": name}],
            [{"op": "test", "path": "/metadata/name", "value": "no"}],
            [{"op": "remove", "path": "/metadata/finalizers"}],
        ]
    )
    return [Step("PATCH", f"{of.path}/{name}", operations, JSON_PATCH)]


def _status(rng: random.Random, of: Collection, name: str) -> list[Step]:
    if not of.status:
        return []
    status = rng.choice(of.status)
    path = f"{of.path}/{name}/status"
    query = {"fieldManager": "statist"}
    match rng.randrange(3):
        case 0:
            tree = of.make(rng, name) | {"status": status}
            query["force"] = rng.choice(["true", "false"])
            return [Step("PATCH", path, tree, APPLY, query)]
        case 1:
            tree = of.make(rng, name) | {"status": status}
            tree["metadata"]["resourceVersion"] = rng.choice(["<rv>", "<old rv>"])
            return [Step("PUT", path, tree, query=query)]
        case _:
            patch = {"metadata": {"labels": {"by": "status"}}, "status": status}
            return [Step("PATCH", path, patch, MERGE, query)]


def _scale(rng: random.Random, of: Collection, name: str) -> list[Step]:
    if not of.has_scale:
        return []
    path = f"{of.path}/{name}/scale"
    if rng.random() < 0.4:
        return [Step("GET", path)]
    patch = {"spec": {"replicas": rng.choice([rng.randrange(10, 1000), -1])}}
    return [Step("PATCH", path, patch, MERGE, {"fieldManager": "scaler"})]


def _get(rng: random.Random, of: Collection, name: str) -> list[Step]:
    accept = rng.choice([JSON, JSON, TABLE, PARTIAL])
    return [Step("GET", f"{of.path}/{name}", accept=accept)]


def _list(rng: random.Random, of: Collection, name: str) -> list[Step]:
    accept = rng.choice([JSON, JSON, JSON, TABLE, PARTIAL_LIST])
    query = rng.choice(
        [
            {},
            {"labelSelector": "tier=front"},
            {"labelSelector": "tier!=front"},
            {"labelSelector": "tier in (a,back),color"},
            {"labelSelector": "!tier"},
            {"labelSelector": "tier notin (front)"},
            {"labelSelector": "tier in front"},
            {"labelSelector": "a=b=c"},
            {"fieldSelector": f"metadata.name={name}"},
            {"fieldSelector": "metadata.name!=one"},
            {"fieldSelector": "spec.nonsense=1"},
            {"resourceVersionMatch": "Exact"},
            {"resourceVersion": "0", "resourceVersionMatch": "Exact"},
            {"resourceVersion": "0", "resourceVersionMatch": "Sometimes"},
            {"resourceVersion": "nonsense"},
            {"limit": "nonsense"},
        ]
    )
    return [Step("GET", of.path, query=query, accept=accept)]


def _list_again(rng: random.Random, of: Collection, _name: str) -> list[Step]:
    """List again at the last list's version: a list of any version may be older than a write."""
    match = rng.choice([{}, {"resourceVersionMatch": rng.choice(["NotOlderThan", "Exact"])}])
    return [
        Step("GET", of.path),
        Step("GET", of.path, query={"resourceVersion": "<list rv>"} | match),
    ]


def _pages(rng: random.Random, of: Collection, name: str) -> list[Step]:
    """Page through a list while it changes: the second page shows the time of the first."""
    selector = rng.choice([{}, {}, {"labelSelector": "tier"}])
    query = {"limit": "1"} | selector
    between = rng.choice([[], _merge(rng, of, name), _create(rng, of, name)])
    going_on = Step("GET", of.path, query=query | {"continue": "<continue>"})
    return [Step("GET", of.path, query=query), *between, going_on]


def _delete(rng: random.Random, of: Collection, name: str) -> list[Step]:
    options = rng.choice(
        [
            None,
            {},
            {"preconditions": {"uid": "<uid>"}},
            {"preconditions": {"uid": WRONG_UID}},
            {"preconditions": {"uid": "<uid>", "resourceVersion": "<old rv>"}},
            {"preconditions": {"uid": "<uid>", "resourceVersion": "<rv>"}},
            {"propagationPolicy": "Background"},
            {"propagationPolicy": "Sideways"},
            {"dryRun": ["All"]},
            {"gracePeriodSeconds": 0},
        ]
    )
    return [Step("DELETE", f"{of.path}/{name}", options)]


def _delete_collection(rng: random.Random, of: Collection, _name: str) -> list[Step]:
    query = rng.choice([{"labelSelector": "tier=back"}, {"dryRun": "All"}])
    return [Step("DELETE", of.path, query=query)]


def _dry(rng: random.Random) -> dict[str, str]:
    return {"dryRun": "All"} if rng.random() < 0.1 else {}


_Draw = Callable[[random.Random, Collection, str], list[Step]]
_TABLE: Final[tuple[tuple[_Draw, int], ...]] = (
    (_create, 14),
    (_create_generated, 1),
    (_create_invalid, 5),
    (_malformed, 4),
    (_unknown_fields, 3),
    (_apply, 26),
    (_put, 10),
    (_merge, 16),
    (_json_patch, 8),
    (_status, 8),
    (_scale, 5),
    (_get, 4),
    (_list, 9),
    (_list_again, 2),
    (_pages, 4),
    (_delete, 8),
    (_delete_collection, 1),
)
_DRAWS: Final = [draw for draw, _ in _TABLE]
_WEIGHTS: Final = [weight for _, weight in _TABLE]
