"""Rules of the code that no single test of a part would notice broken."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tmcconsole.config.load import load
from tmcconsole.config.schema import KEYS

ROOT = Path(__file__).parent.parent
PRODUCT = sorted((ROOT / "tmcconsole").rglob("*.py"))
TESTS = sorted(
    path for path in (ROOT / "tests").rglob("*.py") if "cache" not in path.relative_to(ROOT).parts
)
SAMPLES = sorted((ROOT / "sample-configs").glob("*.toml"))
MAX_LINES = 400
MAX_FILES = 14  # in one folder
MAX_FUNCTION_LINES = 60
MAX_UNNAMED = 4  # arguments that only their order tells apart
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
# The same part of several wholes: one for each direction of sync, one for each side of the seam.
SAME_PART = {"reconciler", "reconcile_context", "plan", "removal", "errors"}
# Folders whose files are called after what each is about: a command, an order, a record, a kind.
BY_SUBJECT = {
    f"tmcconsole/{folder}"
    for folder in (
        "cli/commands",
        "cli/orders",
        "engine/commands",
        "sim/controllers",
        "sim/handlers",
        "sync/policy",
        "ui/details",
        "ui/orders",
        "ui/rows",
    )
}
# Modules of the outside world, and what may be taken from them anywhere.
WORLD = {
    "time": {"strftime", "strptime", "gmtime", "localtime"},
    "random": {"Random"},
    "uuid": {"UUID"},
    "secrets": set[str](),
}
WORLD_CALLS = {
    ("asyncio", "create_task"),
    ("asyncio", "ensure_future"),
    ("asyncio", "sleep"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("os", "urandom"),
}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


@pytest.mark.parametrize(
    "modules",
    [
        "tmcconsole.daemon.headless, tmcconsole.daemon.socket_server, tmcconsole.daemon.printer",
        "tmcconsole.engine.thread, tmcconsole.cli.commands.run",
    ],
    ids=["daemon", "engine"],
)
def test_without_a_screen_no_textual_and_no_rich_is_loaded(modules: str) -> None:
    program = f"import {modules}, sys; print(*sorted(sys.modules), sep='\\n')"

    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    loaded = {name.partition(".")[0] for name in result.stdout.split()}
    assert "tmcconsole" in loaded
    assert loaded.isdisjoint({"textual", "rich"})


def test_no_file_is_long() -> None:
    lengths = {relative(path): len(path.read_text().splitlines()) for path in PRODUCT + TESTS}

    assert {path: lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def test_no_folder_is_full() -> None:
    sizes = Counter(relative(path.parent) for path in PRODUCT if path.name != "__init__.py")

    full = {folder for folder, files in sizes.items() if files > MAX_FILES}
    assert full == {"tmcconsole/sim/controllers"}  # one file for each controller


def test_a_class_name_has_one_home() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path in PRODUCT:
        for name in classes_and_types_in(tree_of(path)):
            homes[name].append(relative(path))

    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def classes_and_types_in(tree: ast.Module) -> Iterator[str]:
    """Yield the public classes of a module, and its names for types, which are capitalised."""
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name) | ast.Assign(targets=[ast.Name(id=name)]):
                if name[0].isupper() and not name.isupper():
                    yield name


def test_a_file_name_that_repeats_has_a_reason() -> None:
    seen: dict[str, list[str]] = defaultdict(list)
    for path in PRODUCT:
        if path.stem not in ("__init__", *SAME_PART) and relative(path.parent) not in BY_SUBJECT:
            seen[path.name].append(relative(path))

    assert {name: files for name, files in seen.items() if len(files) > 1} == {}


def test_no_function_is_long() -> None:
    lengths = {
        f"{relative(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in PRODUCT + TESTS
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}


def test_time_randomness_and_tasks_come_from_the_runtime() -> None:
    outside = [path for path in PRODUCT if path != ROOT / "tmcconsole" / "runtime.py"]

    found = {relative(path): sorted(bare_uses(tree_of(path))) for path in outside}

    assert {path: uses for path, uses in found.items() if uses} == {}


def bare_uses(tree: ast.Module) -> Iterator[str]:
    names = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in WORLD:
            yield from (
                f"line {node.lineno}: from {node.module} import {alias.name}"
                for alias in node.names
                if alias.name not in WORLD[node.module]
            )
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = names.get(node.value.id, node.value.id)
            banned = module in WORLD and module in names.values() and node.attr not in WORLD[module]
            if banned or (module, node.attr) in WORLD_CALLS:
                yield f"line {node.lineno}: {module}.{node.attr}"


@pytest.mark.parametrize(
    ("code", "is_found"),
    [
        ("import time\ntime.time()", True),
        ("import time as t\nt.sleep(1)", True),
        ("from time import monotonic", True),
        ("import random\nrandom.random()", True),
        ("import random\nrandom.Random(1)", False),
        ("from uuid import uuid4", True),
        ("import asyncio\nasyncio.create_task(x())", True),
        ("from datetime import datetime\ndatetime.now()", True),
        ("import time\ntime.gmtime(0)", False),
        ("time = 3\ntime.real", False),
    ],
)
def test_the_check_for_bare_uses_finds_them(code: str, is_found: bool) -> None:
    assert bool(list(bare_uses(ast.parse(code)))) is is_found


def test_what_is_made_of_more_than_four_parts_says_which_is_which() -> None:
    makers = {name for path in PRODUCT for name in makers_in(tree_of(path))}

    found = {relative(path): list(bags(tree_of(path), makers)) for path in PRODUCT}

    assert {path: calls for path, calls in found.items() if calls} == {}


def makers_in(tree: ast.Module) -> Iterator[str]:
    """Yield the classes of a module, and its functions that make something as a class does."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.FunctionDef(name=name) if name.startswith(("make_", "new_")):
                yield name


