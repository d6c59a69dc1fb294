"""Merges file, environment and flags, in rising precedence, into one frozen ``Settings``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tmcconsole.config import places, values
from tmcconsole.config.draft import Draft, check_whole
from tmcconsole.config.file_reader import read_file
from tmcconsole.config.problems import ConfigError, ConfigProblem, Unusable, nearest
from tmcconsole.config.schema import KEYS, SECTIONS
from tmcconsole.config.settings import (
    ClusterAccess,
    ConsoleSettings,
    DaemonSettings,
    Settings,
    SyncSettings,
    TargetSettings,
)

TARGETS_VARIABLE: Final = "TMC_TARGETS"
# Kubernetes gives each container variables for the services of its namespace:
# TMC_CONSOLE_PORT_80_TCP.
_SERVICE_VARIABLE: Final = re.compile(r"TMC_.*(SERVICE_(HOST|PORT)(_.*)?|PORT(_\d+_(TCP|UDP).*)?)")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and where each key was set: a line of a file, a variable or a flag."""

    settings: Settings
    origins: Mapping[str, str]


def load(
    file: Path | None, environ: Mapping[str, str], flags: Mapping[str, str], folder: Path
) -> Loaded:
    """Return the effective settings.

    ``flags`` maps ``section.key`` to the value given. Relative paths in flags and the environment
    are relative to ``folder``, those in the file to the file's directory. Raises ``ConfigError``
    with every problem found.
    """
    draft = Draft()
    if file is not None:
        read_file(file, draft)
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
    check_whole(draft, str(file) if file else "settings")
    if draft.problems:
        raise ConfigError(draft.problems)
    return Loaded(_settings(draft, file, environ), draft.origins)


def _read_environment(environ: Mapping[str, str], folder: Path, draft: Draft) -> None:
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


def _read_target_list(written: str, folder: Path, draft: Draft) -> None:
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


def _settings(draft: Draft, file: Path | None, environ: Mapping[str, str]) -> Settings:
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
