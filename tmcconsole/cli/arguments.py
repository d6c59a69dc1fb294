"""Commands and flags. A usage error is one line that names the flag and the fix."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as declared
from typing import Any, Final, NoReturn

from tmcconsole import __version__
from tmcconsole.cli import flags
from tmcconsole.config.problems import nearest

PROGRAM: Final = "tmc-console"


class UsageError(Exception):
    """The command line cannot be understood; the text names the part and what to write instead."""


@dataclass
class Arguments:
    """The parsed command line. ``settings`` holds the flags that set a configuration key."""

    command: Callable[[Arguments], int] = declared(init=False)
    parser: argparse.ArgumentParser = declared(init=False)  # of the command
    settings: dict[str, str]
    config: str = ""
    output: str = "table"
    # run, demo, sim
    scenario: str = "tour"
    seed: int | None = None
    headless: bool = False
    duration: float = 0.0
    directory: str = ""
    clusters: int = 2
    names: str = ""
    child: bool = False
    # init
    hub: str = ""
    target: list[str] = declared(default_factory=list)
    install: bool = False
    force: bool = False
    # attach
    socket: str = ""
    # forget
    name: str = ""
    confirm: str = ""
    # dead-letters, drift
    at: str = ""
    key: str = ""
    retry: bool = False
    verb: str = ""
    field: str = ""
    whole: bool = False
    # transform
    dry_run: str = ""
    # manifests
    side: str = ""
    account: str = "tmc-console/tmc-console"
    user: str = ""


def parse(argv: Sequence[str]) -> Arguments | None:
    """Return the parsed arguments, or None when help was printed. Raises ``UsageError``."""
    arguments = Arguments(settings={})
    try:
        _, unknown = _parser(arguments.settings).parse_known_args(argv, arguments)
    except _Printed:
        return None
    if unknown:
        raise UsageError(f"{arguments.parser.prog}: {_stray(unknown[0], arguments.parser)}")
    return arguments


def _stray(written: str, parser: argparse.ArgumentParser) -> str:
    word = written.partition("=")[0]
    if not word.startswith("-"):
        return f'unexpected argument "{word}"; see --help'
    known = [flag for action in parser._actions for flag in action.option_strings]
    return f'unknown flag "{word}"; {nearest(word, known)}'


class _Printed(Exception):
    """Help or the version was printed to stdout."""


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing usage and exiting; arguments that are not given stay unset."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, argument_default=argparse.SUPPRESS, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {_explain(message)}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise _Printed


def _explain(message: str) -> str:
    """Return argparse's message with a fix."""
    if choice := re.fullmatch(
        r"argument (.*): invalid choice: '?(.*?)'? \(choose from (.*)\)", message
    ):
        known = re.findall(r"[\w.-]+", choice[3])
        what = "unknown command" if choice[1] == "COMMAND" else f"{choice[1]}: unknown value"
        return f'{what} "{choice[2]}"; {nearest(choice[2], known)}'
    if missing := re.fullmatch(r"the following arguments are required: (.*)", message):
        return f"{missing[1]} missing; add {missing[1].split(',')[0]}, see --help"
    if either := re.fullmatch(r"one of the arguments (.*) is required", message):
        return f"{either[1].replace(' ', ' or ')} missing; see --help"
    if value := re.fullmatch(r"argument (.*): expected (.*) argument.*", message):
        return f"{value[1]} has no value; write it after the flag"
    return message.removeprefix("argument ")


def _parser(settings: dict[str, str]) -> argparse.ArgumentParser:
    """Return the parser for all commands; flags that set a configuration key go to ``settings``."""
    parser = _Parser(
        prog=PROGRAM,
        usage="%(prog)s [COMMAND] [FLAGS]",
        description="A terminal operations console and sync engine for workloads on several "
        "Kubernetes clusters. Without a command, it opens the console and runs the engine in "
        "this process.",
        epilog="To try it without any cluster: tmc-console demo",
        formatter_class=_Format,
    )
    parser.add_argument(
        "--version", action=_PrintVersion, nargs=0, help="print the version and exit"
    )
    _does(parser, "commands.console")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", prog=PROGRAM, parser_class=_Parser
    )

    def command(name: str, module: str, text: str, add: Callable[..., None] | None = None) -> None:
        made = commands.add_parser(name, help=text, description=text, formatter_class=_Format)
        if add is not None:
            add(made)
        if name in NESTED:
            NESTED[name](made, settings)
        _does(made, module)
        _common(made, settings)

    for name, module, text, add in COMMANDS:
        command(name, module, text, add)
    _common(parser, settings)
    return parser


def _config(parser: argparse.ArgumentParser, settings: dict[str, str]) -> None:
    parts = parser.add_subparsers(metavar="check|show", required=True, parser_class=_Parser)
    for name, text in (
        ("check", "report everything wrong with the configuration"),
        ("show", "print the effective values and where each came from"),
    ):
        part = parts.add_parser(name, help=text, description=text, formatter_class=_Format)
        _does(part, f"commands.config:{name}")
        _common(part, settings)


