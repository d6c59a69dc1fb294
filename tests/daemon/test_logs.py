from __future__ import annotations

import io
import json
import logging
import socket
import stat
from pathlib import Path

import pytest

from tmcconsole.contract.secret_text import hide_secrets
from tmcconsole.daemon.logs import logging_to
from tmcconsole.daemon.notify import notify

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdef.123456", "abcdef"),
        ("basic YWRtaW46aHVudGVyMg==", "YWRtaW46"),
        ("token eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrIn0.c2ln done", "eyJ"),
        (f"key {PEM} end", "MIIE"),
        ("-----BEGIN CERTIFICATE-----\nMIIC cut", "MIIC"),
        ("dial https://admin:hunter2@host/x", "hunter2"),
    ],
)
def test_secrets_are_hidden(text: str, secret: str) -> None:
    assert secret not in hide_secrets(text)


def test_a_json_line_carries_fields_and_no_control_characters() -> None:
    out = io.StringIO()

    with logging_to(out, level="info", log_format="json") as log:
        log.info("said\n\x1b[31m%s", "Bearer secretsecret", extra={"fields": {"target": "eu"}})
        log.debug("not this")

    (line,) = out.getvalue().splitlines()
    read = json.loads(line)
    assert read["message"] == "said\\x0a\\x1b[31mBearer <redacted>"
    assert read["target"] == "eu"
    assert read["level"] == "info"


def test_a_text_line_quotes_what_has_spaces() -> None:
    out = io.StringIO()

    with logging_to(out, level="info", log_format="text") as log:
        log.warning("went", extra={"fields": {"target": "eu", "reason": "no route"}})

    assert out.getvalue().rstrip().endswith('warning  went target=eu reason="no route"')


def refuse(token: str) -> None:
    raise ValueError(f"bad token of {len(token)} characters")


def test_a_traceback_shows_no_values_of_variables() -> None:
    out = io.StringIO()

    with logging_to(out, level="info", log_format="text") as log:
        try:
            refuse("hunter2hunter2")
        except ValueError:
            log.exception("failed")

    assert "bad token of 14 characters" in out.getvalue()
    assert "test_logs.py" in out.getvalue()
    assert "hunter2" not in out.getvalue().replace('refuse("hunter2hunter2")', "")


def test_a_log_file_is_private_and_grows(tmp_path: Path) -> None:
    file = tmp_path / "state" / "log"

    for word in ("one", "two"):
        with logging_to(file, level="info", log_format="text") as log:
            log.info(word)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [line.split()[-1] for line in file.read_text().splitlines()] == ["one", "two"]


def test_a_link_in_place_of_the_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")

    with (
        pytest.raises(OSError, match="log"),
        logging_to(tmp_path / "log", level="info", log_format="text"),
    ):
        pass


def test_logging_is_left_as_it_was() -> None:
    before = list(logging.getLogger().handlers)

    with logging_to(io.StringIO(), level="info", log_format="text"):
        pass

    assert logging.getLogger().handlers == before


def test_the_service_manager_is_told(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)

        assert notify("READY=1", {"NOTIFY_SOCKET": address})
        assert manager.recv(100) == b"READY=1"
    assert not notify("READY=1", {})
    assert not notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "none")})
