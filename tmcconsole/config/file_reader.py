"""Reads a configuration file into a draft; every problem is reported with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tmcconsole.config.draft import Draft, access_problem
from tmcconsole.config.grammar.toml_lines import lines_of
from tmcconsole.config.problems import ConfigError, ConfigProblem, Unusable, nearest
from tmcconsole.config.schema import KEYS, OVERRIDES, SECTIONS, TARGET_READERS
from tmcconsole.config.settings import ClusterAccess, TargetSettings
from tmcconsole.config.transform_reader import Misplaced, read_transform
from tmcconsole.config.transforms import Transform

MAX_BYTES: Final = 1024 * 1024


def read_file(file: Path, draft: Draft) -> None:
    """Take everything that a file sets. Raises ``ConfigError`` if it cannot be read at all."""
    document = _text_of(file)
    try:
        tree = tomllib.loads(document)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        what = str(error).split(" (at ")[0]
        at = f"see column {place[2]}" if place else "the file ends too early"
        line = int(place[1]) if place else len(document.splitlines())
        raise ConfigError(
            [
                ConfigProblem(
                    source=str(file), line=line, key="", what=f"not TOML: {_lower(what)}", fix=at
                )
            ]
        ) from error
    except RecursionError as error:
        raise ConfigError(
            [
                ConfigProblem(
                    source=str(file), line=0, key="", what="nested too deeply", fix="flatten it"
                )
            ]
        ) from error
    lines = lines_of(document)
    for name, value in tree.items():
        _read_top(name, value, file, lines, draft)


def _text_of(file: Path) -> str:
    def refuse(what: str, fix: str, cause: Exception | None = None) -> ConfigError:
        error = ConfigError([ConfigProblem(source=str(file), line=0, key="", what=what, fix=fix)])
        error.__cause__ = cause
        return error

    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise refuse("no such file", "tmc-console init writes one", error) from error
    except OSError as error:
        raise refuse(f"cannot be read: {error.strerror}", "check its owner and mode") from error
    if len(content) > MAX_BYTES:
        raise refuse("larger than 1 MiB", "check the path of the config file")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse(f"not UTF-8 at byte {error.start}", "save it as UTF-8") from error


def _read_top(name: str, value: object, file: Path, lines: Mapping[str, int], draft: Draft) -> None:
    source, line = str(file), lines.get(name, 0)
    if name == "targets":
        draft.targets = tuple(_read_targets(value, file, lines, draft.problems))
        draft.origins["targets"] = f"{file}:{lines.get('targets[0]', line)}"
    elif name == "transforms":
        draft.transforms = tuple(_read_transforms(value, file, lines, draft.problems))
        draft.origins["transforms"] = f"{file}:{lines.get('transforms[0]', line)}"
    elif name in KEYS:
        draft.set(KEYS[name], value, file.parent, source, line)
    elif name not in SECTIONS:
        known = [
            *filter(None, SECTIONS),
            "targets",
            "transforms",
            *(key.name for key in SECTIONS[""]),
        ]
        draft.problems.append(
            ConfigProblem(
                source=source, line=line, key=name, what="unknown key", fix=nearest(name, known)
            )
        )
    elif not isinstance(value, dict):
        draft.problems.append(
            ConfigProblem(
                source=source,
                line=line,
                key=name,
                what="must be a table",
                fix=f"write [{name}] on a line of its own",
            )
        )
    else:
        for key, raw in value.items():
            _read_key(name, key, raw, file, lines, draft)


def _read_key(
    section: str, name: str, raw: object, file: Path, lines: Mapping[str, int], draft: Draft
) -> None:
    path = f"{section}.{name}"
    line = lines.get(path) or lines.get(section, 0)
    if path in KEYS:
        draft.set(KEYS[path], raw, file.parent, str(file), line)
    else:
        fix = nearest(name, (key.name for key in SECTIONS[section]))
        draft.problems.append(
            ConfigProblem(source=str(file), line=line, key=path, what="unknown key", fix=fix)
        )


def _read_targets(
    raw: object, file: Path, lines: Mapping[str, int], problems: list[ConfigProblem]
) -> Iterator[TargetSettings]:
    for target, item in _items("targets", raw, file, lines, problems):
        read = target.read(item, file.parent)
        if read is not None:
            yield read


def _read_transforms(
    raw: object, file: Path, lines: Mapping[str, int], problems: list[ConfigProblem]
) -> Iterator[Transform]:
    for place, item in _items("transforms", raw, file, lines, problems):
        try:
            yield read_transform(item, "config")
        except Misplaced as error:
            place.refuse(error.key, str(error), error.fix)


def _items(
    name: str, raw: object, file: Path, lines: Mapping[str, int], problems: list[ConfigProblem]
) -> Iterator[tuple[_Item, Mapping[str, Any]]]:
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        fix = f"write [[{name}]] above each one"
        problems.append(
            ConfigProblem(
                source=str(file), line=lines.get(name, 0), key=name, what="must be tables", fix=fix
            )
        )
        return
    for index, item in enumerate(raw):
        yield _Item(str(file), f"{name}[{index}]", lines, problems), item


@dataclass(frozen=True, slots=True)
class _Item:
    """An entry of ``[[targets]]`` or ``[[transforms]]`` while it is read."""

    source: str
    path: str
    lines: Mapping[str, int]
    problems: list[ConfigProblem]

    def read(self, item: Mapping[str, object], folder: Path) -> TargetSettings | None:
        before = len(self.problems)
        found: dict[str, Any] = {}
        for name, raw in item.items():
            reader = TARGET_READERS.get(name)
            if reader is None:
                self.refuse(name, "unknown key", nearest(name, TARGET_READERS))
                continue
            try:
                found[name] = reader(raw, folder)
            except Unusable as error:
                self.refuse(name, str(error), error.fix)
        if "name" not in item:
            self.refuse("", "has no name", 'write name = "..."')
        problem = access_problem(found) if len(self.problems) == before else None
        if problem is not None:
            self.refuse("", str(problem), problem.fix)
        if len(self.problems) > before:
            return None
        name, labels = found.pop("name"), found.pop("labels", ())
        overrides = tuple((key, found.pop(key)) for key in OVERRIDES if key in found)
        return TargetSettings(name, ClusterAccess(**found), labels, overrides)

    def refuse(self, name: str, what: str, fix: str) -> None:
        key = f"{self.path}.{name}" if name else self.path
        table = self.path.partition("[")[0]
        line = next((self.lines[at] for at in (key, self.path, table) if at in self.lines), 0)
        self.problems.append(
            ConfigProblem(source=self.source, line=line, key=key, what=what, fix=fix)
        )


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
