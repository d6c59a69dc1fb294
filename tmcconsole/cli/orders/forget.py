"""``tmc-console forget``: releases hub objects from a cluster that is gone for good."""

from __future__ import annotations

from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.orders.ask_engine import ask
from tmcconsole.contract.commands import AnyCommand, ForgetPlan, ForgetTarget, PlanForget
from tmcconsole.daemon.printer import reply_json


def run(arguments: Arguments) -> int:
    """Print what would be released; with --confirm, release it and print what was."""
    name, confirm = arguments.name, arguments.confirm
    command: AnyCommand = PlanForget(target=name)
    if confirm:
        command = ForgetTarget(target=name, confirm=confirm)
    plan = ask(arguments, command)
    assert isinstance(plan, ForgetPlan)
    if arguments.output == "json":
        print(reply_json(plan))
    else:
        print(_told(plan, done=bool(confirm)))
    return 0


def _told(plan: ForgetPlan, *, done: bool) -> str:
    head = "released from" if done else "would be released from"
    lines = [f"{one.count:>6}  {one.kind}" for one in plan.kinds]
    total = sum(one.count for one in plan.kinds)
    lines.append(f"{total} hub objects {head} {plan.target} (key {plan.target_key})")
    if not done and plan.refusal:
        lines.append(f"this would be refused: {plan.refusal}")
    elif not done:
        lines.append(f"to release them: tmc-console forget {plan.target} --confirm {plan.target}")
    return "\n".join(lines)