def _drift(parser: argparse.ArgumentParser, settings: dict[str, str]) -> None:
    parts = parser.add_subparsers(
        metavar="|".join(flags.DRIFT_VERBS), required=True, parser_class=_Parser
    )
    for verb, (text, add) in flags.DRIFT_VERBS.items():
        part = parts.add_parser(verb, help=text, description=text, formatter_class=_Format)
        add(part)
        _does(part, "orders.drift")
        part.set_defaults(verb=verb)
        _common(part, settings)


def _manifests(parser: argparse.ArgumentParser, settings: dict[str, str]) -> None:
    parts = parser.add_subparsers(metavar="rbac", required=True, parser_class=_Parser)
    text = "RBAC that an engine with this config needs on one API server"
    part = parts.add_parser("rbac", help=text, description=text, formatter_class=_Format)
    flags.rbac(part)
    _does(part, "commands.manifests:rbac")
    _common(part, settings)


# Each command: its name, its module below ``tmcconsole.cli``, a line of help, and its flags.
COMMANDS: Final[
    tuple[tuple[str, str, str, Callable[[argparse.ArgumentParser], None] | None], ...]
] = (
    ("run", "commands.run", "run the engine without the console", None),
    (
        "attach",
        "commands.attach",
        "open the console on a running engine",
        flags.attach,
    ),
    ("demo", "commands.demo", "try everything on simulated clusters", flags.demo),
    ("sim", "commands.sim", "serve simulated API servers for kubectl and run", flags.sim),
    ("init", "commands.init", "write a config for existing clusters", flags.init),
    ("status", "commands.status", "print the state of all targets", flags.output),
    (
        "why",
        "orders.why",
        "list what is not in sync, or explain one object",
        flags.why,
    ),
    (
        "dead-letters",
        "orders.dead_letters",
        "list dead letters, or retry them",
        flags.letters,
    ),
    ("drift", "orders.drift", "list what others changed on copies, and resolve it", None),
    ("drain", "orders.drain", "tell what a drain would do, or start it", flags.drain),
    (
        "forget",
        "orders.forget",
        "release the hub from a cluster that is gone for good",
        flags.forget,
    ),
    (
        "transform",
        "commands.transform",
        "show manifests as a target would get them",
        flags.transform,
    ),
    ("config", "commands.config", "check or show the configuration", None),
    (
        "manifests",
        "commands.manifests",
        "print manifests made from the config",
        None,
    ),
    ("info", "commands.info", "print paths, versions and terminal capabilities", None),
    ("version", "commands.version", "print the version", None),
)
# Commands of several words: what adds the words after the first.
NESTED: Final[dict[str, Callable[[argparse.ArgumentParser, dict[str, str]], None]]] = {
    "drift": _drift,
    "config": _config,
    "manifests": _manifests,
}


def _does(parser: argparse.ArgumentParser, module: str) -> None:
    """Make the command load a module and call its ``run``, or the function named after a colon."""
    file, _, function = module.partition(":")

    def call(arguments: Arguments) -> int:
        loaded = importlib.import_module(f"tmcconsole.cli.{file}")
        code: int = getattr(loaded, function or "run")(arguments)
        return code

    parser.set_defaults(command=call, parser=parser)


def _common(parser: argparse.ArgumentParser, settings: dict[str, str]) -> None:
    group = parser.add_argument_group("settings (override the config file and the environment)")
    group.add_argument("--config", metavar="FILE", help="the config file")
    for flag, key, metavar, text in (
        ("--state-dir", "state_dir", "DIR", "directory for history, audit log and socket"),
        ("--log-level", "daemon.log_level", "LEVEL", "debug, info, warning or error"),
        ("--log-format", "daemon.log_format", "FORMAT", "text or json"),
        ("--theme", "console.theme", "NAME", "colour theme of the console"),
    ):
        group.add_argument(flag, action=_Setting, keys=(key, settings), metavar=metavar, help=text)
    for flag, key, text in (
        ("--ascii", "console.ascii_only", "draw with ASCII characters only"),
        ("--read-only", "console.read_only", "refuse every command that changes anything"),
    ):
        group.add_argument(
            flag, action=_Setting, keys=(key, settings), const="true", nargs=0, help=text
        )
    group.add_argument(
        "--set",
        action=_Setting,
        keys=("", settings),
        metavar="KEY=VALUE",
        help="any key of the config",
    )


class _Setting(argparse.Action):
    """Stores a flag under the configuration key that it sets; without a key it is --set itself."""

    def __init__(self, *, keys: tuple[str, dict[str, str]], **options: Any) -> None:
        self._key, self._settings = keys
        super().__init__(**{**options, "dest": argparse.SUPPRESS})

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        key, value = self._key, values or self.const
        if not key:
            key, equals, value = values.partition("=")
            if not equals:
                parser.error(f'{option_string}: "{values}" is not a setting; write KEY=VALUE')
        self._settings[key.strip()] = value


class _PrintVersion(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_rest: Any) -> None:
        print(f"{PROGRAM} {__version__}")
        parser.exit()


class _Format(argparse.HelpFormatter):
    """One line per command, without argparse's list of all commands, and a wide first column."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26)

    def _format_action(self, action: argparse.Action) -> str:
        text = super()._format_action(action)
        if isinstance(action, argparse._SubParsersAction):
            return "".join(text.splitlines(keepends=True)[1:])
        return text
