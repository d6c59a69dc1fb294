"""The pages say what the program does: commands, keys, words and names are compared with it."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tmcconsole.cli.arguments import parse
from tmcconsole.sync.names import markers
from tmcconsole.ui.actions import ACTIONS, Action
from tmcconsole.ui.orders.command_grammar import parse as parse_line

ROOT = Path(__file__).parent.parent
CODE = ROOT / "tmcconsole"
DOCS = ROOT / "docs"
TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
PAGES = sorted([*(ROOT / name for name in TOP), *DOCS.rglob("*.md")])
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
QUOTED = re.compile(r"`([^`]+)`")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def section(page: str, heading: str) -> str:
    """Return what stands under a heading of the second level."""
    parts = re.split(r"(?m)^## (.+)$", text_of(page))
    return dict(zip(parts[1::2], parts[2::2], strict=True))[heading]


def rows(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the cells of all tables' rows, their heads and rules left out."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        under = lines[number + 1] if number + 1 < len(lines) else ""
        if line.startswith("|") and not line.startswith("|--") and not under.startswith("|--"):
            yield tuple(cell.strip() for cell in line.strip("|").split("|"))


def first_words(text: str) -> set[str]:
    """Return what is quoted in the first cells of all tables."""
    return {word for row in rows(text) for word in QUOTED.findall(row[0])}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


# README


def shell_lines(text: str) -> Iterator[str]:
    """Yield the commands in indented blocks, continued lines joined."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("    tmc-console"):
            yield line.strip()


README_COMMANDS = sorted(set(shell_lines(text_of("README.md"))))


@pytest.mark.parametrize("command", README_COMMANDS)
def test_a_command_of_the_readme_is_understood(command: str) -> None:
    words = shlex.split(command, comments=True)

    assert parse(words[1:]) is not None


def test_every_command_is_in_the_readme() -> None:
    listing = {
        "run",
        "attach",
        "demo",
        "sim",
        "init",
        "status",
        "transform",
        "config",
        "info",
        "manifests",
    }

    missing = [
        word for word in sorted(listing) if f"tmc-console {word}" not in text_of("README.md")
    ]

    assert missing == []


def test_the_first_screen_has_the_two_commands() -> None:
    first_screen = text_of("README.md").splitlines()[:24]

    assert [line.split("#")[0].strip() for line in first_screen if line.startswith("    make")] == [
        "make demo",
        "make test",
    ]


def key_of(action: Action) -> tuple[str, str]:
    is_sort = action.id.startswith("sort-")
    return action.shown, f"sort by {action.id.removeprefix('sort-')}" if is_sort else action.word


def test_the_table_of_keys_is_the_registry() -> None:
    pairs = re.compile(r"`([^`]+)` ([^,|`]+)")
    told = {
        row[0]: [(key, word.strip()) for key, word in pairs.findall(row[1])]
        for row in rows(section("README.md", "Keys"))
    }
    registry: dict[str, list[tuple[str, str]]] = {}
    for action in ACTIONS:
        registry.setdefault(action.group, []).append(key_of(action))

    assert told == registry


def test_the_example_of_a_command_line_is_understood() -> None:
    examples = re.findall(r"`(:[a-z][^`]+)`", section("README.md", "Keys"))

    parsed = [parse_line(example) for example in examples]

    assert [type(line).__name__ for line in parsed] == ["ActLine"]


# Links and numbers


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_relative_links_resolve(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text())

    broken = [target for target in targets if not resolves(page, target)]

    assert broken == []


def resolves(page: Path, target: str) -> bool:
    if target.startswith("https://"):
        return True
    name, _, anchor = target.partition("#")
    path = (page.parent / name).resolve() if name else page
    return path.exists() and (not anchor or anchor in anchors(path))


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_a_row_stands_in_a_table_with_a_head(page: Path) -> None:
    tables = re.findall(r"(?m)(?:^\|.*\n?)+", page.read_text())

    assert [table for table in tables if not re.match(r"\|.*\n\|--", table)] == []


