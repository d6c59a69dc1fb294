"""The redactor: what must never be shown, and what must stay readable."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from tests.kube.secret_forms import forms
from tmcconsole.kube.redact import redact, redact_at, redact_text

PASSWORD = "correct-horse-battery"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqYW5lIn0.c2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Authorization: Bearer {PASSWORD}", "Authorization: Bearer <redacted>"),
        (f"Authorization: Basic {PASSWORD}", "Authorization: Basic <redacted>"),
        (f"token {JWT} refused", "token <redacted jwt> refused"),
        (f"key {PEM} is bad", "key <redacted pem> is bad"),
        (f"key {PEM[:40]}", "key <redacted pem>"),
        (f"https://jane:{PASSWORD}@example.com/x", "https://jane:<redacted>@example.com/x"),
        (f"https://:{PASSWORD}@example.com/x", "https://:<redacted>@example.com/x"),
        (f"--db-password={PASSWORD} --verbose", "--db-password=<redacted> --verbose"),
        (f"GET /x?access_token={PASSWORD}&a=b", "GET /x?access_token=<redacted>&a=b"),
        ("nothing to hide: basic things, a bearer of news", None),
        ("http://example.com:8080/a@b", None),
    ],
)
def test_secrets_in_text_are_replaced_and_the_rest_stays(text: str, shown: str | None) -> None:
    assert redact_text(text) == (text if shown is None else shown)


@pytest.mark.parametrize("form", forms())
def test_every_form_is_replaced_wherever_it_stands(form: str) -> None:
    for text in (form, f"a {form} b", f"x\n{form}\ny", repr(form), f"({form})", form + "."):
        assert "c4naRy" not in redact_text(text), redact_text(text)
        assert redact_text(redact_text(text)) == redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        'secrets "db-password" is forbidden: User "jane" cannot get resource',
        "cannot read token file /x: No such file or directory",
        "Unauthorized: invalid token: expired",
        "spec.containers[0].env[1].valueFrom.secretKeyRef: Not found",
        "secretName: db-password, tokenFile: /run/token, serviceAccountToken: true",
        "author: jane, authority: dns, token 5 of 7, 10.0.0.1:6443: connection refused",
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
        "returned no id-token (session ended); log in again",
        "passwordless: true",
    ],
)
def test_what_only_sounds_secret_stays_readable(text: str) -> None:
    assert redact_text(text) == text


def test_the_values_of_a_secret_are_sizes() -> None:
    secret = {
        "kind": "Secret",
        "data": {"a": base64.b64encode(b"12345").decode()},
        "stringData": {"b": "zürich"},
        "type": "Opaque",
    }

    shown = redact(secret)

    assert shown["data"] == {"a": "<5 bytes>"}
    assert shown["stringData"] == {"b": "<7 bytes>"}
    assert shown["type"] == "Opaque"
    assert secret["data"] == {"a": "MTIzNDU="}


def test_environment_values_with_secret_names_are_sizes() -> None:
    env: list[dict[str, Any]] = [
        {"name": "DB_PASSWORD", "value": PASSWORD},
        {"name": "API_KEY", "value": PASSWORD},
        {"name": "COLOUR", "value": "red"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ]

    shown = redact({"kind": "Pod", "spec": {"containers": [{"env": env}]}})

    assert PASSWORD not in orjson.dumps(shown).decode()
    assert shown["spec"]["containers"][0]["env"][2:] == env[2:]


def test_a_config_map_keeps_its_values_but_for_those_that_sound_secret() -> None:
    shown = redact({"kind": "ConfigMap", "data": {"colour": "red", "db.password": PASSWORD}})

    assert shown["data"] == {"colour": "red", "db.password": f"<{len(PASSWORD)} bytes>"}


def test_the_last_applied_copy_is_dropped() -> None:
    notes = {"kubectl.kubernetes.io/last-applied-configuration": PASSWORD, "a": "b"}

    shown = redact({"kind": "Secret", "metadata": {"annotations": notes}})

    assert shown["metadata"]["annotations"] == {"a": "b"}
    assert len(notes) == 2


@pytest.mark.parametrize(
    ("kind", "path", "value", "shown"),
    [
        ("secrets", "data.a", "MTIzNDU=", "<5 bytes>"),
        ("secrets", "stringData.a", "12345", "<5 bytes>"),
        ("secrets", "type", "Opaque", "Opaque"),
        ("secrets", "data.a", None, None),
        ("configmaps", "data.colour", "red", "red"),
        ("configmaps", "data.password", "12345", "<5 bytes>"),
        ("deployments.apps", "spec.env[name=TOKEN].value", "12345", "<5 bytes>"),
    ],
)
def test_one_value_is_told_as_its_object_would_be(
    kind: str, path: str, value: Any, shown: Any
) -> None:
    assert redact_at(kind, path, value) == shown
