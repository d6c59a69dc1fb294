"""The console on the made-up fleet: ``python -m tests.ui.demo_fixture [theme]``."""

from __future__ import annotations

import sys
import time

from tests.ui.fixture_link import FixtureLink
from tmcconsole.config.settings import ConsoleSettings
from tmcconsole.ui.app import ConsoleApp, run_console


def main() -> int:
    """Run until left."""
    settings = ConsoleSettings(theme=sys.argv[1] if len(sys.argv) > 1 else "tmc-dark")
    link = FixtureLink()
    start = time.time()
    app = ConsoleApp(
        link, settings, link_mode="demo", on_quit="stop",
        clock=lambda: link.wall + time.time() - start,
    )  # fmt: skip
    link.wall = link.wall
    return run_console(app)


if __name__ == "__main__":
    sys.exit(main())
