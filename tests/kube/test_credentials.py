"""Kubeconfigs, tokens and plugins: what is sent, and the error when there is nothing to send."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from aiohttp import web

from tests.kube.serving import json_answer, serving, write_kubeconfig
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import CredentialsError, dial, in_cluster, open_endpoint
from tmcconsole.kube.secret import Secret
from tmcconsole.runtime import Request, Response, TransportError


class Clocks:
    """Two clocks set by a test."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


def plugin(folder: Path, script: str, **more: Any) -> dict[str, Any]:
    """Return a kubeconfig user whose exec plugin is a Python script."""
    path = folder / "plugin.py"
    path.write_text(f"#!{sys.executable} -S\nimport json, os, sys, time\n{script}\n")
    path.chmod(0o700)
    spec = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin.py", **more}
    return {"exec": spec}


def credential(status: str) -> str:
    """Return a script's line that prints an ExecCredential with that status expression."""
    head = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"'
    return f'print(json.dumps({head}, "status": {status}}}))'


async def only(*accepted: str) -> Any:
    """Return an answer that takes these Authorization headers and refuses others with 401."""

    async def answer(request: web.BaseRequest) -> web.Response:
        good = request.headers.get("Authorization") in accepted
        return json_answer({"kind": "Status", "code": 401}, 200 if good else 401)

    return answer


async def ask(path: Path, times: int = 1, clocks: Clocks | None = None) -> list[Response]:
    clocks = clocks or Clocks()
    transport = await dial(ClusterAccess(kubeconfig=path), now=clocks, wall=clocks)
    try:
        return [await transport.request(Request("GET", "/x")) for _ in range(times)]
    finally:
        await transport.aclose()


async def refused(path: Path, context: str = "") -> str:
    """Return what is said of an unusable kubeconfig; it must be one line, from dial."""
    with pytest.raises(TransportError) as caught:
        await dial(ClusterAccess(path, context), now=Clocks(), wall=Clocks())
    assert caught.value.reason in ("Kubeconfig", "Credentials")
    assert not caught.value.sent
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    said = await refused(tmp_path / "nowhere")
    with pytest.raises(TransportError) as caught:
        await dial(ClusterAccess(tmp_path / "nowhere"), now=Clocks(), wall=Clocks())
    assert caught.value.reason == "Kubeconfig"

    assert str(tmp_path / "nowhere") in said
    assert "No such file" in said


