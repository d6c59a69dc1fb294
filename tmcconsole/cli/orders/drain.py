"""``tmc-console drain``: prints what a drain would do, or has the running engine do it."""

from __future__ import annotations

from collections import Counter

from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.failure import CommandFailure
from tmcconsole.cli.orders.ask_engine import answer_of, with_engine
from tmcconsole.contract.commands import Accepted, DrainPlan, DrainTarget, Move, PlanDrain
from tmcconsole.contract.drain_words import EMPTY, FATES, NOT_DONE, live, loss
from tmcconsole.contract.link import EngineLink
from tmcconsole.daemon.printer import reply_json


def run(arguments: Arguments) -> int:
    """Print the plan; with --confirm, start the drain and print what was accepted."""

    async def asked(engine: EngineLink) -> DrainPlan | Accepted:
        return await _answer(engine, arguments)

    reply = with_engine(arguments, asked)
    if arguments.output == "json":
        print(reply_json(reply))
    elif isinstance(reply, DrainPlan):
        print("\n".join(plan_lines(reply, force=arguments.force)))
    else:
        print(reply.message)
    return 0


async def _answer(engine: EngineLink, arguments: Arguments) -> DrainPlan | Accepted:
    """Return the plan, or the engine's answer to the order."""
    name, typed, force = arguments.name, arguments.confirm, arguments.force
    if not typed:
        plan = await answer_of(engine, PlanDrain(target=name))
        assert isinstance(plan, DrainPlan)
        return plan
    if not force and typed != name:
        raise CommandFailure(f"--confirm {typed!r} is not the target's name: write {name!r}")
    reply = await answer_of(engine, DrainTarget(target=name, confirm=typed, force=force))
    assert isinstance(reply, Accepted)
    return reply


def plan_lines(plan: DrainPlan, *, force: bool) -> list[str]:
    """Return the plan as the console shows it, and the command that carries it out."""
    if not plan.moves:
        return [EMPTY]
    numbers = Counter(move.fate for move in plan.moves)
    counts = [f"{numbers[fate]:,} {short}" for fate, _, short in FATES if numbers[fate]]
    lines = ["  ".join(counts), NOT_DONE, ""]
    for fate, title, _ in FATES:
        found = [move for move in plan.moves if move.fate is fate]
        lines += [title, *map(_line, found), ""] if found else []
    name = plan.target
    if force and plan.stranded:
        typed = f'--force --confirm "{loss(plan)}"'
        return [*lines, f"to start it and remove what stays, too: tmc-console drain {name} {typed}"]
    lines.append(f"to start it: tmc-console drain {name} --confirm {name}")
    if plan.stranded:
        lines.append(
            f"what stays, stays; to see how to remove it: tmc-console drain {name} --force"
        )
    return lines


def _line(move: Move) -> str:
    where = f"-> {', '.join(move.to)}" if move.to else ""
    said = (str(move.key), where, live(move), str(move.reason))
    return f"  {'  '.join(filter(None, said))}"
