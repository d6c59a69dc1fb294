from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tmcconsole.config.load import Loaded, load
from tmcconsole.config.problems import ConfigError
from tmcconsole.config.write import to_toml

WHOLE = """
state_dir = "state"

[hub]
kubeconfig = "hub.kubeconfig"
context = "root"

[[targets]]
name = "eu"
kubeconfig = "/etc/eu.kubeconfig"
labels = { region = "eu" }

[[targets]]
name = "here"
in_cluster = true

[sync]
heartbeat = "10s"
heartbeat_timeout = "1m30s"
workers = 4
kinds_deny = ["jobs.batch"]

[console]
theme = "tmc-light"

[daemon]
log_format = "json"
"""


def load_text(
    folder: Path,
    document: str,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
) -> Loaded:
    file = folder / "c.toml"
    file.write_text(document)
    return load(file, environ or {}, flags or {}, folder)


def problems_of(
    folder: Path,
    document: str,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_text(folder, document, environ, flags)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_a_whole_file_becomes_settings(tmp_path: Path) -> None:
    settings = load_text(tmp_path, WHOLE).settings

    assert settings.hub.kubeconfig == tmp_path / "hub.kubeconfig"
    assert settings.hub.context == "root"
    assert [target.name for target in settings.targets] == ["eu", "here"]
    assert settings.targets[0].labels == (("region", "eu"),)
    assert settings.targets[0].access.kubeconfig == Path("/etc/eu.kubeconfig")
    assert settings.targets[1].access.in_cluster
    assert settings.sync.heartbeat_s == 10
    assert settings.sync.heartbeat_timeout_s == 90
    assert settings.sync.kinds_deny == ("jobs.batch",)
    assert settings.state_dir == tmp_path / "state"
    assert settings.source == tmp_path / "c.toml"


def test_flags_win_over_environment_and_environment_over_file(tmp_path: Path) -> None:
    environ = {"TMC_SYNC_WORKERS": "8", "TMC_CONSOLE_THEME": "mono"}

    loaded = load_text(tmp_path, WHOLE, environ, {"console.theme": "ansi"})

    assert loaded.settings.sync.workers == 8
    assert loaded.settings.console.theme == "ansi"
    assert loaded.settings.daemon.log_format == "json"
    assert loaded.origins["sync.workers"] == "TMC_SYNC_WORKERS"
    assert loaded.origins["console.theme"] == "flag for console.theme"
    assert loaded.origins["daemon.log_format"] == f"{tmp_path}/c.toml:27"


def test_environment_alone_is_enough(tmp_path: Path) -> None:
    environ = {
        "TMC_HUB_IN_CLUSTER": "true",
        "TMC_TARGETS": "eu=/e#ctx, here=in-cluster",
        "TMC_STATE_DIR": "/var/lib/tmc",
        "TMC_CONSOLE_SERVICE_HOST": "10.0.0.1",
        "TMC_CONSOLE_PORT_80_TCP_ADDR": "10.0.0.1",
    }

    settings = load(None, environ, {}, tmp_path).settings

    assert settings.hub.in_cluster
    assert settings.targets[0].access.kubeconfig == Path("/e")
    assert settings.targets[0].access.context == "ctx"
    assert settings.targets[1].access.in_cluster
    assert settings.state_dir == Path("/var/lib/tmc")


def test_every_problem_is_reported_with_line_key_and_fix(tmp_path: Path) -> None:
    document = """
[hub]
kubeconfg = "hub.kubeconfig"
[[targets]]
name = "EU"
kubeconfig = "x"
[[targets]]
name = "us"
labels = { region = 3 }
[sync]
workers = "many"
heartbeat = "20"
[konsole]
"""

    assert problems_of(tmp_path, document) == [
        'c.toml:3: hub.kubeconfg: unknown key; did you mean "kubeconfig"?',
        'c.toml:5: targets[0].name: "EU" is not a valid SyncTarget name; '
        "use lower-case letters, digits, '-' and '.', at most 253",
        'c.toml:9: targets[1].labels: label "region" has an invalid value; '
        "use a string of at most 63 letters, digits, '-', '_', '.'",
        'c.toml:11: sync.workers: must be a whole number, not "many"; write 1 to 256',
        'c.toml:12: sync.heartbeat: must be a duration, not "20"; '
        'write a number and a unit, "20s" or "5m"',
        'c.toml:13: konsole: unknown key; did you mean "console"?',
    ]


def test_a_syntax_error_names_line_and_column(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, '[hub]\nkubeconfig "x"\n')

    assert problem == (
        "c.toml:2: not TOML: expected '=' after a key in a key/value pair; see column 12"
    )


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("", "hub: does not say how to reach the cluster"),
        ('hub = "x"', "c.toml:1: hub: must be a table"),
        ('targets = "x"', "c.toml:1: targets: must be tables"),
        (
            '[hub]\nkubeconfig="x"\nin_cluster=true\n[[targets]]\nname="a"\nin_cluster=true',
            "hub: in_cluster excludes kubeconfig and context",
        ),
        ('[hub]\nkubeconfig="x"', "targets: no target is configured"),
        (
            '[hub]\nkubeconfig="x"\n[[targets]]\nname="hub"\nkubeconfig="y"',
            "is reserved for the hub",
        ),
        ('[hub]\nkubeconfig="x"\n[[targets]]\nname="a"', "c.toml:3: targets[0]: does not say how"),
        ('[hub]\nkubeconfig="x"\n[[targets]]\nkubeconfig="y"', "targets[0]: has no name"),
        ('[hub]\nkubeconfig=""', "c.toml:2: hub.kubeconfig: must not be empty"),
        ("[console]\nrefresh_hz = nan", "console.refresh_hz: nan is out of range"),
        ("[console]\nascii_only = 1", "console.ascii_only: must be true or false"),
        ('[sync]\nnamespaces = "kpc"', 'sync.namespaces: "kpc" is not one of the known values'),
        ('[sync]\nheartbeat = "2m"', "must be longer than sync.heartbeat; write 6m"),
        ("a = " + "[" * 5000, "nested too deeply"),
        ("#" * (1024 * 1024 + 1), "larger than 1 MiB"),
    ],
)
def test_a_slip_is_one_clear_line(tmp_path: Path, document: str, expected: str) -> None:
    found = problems_of(tmp_path, document)

    assert any(expected in problem for problem in found), found
    assert all("\n" not in problem for problem in found)


