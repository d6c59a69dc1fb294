"""The simulated server reads protobuf by the field numbers of the API's Go types."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.envtest.protobuf_fields import FILE, FOLDER, published


def test_the_table_of_protobuf_fields_is_that_of_the_go_modules() -> None:
    go = shutil.which("go")
    wanted = ["go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/api"]
    found = subprocess.run(wanted, cwd=FOLDER, capture_output=True, check=False) if go else None
    if found is None or not found.stdout.strip():
        pytest.skip("no Go modules: tests/envtest/build.sh downloads them")

    assert FILE.read_text().splitlines() == published().splitlines()
