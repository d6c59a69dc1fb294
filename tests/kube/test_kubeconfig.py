"""Several kubeconfigs merged into one, compared with the pinned kubectl."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.kubectl import BINARY
from tmcconsole.kube.access.kubeconfig import read_context
from tmcconsole.kube.secret import CredentialsError


def write(file: Path, *, current: str = "", **sections: dict[str, dict[str, Any]]) -> Path:
    """Write a kubeconfig; each section maps names to fields."""
    tree: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "current-context": current}
    for section, entries in sections.items():
        tree[section] = [
            {"name": name, section.removesuffix("s"): fields} for name, fields in entries.items()
        ]
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(tree))
    file.chmod(0o600)
    return file


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three files that contradict each other, and one that is missing."""
    return [
        write(
            tmp_path / "a" / "config",
            contexts={"shared": {"cluster": "one", "user": "red"}},
            users={"red": {"tokenFile": "token"}},
        ),
        tmp_path / "missing",
        write(
            tmp_path / "b" / "config",
            current="other",
            contexts={
                "shared": {"cluster": "two", "user": "blue", "namespace": "x"},
                "other": {"cluster": "two", "user": "red"},
            },
            clusters={
                "one": {"server": "https://b-one", "certificate-authority": "ca.crt"},
                "two": {"server": "https://b-two"},
            },
            users={"red": {"client-key": "red.key"}, "blue": {"token": "blue"}},
        ),
        write(
            tmp_path / "c" / "config",
            current="shared",
            clusters={"one": {"server": "https://c-one", "insecure-skip-tls-verify": True}},
        ),
    ]


def kubectl_view(files: list[Path], *flags: str) -> dict[str, Any]:
    """Return kubectl's merged view of a KUBECONFIG with these files."""
    done = subprocess.run(
        [BINARY, "config", "view", "--raw", "--minify", "--output=json", *flags],
        env={"KUBECONFIG": os.pathsep.join(map(str, files)), "HOME": str(files[0].parent)},
        capture_output=True,
        check=True,
        timeout=60,
    )
    viewed: dict[str, Any] = json.loads(done.stdout)
    return viewed


@pytest.mark.parametrize("context", ["", "shared", "other"])
def test_several_files_mean_what_they_mean_to_kubectl(files: list[Path], context: str) -> None:
    flags = [f"--context={context}"] if context else []
    viewed = kubectl_view(files, *flags)

    chosen = read_context(Path(os.pathsep.join(map(str, files))), context)

    assert chosen.name == viewed["current-context"]
    assert chosen.cluster.name == viewed["clusters"][0]["name"]
    assert chosen.cluster.fields["server"] == viewed["clusters"][0]["cluster"]["server"]
    assert chosen.user.name == viewed["users"][0]["name"]


def test_the_first_file_to_name_an_entry_gives_all_of_it(files: list[Path]) -> None:
    chosen = read_context(Path(os.pathsep.join(map(str, files))), "shared")

    assert chosen.user.fields == {"tokenFile": "token"}
    assert "insecure-skip-tls-verify" not in chosen.cluster.fields


def test_relative_paths_start_at_the_file_that_names_them(files: list[Path]) -> None:
    chosen = read_context(Path(os.pathsep.join(map(str, files))), "shared")

    assert chosen.user.path("tokenFile") == files[0].parent / "token"
    assert chosen.cluster.path("certificate-authority") == files[2].parent / "ca.crt"


def test_of_files_that_are_all_missing_each_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=f"none of {tmp_path}/a:{tmp_path}/b exists"):
        read_context(Path(f"{tmp_path}/a:{tmp_path}/b"))


def test_a_file_is_parsed_once_per_change_and_its_mode_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "config"
    file.write_text("users: [{name: u, user: {token: 5}}]")
    file.chmod(0o644)
    for _ in range(3):
        with pytest.raises(CredentialsError, match="user 'u': token is a number"):
            read_context(file)
    assert caplog.text.count("readable by others") == 1

    file.write_text(CONNECTED)
    assert read_context(file).cluster.name == "k"


CONNECTED = """
current-context: c
contexts: [{name: c, context: {cluster: k}}]
clusters: [{name: k, cluster: {server: https://a}}]
"""

CONNECT = """
import sys
from pathlib import Path
import anyio
import tmcconsole.cli.commands.console, tmcconsole.cli.commands.run
import tmcconsole.daemon.headless, tmcconsole.engine.thread, tmcconsole.ui.app
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import dial

async def connect():
    await (await dial(ClusterAccess(Path(sys.argv[1])), now=lambda: 0.0, wall=lambda: 0.0)).aclose()

anyio.run(connect)
print(*sys.modules)
"""


@pytest.mark.parametrize("several", [False, True], ids=["one file", "several files"])
def test_console_and_daemon_connect_without_the_kubernetes_package(
    files: list[Path], tmp_path: Path, several: bool
) -> None:
    one = write(
        tmp_path / "one",
        current="c",
        contexts={"c": {"cluster": "k", "user": ""}},
        clusters={"k": {"server": "http://127.0.0.1:1"}},
    )
    path = os.pathsep.join(map(str, [one, *files])) if several else str(one)

    result = subprocess.run(
        [sys.executable, "-c", CONNECT, path], capture_output=True, text=True, timeout=60
    )

    assert result.returncode == 0, result.stderr
    loaded = {name.partition(".")[0] for name in result.stdout.split()}
    assert {"tmcconsole", "textual"} <= loaded
    assert loaded.isdisjoint({"kubernetes", "urllib3", "requests", "pydantic"})