def test_a_name_used_twice_is_refused(tmp_path: Path) -> None:
    target = '[[targets]]\nname = "a"\nin_cluster = true\n'

    (problem,) = problems_of(tmp_path, f"[hub]\nin_cluster = true\n{target}{target}")

    assert '"a" is used twice' in problem


def test_an_unknown_variable_or_flag_is_refused(tmp_path: Path) -> None:
    environ, flags = {"TMC_SYNC_WORKER": "3"}, {"sync.worker": "3"}

    assert problems_of(tmp_path, WHOLE, environ, flags) == [
        'TMC_SYNC_WORKER: unknown variable; did you mean "TMC_SYNC_WORKERS"?',
        'flag --set: sync.worker: unknown key; did you mean "sync.workers"?',
    ]


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file; tmc-console init writes one"):
        load(tmp_path / "none.toml", {}, {}, tmp_path)


def test_a_missing_kubeconfig_does_not_stop_the_rest_of_the_fleet(tmp_path: Path) -> None:
    settings = load_text(tmp_path, WHOLE).settings

    assert not (tmp_path / "hub.kubeconfig").exists()
    assert len(settings.targets) == 2


def test_keys_inside_multi_line_strings_have_no_line(tmp_path: Path) -> None:
    document = '[console]\ntheme = """\nworkers = 1\n"""\n[sync]\nworkers = 0\n'

    found = problems_of(tmp_path, document)

    assert "c.toml:6: sync.workers: 0 is out of range; write 1 to 256" in found


RULES = """
[[sync.status_rules]]
kind = "widgets.example.org"
field = "capacity.cpu"
function = "min"

[[sync.status_rules]]
kind = "*"
field = "mood"
cel = "values[0]"
"""


def test_status_rules_are_read_and_written_back(tmp_path: Path) -> None:
    settings = load_text(tmp_path, WHOLE + RULES).settings

    assert [str(rule) for rule in settings.sync.status_rules] == [
        "widgets.example.org capacity.cpu = min",
        "* mood = values[0]",
    ]
    again = load_text(tmp_path, to_toml(settings)).settings
    assert again.sync.status_rules == settings.sync.status_rules


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('kind = "x"', "does not name a kind and a status field"),
        ('kind = "x"\nfield = "a"', "needs exactly one of function and cel"),
        ('kind = "x"\nfield = "a"\nfunction = "median"', 'has the unknown function "median"'),
        ('kind = "x"\nfield = "a..b"\nfunction = "sum"', "does not name a kind and a status field"),
        ('kind = "x"\nfield = "a"\ncel = 3', "a value that is not a string"),
        ('kind = "x"\nfield = "a"\ncel = "1"\nand = "b"', 'has "and"'),
    ],
)
def test_a_status_rule_that_is_none_is_refused(tmp_path: Path, line: str, said: str) -> None:
    found = problems_of(tmp_path, f"{WHOLE}\n[[sync.status_rules]]\n{line}\n")

    assert len(found) == 1
    assert said in found[0]
