"""Run a hub and two clusters until interrupted: ``python -m tests.envtest FOLDER``."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from tests.envtest.commands import REMEDY, find_binaries
from tests.envtest.planes import HUB_AND_TWO_CLUSTERS, running_planes


def main() -> int:
    """Print one line per plane once it serves: name, address, kubeconfig."""
    if len(sys.argv) != 2:
        print("usage: python -m tests.envtest FOLDER", file=sys.stderr)
        return 2
    binaries = find_binaries()
    if binaries is None:
        print(f"no binaries: {REMEDY}", file=sys.stderr)
        return 2
    for stopping in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stopping, lambda *_: sys.exit(0))
    with running_planes(binaries, Path(sys.argv[1]).resolve(), HUB_AND_TWO_CLUSTERS) as planes:
        for plane in planes:
            print(plane.name, plane.url, plane.kubeconfig, flush=True)
        while True:
            signal.pause()


if __name__ == "__main__":
    sys.exit(main())
