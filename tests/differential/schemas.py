"""What a definition's schema refuses: each rule of structural schemas, broken one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tests.differential.parts import CRDS
from tests.differential.trace import Json, Step
from tests.differential.widgets import definition

TEXT: Final[Json] = {"type": "string"}
WHOLE: Final[Json] = {"type": "integer"}
ANY: Final[Json] = {"x-kubernetes-preserve-unknown-fields": True}
PAIR: Final[Json] = {"type": "object", "properties": {"a": TEXT, "b": WHOLE}}

# A field, its schema, and values of which some are refused.
RULES: Final[dict[str, tuple[Json, tuple[Any, ...]]]] = {
    "pattern": ({**TEXT, "pattern": "^[a-z]+$"}, ("abc", "A1", "")),
    "short": ({**TEXT, "minLength": 2, "maxLength": 3}, ("ab", "a", "abcd", "äöü")),
    "items": (
        {"type": "array", "items": WHOLE, "minItems": 1, "maxItems": 2},
        ([1], [], [1, 2, 3], ["x"]),
    ),
    "keys": (
        {"type": "object", "additionalProperties": WHOLE, "minProperties": 1, "maxProperties": 2},
        ({"a": 1}, {}, {"a": 1, "b": 2, "c": 3}, {"a": "x"}),
    ),
    "steps": ({**WHOLE, "multipleOf": 5}, (10, 7)),
    "above": (
        {"type": "number", "minimum": 1, "exclusiveMinimum": True, "maximum": 2.5},
        (1.5, 1, 3, 2.5),
    ),
    "below": ({**WHOLE, "maximum": 9, "exclusiveMaximum": True}, (8, 9)),
    "moment": ({**TEXT, "format": "date-time"}, ("2026-01-02T03:04:05Z", "yesterday")),
    "day": ({**TEXT, "format": "date"}, ("2026-01-02", "2026-13-02")),
    "address": ({**TEXT, "format": "ipv4"}, ("10.0.0.1", "10.0.0.256")),
    "mail": ({**TEXT, "format": "email"}, ("a@b.test", "ab")),
    "id": ({**TEXT, "format": "uuid"}, ("123e4567-e89b-12d3-a456-426614174000", "123")),
    "small": ({**WHOLE, "format": "int32"}, (1, 2**31)),
    "either": ({"x-kubernetes-int-or-string": True}, (1, "x", 1.5, True)),
    "nothing": ({**TEXT, "nullable": True}, (None, "x")),
    "anyOf": (
        {**WHOLE, "anyOf": [{"minimum": 10}, {"maximum": 3}]},
        (11, 2, 5),
    ),
    "allOf": ({**WHOLE, "allOf": [{"minimum": 3}, {"maximum": 9}]}, (5, 1, 10)),
    "all": ({**WHOLE, "allOf": [{"minimum": 5}, {"multipleOf": 2}]}, (6, 3)),
    "amount": (
        {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "pattern": "^[0-9]+%$",
        },
        (5, "5%", "five"),
    ),
    "listed": (
        {
            "type": "array",
            "items": {**PAIR, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        },
        ([{"a": "x"}], [{"a": "x"}, {}, {"a": "x", "b": 1}]),
    ),
    "neither": (
        {**PAIR, "not": {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}},
        ({}, {"a": "x"}),
    ),
    "range": ({**TEXT, "format": "cidr"}, ("10.0.0.0/8", "10.0.0.0", "10.0.0.0/33")),
    "bytes": ({**TEXT, "format": "byte"}, ("eA==", "x!")),
    "oneOf": (
        {**PAIR, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        ({"a": "x"}, {}, {"a": "x", "b": 1}),
    ),
    "not": ({**TEXT, "not": {"enum": ["no", "never"]}}, ("yes", "no")),
    "deep": (
        {**PAIR, "anyOf": [{"properties": {"a": {"pattern": "^x"}}}, {"required": ["b"]}]},
        ({"a": "xy"}, {"a": "y"}, {"a": "y", "b": 1}),
    ),
    "choice": ({**WHOLE, "enum": [1, 2]}, (1, 3)),
    "flag": ({"type": "boolean"}, (True, "true", 1)),
}


def schema_rules() -> Iterator[Step]:
    group = "{ns}.example.com"
    properties = {name: schema for name, (schema, _) in RULES.items()}
    spec = {"type": "object", "properties": properties}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
    }
    things = f"/apis/{group}/v1/namespaces/{{ns}}/cogs"
    yield Step("POST", CRDS, definition(group, "Cog", version))
    yield Step("GET", f"{CRDS}/cogs.{group}", until="InitialNamesAccepted")
    yield Step("GET", things, until="CogList")
    for name, (_, values) in RULES.items():
        for number, value in enumerate(values):
            tree = {
                "apiVersion": f"{group}/v1",
                "kind": "Cog",
                "metadata": {"name": f"{name.lower()}-{number}"},
                "spec": {name: value},
            }
            yield Step("POST", things, tree, query={"dryRun": "All"})
    yield Step("DELETE", f"{CRDS}/cogs.{group}")
    yield Step("GET", f"{CRDS}/cogs.{group}", until="NotFound")
