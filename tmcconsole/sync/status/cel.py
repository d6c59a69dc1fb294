"""CEL expressions over the reports of all targets, bounded. The library is loaded when needed.

Its own budget ends an evaluation after 10,000 steps of iteration: about 30 ms at worst.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final

import orjson

MAX_RESULT_BYTES: Final = 64 * 1024
_VARIABLES: Final = ("values", "reports", "before")


class ExpressionInvalid(ValueError):
    """The expression is invalid, or gave no usable value; the text says why."""


def evaluate(
    expression: str, values: Sequence[Any], reports: Sequence[Mapping[str, Any]], before: Any
) -> Any:
    """Return the expression's value as JSON. Raises ``ExpressionInvalid``.

    ``values`` are the field's values by target name, ``reports`` what each target reports (target,
    status, current), ``before`` the value in the hub, null without one.
    """
    program = _compiled(expression)
    bound = {"values": list(values), "reports": [dict(one) for one in reports], "before": before}
    try:
        answer = program.eval(data=bound)
        value = answer.plain_value()
        if answer.type().name().lower() == "error":
            raise ExpressionInvalid(str(value))
        text = orjson.dumps(value)
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise ExpressionInvalid(_first_line(error)) from error
    if len(text) > MAX_RESULT_BYTES:
        raise ExpressionInvalid(f"its value is larger than {MAX_RESULT_BYTES} bytes")
    return orjson.loads(text)


@lru_cache(maxsize=256)
def _compiled(expression: str) -> Any:
    try:
        return _environment().compile(expression)
    except RuntimeError as error:
        raise ExpressionInvalid(_first_line(error)) from error


@cache
def _environment() -> Any:
    try:
        cel = importlib.import_module("cel_expr_python.cel")
    except ImportError as error:
        raise ExpressionInvalid(
            "expressions need the extra: pip install tmc-console[cel]"
        ) from error
    return cel.NewEnv(variables=dict.fromkeys(_VARIABLES, cel.Type.DYN))


def _first_line(error: Exception) -> str:
    text = str(error).removeprefix("INVALID_ARGUMENT: ")
    return text.partition("\n")[0][:300]
