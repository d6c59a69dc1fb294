"""``tmc-console demo``: everything, on simulated clusters in a child process."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio

from tmcconsole.cli.arguments import Arguments, UsageError
from tmcconsole.cli.child import SimChild
from tmcconsole.cli.commands.run import refuse_core_dumps
from tmcconsole.cli.demo_link import DemoLink, FleetAddress
from tmcconsole.cli.failure import CommandFailure, with_cause
from tmcconsole.cli.here import opener, serving, start_engine
from tmcconsole.cli.screen import show
from tmcconsole.cli.setting import bare_settings, socket_of
from tmcconsole.cli.signals import Stopping, heeded, stop_on_signal
from tmcconsole.config.load import load
from tmcconsole.config.problems import ConfigError, nearest
from tmcconsole.config.settings import Settings
from tmcconsole.contract.link import EngineLink, LinkLost
from tmcconsole.daemon.follow import Follower
from tmcconsole.daemon.headless import run_headless
from tmcconsole.daemon.logs import logging_to
from tmcconsole.daemon.printer import document, is_settled, to_json, to_table
from tmcconsole.daemon.socket_server import SocketTaken, claim
from tmcconsole.runtime import spawn

REGIONS: Final = "eu-west,us-east,ap-south"
# Shorter than by default, so that a partition shows within the scenario.
QUICK: Final = {"sync.heartbeat": "5s", "sync.heartbeat_timeout": "15s"}


def run(arguments: Arguments) -> int:
    """Run the demo in the console, or headless: then return 0 if all is in sync at the end."""
    _check(arguments)
    refuse_core_dumps()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tmc-demo-")))
        demo = Demo(arguments, folder)
        if not arguments.headless:
            return _console(demo, stack)
        try:
            return _headless(demo, stack)
        except (LinkLost, SocketTaken, OSError) as error:
            raise CommandFailure(with_cause(error)) from error


@dataclass(frozen=True, slots=True)
class Demo:
    """One demo, with a state directory of its own."""

    arguments: Arguments
    folder: Path

    def start(self, stack: ExitStack) -> EngineLink:
        """Start the clusters, the engine for them and its socket; the stack stops them."""
        child = stack.enter_context(SimChild(self.folder, self._child_arguments()))
        ready = child.start()
        settings = self._settings(Path(ready["config"]))
        control = FleetAddress(ready["control"]["url"], ready["control"]["token"])
        stack.enter_context(claim(socket_of(settings)))
        engine = start_engine(settings, stack, notes=_notes(ready, settings))
        link = DemoLink(engine, control, child.story)
        stack.enter_context(serving(link, socket_of(settings)))
        return link

    def _child_arguments(self) -> list[str]:
        names = ["--names", REGIONS, "--scenario", self.arguments.scenario]
        seed = self.arguments.seed
        return names if seed is None else [*names, "--seed", str(seed)]

    def _settings(self, config: Path) -> Settings:
        try:
            return load(config, {}, QUICK | self.arguments.settings, Path.cwd()).settings
        except ConfigError as error:
            raise CommandFailure(str(error)) from error


def _check(arguments: Arguments) -> None:
    from tmcconsole.sim.scenarios import SCENARIOS

    if arguments.scenario not in SCENARIOS:
        fix = nearest(arguments.scenario, SCENARIOS)
        raise UsageError(f'tmc-console demo: --scenario: no scenario "{arguments.scenario}"; {fix}')
    if arguments.duration and not arguments.headless:
        raise UsageError("tmc-console demo: --for needs --headless")


def _notes(ready: Mapping[str, Any], settings: Settings) -> tuple[str, ...]:
    return (
        *(f"kubectl --kubeconfig {path}" for path in ready["kubeconfigs"].values()),
        f"tmc-console attach {socket_of(settings)}",
    )


def _console(demo: Demo, stack: ExitStack) -> int:
    settings = bare_settings(demo.arguments)
    log_file, level = demo.folder / "tmc-console.log", settings.daemon.log_level
    stack.enter_context(logging_to(log_file, level=level, log_format="text"))
    open_link = opener(demo.start, stack)
    return show(None, settings.console, link_mode="demo", on_quit="stop", open_link=open_link)


def _headless(demo: Demo, stack: ExitStack) -> int:
    daemon = bare_settings(demo.arguments).daemon
    log = stack.enter_context(
        logging_to(None, level=daemon.log_level, log_format=daemon.log_format)
    )
    link = demo.start(stack)
    board = Follower()

    async def follow() -> None:
        async with anyio.create_task_group() as group:
            ending = Stopping()
            stop = ending.event
            spawn(group, stop_on_signal, ending, heeded(), name="signals")
            with anyio.move_on_after(demo.arguments.duration or None):
                await run_headless(link, stop=stop, log=log, board=board)
            await board.pull(link)
            group.cancel_scope.cancel()

    anyio.run(follow)
    status = document(board)
    print(to_json(status) if demo.arguments.output == "json" else to_table(status))
    sys.stdout.flush()
    return 0 if is_settled(status) else 1
