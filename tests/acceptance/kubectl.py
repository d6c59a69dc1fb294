"""kubectl, pinned and unchanged, on one simulated cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

Json = dict[str, Any]

BINARY: Final = Path(sys.prefix) / "bin" / "kubectl"
PATIENCE_S: Final = 60  # for one command, or for what is to come, on a busy machine


@dataclass(frozen=True)
class Said:
    """What one command said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Kubectl:
    """Commands to one cluster, in one namespace."""

    kubeconfig: Path
    folder: Path  # home of this kubectl: its discovery cache, and the files it is given
    namespace: str = "default"
    editor: str = "false"

    def __call__(self, *arguments: str) -> str:
        """Return what a command prints; it must succeed."""
        said = self.tried(*arguments)
        assert said.code == 0, f"kubectl {' '.join(arguments)}: {said.err or said.out}"
        return said.out

    def refused(self, *arguments: str) -> str:
        """Return the complaint of a command that must fail."""
        said = self.tried(*arguments)
        assert said.code != 0, f"kubectl {' '.join(arguments)} succeeded: {said.out}"
        return said.err

    def tried(self, *arguments: str) -> Said:
        """Return what a command says, whether it succeeds or not."""
        done = subprocess.run(
            self._command(*arguments),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def until(self, wanted: str, *arguments: str) -> None:
        """Repeat a command until it prints what is wanted."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := self.tried(*arguments).out.strip()) != wanted:
            assert time.monotonic() < deadline, f"kubectl {' '.join(arguments)} prints {found!r}"
            time.sleep(0.1)

    def until_told(self, wanted: str, *arguments: str) -> None:
        """Repeat a command until it prints the words that are wanted, however far apart."""
        deadline = time.monotonic() + PATIENCE_S
        while wanted not in (found := " ".join(self(*arguments).split())):
            assert time.monotonic() < deadline, f"kubectl {' '.join(arguments)} prints {found!r}"
            time.sleep(0.1)

    def tree(self, *arguments: str) -> Json:
        """Return the object that a command prints as JSON."""
        tree: Json = json.loads(self(*arguments, "-o", "json"))
        return tree

    def file(self, *trees: Json) -> str:
        """Write objects to a file; return its name."""
        path = self.folder / f"{self.namespace}.yaml"
        path.write_text(yaml.safe_dump_all(trees))
        return str(path)

    def apply(self, *trees: Json) -> str:
        """Apply objects."""
        return self("apply", "-f", self.file(*trees))

    def editing(self, script: str) -> Kubectl:
        """Return the same kubectl with a shell script as editor; the file is its ``$1``."""
        path = self.folder / f"{self.namespace}-editor"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        return replace(self, editor=str(path))

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run a command that ends only when told to."""
        process = subprocess.Popen(
            self._command(*arguments),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            with process:
                yield process
                process.terminate()
        finally:
            process.kill()

    def _command(self, *arguments: str) -> list[str]:
        return [str(BINARY), "--namespace", self.namespace, *arguments]

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.kubeconfig),
            "KUBE_EDITOR": self.editor,
        }
