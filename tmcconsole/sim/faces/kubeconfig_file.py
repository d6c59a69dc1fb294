"""Kubeconfig files for simulated clusters."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import yaml


def write_kubeconfig(path: Path, *, name: str, url: str, token: str) -> None:
    """Write a kubeconfig with one context, readable by its owner only, replacing any other.

    kubectl sends credentials over TLS only. Our servers speak plain HTTP on loopback, so where
    ``url`` does, the token is in the URL's path as well.
    """
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": with_token(url, token)}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
    write_private(path, yaml.safe_dump(document, sort_keys=False))


def with_token(url: str, token: str) -> str:
    """Return a URL that carries ``token`` itself: ``http://host:port/as/TOKEN/...``."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/as/{token}{parts.path}"))


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable only by its owner."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(partial, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)