async def test_bad_yaml_is_located(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("clusters:\n  - name: [\n")
    path.chmod(0o600)

    assert f"{path}: not valid YAML at line 3" in await refused(path)


async def test_a_missing_context_lists_those_there_are(tmp_path: Path) -> None:
    said = await refused(write_kubeconfig(tmp_path, "https://a"), "other")

    assert "no context 'other'; it has: there" in said


async def test_a_removed_auth_provider_says_what_to_use(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path, "https://a", user={"auth-provider": {"name": "gcp"}})

    assert "use an exec plugin" in await refused(path)


async def test_tokens_are_not_sent_in_the_clear_to_another_machine(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path, "http://10.9.8.7:8080", user={"token": "t0ken"})

    said = await refused(path)
    assert "plain http" in said
    assert "t0ken" not in said


async def test_a_password_in_the_servers_url_is_sent_and_never_shown(tmp_path: Path) -> None:
    async with serving(await only("Basic amFuZTpodW50ZXIy")) as served:
        url = served.url.replace("://", "://jane:hunter2@")
        path = write_kubeconfig(tmp_path, url)
        responses = await ask(path)
        transport = await dial(ClusterAccess(path), now=Clocks(), wall=Clocks())
    with pytest.raises(TransportError) as caught:
        await transport.request(Request("GET", "/x"))
    await transport.aclose()

    assert responses[0].status == 200
    assert served.url.removeprefix("http://") in str(caught.value)
    assert "hunter2" not in f"{caught.value!r} {transport!r} {vars(transport)}"


async def test_F4_impersonating_groups_of_nobody_is_refused(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path, "https://a", user={"as-groups": ["admins"]})

    assert "but not as" in await refused(path)


async def test_impersonation_is_sent(tmp_path: Path) -> None:
    answer = await only("Bearer t0ken")
    async with serving(answer) as served:
        user = {"token": "t0ken", "as": "jane", "as-groups": ["a"]}
        await ask(write_kubeconfig(tmp_path, served.url, user=user))

    assert served.headers[0]["impersonate-user"] == "jane"
    assert served.headers[0]["impersonate-group"] == "a"


async def test_a_kubeconfig_that_others_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_kubeconfig(tmp_path, "https://a")
    path.chmod(path.stat().st_mode | stat.S_IRGRP)

    with caplog.at_level(logging.WARNING):
        await open_endpoint(ClusterAccess(path), now=Clocks(), wall=Clocks())

    assert "readable by others" in caplog.text


async def test_of_several_files_the_first_to_name_something_counts(tmp_path: Path) -> None:
    first = write_kubeconfig(tmp_path, "https://first", name="first")
    second = write_kubeconfig(tmp_path, "https://second", name="second")
    tree = yaml.safe_load(second.read_text())
    tree["contexts"].append({"name": "more", "context": {"cluster": "d", "user": "u"}})
    tree["clusters"].append({"name": "d", "cluster": {"server": "https://more"}})
    tree["current-context"] = "more"
    second.write_text(yaml.safe_dump(tree))
    both = Path(f"{first}:{second}:{tmp_path / 'missing'}")

    current = await open_endpoint(ClusterAccess(both), now=Clocks(), wall=Clocks())
    named = await open_endpoint(ClusterAccess(both, "more"), now=Clocks(), wall=Clocks())

    assert current.server == "https://first"
    assert named.server == "https://more"


async def test_F1_a_token_rotated_on_disk_is_read_again_after_a_401(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("old\n")
    clocks = Clocks()
    async with serving(await only("Bearer new")) as served:
        path = write_kubeconfig(tmp_path, served.url, user={"tokenFile": "token"})
        transport = await dial(ClusterAccess(path), now=clocks, wall=clocks)
        before = await transport.request(Request("GET", "/x"))
        (tmp_path / "token").write_text("new\n")
        after = await transport.request(Request("GET", "/x"))
        await transport.aclose()

    assert (before.status, after.status) == (401, 200)
    assert len(served.asked) == 3


async def test_an_in_cluster_token_is_read_again_every_minute(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    clocks = Clocks()
    endpoint = in_cluster(tmp_path, {"KUBERNETES_SERVICE_HOST": "fd00::1"}, clocks)

    first = await endpoint.tokens.header()
    (tmp_path / "token").write_text("two\n")
    cached = await endpoint.tokens.header()
    clocks.seconds += 60
    second = await endpoint.tokens.header()

    assert endpoint.server == "https://[fd00::1]:443"
    assert first is not None
    assert second is not None
    assert first == cached
    assert (first.reveal(), second.reveal()) == ("Bearer one", "Bearer two")


def test_in_cluster_outside_of_one_says_so(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="KUBERNETES_SERVICE_HOST"):
        in_cluster(tmp_path, {}, Clocks())


async def test_F1_an_exec_plugin_gives_the_token_once_and_again_when_it_is_refused(
    tmp_path: Path,
) -> None:
    count = "n = len(open('runs', 'a+').write('x') and open('runs').read())"
    script = f"os.chdir(os.path.dirname(__file__))\n{count}\n" + credential('{"token": f"t{n}"}')
    clocks = Clocks()
    async with serving(await only("Bearer t1")) as served:
        path = write_kubeconfig(tmp_path, served.url, user=plugin(tmp_path, script))
        transport = await dial(ClusterAccess(path), now=clocks, wall=clocks)
        good = [await transport.request(Request("GET", "/x")) for _ in range(3)]
        runs = (tmp_path / "runs").read_text()
        await transport.aclose()

    assert [response.status for response in good] == [200, 200, 200]
    assert runs == "x"

    clocks = Clocks()
    async with serving(await only("Bearer t3")) as served:
        path = write_kubeconfig(tmp_path, served.url, user=plugin(tmp_path, script))
        transport = await dial(ClusterAccess(path), now=clocks, wall=clocks)
        clocks.seconds += 60
        response = await transport.request(Request("GET", "/x"))
        await transport.aclose()

    assert response.status == 200
    assert [h["authorization"] for h in served.headers] == ["Bearer t2", "Bearer t3"]


async def test_F1_a_plugin_runs_again_before_its_credential_expires(tmp_path: Path) -> None:
    clocks = Clocks()
    expiry = datetime.fromtimestamp(clocks.seconds + 100, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    script = "open(__file__ + '.runs', 'a').write('x')\n" + credential(
        f'{{"token": "t", "expirationTimestamp": "{expiry}"}}'
    )
    path = write_kubeconfig(tmp_path, "https://a", user=plugin(tmp_path, script))
    endpoint = await open_endpoint(ClusterAccess(path), now=clocks, wall=clocks)
    runs = tmp_path / "plugin.py.runs"

    await endpoint.tokens.header()
    clocks.seconds += 79
    await endpoint.tokens.header()
    before = runs.read_text()
    clocks.seconds += 2
    await endpoint.tokens.header()

    assert (before, runs.read_text()) == ("x", "xx")


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("sys.exit('\\033[31mlog in first, Bearer abcdefghijk')", r"log in first, Bearer <redact"),
        ("sys.exit('x' * 600 + ' password: hunter2')", "x password: <redacted>"),
        ("sys.exit('password: ' + 'hunter2' * 80)", "password: <redacted>"),
        ("print('junk')", "printed no ExecCredential"),
        (credential("{}"), "neither a token"),
        ("print(sys.stdin.read() + '{}')", "did not print an ExecCredential"),
        ("open('/dev/tty').read()", "No such device"),
    ],
)
async def test_F1_a_plugin_that_fails_is_quoted_harmlessly(
    tmp_path: Path, script: str, says: str
) -> None:
    path = write_kubeconfig(tmp_path, "https://a", user=plugin(tmp_path, script))

    said = await refused(path)

    assert says in said
    assert "plugin.py" in said
    assert "\033" not in said


async def test_F1_a_plugin_that_hangs_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tmcconsole.kube.access.exec_plugin.TIMEOUT_S", 0.5)
    script = "pid = os.fork()\nopen(__file__ + f'.{os.getpid()}', 'w')\ntime.sleep(60)"
    path = write_kubeconfig(tmp_path, "https://a", user=plugin(tmp_path, script))

    said = await refused(path)

    assert "did not end within" in said
    with anyio.fail_after(60):
        while living(tmp_path):  # noqa: ASYNC110  # the kernel ends them in its own time
            await anyio.sleep(0.01)


async def test_a_plugin_that_leaves_a_helper_running_has_answered(tmp_path: Path) -> None:
    helper = (
        "pid = os.fork()\nif pid == 0:\n    time.sleep(60)\n    os._exit(0)\n"
        "open(__file__ + f'.{pid}', 'w')\n"
    )
    script = helper + credential('{"token": "t"}')
    async with serving(await only("Bearer t")) as served:
        path = write_kubeconfig(tmp_path, served.url, user=plugin(tmp_path, script))
        with anyio.fail_after(20):  # the helper keeps the pipes open for a minute
            responses = await ask(path)

    assert responses[0].status == 200
    assert len(living(tmp_path)) == 1
    os.kill(int(Path(living(tmp_path)[0]).parent.name), signal.SIGKILL)


async def test_what_a_failed_plugin_leaves_running_is_ended(tmp_path: Path) -> None:
    script = (
        "pid = os.fork()\nif pid == 0:\n    time.sleep(60)\n"
        "open(__file__ + f'.{pid}', 'w')\nsys.exit('log in first')"
    )
    path = write_kubeconfig(tmp_path, "https://a", user=plugin(tmp_path, script))

    assert "log in first" in await refused(path)
    with anyio.fail_after(60):
        while living(tmp_path):  # noqa: ASYNC110  # the kernel ends them in its own time
            await anyio.sleep(0.01)


def living(folder: Path) -> list[str]:
    """Return the ids of processes that left a mark named after theirs and still run."""
    ids = [mark.suffix[1:] for mark in folder.glob("plugin.py.*")]
    assert ids
    states = [Path(f"/proc/{number}/stat") for number in ids]
    return [
        str(state) for state in states if state.exists() and state.read_text().split()[2] != "Z"
    ]


async def test_F1_a_plugin_that_writes_a_lot_to_stderr_does_not_hang(tmp_path: Path) -> None:
    script = "sys.stderr.write('x' * 3_000_000)\n" + credential('{"token": "t"}')
    async with serving(await only("Bearer t")) as served:
        path = write_kubeconfig(tmp_path, served.url, user=plugin(tmp_path, script))
        responses = await ask(path)

    assert responses[0].status == 200


async def test_a_plugin_is_told_that_nobody_is_there(tmp_path: Path) -> None:
    script = credential("{'token': os.environ['KUBERNETES_EXEC_INFO'] + os.environ['MORE']}")
    user = plugin(
        tmp_path, script, provideClusterInfo=True, env=[{"name": "MORE", "value": "more"}]
    )
    path = write_kubeconfig(tmp_path, "https://a", user=user)
    endpoint = await open_endpoint(ClusterAccess(path), now=Clocks(), wall=Clocks())

    header = await endpoint.tokens.header()

    assert header is not None
    assert '"interactive":false' in header.reveal()
    assert '"server":"https://a"' in header.reveal()
    assert header.reveal().endswith("more")


async def test_a_plugin_that_is_not_installed_says_how_to_install_it(tmp_path: Path) -> None:
    user = plugin(tmp_path, "") | {}
    user["exec"] |= {"command": "no-such-plugin", "installHint": "Get it at example.com."}

    said = await refused(write_kubeconfig(tmp_path, "https://a", user=user))

    assert "'no-such-plugin' not found; Get it at example.com." in said


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("hunter2")

    shown = f"{secret} {secret!r} {secret!s} {[secret]} {secret:>20}"

    assert "hunter2" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
