"""The console on the made-up fleet: ``python -m tests.ui.demo_fixture [theme] [--still]``.

``--still`` stops the clock, so that nothing changes, and draws ten times a second.
What was ordered is printed at the end.
"""

from __future__ import annotations

import sys
import time

from tests.ui.fixture_link import NOW, FixtureLink
from tmcconsole.config.settings import ConsoleSettings
from tmcconsole.ui.app import ConsoleApp, run_console


def main(arguments: list[str]) -> int:
    """Run until the user leaves."""
    still = "--still" in arguments
    theme = next((word for word in arguments if not word.startswith("--")), "tmc-dark")
    start = time.time()
    link = FixtureLink()
    app = ConsoleApp(
        link,
        ConsoleSettings(theme=theme, refresh_hz=10.0 if still else 2.0),
        link_mode="demo",
        on_quit="stop",
        clock=lambda: NOW if still else NOW + time.time() - start,
        monotonic=time.monotonic,
    )
    code = run_console(app)
    print(f"orders: {[type(order).__name__ for order in link.orders]}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
