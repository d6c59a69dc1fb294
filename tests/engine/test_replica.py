"""The identity of an engine among its replicas."""

from __future__ import annotations

from pathlib import Path

from tmcconsole.engine.replicas.replica_identity import replica_identity
from tmcconsole.runtime import Transport, real_runtime


async def nowhere(_name: str) -> Transport:
    raise NotImplementedError


def test_a_restarted_engine_is_the_same_replica(tmp_path: Path) -> None:
    with replica_identity(tmp_path, real_runtime(nowhere)) as before:
        pass
    with replica_identity(tmp_path, real_runtime(nowhere)) as after:
        assert after == before


def test_two_engines_on_one_state_directory_are_two_replicas(tmp_path: Path) -> None:
    with (
        replica_identity(tmp_path, real_runtime(nowhere)) as one,
        replica_identity(tmp_path, real_runtime(nowhere)) as other,
    ):
        assert one != other


def test_a_spoilt_file_and_a_folder_without_rights_make_a_new_replica(tmp_path: Path) -> None:
    (tmp_path / "replica").write_bytes(b"\xff\xfe not a token at all")
    with replica_identity(tmp_path, real_runtime(nowhere)) as one:
        pass
    with replica_identity(tmp_path, real_runtime(nowhere)) as again:
        assert again == one
    with replica_identity(tmp_path / "missing", real_runtime(nowhere)) as other:
        assert other != one
