"""Merges file, environment and flags, in rising precedence, into one frozen ``Settings``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tmcconsole.config import places, values
from tmcconsole.config.problems import ConfigError, ConfigProblem, Unusable, nearest
from tmcconsole.config.schema import KEYS, OVERRIDES, SECTIONS, TARGET_READERS, ConfigKey
from tmcconsole.config.settings import (
    ClusterAccess,
    ConsoleSettings,
    DaemonSettings,
    Settings,
    SyncSettings,
    TargetSettings,
)
from tmcconsole.config.toml_lines import lines_of
from tmcconsole.config.transform_reader import Misplaced, read_transform
from tmcconsole.config.transforms import Transform

MAX_BYTES: Final = 1024 * 1024
TARGETS_VARIABLE: Final = "TMC_TARGETS"
# Kubernetes gives each container variables for the services of its namespace:
# TMC_CONSOLE_PORT_80_TCP.
_SERVICE_VARIABLE: Final = re.compile(r"TMC_.*(SERVICE_(HOST|PORT)(_.*)?|PORT(_\d+_(TCP|UDP).*)?)")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and where each key was set: a line of a file, a variable or a flag."""

    settings: Settings
    origins: Mapping[str, str]


@dataclass(slots=True)
class _Draft:
    """What has been read so far; a later source replaces an earlier one key by key."""

    given: dict[str, object] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    targets: tuple[TargetSettings, ...] = ()
    transforms: tuple[Transform, ...] = ()
    problems: list[ConfigProblem] = field(default_factory=list)

    def set(self, key: ConfigKey, raw: object, folder: Path, source: str, line: int = 0) -> None:
        try:
            self.given[key.path] = key.read(raw, folder)
        except Unusable as error:
            self.problems.append(
                ConfigProblem(
                    source=source, line=line, key=key.path, what=str(error), fix=error.fix
                )
            )
        self.origins[key.path] = f"{source}:{line}" if line else source


def load(
    file: Path | None, environ: Mapping[str, str], flags: Mapping[str, str], folder: Path
) -> Loaded:
    """Return the effective settings.

    ``flags`` maps ``section.key`` to the value given. Relative paths in flags and the environment
    are relative to ``folder``, those in the file to the file's directory. Raises ``ConfigError``
    with every problem found.
    """
    draft = _Draft()
    if file is not None:
        _read_file(file, draft)
    _read_environment(environ, folder, draft)
    for name, written in flags.items():
        if name in KEYS:
            draft.set(KEYS[name], written, folder, f"flag for {name}")
        else:
            draft.problems.append(
                ConfigProblem(
                    source="flag --set",
                    line=0,
                    key=name,
                    what="unknown key",
                    fix=nearest(name, KEYS),
                )
            )
    _check_whole(draft, str(file) if file else "settings")
    if draft.problems:
        raise ConfigError(draft.problems)
    return Loaded(_settings(draft, file, environ), draft.origins)


def _read_file(file: Path, draft: _Draft) -> None:
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


def _read_top(
    name: str, value: object, file: Path, lines: Mapping[str, int], draft: _Draft
) -> None:
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
    section: str, name: str, raw: object, file: Path, lines: Mapping[str, int], draft: _Draft
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


def access_problem(found: Mapping[str, object]) -> Unusable | None:
    """Return what is wrong with how to reach one cluster: exactly one way must be given."""
    if found.get("in_cluster"):
        if found.get("kubeconfig") or found.get("context"):
            return Unusable("in_cluster excludes kubeconfig and context", "remove one of them")
        return None
    if not found.get("kubeconfig"):
        return Unusable(
            "does not say how to reach the cluster",
            'write kubeconfig = "FILE", or in_cluster = true inside a cluster',
        )
    return None


def _read_environment(environ: Mapping[str, str], folder: Path, draft: _Draft) -> None:
    keys = {key.variable: key for key in KEYS.values()}
    for variable in sorted(name for name in environ if name.startswith("TMC_")):
        written = environ[variable]
        if variable in keys:
            draft.set(keys[variable], written, folder, variable)
        elif variable == TARGETS_VARIABLE:
            _read_target_list(written, folder, draft)
        elif variable != "TMC_CONFIG" and not _SERVICE_VARIABLE.fullmatch(variable):
            fix = nearest(variable, [*keys, TARGETS_VARIABLE, "TMC_CONFIG"])
            draft.problems.append(
                ConfigProblem(source=variable, line=0, key="", what="unknown variable", fix=fix)
            )


