"""The console on the made-up fleet: ``python -m tests.ui.demo_fixture [theme] [--still|--lively]``.

``--still`` stops its clock and changes nothing; ``--lively`` changes one row for each line on
standard input's place: a number of times, at 10 Hz, then stands still.
"""

from __future__ import annotations

import sys
import time

from tests.ui.fixture_link import NOW, FixtureLink
from tmcconsole.config.settings import ConsoleSettings
from tmcconsole.contract.changes import Changes, Revision
from tmcconsole.ui.app import ConsoleApp, run_console

LIVELY_PULLS = 40


class LivelyLink(FixtureLink):
    """Changes one target with each pull, for a while."""

    pulls = 0

    async def changes(self, since: Revision) -> Changes:
        self.pulls += 1
        if 10 < self.pulls <= 10 + LIVELY_PULLS:
            self._set("eu-central-1", in_sync=20 + self.pulls % 10)
        return await super().changes(since)


def main(arguments: list[str]) -> int:
    """Run until left."""
    still = "--still" in arguments or "--lively" in arguments
    theme = next((word for word in arguments if not word.startswith("--")), "tmc-dark")
    link = LivelyLink() if "--lively" in arguments else FixtureLink()
    start = time.time()
    app = ConsoleApp(
        link,
        ConsoleSettings(theme=theme, refresh_hz=10.0 if still else 2.0),
        link_mode="demo",
        on_quit="stop",
        clock=lambda: NOW if still else NOW + time.time() - start,
    )
    return run_console(app)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
