"""What reading kubeconfigs costs at start: 150 targets in one file, or in a file each."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import anyio
import trustme
import yaml

from tests.bench.fleet import Fleet
from tests.bench.table import Row
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import dial

TARGETS = 150


def measure(fleet: Fleet, quick: bool) -> list[Row]:
    """Return the CPU seconds of setting up all targets, as an engine does when it starts."""
    count = TARGETS // 10 if quick else TARGETS
    folder = fleet.folder
    one = _write(folder / "all.kubeconfig", range(count))
    each = [
        _write(folder / f"{number}.kubeconfig", range(number, number + 1))
        for number in range(count)
    ]
    apart = anyio.run(_dial_all, [ClusterAccess(path, f"c{n}") for n, path in enumerate(each)])
    together = anyio.run(_dial_all, [ClusterAccess(one, f"c{n}") for n in range(count)])
    return [
        Row(f"{count} targets, a kubeconfig each: CPU to dial", "none", f"{apart:.2f} s"),
        Row("the same, all in one kubeconfig", "none", f"{together:.2f} s"),
        Row("one kubeconfig / one each", "none", f"{together / apart:.2f}", "<= 1.3"),
    ]


def _write(path: Path, numbers: range) -> Path:
    authority = trustme.CA().cert_pem.bytes()
    data = base64.b64encode(authority).decode()
    tree: dict[str, Any] = {
        "contexts": [
            {"name": f"c{n}", "context": {"cluster": f"k{n}", "user": f"u{n}"}} for n in numbers
        ],
        "clusters": [
            {
                "name": f"k{n}",
                "cluster": {"server": "https://127.0.0.1:1", "certificate-authority-data": data},
            }
            for n in numbers
        ],
        "users": [{"name": f"u{n}", "user": {"token": "x" * 900}} for n in numbers],
    }
    path.write_text(yaml.safe_dump(tree))
    path.chmod(0o600)
    return path


async def _dial_all(ways: list[ClusterAccess]) -> float:
    """Return the CPU seconds that setting up took; no request is sent."""
    start = time.process_time()

    async def open_one(access: ClusterAccess) -> None:
        await (await dial(access, now=time.monotonic, wall=time.time)).aclose()

    async with anyio.create_task_group() as group:
        for access in ways:
            group.start_soon(open_one, access)
    return time.process_time() - start
