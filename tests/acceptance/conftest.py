"""One simulated cluster for all tests here, served by a process of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.kubectl import Kubectl
from tests.manifests import make_definition
from tmcconsole.cli.child import SimChild


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("sim")
    with SimChild(folder, ["--clusters", "1", "--scenario", ""]) as child:
        yield Path(child.start()["kubeconfigs"]["cluster-1"])


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def namespace(request: pytest.FixtureRequest, kubeconfig: Path, home: Path) -> str:
    """A namespace that belongs to one test."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    name = words[:60].strip("-")
    Kubectl(kubeconfig, home)("create", "namespace", name)
    return name


@pytest.fixture
def kubectl(kubeconfig: Path, home: Path, namespace: str) -> Kubectl:
    return Kubectl(kubeconfig, home, namespace)


@pytest.fixture(scope="session")
def widgets(kubeconfig: Path, home: Path) -> None:
    """A custom kind, served."""
    kubectl = Kubectl(kubeconfig, home)
    kubectl.apply(make_definition())
    kubectl("wait", "--for=condition=Established", "crd/widgets.example.com")
