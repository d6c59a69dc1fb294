"""Fields that others changed: view, adopt, revert, or cede them.

Each command first shows what will be written where, and is sent field by field, so that nothing is
written that was not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tmcconsole.contract.commands import (
    Accepted,
    AdoptDrift,
    AnyOrder,
    AnyReply,
    CedeField,
    DriftReport,
    Refused,
    RevertDrift,
    ShowDrift,
)
from tmcconsole.contract.records import ObjectRecord
from tmcconsole.contract.text import SafeText
from tmcconsole.ui.details.drift import ORDERS, order_lines
from tmcconsole.ui.orders.asking import complain, push
from tmcconsole.ui.rows.drifts import DONE, DRIFTS, DriftedField, drifted_fields
from tmcconsole.ui.screens.asked import AskedRows, AskedScreen
from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.screens.plan_screen import Plan, PlanScreen
from tmcconsole.ui.session import Session
from tmcconsole.ui.style.format import plural
from tmcconsole.ui.style.ink import elide
from tmcconsole.ui.subject import Subject


async def drift(screen: FrameScreen, subject: Subject) -> None:
    """Show what others changed on an object's copies."""
    key = subject.objects[0]
    ask = partial(_ask, screen.session, key)
    answer = await ask()
    if isinstance(answer, AskedRows):
        about = Subject(objects=(key,))
        push(screen, AskedScreen(screen.session, DRIFTS, f"Drift: {key}", ask=ask, first=answer,
                                 about=about))  # fmt: skip
    else:
        complain(screen, answer)


async def _ask(session: Session, key: str) -> AskedRows | AnyReply:
    report = await session.send(ShowDrift(key=key))
    if not isinstance(report, DriftReport):
        return report
    return AskedRows(drifted_fields(report), report.policy)


async def adopt(screen: FrameScreen, subject: Subject) -> None:
    """Write a target's values to the hub."""
    if len({row.field.target for row in subject.drifts}) > 1:
        screen.say("adopt: select fields of one target: the hub can hold one value", "drift")
    else:
        _plan(screen, "adopt", subject.drifts)


async def revert(screen: FrameScreen, subject: Subject) -> None:
    """Overwrite fields of copies."""
    _plan(screen, "revert", subject.drifts)


async def cede(screen: FrameScreen, subject: Subject) -> None:
    """Stop managing fields."""
    _plan(screen, "cede", subject.drifts)


async def order_named(
    screen: FrameScreen, verb: str, key: str, field: str, targets: Sequence[str]
) -> None:
    """Plan a command for an object's fields by name; no ``field`` means all that still differ."""
    answer = await _ask(screen.session, key)
    if not isinstance(answer, AskedRows):
        complain(screen, answer)
        return
    rows = [
        row for row in answer.rows.values()
        if (not targets or row.field.target in targets)
        and (field in (row.field.pointer, row.field.path) if field
             else row.field.outcome not in DONE)
    ]  # fmt: skip
    if rows:
        await {"adopt": adopt, "revert": revert, "cede": cede}[verb](
            screen, Subject(objects=(key,), drifts=tuple(rows))
        )
        return
    what = f"no field {field!r}" if field else "nothing that differs"
    screen.say(f"{verb}: {what} in the drift ledger of {key}", "drift")


def _plan(screen: FrameScreen, verb: str, rows: tuple[DriftedField, ...]) -> None:
    session = screen.session
    record = session.mirror.of(ObjectRecord).get(rows[0].object)
    holders = tuple(cell.target for cell in record.cells) if record is not None else ()
    commands = _commands(verb, rows)
    what = _what(verb, rows, len(commands))
    plan = Plan(
        title=f"{ORDERS[verb].title}: {rows[0].object}",
        lines=lambda width: order_lines(verb, rows, holders, width),
        question=f"{ORDERS[verb].question.format(what=what)}",
        carry_out=partial(_send_all, session, commands),
        done=_told,
        about=Subject(objects=(rows[0].object,)),
    )
    push(screen, PlanScreen(session, plan))


def _what(verb: str, rows: tuple[DriftedField, ...], number: int) -> str:
    """Return which field of which object gets which value, or how many fields do."""
    key, field = rows[0].object, rows[0].field
    if number > 1:
        return f"{plural(number, 'field')} of {key}, as above"
    if verb == "cede":
        return f"{field.path} of {key}"
    value = elide((field.actual if verb == "adopt" else field.wanted) or "nothing", 24, middle=True)
    where = f" on {field.target}" if verb == "revert" else ""
    return f"{field.path} to {value} of {key}{where}"


def _commands(verb: str, rows: tuple[DriftedField, ...]) -> list[AnyOrder]:
    """Return one command for each field; a field is ceded once, for all targets."""
    if verb == "cede":
        pointers = dict.fromkeys((row.object, row.field.pointer) for row in rows)
        return [CedeField(key=key, field=pointer) for key, pointer in pointers]
    kind = AdoptDrift if verb == "adopt" else RevertDrift
    return [kind(key=r.object, target=r.field.target, field=r.field.pointer) for r in rows]


async def _send_all(session: Session, commands: list[AnyOrder]) -> AnyReply:
    """Send until one is refused; the message says how many were accepted before."""
    reply: AnyReply = Accepted()
    for done, command in enumerate(commands):
        reply = await session.send(command)
        if isinstance(reply, Refused):
            before = f"{done} of {len(commands)} done, then: " if done else ""
            return Refused(reason=SafeText(f"{before}{reply.reason}"), fix=reply.fix)
    if len(commands) > 1:
        return Accepted(message=SafeText(f"{plural(len(commands), 'field')} done"))
    return reply


def _told(reply: AnyReply) -> str:
    return reply.message or "done" if isinstance(reply, Accepted) else "done"
