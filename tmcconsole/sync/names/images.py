"""Container image names, as container runtimes interpret them. Pure."""

from __future__ import annotations

from typing import Final

DEFAULT_REGISTRY: Final = "docker.io"
DEFAULT_FOLDER: Final = "library"  # nginx means docker.io/library/nginx


def full_name(image: str) -> str:
    """Return the image with its implied registry and folder: docker.io/library/nginx:1."""
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return image
    return f"{DEFAULT_REGISTRY}/{image if slash else f'{DEFAULT_FOLDER}/{image}'}"


def from_elsewhere(image: str, beginning: str) -> str | None:
    """Return what follows ``beginning`` in the image's full name, None if it does not match.

    ``beginning`` is a registry, or a registry and folders: only whole segments match.
    """
    name = full_name(image)
    if name == beginning:
        return ""
    rest = name.removeprefix(beginning)
    return rest if rest != name and rest[:1] in ("/", ":", "@") else None
