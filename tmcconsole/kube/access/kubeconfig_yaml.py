"""YAML as kubectl reads it: dates are text, ``y`` is true, a second document is ignored."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

import yaml

_BOOL: Final = re.compile(
    r"(?i:y|n)|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|[Tt]rue|TRUE|[Ff]alse|FALSE"
)
_TRUE: Final = frozenset(("y", "yes", "on", "true"))
_NUMBER: Final = re.compile(
    r"[-+]?(0b[01_]+|0o[0-7_]+|0[xX][0-9a-fA-F_]+|(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?"
    r"|\.(inf|Inf|INF|nan|NaN|NAN))"
)
_NULL: Final = re.compile(r"~|null|Null|NULL|")
_MERGE: Final = re.compile(r"<<")
_TAG: Final = "tag:yaml.org,2002:"


class _Loader(yaml.CSafeLoader):
    """The C parser with go-yaml's rules for plain words. Custom tags are ignored."""

    yaml_implicit_resolvers: Any = {}  # noqa: RUF012  # PyYAML's, filled below
    yaml_constructors: ClassVar[Any] = dict(yaml.CSafeLoader.yaml_constructors)


def parse_yaml(content: bytes) -> Any:
    """Return the first document, None if it is empty.

    Raises ``yaml.YAMLError``, ``ValueError`` or ``RecursionError``.
    """
    loader: Any = _Loader(content)
    try:
        return loader.get_data() if loader.check_data() else None
    finally:
        loader.dispose()


def _bool(loader: _Loader, node: yaml.ScalarNode) -> bool:
    return str(node.value).lower() in _TRUE


def _number(loader: _Loader, node: yaml.ScalarNode) -> int | float:
    text = str(node.value).replace("_", "").lower()
    if not _NUMBER.fullmatch(str(node.value)):
        raise yaml.constructor.ConstructorError(None, None, "not a number", node.start_mark)
    for base in (0, 8):
        try:
            return int(text, base)
        except ValueError:
            continue
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


def _plain(loader: _Loader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.ScalarNode)
    return loader.construct_scalar(node)


def _binary(loader: _Loader, node: yaml.ScalarNode) -> str:
    return loader.construct_yaml_binary(node).decode("utf-8", "replace")


def _resolve(tag: str, pattern: re.Pattern[str]) -> None:
    # CSafeLoader's resolver matches a prefix: the pattern needs an end.
    whole = re.compile(rf"(?:{pattern.pattern})\Z")
    _Loader.add_implicit_resolver(_TAG + tag, whole, None)


_resolve("bool", _BOOL)
_resolve("int", _NUMBER)
_resolve("null", _NULL)
_resolve("merge", _MERGE)
_Loader.add_constructor(_TAG + "bool", _bool)
_Loader.add_constructor(_TAG + "int", _number)
_Loader.add_constructor(_TAG + "float", _number)
_Loader.add_constructor(_TAG + "binary", _binary)
_Loader.add_constructor(_TAG + "timestamp", _plain)
_Loader.add_constructor(None, _plain)
