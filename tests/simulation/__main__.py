"""Replay seeds: python -m tests.simulation SEED[-SEED] [--verbose]"""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import time

from tests.simulation.run import Broken, run_seed


def main() -> int:
    """Return 1 if a seed breaks an invariant."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seeds", help="a seed, or a range of them: 7 or 0-199")
    parser.add_argument("--verbose", action="store_true", help="print every request and commit")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    first, _, last = asked.seeds.partition("-")
    broken = 0
    for seed in range(int(first), int(last or first) + 1):
        began = time.process_time()
        try:
            outcome = run_seed(seed, say=print if asked.verbose else lambda _line: None)
        except Broken as error:
            broken += 1
            print(error if first == (last or first) else str(error).partition("\n")[0])
        else:
            print(f"seed {seed}: {time.process_time() - began:.2f} s of CPU, {outcome}")
        gc.collect()
        sys.stdout.flush()
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
