"""What each word of the command line does."""

from __future__ import annotations

from collections.abc import Coroutine
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tmcconsole.contract.records import ObjectRecord, TargetRecord
from tmcconsole.ui.actions import BY_ID
from tmcconsole.ui.console_protocol import Console
from tmcconsole.ui.details.others import detail
from tmcconsole.ui.filter import scope_names
from tmcconsole.ui.orders import command_grammar as commandline
from tmcconsole.ui.orders import dead_letters as letters
from tmcconsole.ui.orders import drift_orders as drifting
from tmcconsole.ui.orders import operate
from tmcconsole.ui.orders.command_grammar import ActLine, OpenView, Say
from tmcconsole.ui.orders.saving import save
from tmcconsole.ui.subject import Subject

if TYPE_CHECKING:
    from tmcconsole.ui.screens.frame import FrameScreen


def completions(app: Console, line: str) -> tuple[str, ...]:
    """Return possible completions of a command line."""
    targets = tuple(sorted(app.session.mirror.of(TargetRecord)))
    return commandline.complete(line, targets=targets, themes=tuple(sorted(app.all_themes)))


def obey(app: Console, screen: FrameScreen, line: str) -> None:
    """Execute a command line, or say what is wrong with it."""
    try:
        parsed = commandline.parse(line)
    except commandline.CommandError as error:
        screen.say(str(error), "drift")
        return
    match parsed:
        case OpenView():
            app.open_mode(parsed.mode, parsed.filter)
        case ActLine():
            _act(app, screen, parsed)
        case Say():
            _say(app, screen, parsed)


def _act(app: Console, screen: FrameScreen, act: ActLine) -> None:
    name = {"resume": "pause", "uncordon": "cordon"}.get(act.verb, act.verb)
    if app.session.read_only and BY_ID[name].writes:
        screen.say(f"{act.verb}: this console is read-only", "drift")
        return
    if act.verb in commandline.OF_OBJECTS:
        _own(app, screen, act)
        return
    if act.verb in ("retry", "forget"):
        _by_name(app, screen, act)
        return
    subject = _subject(app, screen, act)
    if isinstance(subject, str):
        screen.say(subject, "drift")
        return
    if act.verb != "resync" and not subject.targets:
        screen.say(f"{act.verb}: name a target, or select one", "drift")
        return
    work: Coroutine[Any, Any, None]
    if act.verb == "pause" and (act.duration_s or act.why):
        work = operate.pause_for(screen, subject, act.duration_s, act.why)
    elif act.verb in ("resume", "uncordon", "cordon"):
        work = operate.switch(screen, subject, act.verb)
    else:
        work = operate.run(name, screen, subject)
    screen.begin(work, "prompt")


def _own(app: Console, screen: FrameScreen, act: ActLine) -> None:
    """Show an object's drift, or send a command about its fields."""
    chosen = screen.subject()
    key = _object(app, act) if act.subject else next(iter(chosen.objects), "")
    if not key:
        what = f"no object {act.subject!r}, or several" if act.subject else "name an object"
        screen.say(f"{act.verb}: {what}: write KIND/NAMESPACE/NAME", "drift")
    elif act.verb == "drift":
        screen.begin(operate.run("drift", screen, Subject(objects=(key,))), "prompt")
    elif chosen.drifts and not act.subject:
        screen.begin(operate.run(act.verb, screen, chosen), "prompt")
    else:
        targets = sorted(scope_names(act.scope, app.session.labels()))
        if act.scope and not targets:
            screen.say(f"{act.verb}: no target matches @{','.join(act.scope)}", "drift")
            return
        screen.begin(drifting.order_named(screen, act.verb, key, act.field, targets), "prompt")


def _object(app: Console, act: ActLine) -> str:
    """Return the one object that is meant, "" for none or several."""
    objects = app.session.mirror.of(ObjectRecord)
    if act.subject in objects:
        return act.subject
    found = [key for key in objects if _is_meant(act.subject, key)]
    return found[0] if len(found) == 1 else ""


