"""A custom kind is synced only if the target's schema refuses and drops nothing of it."""

from __future__ import annotations

from typing import Any

import pytest

from tmcconsole.kube.trees.schema_compatibility import narrowings, schema_in

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
LOOSE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
EITHER = {"x-kubernetes-int-or-string": True}


def spec(*required: str, **fields: Any) -> dict[str, Any]:
    """Return a schema whose spec has the fields."""
    inner: dict[str, Any] = {"type": "object", "properties": fields}
    return {
        "type": "object",
        "properties": {"spec": inner | ({"required": list(required)} if required else {})},
    }


def listed(item: Any) -> dict[str, Any]:
    return {"type": "array", "items": item}


def mapped(value: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value}


@pytest.mark.parametrize(
    ("hub", "target"),
    [
        (spec(a=TEXT), spec(a=TEXT)),
        (spec(a=TEXT), spec(a=TEXT, b=WHOLE)),
        (spec("a", a=TEXT), spec(a=TEXT)),
        (spec(a=WHOLE), spec(a={"type": "number"})),
        (spec(a=WHOLE), spec(a=EITHER)),
        (spec(a=TEXT), spec(a=EITHER)),
        (spec(a=TEXT), spec(a=TEXT | {"nullable": True})),
        (spec(a=TEXT | {"enum": ["x"]}), spec(a=TEXT | {"enum": ["x", "y"]})),
        (spec(a=TEXT | {"enum": ["x"]}), spec(a=TEXT)),
        (spec(a=TEXT), spec("b", a=TEXT, b=TEXT | {"default": "x"})),
        (spec(a=TEXT), {"type": "object", "properties": {"spec": LOOSE}}),
        (spec(a=TEXT), LOOSE),
        ({"type": "object", "properties": {"spec": LOOSE}}, spec(a=TEXT)),
        (spec(a=mapped(TEXT)), spec(a=mapped(TEXT))),
        (spec(a={"type": "object", "properties": {"b": TEXT}}), spec(a=mapped(TEXT))),
        (spec(a=TEXT), spec(a=TEXT | {"maxLength": 3, "pattern": "x+"})),
        (
            {"type": "object", "properties": {"status": {"type": "object"}, "metadata": TEXT}},
            {"type": "object", "required": ["metadata"]},
        ),
    ],
    ids=[
        "equal",
        "one field more there",
        "required in the hub only",
        "a number takes whole ones",
        "either takes numbers",
        "either takes text",
        "null is taken too",
        "more values there",
        "any value there",
        "required with a default",
        "an open spec there",
        "an open object there",
        "an open spec in the hub",
        "equal maps",
        "fields into a map",
        "bounds are for single objects",
        "status and metadata do not count",
    ],
)
def test_a_receiver_that_takes_as_much_or_more_is_compatible(hub: Any, target: Any) -> None:
    assert narrowings(hub, target) == ()


@pytest.mark.parametrize(
    ("hub", "target", "told"),
    [
        (spec(a=TEXT), spec(a=WHOLE), "spec.a: string in the hub, integer there"),
        (spec(a=EITHER), spec(a=WHOLE), "spec.a: int-or-string in the hub, integer there"),
        (spec(a={"type": "number"}), spec(a=WHOLE), "spec.a: number in the hub, integer there"),
        (spec(a=TEXT), spec("b", a=TEXT, b=TEXT), "spec.b: required there, not in the hub"),
        (spec(a=TEXT), spec("a", a=TEXT), "spec.a: required there, not in the hub"),
        (spec(a=TEXT, b=TEXT), spec(a=TEXT), "spec.b: unknown there and would be dropped"),
        (
            spec(a=TEXT | {"enum": ["x", "y"]}),
            spec(a=TEXT | {"enum": ["x"]}),
            "spec.a: y in the hub, not there",
        ),
        (
            spec(a=TEXT),
            spec(a=TEXT | {"enum": ["x"]}),
            "spec.a: any value in the hub, only x there",
        ),
        (
            spec(a=TEXT | {"nullable": True}),
            spec(a=TEXT),
            "spec.a: may be null in the hub, not there",
        ),
        (
            spec(a=listed({"type": "object", "properties": {"b": TEXT}})),
            spec(a=listed({"type": "object", "properties": {"b": WHOLE}})),
            "spec.a[].b: string in the hub, integer there",
        ),
        (
            spec(a=mapped(TEXT)),
            spec(a=mapped(WHOLE)),
            "spec.a.*: string in the hub, integer there",
        ),
        (
            spec(a=mapped(TEXT)),
            spec(a={"type": "object", "properties": {"b": TEXT}}),
            "spec.a: a map in the hub, fixed fields there",
        ),
        (
            spec(a=TEXT),
            {"type": "object", "properties": {"data": LOOSE}},
            "spec: unknown there and would be dropped",
        ),
        (
            spec(a=TEXT),
            spec(a=TEXT) | {"required": ["data"]},
            "data: required there, not in the hub",
        ),
    ],
)
def test_the_field_that_a_narrower_receiver_does_not_take_is_named(
    hub: Any, target: Any, told: str
) -> None:
    assert [str(one) for one in narrowings(hub, target)] == [told]


def test_a_schema_that_nests_without_end_is_left_alone() -> None:
    deep: dict[str, Any] = TEXT
    other: dict[str, Any] = WHOLE
    for _ in range(200):
        deep, other = listed(deep), listed(other)

    assert narrowings(spec(a=deep), spec(a=other)) == ()


def test_the_schema_of_a_version_is_found_in_its_definition() -> None:
    versions = [{"name": "v1", "schema": {"openAPIV3Schema": TEXT}}, {"name": "v2"}]

    assert schema_in({"spec": {"versions": versions}}, "v1") == TEXT
    assert schema_in({"spec": {"versions": versions}}, "v2") is None
    assert schema_in({}, "v1") is None
