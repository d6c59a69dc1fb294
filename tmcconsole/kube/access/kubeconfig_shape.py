"""What type each field of a kubeconfig has: client-go's ``api/v1``. Pure.

kubectl refuses a file in which any field has another type, in whatever entry. Unknown fields are
ignored, and null is as good as absent.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final, TypeAlias

from tmcconsole.kube.objects import Json

# str, bool, bytes (base64 text) or object (anything); [SHAPE] is a list, {"*": SHAPE} a table of
# equals, and any other dict the known fields.
Shape: TypeAlias = "type[object] | list[Shape] | dict[str, Shape]"

_EXTENSIONS: Final[Shape] = [{"name": str, "extension": object}]
_EXEC: Final[Shape] = {
    "apiVersion": str,
    "command": str,
    "args": [str],
    "env": [{"name": str, "value": str}],
    "installHint": str,
    "provideClusterInfo": bool,
    "interactiveMode": str,
}
CLUSTER: Final[Shape] = {
    "server": str,
    "tls-server-name": str,
    "insecure-skip-tls-verify": bool,
    "certificate-authority": str,
    "certificate-authority-data": bytes,
    "proxy-url": str,
    "disable-compression": bool,
    "extensions": _EXTENSIONS,
}
USER: Final[Shape] = {
    "client-certificate": str,
    "client-certificate-data": bytes,
    "client-key": str,
    "client-key-data": bytes,
    "token": str,
    "tokenFile": str,
    "as": str,
    "as-uid": str,
    "as-groups": [str],
    "as-user-extra": {"*": [str]},
    "username": str,
    "password": str,
    "auth-provider": {"name": str, "config": {"*": str}},
    "exec": _EXEC,
    "extensions": _EXTENSIONS,
}
CONTEXT: Final[Shape] = {"cluster": str, "user": str, "namespace": str, "extensions": _EXTENSIONS}
TOP: Final[Shape] = {
    "kind": str,
    "apiVersion": str,
    "current-context": str,
    "preferences": {"colors": bool, "extensions": _EXTENSIONS},
    "extensions": _EXTENSIONS,
    "contexts": [object],
    "clusters": [object],
    "users": [object],
}


class WrongShape(ValueError):
    """A field has the wrong type. The text names the field, never its value."""

    def __init__(self, at: str, what: str, fix: str) -> None:
        super().__init__(f"{at or 'it'} {what}; {fix}")


def shaped(value: Any, shape: Shape, at: str = "") -> Any:
    """Return ``value`` with its known fields only and without nulls. Raises ``WrongShape``."""
    if value is None:
        return _nothing(shape)
    if shape is object:
        return value
    if isinstance(shape, list):
        return _list(value, shape[0], at)
    if isinstance(shape, dict):
        return _table(value, shape, at)
    if shape is bytes:
        return _base64(value, at)
    if not isinstance(value, shape):
        raise WrongShape(at, f"is {_named(value)}, not {_named(shape())}", _FIX[shape])
    return value


def _nothing(shape: Shape) -> Any:
    """Return what null stands for."""
    if isinstance(shape, list | dict):
        return type(shape)()
    return {str: "", bytes: "", bool: False}.get(shape)


def _list(value: Any, shape: Shape, at: str) -> list[Any]:
    if not isinstance(value, list):
        fix = "write a list, one entry per line behind a dash"
        raise WrongShape(at, f"is {_named(value)}, not a list", fix)
    return [shaped(one, shape, f"{at}[{index}]") for index, one in enumerate(value)]


def _table(value: Any, shape: dict[str, Shape], at: str) -> Json:
    if not isinstance(value, dict):
        names = "NAME" if "*" in shape else " and ".join(list(shape)[:2])
        raise WrongShape(at, f"is {_named(value)}, not a table", f"write its fields: {names}")
    if None in value:
        raise WrongShape(at, "has a field without a name", "remove it")
    prefix = f"{at}." if at else ""
    if "*" in shape:
        return {
            str(name): shaped(one, shape["*"], f"{prefix}{name}") for name, one in value.items()
        }
    return {
        name: shaped(value[name], inner, f"{prefix}{name}")
        for name, inner in shape.items()
        if value.get(name) is not None
    }


def _base64(value: Any, at: str) -> str:
    if not isinstance(value, str):
        raise WrongShape(at, f"is {_named(value)}, not a string", "write base64 in quotes")
    text = value.replace("\n", "").replace("\r", "")
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        fix = f"write the output of base64 -w0, or name a file with {at.removesuffix('-data')}"
        raise WrongShape(at, "is not base64", fix) from error
    return text


_FIX: Final[dict[type[object], str]] = {
    str: "write one text, in quotes",
    bool: "write true or false, without quotes",
}


def _named(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    names = ((str, "a string"), (list, "a list"), (dict, "a table"))
    return next((name for kind, name in names if isinstance(value, kind)), "something else")
