"""``tmc-console forget``: has the running engine release the hub from a cluster gone for good."""

from __future__ import annotations

import getpass

import anyio
import msgspec

from tmcconsole import __version__
from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.failure import Failure, one_line
from tmcconsole.cli.setting import loaded, socket_of
from tmcconsole.contract.commands import (
    AnyCommand,
    AnyReply,
    ForgetPlan,
    ForgetTarget,
    PlanForget,
    Refused,
)
from tmcconsole.contract.link import LinkLost
from tmcconsole.daemon.client import RemoteEngine


def run(arguments: Arguments) -> int:
    """Print what would be released; with --confirm, release it and print what was."""
    socket = socket_of(loaded(arguments).settings)
    name, confirm = arguments.name, arguments.confirm
    command: AnyCommand = PlanForget(target=name)
    if confirm:
        command = ForgetTarget(target=name, confirm=confirm, actor=getpass.getuser())

    async def ask() -> AnyReply:
        async with await RemoteEngine.open(socket, version=__version__) as engine:
            return await engine.request(command)

    try:
        reply = anyio.run(ask)
    except LinkLost as lost:
        raise Failure(f"{one_line(lost)}: start one with tmc-console run") from lost
    if isinstance(reply, Refused):
        raise Failure(": ".join(part for part in (reply.reason, reply.fix) if part))
    assert isinstance(reply, ForgetPlan)
    if arguments.output == "json":
        print(msgspec.json.encode(reply).decode())
    else:
        print(_told(reply, done=bool(confirm)))
    return 0


def _told(plan: ForgetPlan, *, done: bool) -> str:
    head = "released from" if done else "would be released from"
    lines = [f"{one.count:>6}  {one.kind}" for one in plan.kinds]
    total = sum(one.count for one in plan.kinds)
    lines.append(f"{total} objects of the hub {head} {plan.target} (key {plan.target_key})")
    if not done and plan.refusal:
        lines.append(f"it would be refused: {plan.refusal}")
    elif not done:
        lines.append(f"to do it: tmc-console forget {plan.target} --confirm {plan.target}")
    return "\n".join(lines)
