"""``python -m tests.bench [NAME ...]``: run the benchmarks and print one table."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.bench import bulk, console, idle, kubeconfigs, latency, server
from tests.bench.fleet import Fleet, real_fleet, simulated_fleet
from tests.bench.table import Row, render

BENCHES: dict[str, Callable[[Fleet, bool], list[Row]]] = {
    "bulk": bulk.measure,
    "latency": latency.measure,
    "idle": idle.measure,
    "console": console.measure,
    "server": server.measure,
    "kubeconfigs": kubeconfigs.measure,
}


def main() -> int:
    """Run the named benchmarks on simulated servers and, if there are binaries, on real ones."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--quick", action="store_true", help="a tenth of the objects")
    parser.add_argument("--real", action="store_true", help="on real API servers as well")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHES]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHES)}")
    fleets: list[Callable[[], AbstractContextManager[Fleet]]] = [simulated_fleet]
    if options.real:
        fleets.append(real_fleet)
    rows: list[Row] = []
    for name in options.names or BENCHES:
        for open_fleet in fleets:
            if name == "console" and open_fleet is real_fleet:
                continue
            print(f"… {name}, {open_fleet.__doc__}", file=sys.stderr)
            with open_fleet() as fleet:
                rows += BENCHES[name](fleet, options.quick)
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(render(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
