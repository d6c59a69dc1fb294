"""Times as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def unix_time(text: object) -> float:
    """Return an RFC 3339 time as Unix seconds, 0.0 if it is missing or invalid.

    A time without a zone is read as UTC, whatever this machine's time zone.
    """
    if not isinstance(text, str) or not text:
        return 0.0
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def rfc3339(wall: float) -> str:
    """Return Unix seconds as Kubernetes writes a time."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
