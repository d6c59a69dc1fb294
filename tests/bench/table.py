"""Rows of measurements, as a table to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement, and what the design promises."""

    what: str
    servers: str
    measured: str
    promised: str = ""


def render(rows: Sequence[Row]) -> str:
    """Return the rows in aligned columns."""
    table = [("what", "servers", "measured", "promised")]
    table += [(row.what, row.servers, row.measured, row.promised) for row in rows]
    widths = [max(len(line[column]) for line in table) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def milliseconds(samples: Sequence[float]) -> str:
    """Return median and 99th percentile of seconds, in milliseconds."""
    ordered = sorted(samples)
    p50, p99 = (ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.99))
    return f"p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms"
