from __future__ import annotations

import subprocess
import sys

import pytest

from tmcconsole.cli import main
from tmcconsole.cli.arguments import parse

COMMANDS = [
    *(
        "run",
        "attach",
        "demo",
        "sim",
        "init",
        "status",
        "why",
        "dead-letters",
        "drift",
        "drain",
        "forget",
    ),
    *("transform", "config", "manifests", "info", "version"),
]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("dmo", 'tmc-console: unknown command "dmo"; did you mean "demo"?'),
        ("demo --sed 3", 'tmc-console demo: unknown flag "--sed"; did you mean "--seed"?'),
        ("--theme x demo --ascii --sed=3", 'tmc-console demo: unknown flag "--sed"; did'),
        ("demo --seed x", 'tmc-console demo: --seed: "x" is not a seed; write a whole number'),
        (
            "demo --for soon",
            'tmc-console demo: --for: "soon" is not a duration; write "20s" or "5m"',
        ),
        ("init --hub x", "tmc-console init: --target missing; add --target"),
        ("config", "tmc-console config: check|show missing"),
        ("drift", "tmc-console drift: list|adopt|revert|cede missing"),
        ("drift lst", 'unknown value "lst"; did you mean "list"?'),
        ("drift adopt a/b/c", "tmc-console drift adopt: --at missing; add --at"),
        ("drift revert a/b/c --at eu", "drift revert: --field or --all missing; see --help"),
        ("drift cede a/b/c", "tmc-console drift cede: --field missing; add --field"),
        ("--theme", "tmc-console: --theme has no value"),
        ("--set x", 'tmc-console: --set: "x" is not a setting; write KEY=VALUE'),
        (
            "sim --clusters 99",
            'tmc-console sim: --clusters: "99" is not a number of clusters; write',
        ),
        ("status -o xml", 'tmc-console status: -o/--output: unknown value "xml"; use one of'),
        ("run now", 'tmc-console run: unexpected argument "now"'),
        ("demo --scenario tuor", '--scenario: no scenario "tuor"; did you mean "tour"?'),
        ("demo --for 3s", "tmc-console demo: --for needs --headless"),
        ("init --hub a --target b", 'tmc-console init: "b" does not name a file; write NAME=FILE'),
        ("init --hub a --target b=c --target b=d", '--target: "b" is given twice; use a'),
    ],
)
def test_wrong_use_is_one_line_that_names_flag_and_fix(
    line: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(line.split())

    out, err = capsys.readouterr()
    assert code == 2
    assert expected in err
    assert err.count("\n") == 1
    assert out == ""


def test_help_has_one_line_for_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--help"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines if line.startswith("    ")] == COMMANDS


def test_flags_for_settings_count_before_and_behind_the_command() -> None:
    arguments = parse(["--theme", "mono", "--set", "sync.workers=3", "run", "--log-level", "debug"])

    assert arguments is not None
    assert arguments.settings == {
        "console.theme": "mono",
        "sync.workers": "3",
        "daemon.log_level": "debug",
    }


def test_the_command_line_loads_nothing_heavy() -> None:
    program = "import sys, tmcconsole.cli; tmcconsole.cli.main(['--help']); print(*sys.modules)"

    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    loaded = set(result.stdout.split())
    assert "tmcconsole.cli" in loaded
    assert loaded.isdisjoint({"asyncio", "anyio", "msgspec", "aiohttp", "textual", "kubernetes"})


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert main(["--version"]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert first.startswith("tmc-console ")


@pytest.mark.parametrize("command", [*COMMANDS[:4], "init --hub a --target b=c", "status"])
def test_what_is_not_written_keeps_its_default(command: str) -> None:
    arguments = parse(command.split())

    assert arguments is not None
    assert (arguments.scenario, arguments.seed, arguments.clusters) == ("tour", None, 2)
    assert (arguments.output, arguments.duration, arguments.headless) == ("table", 0.0, False)
    assert (arguments.names, arguments.directory, arguments.force) == ("", "", False)
