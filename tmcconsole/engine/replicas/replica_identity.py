"""Who this engine is among replicas: the same after a restart, and never two at once."""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from tmcconsole.runtime import Runtime

log = logging.getLogger(__name__)

FILE: Final = "replica"  # in the state directory: the identity, and the lock of its user
TOKEN_DIGITS: Final = 16
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
_TOKEN: Final = re.compile(rb"[0-9a-f]{16}")


@contextmanager
def replica_identity(state_dir: Path, runtime: Runtime) -> Iterator[str]:
    """Hold the identity of a state directory while the engine runs.

    A restarted engine recognises its own Leases and need not wait for them to expire. If the file
    cannot be locked, another process uses it, or that is unknown: then this run is a replica of its
    own.
    """
    host, fresh = socket.gethostname(), runtime.token(TOKEN_DIGITS)
    alone = f"{host}_{os.getpid()}_{fresh}"
    try:
        file = os.fdopen(os.open(state_dir / FILE, _FLAGS, 0o600), "a+b")
    except OSError as error:
        log.warning("%s cannot be used: %s", state_dir / FILE, error)
        yield alone
        return
    with file:
        yield f"{host}_{_token(file, fresh)}" if _lock(file) else alone


def _lock(file: BinaryIO) -> bool:
    """Lock until the file is closed, by the end of the process at the latest."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _token(file: BinaryIO, fresh: str) -> str:
    file.seek(0)
    kept = file.read(TOKEN_DIGITS + 1).strip()
    if _TOKEN.fullmatch(kept):
        return kept.decode()
    file.truncate(0)
    file.write(fresh.encode() + b"\n")
    file.flush()
    return fresh
