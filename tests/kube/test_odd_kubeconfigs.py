"""Odd kubeconfigs, made up: what kubectl takes, every command takes; all else is one line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.acceptance.kubectl import BINARY
from tmcconsole.cli import main
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import dial
from tmcconsole.runtime import TransportError

SERVER: Final = "https://127.0.0.1:1"  # nobody listens there: a kubeconfig that is taken ends here
PLUGIN: Final = """#!/bin/sh
echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",'
echo ' "status": {"token": "plugin"}}'
"""
EXEC: Final = {
    "apiVersion": "client.authentication.k8s.io/v1",
    "command": "./plugin",
    "interactiveMode": "Never",
}
ODD: Final[tuple[Any, ...]] = (
    *(None, True, False, 5, 1.5, "", "x", "line\nbreak", "end\n", "tab\tbed", "\x00", "\x7f", "é"),
    *([], ["x"], [1], [None], [["x"]], {}, {"a": "b"}, {"a": ["b"]}, {"a": 1}, [{"name": "x"}]),
)
SERVERS: Final = (
    *("http://127.0.0.1:99999", "https://127.0.0.1:1", "HTTPS://127.0.0.1:1", "127.0.0.1:1"),
    *("https://[::1", "https://[::1]:1", "https://[::1]x:1", "https://[v1.x]:1", "https://::1:1"),
    *("https://u:p@127.0.0.1:1", "https://u:%zz@127.0.0.1:1", "https://127.0.0.1:1/%zz"),
    *("https://127.0.0.1:1/a b", "https://127.0.0.1:1/é?x#y", "https://127.0.0.1:1/a/../b//"),
    *("ftp://127.0.0.1:1", "https:///x", "https://", "//127.0.0.1:1", "127.0.0.1:1/x", "/x"),
    *(" https://127.0.0.1:1", "https://127.0.0.1:1\n", "https://127.0.0.1:x", "https://a b:1"),
    *("https://127.0.0.1:-1", "https://127.0.0.1:00001", "https://127.0.0.1:65536", "unix:///x"),
)
PROXIES: Final = (
    *("http://127.0.0.1:1", "HTTP://u:p@127.0.0.1:1/x", "https://127.0.0.1:1", "127.0.0.1:1"),
    *("http://[::1", "http://127.0.0.1:99999", "socks4://127.0.0.1:1", "ftp://127.0.0.1:1", "x"),
)
USER_FIELDS: Final = (
    *("client-certificate", "client-certificate-data", "client-key", "client-key-data", "token"),
    *("tokenFile", "as", "as-uid", "as-groups", "as-user-extra", "username", "password"),
    *("auth-provider", "extensions", "unknown"),
)
CLUSTER_FIELDS: Final = (
    *("certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify"),
    *("disable-compression", "extensions", "unknown"),
)
EXEC_FIELDS: Final = (
    *("apiVersion", "command", "args", "env", "installHint", "provideClusterInfo"),
    "interactiveMode",
)
Change = tuple[tuple[str, ...], Any]


def changes() -> st.SearchStrategy[Change]:
    """Return a field, by its way through the tree, and the value it is given."""
    odd = st.sampled_from(ODD)

    def of(*way: str, fields: tuple[str, ...]) -> st.SearchStrategy[Change]:
        return st.tuples(st.sampled_from(fields).map(lambda field: (*way, field)), odd)

    return st.one_of(
        st.tuples(st.just(("clusters", "server")), st.sampled_from(SERVERS + ODD)),
        st.tuples(st.just(("clusters", "proxy-url")), st.sampled_from(PROXIES + ODD)),
        of("clusters", fields=CLUSTER_FIELDS),
        of("users", fields=USER_FIELDS),
        st.tuples(st.just(("users",)), odd),
        of("contexts", fields=("cluster", "user", "namespace", "extensions")),
        of("users", "exec", fields=EXEC_FIELDS),
        of("users", "exec", "env", fields=("name", "value")),
        of("other", fields=("cluster", "server", "token")),
        of("top", fields=("kind", "apiVersion", "current-context", "preferences", "users")),
    )


def kubeconfig(*made: Change) -> dict[str, Any]:
    """Return a valid kubeconfig with these changes made to it."""
    parts: dict[str, Any] = {
        "contexts": {"cluster": "k", "user": "u"},
        "clusters": {"server": SERVER},
        "users": {"token": "t0ken"},
    }
    extra: list[Any] = []
    top: dict[str, Any] = {}
    for (part, *way), value in made:
        if part in ("other", "top"):
            top |= {way[0]: value} if part == "top" else {}
            extra += [{"name": "other", "user": {way[0]: value}}] if part == "other" else []
        elif not way:
            parts[part] = value
        elif isinstance(parts[part], dict):
            place = parts[part]
            if way[0] == "exec":
                place.pop("token", None)
                place = place.setdefault("exec", dict(EXEC))
            if "env" in way[1:2] and len(way) == 3:
                place["env"] = [{"name": "A", "value": "b", way[2]: value}]
            else:
                place[way[-1]] = value
    return {
        "kind": "Config",
        "apiVersion": "v1",
        "current-context": "c",
        "contexts": [{"name": "c", "context": parts["contexts"]}],
        "clusters": [{"name": "k", "cluster": parts["clusters"]}],
        "users": [{"name": "u", "user": parts["users"]}, *extra[:1]],
        **top,
    }


def kubectl_takes(file: Path) -> bool | None:
    """Return whether kubectl got as far as the server; None if it asks for a password instead."""
    done = subprocess.run(
        [BINARY, "get", "--raw=/x", "--request-timeout=5s", f"--kubeconfig={file}"],
        env={"HOME": str(file.parent), "PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "Please enter" in done.stdout + done.stderr:
        return None
    return "was refused - did you" in done.stderr and "localhost:8080" not in done.stderr


def said_by(line: str) -> tuple[int, list[str]]:
    """Return the exit code of a command of ours, and the lines of its complaint."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(line.split())
    return code, err.getvalue().splitlines()


