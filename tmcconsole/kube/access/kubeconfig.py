"""Reads one context from a kubeconfig, or from several merged ones. Blocking: call it in a thread.

An error is one line that names the file and the fix.
"""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

from tmcconsole.kube.objects import Json
from tmcconsole.kube.secret import CredentialsError

log = logging.getLogger(__name__)

MAX_SIZE: Final = 16 << 20  # bytes; anything larger is not a kubeconfig


class KubeconfigError(CredentialsError):
    """A kubeconfig that cannot be read or makes no sense: no server has been asked yet."""


@dataclass(frozen=True, slots=True)
class KubeconfigEntry:
    """A named cluster or user, and its file, which relative paths start from."""

    name: str
    fields: Json
    file: Path

    def text(self, field: str) -> str:
        """Return a text field, "" if it is missing. Raises ``KubeconfigError``."""
        value = self.fields.get(field)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise KubeconfigError(f"{self.file}: {field} of {self.name} is not a string")
        return value

    def path(self, field: str) -> Path | None:
        """Return a path field, made absolute."""
        value = self.text(field)
        return self.file.parent / value if value else None

    def flag(self, field: str) -> bool:
        """Return a boolean field."""
        value = self.fields.get(field)
        if not isinstance(value, bool | None):
            raise KubeconfigError(f"{self.file}: {field} of {self.name} is not true or false")
        return bool(value)


@dataclass(frozen=True, slots=True)
class KubeContext:
    """One context with the cluster and user it refers to."""

    name: str
    cluster: KubeconfigEntry
    user: KubeconfigEntry

    @property
    def source(self) -> str:
        """FILE#CONTEXT, for messages."""
        return f"{self.cluster.file}#{self.name}"


@dataclass(frozen=True, slots=True)
class _Document:
    """A whole kubeconfig: entries by name, in order, and the current context."""

    file: Path
    current: str
    contexts: dict[str, KubeconfigEntry]
    clusters: dict[str, KubeconfigEntry]
    users: dict[str, KubeconfigEntry]


def read_context(path: Path, context: str = "") -> KubeContext:
    """Return the named context, or the current one. ``path`` may list several files, as in
    KUBECONFIG.
    """
    files = [Path(part) for part in str(path).split(os.pathsep) if part]
    document = _read_one(files[0]) if len(files) == 1 else _read_merged(files)
    name = context or document.current
    if not name:
        raise KubeconfigError(f"{path}: no current-context; set one, or write FILE#CONTEXT")
    chosen = document.contexts.get(name)
    if chosen is None:
        known = ", ".join(sorted(document.contexts)[:10]) or "none"
        raise KubeconfigError(f"{path}: no context {name!r}; it has: {known}")
    user = chosen.text("user")
    return KubeContext(
        name,
        _referred(chosen, "cluster", document.clusters),
        _referred(chosen, "user", document.users) if user else KubeconfigEntry("", {}, chosen.file),
    )


def _referred(
    context: KubeconfigEntry, field: str, entries: dict[str, KubeconfigEntry]
) -> KubeconfigEntry:
    name = context.text(field)
    entry = entries.get(name)
    if entry is None:
        raise KubeconfigError(
            f"{context.file}: context {context.name!r} refers to {field} {name!r}, "
            f"which does not exist; add it under {field}s"
        )
    return entry


def _read_one(file: Path) -> _Document:
    tree = load_file(file)
    return _Document(
        file=file,
        current=str(tree.get("current-context") or ""),
        contexts=_entries(tree, "contexts", "context", file),
        clusters=_entries(tree, "clusters", "cluster", file),
        users=_entries(tree, "users", "user", file),
    )


def load_file(file: Path) -> Json:
    """Return the parsed content of one kubeconfig."""
    try:
        _check_mode(file)
        content = file.read_bytes()
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise KubeconfigError(
            f"cannot read kubeconfig {file}: {cause}; correct the path or the file's mode"
        ) from error
    if len(content) > MAX_SIZE:
        raise KubeconfigError(f"{file}: too large to be a kubeconfig")
    try:
        tree = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise KubeconfigError(f"{file}: not valid YAML{_place(error)}") from error
    if not isinstance(tree, dict):
        raise KubeconfigError(f"{file}: not a kubeconfig (no clusters, users or contexts in it)")
    return tree


def _place(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f" at line {error.problem_mark.line + 1}: {error.problem}"
    return ""


def _check_mode(file: Path) -> None:
    if file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        log.warning("kubeconfig %s is readable by others; chmod 600 it", file)


def _entries(tree: Json, section: str, field: str, file: Path) -> dict[str, KubeconfigEntry]:
    entries: dict[str, KubeconfigEntry] = {}
    listed = tree.get(section) or []
    if not isinstance(listed, list):
        raise KubeconfigError(f"{file}: {section} is not a list")
    for item in listed:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise KubeconfigError(f"{file}: an entry of {section} has no name")
        fields: Any = item.get(field) or {}
        if not isinstance(fields, dict):
            raise KubeconfigError(f"{file}: {field} {item['name']!r} has no fields")
        entries.setdefault(item["name"], KubeconfigEntry(item["name"], fields, file))
    return entries


def _read_merged(files: list[Path]) -> _Document:
    """Merge as kubectl does: the first file to name an entry gives all of it; missing files are
    skipped. An entry keeps its own file, where its relative paths start.
    """
    documents = [_read_one(file) for file in files if file.exists()]
    if not documents:
        raise KubeconfigError(f"none of {os.pathsep.join(map(str, files))} exists")
    merged = replace(documents[0], contexts={}, clusters={}, users={})
    for document in reversed(documents):
        merged.contexts.update(document.contexts)
        merged.clusters.update(document.clusters)
        merged.users.update(document.users)
    current = next((document.current for document in documents if document.current), "")
    return replace(merged, current=current)