def bags(tree: ast.Module, makers: set[str]) -> Iterator[str]:
    """Yield calls of makers with more than four arguments that only their order tells apart.

    Outside of functions they are rows of a table, which reads better without names.
    """
    functions = [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    for node in {inner for function in functions for inner in ast.walk(function)}:
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in makers:
                if len(node.args) > MAX_UNNAMED:
                    yield f"line {node.lineno}: {name}"


@pytest.mark.parametrize(
    ("call", "is_found"),
    [
        ("Parts(1, 2, 3, 4, 5)", True),
        ("there.Parts(1, 2, 3, 4, 5)", True),
        ("new_parts(1, 2, 3, 4, *rest)", True),
        ("Parts(1, 2, 3, 4, e=5)", False),
        ("work(1, 2, 3, 4, 5)", False),
    ],
)
def test_the_check_for_nameless_parts_finds_them(call: str, is_found: bool) -> None:
    code = "class Parts: ...\ndef new_parts(): ...\n"
    makers = set(makers_in(ast.parse(code)))

    assert bool(list(bags(ast.parse(f"def f():\n    {call}"), makers))) is is_found
    assert list(bags(ast.parse(f"TABLE = [{call}]"), makers)) == []


@pytest.mark.parametrize("path", SAMPLES, ids=relative)
def test_a_sample_config_loads(path: Path) -> None:
    settings = load(path, {}, {}, ROOT).settings

    assert settings.targets


def test_every_key_and_variable_is_documented() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()

    missing = [
        key.path
        for key in KEYS.values()
        if f"`{key.path}`" not in text and f"`{key.name}`" not in text
    ]
    assert missing == []


@cache
def tracked() -> tuple[Path, ...]:
    """Return the files under version control, or all of a source tree that has none."""
    result = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode:
        return tuple(PRODUCT + TESTS)
    found = (ROOT / name for name in result.stdout.split("\0") if name)
    return tuple(path for path in found if path.is_file() and not path.is_symlink())


def found_in_tracked(pattern: str) -> list[str]:
    wanted = re.compile(pattern.encode())
    return [
        relative(path)
        for path in tracked()
        if path != Path(__file__) and wanted.search(path.read_bytes())
    ]


def test_nothing_is_left_to_do_in_the_code() -> None:
    assert found_in_tracked(r"\b(TODO|FIXME|XXX)\b") == []


def test_no_file_names_a_package_registry() -> None:
    hosts = r"(pypi\.org|pythonhosted\.org|registry\.npmjs|proxy\.golang\.org|sum\.golang\.org)"

    assert found_in_tracked(hosts) == []
    assert found_in_tracked(r"(?m)^\s*--(extra-)?index-url|^\s*--find-links") == []
