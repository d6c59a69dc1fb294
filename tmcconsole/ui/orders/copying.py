"""Copying names and kubectl commands to the terminal's clipboard."""

from __future__ import annotations

from shlex import quote

from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.subject import Subject, names

TARGETS_RESOURCE = "synctargets.workload.kcp.io"


async def copy_name(screen: FrameScreen, subject: Subject) -> None:
    """Copy the names of the rows, one on a line."""
    found = subject.objects or subject.targets
    _copy(screen, "\n".join(found), names(found, "name"))


async def copy_command(screen: FrameScreen, subject: Subject) -> None:
    """Copy the kubectl commands that show the rows in the hub, one on a line."""
    commands = [kubectl_of(key) for key in subject.objects] or [
        f"kubectl get {TARGETS_RESOURCE} {quote(name)} -o yaml" for name in subject.targets
    ]
    _copy(screen, "\n".join(commands), commands[0] if len(commands) == 1 else "the commands")


def kubectl_of(key: str) -> str:
    """Return the command that shows an object, by its record's key."""
    resource, *place, name = key.split("/")
    namespace = f" -n {quote(place[0])}" if place else ""
    return f"kubectl get {quote(resource)} {quote(name)}{namespace} -o yaml"


def _copy(screen: FrameScreen, text: str, what: str) -> None:
    try:
        screen.console.copy(text)
    except ValueError as error:
        screen.say(str(error), "drift")
    else:
        screen.say(f"copied {what}, if the terminal takes OSC 52", "synced")