async def engine_says(file: Path) -> str:
    """Return why an engine cannot use the kubeconfig; "" if it can."""
    try:
        transport = await dial(ClusterAccess(file), now=lambda: 0.0, wall=lambda: 0.0)
    except TransportError as error:
        return str(error) if error.reason in ("Kubeconfig", "Credentials") else repr(error)
    await transport.aclose()
    return ""


def our_word(folder: Path, file: Path) -> str:
    """Return what all of init, config check, status and an engine say; it must be the same."""
    engine = anyio.run(engine_says, file)
    config = folder / "c.toml"
    code, lines = said_by(f"init --hub {file} --target eu={file} --config {config} --force")
    assert lines == ([f"--hub: {engine}", f"--target eu: {engine}"] if engine else [])
    assert code == bool(engine)
    config.write_text(
        f'state_dir = "{folder}"\n[hub]\nkubeconfig = "{file}"\n'
        f'[[targets]]\nname = "eu"\nkubeconfig = "{file}"\n'
    )
    code, lines = said_by(f"--config {config} config check")
    assert lines == ([f"hub: {engine}", f"target eu: {engine}"] if engine else [])
    code, lines = said_by(f"--config {config} status")
    assert len(lines) == 2  # that no engine runs, and this
    assert (lines[1] == f"hub: {engine}") if engine else ("connection refused" in lines[1])
    return engine


@given(st.lists(changes(), min_size=1, max_size=2))
@example([(("clusters", "server"), "http://127.0.0.1:99999")])
@example([(("clusters", "server"), "http://[::1")])
@example([(("clusters", "server"), "HTTPS://127.0.0.1:1")])
@example([(("users", "token"), "line\nbreak")])
@example([(("users", "exec", "env"), ["A=b"])])
@example([(("users", "exec", "args"), "abc")])
@example([(("users", "as-groups"), "abc")])
@example([(("users", "auth-provider"), {})])
@example([(("users", "client-key"), "x")])
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_what_kubectl_takes_every_command_takes_and_all_else_is_one_line(
    made: list[Change],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plugin = folder / "plugin"
        plugin.write_text(PLUGIN)
        plugin.chmod(0o700)
        file = folder / "kubeconfig"
        file.write_text(json.dumps(kubeconfig(*made)))
        file.chmod(0o600)

        takes = kubectl_takes(file)
        ours = our_word(folder, file)

        if takes is not None and not is_a_choice(made, ours):
            assert takes == (not ours), ours
        if ours:
            assert "; " in ours or ";" in ours, f"no remedy: {ours}"
            assert str(folder) in ours, f"no file: {ours}"
            assert "\n" not in ours
            assert "t0ken" not in ours


def is_a_choice(made: list[Change], ours: str) -> bool:
    """Return whether docs/configuration.md says that we decide otherwise than kubectl."""
    without_mode = any(way[-1] == "interactiveMode" and not value for way, value in made)
    is_plain = any(way[-1] == "server" and str(value)[:5] != "https" for way, value in made)
    has_user = any(way[0] == "users" for way, _ in made)
    return (
        (without_mode and not ours)
        or "insecure-skip-tls-verify is refused" in ours
        or (is_plain and has_user)
    )


@pytest.mark.parametrize("user", ["gone", ""])
def test_a_user_that_no_file_has_is_nobody(tmp_path: Path, user: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(kubeconfig((("contexts", "user"), user))))

    assert our_word(tmp_path, file) == ""


@pytest.mark.parametrize(
    ("word", "is_text"),
    [("y", False), ("2020-01-01", True), ("1e3", False), ("1:30", True), ("012", False)],
)
def test_plain_words_are_of_the_type_that_kubectl_gives_them(
    tmp_path: Path, word: str, is_text: bool
) -> None:
    file = tmp_path / "kubeconfig"
    text = json.dumps(kubeconfig((("users", "token"), "WORD"))).replace('"WORD"', word)
    file.write_text(text)

    assert kubectl_takes(file) is is_text
    assert (our_word(tmp_path, file) == "") is is_text
