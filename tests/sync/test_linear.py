"""Work grows in proportion to remote data: four times the input, four times the work.

The tests compare ratios of processor time, of the fastest of several runs, so a slow machine passes
too. Quadratic work would show as sixteen times.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

import orjson
import pytest

from tests.sync.test_plan import copy_of, facts, wanted_tree
from tests.sync.trees import make_tree
from tmcconsole.config.grammar.pointers import read_pointer, split_pointers
from tmcconsole.config.problems import Unusable
from tmcconsole.config.settings import SyncSettings
from tmcconsole.contract.secret_text import hide_secrets
from tmcconsole.contract.text import SafeBody, SafeText
from tmcconsole.engine.commands.copy_cause import shortened
from tmcconsole.kube.client.deep_lists import split_items
from tmcconsole.kube.errors import error_from
from tmcconsole.kube.label_selector import matches
from tmcconsole.kube.objects import Json, Kind
from tmcconsole.kube.redact import redact, redact_at
from tmcconsole.kube.trees.differences import diff, merge_patch, same_quantity, subset_differences
from tmcconsole.kube.trees.json_patch import PatchInvalid, apply_patch, read_patch
from tmcconsole.kube.trees.managed_fields import field_managers_of
from tmcconsole.kube.trees.schema_compatibility import narrowings
from tmcconsole.runtime import Response
from tmcconsole.sync.assignment.closure import closure, links_of
from tmcconsole.sync.assignment.references import Reference, references
from tmcconsole.sync.conflicts.field_rules import FieldRules
from tmcconsole.sync.conflicts.judge import contested_fields, judge, leaf_digests
from tmcconsole.sync.conflicts.pointer_steps import without
from tmcconsole.sync.desired.build import build
from tmcconsole.sync.desired.target_view import read_view
from tmcconsole.sync.down.plan import InSync, decide
from tmcconsole.sync.policy.metadata import trim
from tmcconsole.sync.status.merge import Report, merge
from tmcconsole.tmc.classify import classify
from tmcconsole.tmc.health.object_health import object_health

MANY: Final = 12_000
MUCH: Final = 1_000_000
FACTOR: Final = 4
MOST: Final = 9.0  # most work, as a factor, for ``FACTOR`` times the input; quadratic is 16
NOTHING_S: Final = 0.1  # too little to compare: quadratic work takes seconds
CONFIGMAPS: Final = Kind("", "v1", "configmaps", "ConfigMap", namespaced=True)
SETTINGS: Final = SyncSettings()


def cost(run: Callable[[], object]) -> float:
    """Return the processor seconds of the fastest of three runs."""
    best = float("inf")
    gc.disable()  # it scans every object of the process, not only those of the run
    try:
        for _ in range(3):
            start = time.process_time()
            run()
            best = min(best, time.process_time() - start)
    finally:
        gc.enable()
    return best


def assert_linear(make: Callable[[int], Callable[[], object]], size: int) -> None:
    """Fail unless work grows in proportion to the input. ``make`` returns what to run on one."""
    small, large = cost(make(size // FACTOR)), cost(make(size))
    assert large < NOTHING_S or large / max(small, NOTHING_S / FACTOR) < MOST, (
        f"{small:.4f} s, then {large:.4f} s"
    )


def drifted(text: str) -> object:
    return redact_at("configmaps", "data.text", text)


def refused(text: str) -> object:
    body = orjson.dumps({"kind": "Status", "message": text, "reason": "Invalid"})
    error = error_from(Response(422, {"content-type": "application/json"}, body))
    return classify(error, side="target")


def paged(text: str) -> object:
    return error_from(Response(502, {"content-type": "text/html"}, text.encode()))


def unhealthy(text: str) -> object:
    failing = {"type": "ReplicaFailure", "status": "True", "message": text, "reason": text}
    return object_health("deployments.apps", {"status": {"conditions": [failing]}})


def ignored(text: str) -> object:
    try:
        return split_pointers(text)
    except Unusable:
        return None


def patched(text: str) -> object:
    try:
        return read_patch(text)
    except PatchInvalid:
        return None


TEXTS: Final = ("eyJ", "token", "a", "[", "password: ", 'secret="', "-----BEGIN ", "/a,", "\u0301")
OF_TEXT: Final[tuple[Callable[[str], object], ...]] = (
    *(hide_secrets, SafeText, SafeBody, drifted, refused, paged, unhealthy, ignored, patched),
    shortened,
    lambda text: redact({"kind": "ConfigMap", "data": {"text": text}}),
    lambda text: same_quantity(text, "1"),
    lambda text: split_items(text.encode()),
    lambda text: leaf_digests({"metadata": {}, "data": {"text": text}}, "salt"),
)


@pytest.mark.parametrize("run", OF_TEXT, ids=lambda run: run.__name__)
@pytest.mark.parametrize("unit", TEXTS, ids=ascii)
def test_work_on_text_grows_as_the_text(run: Callable[[str], object], unit: str) -> None:
    def make(size: int) -> Callable[[], object]:
        text = unit * (size // len(unit))
        return lambda: run(text)

    assert_linear(make, MUCH)


def table(size: int, value: str = "x") -> Json:
    return {f"key-{number}": value for number in range(size)}


def entries(size: int, value: str = "x") -> list[Json]:
    return [{"name": f"e{number}", "value": value} for number in range(size)]


def all_ignored(size: int) -> Callable[[], object]:
    source = wanted_tree() | {"data": table(size)}
    copy = copy_of(source)
    copy["data"] = table(size, "y")
    rules = FieldRules(left=(read_pointer("/data"),))
    given = replace(facts(source, copy), rules=rules)
    step = decide(given)
    assert isinstance(step, InSync)
    assert len(step.left) == size
    return lambda: decide(given)


def owned_by_others(desired: Json, live: Json, fields: Json) -> Callable[[], object]:
    entry = {"manager": "kubectl", "operation": "Update", "fieldsV1": fields}
    tree = live | {"metadata": {"managedFields": [entry]}}

    def run() -> object:
        found = contested_fields(
            subset_differences(desired, tree), field_managers_of(tree), desired
        )
        assert found[-1].owner == "kubectl"
        verdict = judge(FieldRules(conflict="cluster-wins"), found, desired, has_changed=bool)
        return without(desired, verdict.cuts)

    return run


def contested_keys(size: int) -> Callable[[], object]:
    fields: Json = {"f:data": {f"f:{name}": {} for name in table(size)}}
    return owned_by_others({"data": table(size)}, {"data": table(size, "y")}, fields)


def contested_entries(size: int) -> Callable[[], object]:
    named: Json = {f'k:{{"name":"e{number}"}}': {"f:value": {}} for number in range(size)}
    wanted, live = {"list": entries(size)}, {"list": entries(size, "y")}
    return owned_by_others({"spec": wanted}, {"spec": live}, {"f:spec": {"f:list": named}})


def copying(size: int) -> Callable[[], object]:
    """A patch with as many copy operations as allowed, each copying all those before it."""
    operations = read_patch(
        orjson.dumps(
            [{"op": "copy", "from": "/a", "path": f"/a/x{n}"} for n in range(200)]
        ).decode()
    )
    tree = {"a": table(size)}

    def run() -> None:
        with pytest.raises(PatchInvalid, match="copies are too large"):
            apply_patch(tree, operations)

    return run


def narrowed(size: int) -> Callable[[], object]:
    def schema(extra: str) -> Json:
        values = [f"{extra}{number}" for number in range(size)]
        one = {"type": "string", "enum": values}
        spec = {"type": "object", "properties": {"one": one, **{v: one for v in values[:1]}}}
        return {"type": "object", "properties": {"spec": spec}, "required": values}

    return lambda: narrowings(schema("a"), schema("b"))


def closed(size: int) -> Callable[[], object]:
    objects = {}
    for number in range(size // 2):
        labels = {"app": f"a{number}", "same": "yes"}
        pod = {"metadata": {"labels": labels}, "spec": {"containers": []}}
        workload = {"spec": {"template": pod}}
        service = {"spec": {"selector": {"app": f"a{number}", "same": "yes"}}}
        objects[Reference("deployments.apps", f"d{number}")] = links_of(
            "deployments.apps", workload
        )
        objects[Reference("services", f"s{number}")] = links_of("services", service)
    assert len(closure(objects)) == size // 2 * 2
    return lambda: closure(objects)


def united(size: int) -> Callable[[], object]:
    def report(target: str) -> Report:
        active = [{"name": f"{target}{number}"} for number in range(size)]
        return Report(target, 1, {"active": active, **table(size)}, is_current=True)

    reports = [report("a"), report("b")]
    return lambda: merge(reports, generation=1, before={}, kind="cronjobs.batch")


def described(size: int) -> Json:
    tree = make_tree(data=table(size))
    notes = {f"dropped.istio.io/{name}": "x" for name in table(size)}
    tree["metadata"] |= {"annotations": notes, "labels": table(size)}
    return tree


def pod_template(size: int) -> Json:
    container = {"name": "main", "env": entries(size), "args": ["--token"] * size}
    spec = {"containers": [container], "volumes": entries(size)}
    return {"kind": "Deployment", "metadata": {}, "spec": {"template": {"spec": spec}}}


Make = Callable[[int], Callable[[], object]]


def on(make: Callable[[int], Json], run: Callable[[Json], object]) -> Make:
    """Return what runs ``run`` on an object of a size."""
    return lambda size: partial(run, make(size))


OF_KEYS: Final[tuple[Make, ...]] = (
    *(all_ignored, contested_keys, contested_entries, copying, narrowed, closed, united),
    on(table, lambda tree: diff(tree, dict.fromkeys(tree, "y"))),
    on(table, lambda tree: merge_patch(tree, dict.fromkeys(tree, "y"))),
    on(table, lambda tree: matches({"matchLabels": tree}, tree)),
    on(described, redact),
    on(described, lambda tree: leaf_digests(tree, "salt")),
    on(described, lambda tree: read_view(tree, "a")),
    on(described, lambda tree: trim(CONFIGMAPS, tree, replace(SETTINGS, profile="restricted"))),
    on(
        described,
        lambda tree: build(CONFIGMAPS, tree, key="a", hub_cluster="hub", namespace="shop"),
    ),
    on(pod_template, redact),
    on(pod_template, lambda tree: references("deployments.apps", tree)),
)


@pytest.mark.parametrize("make", OF_KEYS)
def test_work_on_an_object_grows_as_its_fields(make: Make) -> None:
    assert_linear(make, MANY)