def _read_target_list(written: str, folder: Path, draft: _Draft) -> None:
    targets = []
    for part in filter(None, (part.strip() for part in written.split(","))):
        try:
            name, access = values.named_access(part, folder)
            targets.append(TargetSettings(name, access))
        except Unusable as error:
            draft.problems.append(
                ConfigProblem(
                    source=TARGETS_VARIABLE, line=0, key="targets", what=str(error), fix=error.fix
                )
            )
    draft.targets = tuple(targets)
    draft.origins["targets"] = TARGETS_VARIABLE


def _check_whole(draft: _Draft, source: str) -> None:
    """Report problems that no single key shows. Parts that already have a problem are skipped."""

    def report(key: str, what: str, fix: str) -> None:
        draft.problems.append(
            ConfigProblem(
                source=draft.origins.get(key, source), line=0, key=key, what=what, fix=fix
            )
        )

    hub = {path[4:]: value for path, value in draft.given.items() if path.startswith("hub.")}
    seen = {problem.key.partition(".")[0].partition("[")[0] for problem in draft.problems}
    if "hub" not in seen and (problem := access_problem(hub)):
        report("hub", str(problem), problem.fix)
    if "targets" not in seen and not draft.targets:
        report("targets", "no target is configured", "write at least one [[targets]]")
    for key, each, names in (
        ("targets", "target", [target.name for target in draft.targets]),
        ("transforms", "transform", [transform.name for transform in draft.transforms]),
    ):
        for name in sorted({name for name in names if names.count(name) > 1}):
            report(key, f'"{name}" is used twice', f"give each {each} a different name")
    beat, silence = (_given(draft, f"sync.heartbeat{end}") for end in ("", "_timeout"))
    if "sync" not in seen and beat >= silence:
        report(
            "sync.heartbeat_timeout",
            "must be longer than sync.heartbeat",
            f"write {values.spell_duration(3 * beat)}, three missed beats",
        )
    if "sync" not in seen:
        _check_leases(draft, report)
        _check_profile(draft, report)


def _check_profile(draft: _Draft, report: Callable[[str, str, str], None]) -> None:
    if _given(draft, "sync.crds") == "follow" and _given(draft, "sync.profile") == "restricted":
        report(
            "sync.crds",
            "the restricted profile does not allow CRDs to be synced",
            'write crds = "never", or another sync.profile',
        )


def _check_leases(draft: _Draft, report: Callable[[str, str, str], None]) -> None:
    """A holder must stop before others start, and have several attempts before it stops."""
    names = ("sync.lease_duration", "sync.lease_renew_deadline", "sync.lease_retry")
    lease, deadline, retry = (_given(draft, name) for name in names)
    if lease % 1:
        report(names[0], "must be whole seconds", "a Lease stores seconds: write 15s")
    if deadline > 0.8 * lease:
        fix = f"write at most {values.spell_duration(0.8 * lease)}"
        report(names[1], "must be 20 % shorter than sync.lease_duration", fix)
    if retry > deadline / 4:
        fix = f"write at most {values.spell_duration(deadline / 4)}"
        report(names[2], "must be a quarter of sync.lease_renew_deadline, or less", fix)


def _given(draft: _Draft, path: str) -> Any:
    return draft.given.get(path, KEYS[path].default)


def _settings(draft: _Draft, file: Path | None, environ: Mapping[str, str]) -> Settings:
    def fields_of(section: str) -> dict[str, Any]:
        keys = SECTIONS[section]
        return {key.field: draft.given[key.path] for key in keys if key.path in draft.given}

    state_dir = draft.given.get("state_dir") or places.state_home(environ)
    assert isinstance(state_dir, Path)
    return Settings(
        hub=ClusterAccess(**fields_of("hub")),
        targets=draft.targets,
        state_dir=state_dir,
        sync=SyncSettings(**fields_of("sync")),
        console=ConsoleSettings(**fields_of("console")),
        daemon=DaemonSettings(**fields_of("daemon")),
        transforms=draft.transforms,
        source=file,
    )


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
