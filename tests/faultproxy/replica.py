"""The answers that a replica remembers once it has fallen behind."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import orjson
from yarl import URL

REMEMBERED_ANSWERS = 500  # the oldest is forgotten first

# They say how fresh the answer must be, not what is asked for.
FRESHNESS = ("resourceVersion", "resourceVersionMatch", "timeoutSeconds", "allowWatchBookmarks")


@dataclass(frozen=True, slots=True)
class Remembered:
    """One complete answer to a read."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def version(self) -> int:
        """The resourceVersion of the list or object; 0 if it has none."""
        try:
            return int(orjson.loads(self.body)["metadata"]["resourceVersion"])
        except (ValueError, KeyError, TypeError):
            return 0


class Replica:
    """Answers by request. Bounded; owned by one proxy."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, Remembered] = OrderedDict()

    def remember(self, url: URL, accept: str, answer: Remembered) -> None:
        """Keep the newest answer to a read."""
        key = _question(url, accept)
        self._answers[key] = answer
        self._answers.move_to_end(key)
        if len(self._answers) > REMEMBERED_ANSWERS:
            self._answers.popitem(last=False)

    def recall(self, url: URL, accept: str) -> Remembered | None:
        """Return the last answer, or a refusal of what this replica has not seen."""
        answer = self._answers.get(_question(url, accept))
        wanted = url.query.get("resourceVersion", "")
        if answer is not None and wanted.isdigit() and int(wanted) > answer.version:
            return _too_new(int(wanted), answer.version)
        return answer


def asks_for_the_newest(url: URL) -> bool:
    """Return whether a read wants the newest state, which it does without a resourceVersion."""
    return not url.query.get("resourceVersion")


def _question(url: URL, accept: str) -> str:
    query = sorted((name, value) for name, value in url.query.items() if name not in FRESHNESS)
    return f"{url.path}?{query} {accept}"


def _too_new(wanted: int, current: int) -> Remembered:
    message = f"Too large resource version: {wanted}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"Timeout: {message}",
        "reason": "Timeout",
        "details": {"causes": [cause], "retryAfterSeconds": 1},
        "code": 504,
    }
    return Remembered(504, (("Content-Type", "application/json"),), orjson.dumps(status))
