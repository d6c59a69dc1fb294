"""``tmc-console config check`` and ``config show``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.setting import access_problem, loaded
from tmcconsole.cli.streams import complain
from tmcconsole.config.grammar.toml_lines import lines_of
from tmcconsole.config.schema import KEYS
from tmcconsole.config.settings import Settings
from tmcconsole.config.write import to_toml


def check(arguments: Arguments) -> int:
    """Report everything wrong, unusable kubeconfigs included; return 1 if anything is."""
    settings = loaded(arguments).settings
    unusable = list(_unusable(settings))
    for line in unusable:
        complain(line)
    if not unusable:
        names = ", ".join(target.name for target in settings.targets)
        print(f"{settings.source or 'environment'}: valid; hub and {names}")
    return 1 if unusable else 0


def show(arguments: Arguments) -> int:
    """Print the effective configuration as TOML, each value followed by its origin."""
    found = loaded(arguments)
    document = to_toml(found.settings, everything=True)
    print("\n".join(_annotated(document, found.origins)))
    return 0


def _unusable(settings: Settings) -> Iterator[str]:
    ways = [("hub", settings.hub), *((f"target {t.name}", t.access) for t in settings.targets)]
    for name, access in ways:
        if problem := access_problem(access):
            yield f"{name}: {problem}"


def _annotated(document: str, origins: Mapping[str, str]) -> Iterator[str]:
    keys = {number: path for path, number in lines_of(document).items()}
    for number, line in enumerate(document.splitlines(), 1):
        path = keys.get(number, "")
        if path in ("targets[0]", "transforms[0]"):
            yield f"{line}  # {origins[path.partition('[')[0]]}"
        elif path in KEYS and not line.endswith("["):
            yield f"{line}  # {origins.get(path, 'default')}"
        else:
            yield line
