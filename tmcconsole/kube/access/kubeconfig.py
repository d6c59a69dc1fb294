"""Reads one context from a kubeconfig, or from several merged ones. Blocking: call it in a thread.

The one reader of kubeconfigs. Each file is parsed once per change of it, whoever asks, and an error
is one line that names the file, the entry and the fix, and never a value.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

from tmcconsole.kube.access.kubeconfig_shape import (
    CLUSTER,
    CONTEXT,
    TOP,
    USER,
    Shape,
    WrongShape,
    shaped,
)
from tmcconsole.kube.access.kubeconfig_yaml import parse_yaml
from tmcconsole.kube.objects import Json
from tmcconsole.kube.secret import CredentialsError

log = logging.getLogger(__name__)

MAX_SIZE: Final = 16 << 20  # bytes; anything larger is not a kubeconfig
KEPT: Final = 256  # parsed files; of more, those asked for least recently are parsed again


class KubeconfigError(CredentialsError):
    """A kubeconfig that cannot be read or makes no sense: no server has been asked yet."""


@dataclass(frozen=True, slots=True)
class KubeconfigEntry:
    """A named cluster, user or context, and its file, which relative paths start from. Its fields
    have the types they must have.
    """

    name: str
    fields: Json
    file: Path
    kind: str = "user"  # cluster | user | context

    def text(self, field: str) -> str:
        """Return a text field, "" if it is missing."""
        return str(self.fields.get(field) or "")

    def path(self, field: str) -> Path | None:
        """Return a path field, made absolute."""
        value = self.text(field)
        return self.file.parent / value if value else None

    def flag(self, field: str) -> bool:
        """Return a boolean field."""
        return bool(self.fields.get(field))

    @property
    def where(self) -> str:
        """FILE: KIND NAME, for messages."""
        return f"{self.file}: {self.kind} {self.name!r}"

    def fault(self, what: str) -> KubeconfigError:
        """Return the error to raise; ``what`` names the field and the fix."""
        return KubeconfigError(f"{self.where}: {what}")


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

    current: str
    contexts: dict[str, KubeconfigEntry]
    clusters: dict[str, KubeconfigEntry]
    users: dict[str, KubeconfigEntry]


_Stamp = tuple[int, ...]  # changes whenever the file does
_parsed: OrderedDict[Path, tuple[_Stamp, _Document | KubeconfigError]] = OrderedDict()
_lock = threading.Lock()


def read_context(path: Path, context: str = "") -> KubeContext:
    """Return the named context, or the current one. ``path`` may list several files, as in
    KUBECONFIG. A user that no file has is nobody, as to kubectl. Raises ``KubeconfigError``.
    """
    document = _read(path)
    name = context or document.current
    if not name:
        raise KubeconfigError(f"{path}: {_without_context(document)}")
    chosen = document.contexts.get(name)
    if chosen is None:
        raise KubeconfigError(f"{path}: no context {name!r}; it has: {_some(document.contexts)}")
    if not chosen.text("cluster"):
        raise chosen.fault("has no cluster; write cluster: NAME, and describe it under clusters")
    cluster = document.clusters.get(chosen.text("cluster"))
    if cluster is None:
        raise chosen.fault(
            f"refers to cluster {chosen.text('cluster')!r}, which does not exist; add it under "
            "clusters"
        )
    nobody = KubeconfigEntry(chosen.text("user"), {}, chosen.file)
    return KubeContext(name, cluster, document.users.get(nobody.name, nobody))


def load_file(file: Path) -> Json:
    """Return the parsed content of one kubeconfig, {} if it is empty."""
    content = _content(file)
    try:
        tree = parse_yaml(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        message = f"{file}: not valid YAML{_place(error)}; correct it there"
        raise KubeconfigError(message) from error
    if not isinstance(tree, dict | None):
        raise KubeconfigError(f"{file}: not a kubeconfig; name the cluster's kubeconfig")
    return tree or {}


def _read(path: Path) -> _Document:
    with _lock:
        files = [Path(part) for part in str(path).split(os.pathsep) if part]
        if path.is_file() or len(files) == 1:
            return _cached(path)
        return _merged(files, path)


def _without_context(document: _Document) -> str:
    if document.contexts:
        known = _some(document.contexts)
        return f"no current-context; set one, or write FILE#CONTEXT (it has: {known})"
    return "not a kubeconfig (no contexts in it); name the cluster's kubeconfig"


def _some(names: dict[str, Any]) -> str:
    return ", ".join(list(names)[:10]) or "none"


def _merged(files: list[Path], path: Path) -> _Document:
    """Merge as kubectl does: the first file to name an entry gives all of it; missing files are
    skipped. An entry keeps its own file, where its relative paths start.
    """
    documents = [_cached(file) for file in files if _exists(file)]
    if not documents:
        raise KubeconfigError(f"none of {path} exists; name the cluster's kubeconfig")
    merged = _Document("", {}, {}, {})
    for document in reversed(documents):
        merged.contexts.update(document.contexts)
        merged.clusters.update(document.clusters)
        merged.users.update(document.users)
    current = next((document.current for document in documents if document.current), "")
    return replace(merged, current=current)


def _exists(file: Path) -> bool:
    try:
        os.stat(file)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass  # reading it says why
    return True


def _cached(file: Path) -> _Document:
    """Return the file's present content; an error in it is remembered, too."""
    stamp = _stamp(file)
    known = _parsed.get(file)
    found = known[1] if known is not None and known[0] == stamp else _document_or_error(file)
    if stamp and stamp == _stamp(file):
        _parsed[file] = (stamp, found)
        _parsed.move_to_end(file)
        if len(_parsed) > KEPT:
            _parsed.popitem(last=False)
    if isinstance(found, KubeconfigError):
        raise KubeconfigError(str(found))
    return found


