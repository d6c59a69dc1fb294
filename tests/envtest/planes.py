"""Real control planes on loopback: etcd, kube-apiserver and, where there, kube-controller-manager.

A hub runs no workload controllers; a cluster turns Deployments into ReplicaSets and Pods.
Neither has nodes.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.envtest.commands import Binaries, PlaneFolder, api_server, controllers, etcd
from tests.envtest.identity import ADMIN, Identity, make_identity, write_kubeconfig
from tests.envtest.processes import Process

START_PATIENCE_S = 90.0  # three planes took 19 s on two busy cores
POLL_S = 0.05

Role = Literal["hub", "cluster"]

HUB_AND_TWO_CLUSTERS: tuple[tuple[str, Role], ...] = (
    ("hub", "hub"),
    ("cluster-1", "cluster"),
    ("cluster-2", "cluster"),
)


class NotReadyError(Exception):
    """A control plane did not start in time; the message says how far it got."""


@dataclass(frozen=True, slots=True)
class Plane:
    """One running control plane. ``processes`` are etcd, API server and controllers, in order."""

    name: str
    url: str
    kubeconfig: Path  # of the administrator, 0600, one context named like the plane
    identity: Identity
    audit_log: Path | None  # one JSON event a line, level Metadata
    processes: tuple[Process, ...]

    @property
    def token(self) -> str:
        """The administrator's bearer token."""
        return self.identity.token(ADMIN)

    @property
    def api_server(self) -> Process:
        """The API server alone, to stop, start and freeze."""
        return self.processes[1]

    def kubeconfig_for(self, user: str, *, url: str = "") -> Path:
        """Write a kubeconfig for a user, or for another address of this plane (a proxy)."""
        port_and_path = (url or self.url).rpartition(":")[2].replace("/", "-")
        path = self.identity.folder / f"{user}-{port_and_path}.kubeconfig"
        authority = self.identity.authority.read_bytes()
        token = self.identity.token(user)
        write_kubeconfig(
            path, name=self.name, url=url or self.url, authority=authority, token=token
        )
        return path

    def ssl_context(self) -> ssl.SSLContext:
        """Return a client context that trusts this plane's authority and no other."""
        return ssl.create_default_context(cafile=self.identity.authority)

    def get(self, path: str) -> object:
        """Read a JSON document as the administrator. Raises ``OSError`` if that fails."""
        document: object = json.loads(self._read(path))
        return document

    def _read(self, path: str) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(self.url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=5, context=self.ssl_context()) as answer:
            body: bytes = answer.read()
        return body

    def start_controllers(self, patience_s: float = START_PATIENCE_S) -> None:
        """Wait for a healthy API server, then start its controllers, which would wait only 10 s.

        Raises ``NotReadyError``, or ``DiedError`` as soon as a process has ended.
        """
        namespaces = ("kube-system", "default")
        self._wait_for(("/healthz", *(f"/api/v1/namespaces/{n}" for n in namespaces)), patience_s)
        for process in self.processes[2:]:
            process.start()

    def wait_ready(self, patience_s: float = START_PATIENCE_S) -> None:
        """Wait for the work of the controllers. Raises like ``start_controllers``."""
        if "serviceaccount-controller" in " ".join(self.processes[-1].command):
            self._wait_for(("/api/v1/namespaces/default/serviceaccounts/default",), patience_s)

    def _wait_for(self, paths: tuple[str, ...], patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        wanted = list(paths)
        while wanted:
            for process in self.processes:
                process.check()
            try:
                self._read(wanted[0])
                wanted.pop(0)
            except OSError as error:  # refused, or 403, 404 and 500 until the bootstrap is done
                if time.monotonic() > deadline:
                    raise NotReadyError(f"{self.name}: no {wanted[0]} yet: {error}") from error
                time.sleep(POLL_S)

    def stop(self) -> None:
        """Stop every process, the last started first."""
        for process in reversed(self.processes):
            process.stop()


def start_plane(
    binaries: Binaries, folder: Path, *, name: str, role: Role, audit: bool = False
) -> Plane:
    """Start etcd and an API server and return at once; ``start_controllers`` comes next."""
    place = PlaneFolder(folder, make_identity(folder / "identity"), _free_port(), audit=audit)
    commands = [etcd(binaries, place), api_server(binaries, place, role)]
    if binaries.controllers is not None:
        commands.append(controllers(binaries.controllers, place, role))
    write_kubeconfig(
        place.kubeconfig,
        name=name,
        url=place.url,
        authority=place.identity.authority.read_bytes(),
        token=place.identity.token(ADMIN),
    )
    plane = Plane(
        name=name,
        url=place.url,
        kubeconfig=place.kubeconfig,
        identity=place.identity,
        audit_log=place.audit_log if audit else None,
        processes=tuple(_process(folder, name, command) for command in commands),
    )
    _start(plane.processes[:2])
    return plane


@contextmanager
def running_planes(
    binaries: Binaries, folder: Path, roles: Sequence[tuple[str, Role]], *, audit: bool = False
) -> Iterator[tuple[Plane, ...]]:
    """Start planes in parallel, yield them once all serve, and stop them whatever happens."""
    planes: list[Plane] = []
    try:
        for name, role in roles:
            planes.append(start_plane(binaries, folder / name, name=name, role=role, audit=audit))
        for plane in planes:
            plane.start_controllers()
        for plane in planes:
            plane.wait_ready()
        yield tuple(planes)
    finally:
        for plane in planes:
            for process in plane.processes:
                process.ask_to_stop()
        for plane in planes:
            plane.stop()


def _process(folder: Path, plane: str, command: tuple[str, ...]) -> Process:
    program = os.path.basename(command[0])
    return Process(f"{plane}/{program}", command, folder / f"{program}.log")


def _start(processes: tuple[Process, ...]) -> None:
    try:
        for process in processes:
            process.start()
    except BaseException:
        for process in processes:
            process.stop()
        raise


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
