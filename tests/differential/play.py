"""Play a trace on a server and record its answers, without what must differ."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import anyio

from tests.differential.masks import Mask
from tests.differential.servers import PATIENCE_S, Answer, Server, settle
from tests.differential.trace import END, Json, Step, Trace, Watched

_UNKNOWN_UID = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One answer, or one watch event, masked."""

    what: str
    code: int
    media_type: str
    body: Any
    warnings: tuple[str, ...] = ()


@dataclass
class _Told:
    """What a server has answered so far in one trace. Owned by the player of the trace."""

    metas: dict[str, list[Json]] = field(default_factory=dict)  # by object path
    lists: dict[str, Json] = field(default_factory=dict)  # the last ListMeta by collection path

    def learn(self, step: Step, answer: Answer) -> None:
        """Remember names, versions and tokens."""
        meta = answer.body.get("metadata") if isinstance(answer.body, dict) else None
        if not meta or step.query.get("dryRun"):
            return
        if meta.get("uid") and meta.get("resourceVersion") and meta.get("name"):
            is_post = step.method == "POST"
            place = f"{step.path}/{meta['name']}" if is_post else _object_path(step.path)
            self.metas.setdefault(place, []).append(meta)
        elif "resourceVersion" in meta and step.method == "GET":
            self.lists[step.path] = meta

    def fill(self, step: Step, namespace: str) -> Step:
        """Return a step without placeholders."""
        path = step.path.replace("{ns}", namespace)
        seen = self.metas.get(_object_path(path), [])
        listed = self.lists.get(path, {})
        known = {
            "<uid>": seen[-1]["uid"] if seen else _UNKNOWN_UID,
            "<rv>": seen[-1]["resourceVersion"] if seen else "1",
            "<old rv>": seen[0]["resourceVersion"] if seen else "1",
            "<list rv>": listed.get("resourceVersion", "1"),
            "<continue>": listed.get("continue", ""),
        }
        body = _filled(step.body, known, namespace)
        query = _filled(step.query, known, namespace)
        return replace(step, path=path, body=body, query=query)


async def play(trace: Trace, server: Server, namespace: str) -> list[Recorded]:
    """Return what a server answers to a trace in a fresh namespace."""
    await _make_namespace(server, namespace)
    told, mask = _Told(), Mask(namespace)
    watches = [replace(w, path=w.path.replace("{ns}", namespace)) for w in trace.watches]
    starts = [await _start(server, watched.path) for watched in watches]
    recorded = []
    for step in trace.steps:
        filled = told.fill(step, namespace)
        answer = await settle(server, filled)
        told.learn(filled, answer)
        body = mask.answer(answer.body)
        what, warnings = _describe(step), answer.warnings
        recorded.append(Recorded(what, answer.code, answer.media_type, body, warnings))
    for watched, start in zip(watches, starts, strict=True):
        query = _filled(watched.query, {"<start>": start}, namespace)
        events = await _events(server, replace(watched, query=query))
        what = f"WATCH {watched.query} {watched.accept}"
        recorded += [Recorded(what, 200, "", mask.answer(event)) for event in events]
    return recorded


def differences(left: Any, right: Any, path: str = "") -> list[str]:
    """Return where two masked answers differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        found = []
        for key in sorted(left.keys() | right.keys()):
            place = f"{path}.{key}"
            if key not in left or key not in right:
                side = "real" if key in left else "simulated"
                found.append(f"{place}: only {side}: {left.get(key, right.get(key))!r}")
            else:
                found += differences(left[key], right[key], place)
        return found
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return [
            found
            for index, (a, b) in enumerate(zip(left, right, strict=True))
            for found in differences(a, b, f"{path}[{index}]")
        ]
    return [] if left == right else [f"{path}: real {left!r} != simulated {right!r}"]


def compare(real: list[Recorded], simulated: list[Recorded]) -> list[str]:
    """Return the differences of the first answer with any: later ones may follow from it."""
    for number, (left, right) in enumerate(zip(real, simulated, strict=False)):
        found = _compare_one(left, right)
        if found:
            return [f"step {number}: {left.what}", *found]
    if len(real) != len(simulated):
        return [f"{len(real)} answers and events != {len(simulated)} simulated"]
    return []


def _compare_one(real: Recorded, simulated: Recorded) -> list[str]:
    if (real.code, real.media_type) != (simulated.code, simulated.media_type):
        sides = (f"{r.code} {r.media_type} {str(r.body)[:900]}" for r in (real, simulated))
        return ["real {}\n    simulated {}".format(*sides)]
    warned = {side: list(r.warnings) for side, r in (("real", real), ("simulated", simulated))}
    if warned["real"] != warned["simulated"]:
        return [f"warnings: {warned}"]
    return differences(real.body, simulated.body)


def _describe(step: Step) -> str:
    kind = step.content_type.removeprefix("application/")
    return f"{step.method} {step.path} {step.query} {kind} {str(step.body)[:700]}"


async def _make_namespace(server: Server, namespace: str) -> None:
    step = Step("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    answer = await server.send(step)
    assert answer.code == 201, answer


async def _start(server: Server, path: str) -> str:
    answer = await server.send(Step("GET", path))
    assert answer.code == 200, answer
    version: str = answer.body["metadata"]["resourceVersion"]
    return version


async def _events(server: Server, watched: Watched) -> list[Json]:
    """Return the events of a watch up to the one that shows the END."""
    events: list[Json] = []
    with anyio.fail_after(PATIENCE_S):
        async with aclosing(server.watch(watched)) as lines:
            async for event in lines:
                events.append(event)
                if event["type"] == "ERROR" or _name(event["object"]) == END:
                    break
    return events


def _name(tree: Json) -> str:
    """Return the name of an object, or of the one in a table."""
    rows = tree.get("rows")
    shown = rows[0]["object"] if rows else tree
    name: str = shown["metadata"].get("name", "")
    return name


def _object_path(path: str) -> str:
    return path.removesuffix("/status").removesuffix("/scale")


def _filled(value: Any, known: dict[str, str], namespace: str) -> Any:
    if isinstance(value, dict):
        filled = {k: _filled(child, known, namespace) for k, child in value.items()}
        return {k.replace("{ns}", namespace): child for k, child in filled.items()}
    if isinstance(value, list):
        return [_filled(item, known, namespace) for item in value]
    if isinstance(value, str):
        return known.get(value, value).replace("{ns}", namespace)
    return value