def _document_or_error(file: Path) -> _Document | KubeconfigError:
    try:
        return _document(file)
    except KubeconfigError as error:
        return error


def _stamp(file: Path) -> _Stamp:
    """Return the file's stamp, or () if it cannot be read twice, or at all."""
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return ()
    if not stat.S_ISREG(found.st_mode):
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _document(file: Path) -> _Document:
    tree = load_file(file)
    try:
        top = shaped(tree, TOP)
    except WrongShape as error:
        raise KubeconfigError(f"{file}: {error}") from error
    if top.get("kind") not in (None, "", "Config") or top.get("apiVersion") not in (None, "", "v1"):
        raise KubeconfigError(
            f"{file}: kind and apiVersion are not Config and v1; name the cluster's kubeconfig"
        )
    return _Document(
        current=top.get("current-context") or "",
        contexts=_entries(top.get("contexts") or [], "context", CONTEXT, file),
        clusters=_entries(top.get("clusters") or [], "cluster", CLUSTER, file),
        users=_entries(top.get("users") or [], "user", USER, file),
    )


def _entries(listed: list[Any], kind: str, shape: Shape, file: Path) -> dict[str, KubeconfigEntry]:
    entries: dict[str, KubeconfigEntry] = {}
    for index, item in enumerate(listed):
        where = f"{file}: {kind}s[{index}]"
        try:
            name = shaped(item, {"name": str}).get("name", "")
            where = f"{file}: {kind} {name!r}"
            fields = shaped((item or {}).get(kind), shape)
        except WrongShape as error:
            raise KubeconfigError(f"{where}: {error}") from error
        if name in entries:
            raise KubeconfigError(f"{where} is there twice; remove one, or give it another name")
        entries[name] = KubeconfigEntry(name, fields, file, kind)
    return entries


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            _warn_of_mode(file, os.fstat(stream.fileno()))
            content = stream.read(MAX_SIZE + 1)
    except PermissionError as error:
        message = f"{file}: {error.strerror}; correct its owner or mode"
        raise KubeconfigError(message) from error
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise KubeconfigError(f"{file}: {cause}; name the cluster's kubeconfig") from error
    if len(content) > MAX_SIZE:
        raise KubeconfigError(
            f"{file}: larger than {MAX_SIZE >> 20} MiB; name the cluster's kubeconfig"
        )
    return content


def _place(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f" at line {error.problem_mark.line + 1}: {error.problem}"
    return ""


def _warn_of_mode(file: Path, found: os.stat_result) -> None:
    """Warn of a file that its owner, who is us, can close to others. A mounted Secret's mode is the
    kubelet's business.
    """
    is_open = found.st_mode & (stat.S_IRGRP | stat.S_IROTH)
    is_mounted = (file.parent / "..data").is_symlink()
    if is_open and found.st_uid == os.geteuid() and not is_mounted:
        log.warning("kubeconfig %s is readable by others; chmod 600 it", file)