def test_every_page_for_users_is_linked_from_the_readme() -> None:
    linked = set(re.findall(r"\]\((docs/[^)#]+)\)", text_of("README.md")))

    assert {relative(page) for page in DOCS.glob("*.md")} - linked == set()


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:3]) for path in DECISIONS]

    assert numbers == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda path: path.name)
def test_a_decision_has_number_date_context_choice_and_cost(page: Path) -> None:
    text = page.read_text()

    assert text.startswith(f"# {page.name[:3]} ")
    assert re.search(r"(?m)^20\d\d-\d\d-\d\d, (in force|superseded by \d{3})\.$", text)
    assert re.findall(r"(?m)^## (.+)$", text) == ["Context", "Choice", "Cost"]


# Names of the code


def names_in(path: Path) -> set[str]:
    """Return what a module defines: ``Name``, and ``Class.member``."""
    found: set[str] = set()
    for node in tree_of(path).body:
        found |= set(defined(node))
        if isinstance(node, ast.ClassDef):
            members = [name for inner in node.body for name in defined(inner)]
            own = [
                target.attr
                for inner in ast.walk(node)
                if isinstance(inner, ast.Assign | ast.AnnAssign)
                for target in (inner.targets if isinstance(inner, ast.Assign) else [inner.target])
                if isinstance(target, ast.Attribute)
            ]
            found |= {f"{node.name}.{member}" for member in members + own}
    return found


def defined(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign():
            return [target.id for target in node.targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case _:
            return []


GLOSSARY = list(rows((DOCS / "glossary.md").read_text()))


@pytest.mark.parametrize("row", GLOSSARY, ids=lambda row: row[0])
def test_a_word_of_the_glossary_lives_where_it_says(row: tuple[str, ...]) -> None:
    file, *names = QUOTED.findall(row[2])

    assert names
    assert set(names) <= names_in(CODE / file)


def test_a_word_has_one_meaning_in_the_glossary() -> None:
    words = [row[0] for row in GLOSSARY]

    assert sorted(set(words)) == sorted(words)


def literals(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


@cache
def all_words() -> frozenset[str]:
    """Return every name the program defines, qualified and bare, and every word it writes."""
    found: set[str] = set()
    for path in CODE.rglob("*.py"):
        names = names_in(path)
        found |= names | {name.rpartition(".")[2] for name in names}
        found |= set(literals(tree_of(path)))
    return frozenset(found)


@pytest.mark.parametrize(
    "page", [DOCS / "architecture.md", *DECISIONS], ids=lambda path: str(path.name)
)
def test_files_and_names_in_the_architecture_exist(page: Path) -> None:
    assert missing_names(page.read_text()) == ([], [])


def test_files_and_names_in_the_recipes_exist() -> None:
    assert missing_names(section("CONTRIBUTING.md", "Six recipes")) == ([], [])


def missing_names(text: str) -> tuple[list[str], list[str]]:
    """Return the quoted files and names of a text that the project does not have."""
    quoted = QUOTED.findall(re.sub(r"(?s)```.*?```", "", text))
    files = [word for word in quoted if re.fullmatch(r"[\w/-]+\.(py|toml|lock|md)", word)]
    names = [word for word in quoted if re.fullmatch(r"_?[A-Z]\w+(\.\w+)*|[a-z]+_[a-z_]+", word)]

    places = (ROOT, CODE, CODE / "cli", DOCS)
    gone = [file for file in files if not any((place / file).exists() for place in places)]
    return (
        [file for file in gone if not list(CODE.rglob(file))],
        [name for name in names if name not in {*all_words(), *files}],
    )


def test_the_tables_of_markers_name_every_marker() -> None:
    told = {word.removesuffix("-K").removesuffix("K") for word in architecture_markers()}
    ours = {
        value.removesuffix("-")
        for name, value in vars(markers).items()
        if name.isupper() and isinstance(value, str) and "/" in value
    }

    assert told == ours


def architecture_markers() -> set[str]:
    text = section("docs/architecture.md", "What is written where")
    return {word for row in rows(text) for word in QUOTED.findall(row[1]) if "/" in word}
