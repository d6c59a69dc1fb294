"""How a real server answers to objects with one thing wrong, kept as data.

``python -m tests.differential.recorded`` asks a server started for it, and writes the data anew.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import anyio

from tests.differential.broken import definitions
from tests.differential.mutations import mutants, samples
from tests.differential.servers import Server, open_real
from tests.differential.trace import Json, Step
from tests.envtest.commands import REMEDY, find_binaries
from tests.envtest.planes import running_planes

FILE: Final = Path(__file__).with_name("recorded.txt")
CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_HEAD: Final = """\
# What a real kube-apiserver answers where one thing in an object of samples.yaml is changed: Kind,
# path and, for each change of mutations.py, the status code; then the definitions of broken.py.
# Written by `python -m tests.differential.recorded`.
"""
_CLUSTER_SCOPED: Final = (
    "PersistentVolume",
    "ClusterRole",
    "ClusterRoleBinding",
    "Namespace",
    "Node",
    "PriorityClass",
    "StorageClass",
    "IngressClass",
    "RuntimeClass",
)
_PLURALS: Final = {
    "NetworkPolicy": "networkpolicies",
    "Ingress": "ingresses",
    "PriorityClass": "priorityclasses",
    "StorageClass": "storageclasses",
    "IngressClass": "ingressclasses",
    "RuntimeClass": "runtimeclasses",
    "Endpoints": "endpoints",
}

Answers = dict[tuple[str, str, str], int]  # status codes by Kind, path and change


async def ask(server: Server) -> Answers:
    """Return the status code of every changed sample and every broken definition."""
    answers: Answers = {}
    for kind, path, change, step in _questions():
        answers[kind, path, change] = (await server.send(step)).code
    return answers


def recorded() -> Answers:
    """Return the recorded answers of a real server."""
    answers: Answers = {}
    for line in FILE.read_text().splitlines():
        if line.startswith("#"):
            continue
        kind, path, *changes = line.split(" ")
        for change in changes:
            name, _, code = change.partition("=")
            answers[kind, path, name] = int(code)
    return answers


def written(answers: Mapping[tuple[str, str, str], int]) -> str:
    """Return the data as it is written to the file."""
    lines: dict[tuple[str, str], list[str]] = {}
    for (kind, path, change), code in answers.items():
        lines.setdefault((kind, path), []).append(f"{change}={code}")
    return _HEAD + "".join(f"{k} {p} {' '.join(words)}\n" for (k, p), words in lines.items())


def _questions() -> Iterator[tuple[str, str, str, Step]]:
    for tree in samples("default"):
        for path, change, mutant in mutants(tree):
            yield tree["kind"], path, change, _step(tree, mutant)
    for name, definition in definitions().items():
        yield "CustomResourceDefinition", name, "create", _step(definition, definition)


def _step(tree: Json, body: Json) -> Step:
    version, kind = tree["apiVersion"], tree["kind"]
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    if kind == "CustomResourceDefinition":
        return Step("POST", CRDS, body, query={"dryRun": "All"})
    scope = "" if kind in _CLUSTER_SCOPED else "/namespaces/default"
    plural = _PLURALS.get(kind, f"{kind.lower()}s")
    return Step("POST", f"{base}{scope}/{plural}", body, query={"dryRun": "All"})


async def _record() -> None:
    binaries = find_binaries()
    assert binaries is not None, REMEDY
    without = replace(binaries, controllers=None)
    with (
        tempfile.TemporaryDirectory(prefix="planes-") as folder,
        running_planes(without, Path(folder), [("lone", "hub")]) as (plane,),
    ):
        async with open_real(plane) as server:
            answers = await ask(server)
    FILE.write_text(written(answers))


def main() -> int:
    """Write the data from a server started for it."""
    record: Callable[[], Awaitable[None]] = _record
    anyio.run(record)
    return 0


if __name__ == "__main__":
    sys.exit(main())
