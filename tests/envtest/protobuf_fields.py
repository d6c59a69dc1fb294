"""The table of protobuf fields, from the Go modules that a kube-apiserver is built from.

``python -m tests.envtest.protobuf_fields`` writes it anew, where Go and the modules of go.mod are.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tmcconsole.sim.request import protobuf_fields
from tmcconsole.sim.schema.builtin import built_in

FILE: Final = Path(protobuf_fields.__file__).with_suffix(".txt")
FOLDER: Final = Path(__file__).parent  # of go.mod
# Modules, and where their packages of types are; a package is named like its folder.
_MODULES: Final = {
    "k8s.io/api": ".",
    "k8s.io/apimachinery": "pkg/apis",
    "k8s.io/kube-aggregator": "pkg/apis",
}
# Types that are sent to subresources, and with deletions.
_MORE_ROOTS: Final = (
    "meta.v1.DeleteOptions",
    "policy.v1.Eviction",
    "autoscaling.v1.Scale",
    "authentication.v1.TokenRequest",
)
_SPECIAL: Final = {
    "api.resource.Quantity": "Q",
    "util.intstr.IntOrString": "P",
    "meta.v1.Time": "T",
    "meta.v1.MicroTime": "M",
    "meta.v1.FieldsV1": "R",
    "pkg.runtime.RawExtension": "R",
}
_SCALARS: Final = {
    "string": "s",
    "int32": "i",
    "int64": "i",
    "bool": "b",
    "bytes": "x",
    "double": "d",
}
_HEAD: Final = """\
# The protobuf fields of the types of built-in kinds: name, then name=number:type of each field.
# Types: s text, i number, b truth, x bytes, d float, Q quantity, P number or text, T time,
# M time with microseconds, R JSON as it is, else a message. [] = repeated, {} = map. A star: its
# zero is told in JSON, too. A field without a name lays its own fields among those of its type;
# where it is repeated, it is all that the type is.
# Written by `python -m tests.envtest.protobuf_fields` from the Go types of the API.
"""
_MESSAGE: Final = re.compile(r"^message (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_PROTO_FIELD: Final = re.compile(
    r"^  (optional|repeated|map<string, ([\w.]+)>) ?([\w.]+)?? ?(\w+) = (\d+);", re.MULTILINE
)
_STRUCT: Final = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_GO_FIELD: Final = re.compile(r"^\t(?:\w+ +)?(\S+)\s+`([^`]*)`", re.MULTILINE)
_JSON: Final = re.compile(r'json:"([^,"]*)([^"]*)"')
_NUMBER: Final = re.compile(r'protobuf:"\w+,(\d+),')


@dataclass(frozen=True, slots=True)
class GoField:
    """What a Go struct says about a field and its protobuf message does not."""

    name: str  # in JSON
    tells_zero: bool  # zero is written out: a pointer, or no omitempty
    is_inline: bool


def published() -> str:
    """Return the table made from the modules."""
    roots = [f"{_package(k.group)}.{k.version}.{k.kind}" for k in built_in("workload")]
    messages = dict(_types())
    known = _closure([*roots, *_MORE_ROOTS], messages)
    return _HEAD + "".join(f"{name} {' '.join(messages[name])}\n" for name in sorted(known))


def main() -> int:
    """Write the table."""
    FILE.write_text(published())
    return 0


def _package(group: str) -> str:
    return group.removesuffix(".k8s.io").partition(".")[0] or "core"


def _closure(roots: Iterable[str], messages: Mapping[str, list[str]]) -> set[str]:
    wanted, known = {root for root in roots if root in messages}, set[str]()
    while wanted:
        name = wanted.pop()
        known.add(name)
        types = {field.rpartition(":")[2].strip("[]{}*") for field in messages[name]}
        wanted |= {type_ for type_ in types if type_ in messages} - known
    return known


def _types() -> Iterator[tuple[str, list[str]]]:
    for module, below in _MODULES.items():
        folder = Path(_run("go", "list", "-m", "-f", "{{.Dir}}", module))
        for proto in sorted((folder / below).rglob("generated.proto")):
            package = ".".join(proto.parent.parts[-2:])
            sources = "".join(path.read_text() for path in sorted(proto.parent.glob("*types*.go")))
            fields = _go_fields(sources)
            for message, body in _MESSAGE.findall(proto.read_text()):
                if message in fields or not _PROTO_FIELD.search(body):
                    yield f"{package}.{message}", _fields(package, body, fields.get(message, {}))
                else:  # a list type with its own name
                    yield f"{package}.{message}", ["=1:[]s"]


def _fields(package: str, body: str, known: Mapping[int, GoField]) -> list[str]:
    found = []
    for form, of_map, type_, _, number in _PROTO_FIELD.findall(body):
        go = known[int(number)]
        if form.startswith("map"):
            shown = "{}" + _type(package, of_map)
        else:
            shown = ("[]" if form == "repeated" else "") + _type(package, type_)
        star = "*" if go.tells_zero else ""
        found.append(f"{'' if go.is_inline else go.name}={number}:{shown}{star}")
    return found


def _type(package: str, type_: str) -> str:
    if type_ in _SCALARS:
        return _SCALARS[type_]
    name = ".".join(type_.split(".")[-3:]) if "." in type_ else f"{package}.{type_}"
    return _SPECIAL.get(name, name)


def _go_fields(sources: str) -> dict[str, dict[int, GoField]]:
    return {name: dict(_numbered(body)) for name, body in _STRUCT.findall(sources)}


def _numbered(body: str) -> Iterator[tuple[int, GoField]]:
    for type_, tags in _GO_FIELD.findall(body):
        number, json = _NUMBER.search(tags), _JSON.search(tags)
        if number and json:
            tells_zero = type_.startswith("*") or "omitempty" not in json[2]
            is_inline = "inline" in json[2]
            yield int(number[1]), GoField(json[1], tells_zero and not is_inline, is_inline)


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=FOLDER, check=True, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