def _by_name(app: Console, screen: FrameScreen, act: ActLine) -> None:
    """Retry dead letters, or forget a target: both may name something that is not a target."""
    known = app.session.mirror.of(TargetRecord)
    named = tuple(sorted(scope_names(act.scope, app.session.labels())))
    if act.scope and not named and act.scope != ("hub",):
        screen.say(f"{act.verb}: no target matches @{','.join(act.scope)}", "drift")
    elif act.verb == "forget":
        subject = Subject((act.subject,)) if act.subject else screen.subject()
        if subject.targets:
            screen.begin(operate.run("forget", screen, subject), "prompt")
        else:
            screen.say("forget: name a target, or the key of one that is gone", "drift")
    elif act.subject in known or act.subject == "hub":
        screen.begin(letters.retry_named(screen, (act.subject,), ""), "prompt")
    else:
        key = _object(app, act) or act.subject
        screen.begin(letters.retry_named(screen, named or act.scope, key), "prompt")


def _subject(app: Console, screen: FrameScreen, act: ActLine) -> Subject | str:
    """Return what a verb applies to, or why that is not clear."""
    mirror = app.session.mirror
    targets = mirror.of(TargetRecord)
    named = scope_names(act.scope, app.session.labels())
    if act.scope and not named:
        return f"{act.verb}: no target matches @{','.join(act.scope)}"
    if not act.subject:
        return Subject(tuple(sorted(named))) if named else screen.subject()
    if act.subject in targets:
        return Subject((act.subject,))
    found = sorted(key for key in mirror.of(ObjectRecord) if _is_meant(act.subject, key))
    if act.verb == "resync" and found:
        on = sorted(named) or [""]
        copies = tuple((key, target) for key in found for target in on)
        return Subject(objects=tuple(found), copies=copies)
    near = get_close_matches(act.subject, list(targets), 1, 0.4)
    return f"{act.verb}: no target {act.subject!r}" + (f": did you mean {near[0]}?" if near else "")


def _is_meant(typed: str, key: str) -> bool:
    """Return whether ``deploy/shop/web``, ``shop/web`` or ``web`` means an object's key."""
    parts, whole = typed.split("/"), key.split("/")
    if len(parts) == 3 and not whole[0].startswith(parts[0]):
        return False
    return whole[-len(parts[-2:]) :] == parts[-2:]


def _say(app: Console, screen: FrameScreen, say: Say) -> None:
    match say.word:
        case "theme":
            _theme(app, screen, say.argument)
        case "screenshot" | "save":
            _written(app, screen, say)
        case "hz":
            _rate(app, screen, say.argument)
        case "help":
            app.action_help()
        case "quit":
            app.action_ask_quit()
        case "clear":
            app.action_clear()
        case "dead":
            screen.begin(letters.dead_letters(screen, say.argument.lstrip("@")), "prompt")
        case _:
            _notes(app, screen)


def _theme(app: Console, screen: FrameScreen, name: str) -> None:
    if name in app.all_themes:
        app.choose_theme(name)
        screen.say(f"theme {name}", "dim")
        return
    ours = ", ".join(sorted(app.own_themes))
    screen.say(f"no theme {name!r}: {ours}" if name else f"themes: {ours}", "drift")


def _written(app: Console, screen: FrameScreen, say: Say) -> None:
    if say.word == "save":
        save(screen, say.argument)
    else:
        _screenshot(app, screen, say.argument)


def _screenshot(app: Console, screen: FrameScreen, name: str) -> None:
    path = Path(name or "tmc-console.svg").expanduser()
    if path.exists():
        screen.say(f"{path} already exists: choose another file", "drift")
        return
    try:
        app.export_picture(path)
    except OSError as error:
        screen.say(f"not written: {error}", "failed")
    else:
        screen.say(f"wrote {path}", "synced")


def _rate(app: Console, screen: FrameScreen, text: str) -> None:
    try:
        rate = float(text)
    except ValueError:
        screen.say(f"hz: {text!r} is not a number; write 0.2 to 10 frames per second", "drift")
        return
    app.set_rate(rate)
    screen.say(f"{min(10.0, max(0.2, rate)):g} frames per second at most", "dim")


def _notes(app: Console, screen: FrameScreen) -> None:
    engine = app.session.mirror.engine
    if engine is None:
        screen.say("the engine has not said anything yet", "dim")
        return
    session = app.session
    app.show_text("Engine", lambda width: detail(engine, session.mirror, session.draw(), width))
