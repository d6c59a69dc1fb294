"""Tells systemd the state of the service: one datagram to the socket it named."""

from __future__ import annotations

import socket
from collections.abc import Mapping


def notify(state: str, environ: Mapping[str, str]) -> bool:
    """Send ``state``, such as ``READY=1``; return False if no service manager listens.

    Protocol: sd_notify(3).
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as datagram:
        try:
            datagram.connect(address)
            datagram.sendall(state.encode())
        except OSError:
            return False
    return True
