"""The shipped Deployment, run as a kubelet would run it: user, volumes, read-only root."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import trustme
import yaml
from anyio.from_thread import start_blocking_portal

from tmcconsole.cli.child import SimChild

SAMPLE: Final = Path(__file__).parents[2] / "sample-configs" / "deployment.yaml"
SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
PATIENCE_S: Final = 90.0  # for a busy machine
READ: Final = "dac_read_search"  # the image's files may be below somebody's home here
Json = dict[str, Any]


def can_be_a_kubelet() -> bool:
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "setpriv", "nsenter", "mount"))):
        return False
    trial = ["unshare", "-m", "sh", "-c", "mount -t tmpfs tmpfs /var && mount -o remount,ro,bind /"]
    return subprocess.run(trial, capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(
    not can_be_a_kubelet(), reason="only root with mount namespaces can play the kubelet"
)


class Pod:
    """The Deployment's template as a kubelet would run it, in a folder of this machine."""

    def __init__(self, folder: Path, fleet: Path, hub: tuple[int, bytes, str]) -> None:
        documents = list(yaml.safe_load_all(SAMPLE.read_text()))
        by_kind = {one["kind"]: one for one in documents}
        self.spec: Json = by_kind["Deployment"]["spec"]["template"]["spec"]
        (self.container,) = self.spec["containers"]
        self.user: int = self.spec["securityContext"]["runAsUser"]
        self.group: int = self.spec["securityContext"]["fsGroup"]
        self.port, authority, token = hub
        self.state = folder / "state"
        self.state.mkdir()
        os.chown(self.state, 0, self.group)
        self.state.chmod(0o2777)  # an emptyDir with an fsGroup
        config = folder / "config.toml"
        config.write_text(by_kind["ConfigMap"]["data"]["config.toml"])
        clusters = {
            f"{name}.kubeconfig": (fleet / f"{name}.kubeconfig").read_text()
            for name in ("eu", "us")
        }
        account = {"token": token, "ca.crt": authority.decode(), "namespace": "tmc-console"}
        self.mounts = {SERVICE_ACCOUNT: self.projected(folder / "account", account)}
        sources = {
            "config": config,
            "clusters": self.projected(folder / "clusters", clusters),
            "state": self.state,
        }
        for mount in self.container["volumeMounts"]:
            self.mounts[mount["mountPath"]] = sources[mount["name"]]

    def open_to_group(self) -> None:
        """Change the volume's group and modes as the kubelet does at each mount with an fsGroup."""
        for place in (self.state, *self.state.rglob("*")):
            os.chown(place, -1, self.group)
            place.chmod(place.stat().st_mode | (0o2770 if place.is_dir() else 0o660))

    def projected(self, folder: Path, files: dict[str, str]) -> Path:
        """Create a volume as the kubelet's atomic writer does: links into a timestamped folder."""
        moment = folder / "..2026_12_01"
        moment.mkdir(parents=True)
        (folder / "..data").symlink_to(moment.name)
        for name, text in files.items():
            (moment / name).write_text(text)
            os.chown(moment / name, 0, self.group)
            (moment / name).chmod(0o440)
            (folder / name).symlink_to(f"..data/{name}")
        return folder

    def command(self, *arguments: str) -> list[str]:
        """Return a command of ours as the container's user, with its environment."""
        assert self.container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        return [
            *("env", "-i", "HOME=/", "KUBERNETES_SERVICE_HOST=127.0.0.1"),
            f"KUBERNETES_SERVICE_PORT={self.port}",
            *("setpriv", f"--reuid={self.user}", f"--regid={self.user}", f"--groups={self.group}"),
            *(f"--inh-caps=-all,+{READ}", f"--ambient-caps=-all,+{READ}", "--no-new-privs"),
            f"--bounding-set=-all,+{READ}",
            *(sys.executable, "-m", "tmcconsole", *arguments),
        ]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        """Run the container in its own mount namespace, with a read-only root."""
        assert self.container["securityContext"]["readOnlyRootFilesystem"]
        lines = ["set -e", "mount --make-rprivate /"]
        lines += [f"mount -t tmpfs tmpfs {top}" for top in ("/etc", "/var")]
        for place, source in self.mounts.items():
            make = "mkdir -p" if source.is_dir() else "touch"
            lines += [f"mkdir -p {Path(place).parent}", f"{make} {place}"]
            lines += [f"mount --bind {source} {place}"]
        lines += ["mount -o remount,ro /etc", "mount -o remount,ro /var"]
        lines += ["mount -o remount,ro,bind /", "cd /", 'exec "$@"']
        command = self.command(*self.container["args"])
        with subprocess.Popen(
            ["unshare", "-m", "sh", "-c", "\n".join(lines), "sh", *command],
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def status(self, process: subprocess.Popen[str]) -> Json:
        """Return the status as somebody in the container sees it, once every target is ready."""
        config = self.container["args"][-1]
        inside = ["nsenter", "-t", str(process.pid), "-m", "--"]
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert process.poll() is None, process.communicate()
            asked = self.command("status", "-o", "json", "--config", config)
            done = subprocess.run([*inside, *asked], capture_output=True, text=True, timeout=60)
            with suppress(json.JSONDecodeError):
                found: Json = json.loads(done.stdout)
                ready = [target["ready"] for target in found["targets"]]
                if ready == [True, True] and not done.stderr:  # of the engine, not of the hub
                    return found
            assert time.monotonic() < deadline, done
            time.sleep(0.3)


@contextmanager
def served_by_tls(server: str) -> Iterator[tuple[int, bytes]]:
    """Serve a plain server with TLS on 127.0.0.1; yield the port and the CA."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    place = urlsplit(server)
    opened: list[asyncio.StreamWriter] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)
        with suppress(OSError):
            while chunk := await reader.read(1 << 16):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(place.hostname, place.port)
        await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(forward, "127.0.0.1", 0, ssl=context)

    async def close(listener: asyncio.Server) -> None:
        listener.close()
        for writer in opened:
            writer.transport.abort()
        await asyncio.sleep(0.1)

    with start_blocking_portal() as portal:
        listener = portal.call(listen)
        try:
            yield listener.sockets[0].getsockname()[1], authority.cert_pem.bytes()
        finally:
            portal.call(close, listener)


def test_the_shipped_deployment_runs_and_runs_again_on_the_same_volume(tmp_path: Path) -> None:
    fleet, folder = tmp_path / "fleet", tmp_path / "pod"
    fleet.mkdir()
    folder.mkdir()
    for one in (*tmp_path.parents, tmp_path, folder):
        if one.is_relative_to("/tmp") and one != Path("/tmp"):
            one.chmod(0o755)  # a container's root is no folder of root's
    with SimChild(fleet, ["--names", "eu,us", "--scenario", "quiet"]) as child:
        child.start()
        hub = yaml.safe_load((fleet / "hub.kubeconfig").read_text())
        server = hub["clusters"][0]["cluster"]["server"]
        with served_by_tls(server) as (port, authority):
            pod = Pod(folder, fleet, (port, authority, hub["users"][0]["user"]["token"]))
            first = run_once(pod)
            pod.open_to_group()
            runs = [first, run_once(pod)]

    for status, log, code in runs:
        assert code == 0, log
        assert {target["name"] for target in status["targets"]} == {"eu", "us"}
        assert '"message":"started"' in log
        assert '"signal":"SIGTERM"' in log
        assert "readable by others" not in log
        assert "Traceback" not in log
    own = pod.state / f"tmc-console-{pod.user}"
    assert [one.name for one in pod.state.iterdir()] == [own.name]
    assert stat.S_IMODE(own.stat().st_mode) & 0o777 == 0o700
    assert {one.stat().st_uid for one in own.iterdir()} == {pod.user}
    assert len((own / "replica").read_text().split()) == 1


def run_once(pod: Pod) -> tuple[Json, str, int]:
    """Return the status, the log and the exit code of one run, ended as a kubelet does."""
    with pod.running() as process:
        status = pod.status(process)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=pod.spec["terminationGracePeriodSeconds"] * 4)
    return status, log, process.returncode
