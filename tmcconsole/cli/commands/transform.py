"""``tmc-console transform``: manifests as a target would get them, without a cluster."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

import yaml

from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.failure import CommandFailure, one_line
from tmcconsole.cli.setting import loaded
from tmcconsole.config.places import expanded
from tmcconsole.config.settings import Settings, TargetSettings
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import Json
from tmcconsole.placement.preview import Preview, preview

STDIN: Final = "-"
MAX_BYTES: Final = 16 * 1024 * 1024


def run(arguments: Arguments) -> int:
    """Print each object as the target would get it; return 1 if one would not be written."""
    settings = loaded(arguments).settings
    target = _target(settings, arguments.target)
    found = list(preview(list(_documents(arguments.dry_run)), settings, target))
    print("\n---\n".join(map(_told, found)) or "# no objects")
    return 1 if any(one.refusal for one in found) else 0


def _target(settings: Settings, names: list[str]) -> TargetSettings:
    known = {target.name: target for target in settings.targets}
    if len(names) != 1 or names[0] not in known:
        raise CommandFailure(
            f"--target: name one of the config's targets: {', '.join(sorted(known))}"
        )
    return known[names[0]]


def _documents(file: str) -> Iterator[Json]:
    """Yield the objects of a file; the items of a List one by one."""
    try:
        for document in yaml.safe_load_all(_text(file)):
            yield from _objects(document, file)
    except yaml.YAMLError as error:
        raise CommandFailure(f"{file}: not YAML: {one_line(error)}") from error


def _objects(document: Any, file: str) -> Iterator[Json]:
    if document is None:
        return
    items = document.get("items") if isinstance(document, dict) else None
    if isinstance(items, list):
        for item in items:
            yield from _objects(item, file)
        return
    meta = document.get("metadata") if isinstance(document, dict) else None
    if not (isinstance(meta, dict) and all(isinstance(document.get(k), str) for k in _TYPE)):
        raise CommandFailure(
            f"{file}: a document is not an object; give it apiVersion, kind and metadata"
        )
    if not isinstance(meta.get("name"), str):
        raise CommandFailure(f"{file}: a {document['kind']} has no name; give it metadata.name")
    yield document


_TYPE: Final = ("apiVersion", "kind")


def _text(file: str) -> str:
    try:
        if file == STDIN:
            return sys.stdin.read(MAX_BYTES)
        with expanded(file).open(encoding="utf-8") as stream:
            return stream.read(MAX_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailure(f"{file}: {one_line(error)}; name a file of manifests") from error


def _told(one: Preview) -> str:
    """Return one object as YAML, with comments on what was changed."""
    lines = [f"# {one.subject} on {one.target}"]
    lines += [f"# transform {applied}" for applied in one.applied] or ["# no transform matches"]
    if one.refusal:
        lines.append(f"# refused, {one.refusal}")
    comments = "\n".join(str(SafeText(line)) for line in lines)
    if one.tree is None:
        return comments
    return f"{comments}\n{yaml.safe_dump(one.tree, sort_keys=False, allow_unicode=True).rstrip()}"
