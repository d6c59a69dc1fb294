"""The filter line: a grammar over the cells a table shows.

``text`` is a regular expression on any cell; ``!re`` excludes; ``col:re`` and ``!col:re`` match one
column; ``lag>30s`` compares numbers; ``-f fuzzy`` matches letters in order; ``-l k=v`` matches
labels; ``-n ns`` the namespace; ``@eu-*,prod`` is a scope of targets. Terms on the same column are
alternatives, all others must match together. A term on a missing column is kept, inactive.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from tmcconsole.ui.style.format import parse_duration

_NUMBER: Final = re.compile(r"([a-z0-9_]+)(>=|<=|>|<|=)(.+)", re.IGNORECASE)
_COLUMN: Final = re.compile(r"([a-z@][a-z0-9_@.-]*):(.+)", re.IGNORECASE)
_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
}


class FilterError(ValueError):
    """The text is not a valid filter; the message says where and what is expected."""


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What a term may match in one row."""

    texts: Mapping[str, str]  # by column id
    numbers: Mapping[str, float]
    labels: Mapping[str, str]
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilterTerm:
    """One condition. ``column`` is empty if it matches the whole row."""

    source: str
    kind: str  # text | number | fuzzy | label | scope
    column: str = ""
    negated: bool = False
    pattern: re.Pattern[str] | None = None
    operator: str = ""
    value: float = 0.0
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter; the empty one matches everything."""

    source: str = ""
    terms: tuple[FilterTerm, ...] = ()

    @property
    def scope(self) -> tuple[str, ...]:
        """Return the patterns of ``@scope`` terms."""
        return tuple(word for term in self.terms if term.kind == "scope" for word in term.words)

    def inactive(self, columns: frozenset[str], numbers: frozenset[str]) -> tuple[str, ...]:
        """Return the terms on columns that are missing."""
        known = {"text": columns, "number": numbers}
        return tuple(
            term.source
            for term in self.terms
            if term.column and term.column not in known.get(term.kind, columns)
        )

    def matches(self, facts: RowFacts, scope: frozenset[str]) -> bool:
        """Return whether a row matches. ``scope``: the targets that the scope patterns select."""
        alternatives: dict[str, bool] = {}
        for term in self.terms:
            verdict = _verdict(term, facts, scope)
            if verdict is None:
                continue
            if term.kind == "text" and term.column and not term.negated:
                alternatives[term.column] = alternatives.get(term.column, False) or verdict
            elif not verdict:
                return False
        return all(alternatives.values())


def parse(source: str) -> Filter:
    """Parse a filter. Raises ``FilterError``."""
    words = source.split()
    terms: list[FilterTerm] = []
    index = 0
    while index < len(words):
        word = words[index]
        if word in ("-f", "-l", "-n"):
            index += 1
            if index == len(words):
                raise FilterError(f"{word} needs a word after it")
            terms.append(_flag(word, words[index]))
        else:
            terms.append(_term(word))
        index += 1
    return Filter(source.strip(), tuple(terms))


def scope_names(patterns: tuple[str, ...], targets: Mapping[str, Mapping[str, str]]) -> set[str]:
    """Return the targets whose name, or a label's value, matches a pattern."""
    return {
        name
        for name, labels in targets.items()
        for pattern in patterns
        if fnmatchcase(name, pattern)
        or any(fnmatchcase(value, pattern) for value in labels.values())
    }


def _flag(flag: str, word: str) -> FilterTerm:
    source = f"{flag} {word}"
    if flag == "-f":
        return FilterTerm(source, "fuzzy", words=(word.lower(),))
    if flag == "-n":
        return FilterTerm(source, "text", "namespace", pattern=_compile(f"^{word}$", source))
    pairs = tuple(word.split(","))
    if not all("=" in pair for pair in pairs):
        raise FilterError(f"{source}: write a selector as key=value,key=value")
    return FilterTerm(source, "label", words=pairs)


def _term(word: str) -> FilterTerm:
    if word.startswith("@") and len(word) > 1 and ":" not in word:
        return FilterTerm(word, "scope", words=tuple(part for part in word[1:].split(",") if part))
    negated, body = (True, word[1:]) if word.startswith("!") and len(word) > 1 else (False, word)
    if match := _NUMBER.fullmatch(body):
        column, operator, text = match.groups()
        value = _number(text)
        if value is not None:
            return FilterTerm(
                source=word,
                kind="number",
                column=column.lower(),
                negated=negated,
                pattern=None,
                operator=operator,
                value=value,
            )
    if match := _COLUMN.fullmatch(body):
        column, text = match.groups()
        return FilterTerm(
            source=word,
            kind="text",
            column=column.lower(),
            negated=negated,
            pattern=_compile(text, word),
        )
    return FilterTerm(
        source=word, kind="text", column="", negated=negated, pattern=_compile(body, word)
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return parse_duration(text)
    except ValueError:
        return None


def _compile(text: str, source: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise FilterError(f"{source!r} is not a regular expression: {error}") from error


def _verdict(term: FilterTerm, facts: RowFacts, scope: frozenset[str]) -> bool | None:
    """Return whether the term matches, or None if it is inactive."""
    match term.kind:
        case "scope":
            return any(target in scope for target in facts.targets)
        case "label":
            pairs = (word.partition("=") for word in term.words)
            return all(facts.labels.get(key) == value for key, _, value in pairs)
        case "fuzzy":
            return _is_fuzzy(term.words[0], " ".join(facts.texts.values()).lower())
        case "number":
            if term.column not in facts.numbers:
                return None
            holds = _COMPARE[term.operator](facts.numbers[term.column], term.value)
            return holds != term.negated
        case _:
            return _text_verdict(term, facts)


def _text_verdict(term: FilterTerm, facts: RowFacts) -> bool | None:
    assert term.pattern is not None, "a text term always has a pattern"
    if term.column:
        text = facts.texts.get(term.column)
        return None if text is None else bool(term.pattern.search(text)) != term.negated
    found = any(term.pattern.search(text) for text in facts.texts.values())
    return found != term.negated


def _is_fuzzy(letters: str, text: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)
