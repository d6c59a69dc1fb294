"""Every action once: its keys, its words, where it works. Bindings, palette and help read this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.binding import Binding

from tmcconsole.contract.commands import (
    AdoptDrift,
    AllowDeletes,
    CedeField,
    Command,
    CordonTarget,
    DrainTarget,
    ForgetTarget,
    ListDeadLetters,
    Order,
    PauseTarget,
    PlanDrain,
    PlanForget,
    ResumeTarget,
    Resync,
    RetryDeadLetters,
    RevertDrift,
    ShowCopy,
    ShowDiff,
    ShowDrift,
    ShowObject,
    SimFault,
    UncordonTarget,
    Why,
)

LIST: Final = "list"
TEXT: Final = "text"
BOTH: Final = (LIST, TEXT)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a user can do."""

    id: str
    keys: str  # Textual key names, comma separated
    shown: str  # the keys as people write them
    word: str  # one word for the key bar
    title: str  # one line for help and palette
    group: str  # Screens | Look | Move | List | Inspect | Act | Leave
    call: str  # the Textual action
    where: tuple[str, ...] = (LIST,)
    needs: str = ""  # "" | target | gone | held | object | any | letter | field: what is selected
    sends: tuple[type[Command], ...] = ()  # the commands it sends
    bar: int = 0  # place in the key bar, 0 = not there
    demo: bool = False  # only in the demo

    @property
    def writes(self) -> bool:
        """True if it ends in an order: refused when read-only."""
        return any(issubclass(command, Order) for command in self.sends)


def _screen(number: int, mode: str, word: str) -> Action:
    return Action(
        id=f"screen-{mode}",
        keys=str(number),
        shown=str(number),
        word=word,
        title=f"{word} screen",
        group="Screens",
        call=f"app.open_mode('{mode}')",
        where=BOTH,
    )


def _sort(letter: str, what: str) -> Action:
    return Action(
        id=f"sort-{what}",
        keys=letter,
        shown=f"shift+{letter}",
        word="sort",
        title=f"sort by {what}; again to reverse",
        group="List",
        call=f"sort('{letter}')",
    )


def _act(
    id: str, keys: str, word: str, title: str, *sends: type[Command], needs: str, bar: int = 0,
    group: str = "Act", demo: bool = False, shown: str = "",
) -> Action:  # fmt: skip
    return Action(
        id=id,
        keys=keys,
        shown=shown or keys,
        word=word,
        title=title,
        group=group,
        call=f"act('{id}')",
        where=BOTH,
        needs=needs,
        sends=sends,
        bar=bar,
        demo=demo,
    )


MODES: Final = ("overview", "targets", "queues", "health", "history", "resources")

ACTIONS: Final[tuple[Action, ...]] = (
    *(_screen(number, mode, mode.capitalize()) for number, mode in enumerate(MODES, 1)),
    Action("command", "colon", ":", "command", "command line", "Look", "command", BOTH, bar=11),
    Action("filter", "slash", "/", "filter", "filter the list", "Look", "filter", bar=10),
    Action("search", "slash", "/", "search", "search the text", "Look", "filter", (TEXT,), bar=10),
    Action("help", "question_mark,f1", "?", "help", "keys and filter syntax of this screen", "Look",
           "app.help", BOTH, bar=1),
    Action("palette", "ctrl+p", "ctrl+p", "palette", "find an action by name", "Look",
           "app.command_palette", BOTH),
    Action("hold", "z", "z", "hold", "freeze the display, not the engine", "Look", "app.hold",
           BOTH),
    Action("repaint", "ctrl+l", "ctrl+l", "repaint", "repaint the screen", "Look", "app.repaint",
           BOTH),
    Action("down", "j,down", "j", "down", "next row", "Move", "step(1)", BOTH),
    Action("up", "k,up", "k", "up", "previous row", "Move", "step(-1)", BOTH),
    Action("top", "g,home", "g", "top", "first row", "Move", "edge(0)", BOTH),
    Action("end", "G,end", "G", "end", "last row", "Move", "edge(1)", BOTH),
    Action("half-down", "ctrl+d", "ctrl+d", "half page", "half a page down", "Move", "page(0.5)",
           BOTH),
    Action("half-up", "ctrl+u", "ctrl+u", "half page", "half a page up", "Move", "page(-0.5)",
           BOTH),
    Action("page-down", "pagedown,ctrl+f", "PgDn", "page", "a page down", "Move", "page(1)", BOTH),
    Action("page-up", "pageup,ctrl+b", "PgUp", "page", "a page up", "Move", "page(-1)", BOTH),
    Action("pane", "tab", "Tab", "pane", "next pane", "Move", "pane(1)"),
    Action("pane-back", "shift+tab", "shift+Tab", "pane", "previous pane", "Move", "pane(-1)"),
    Action("open", "enter", "Enter", "open", "open the selected row", "Move", "open", bar=2),
    Action("back", "escape", "Esc", "back", "close, clear marks and filter, go back", "Move",
           "back", BOTH),
    Action("copy-left", "h,left", "h", "copy", "choose the previous copy of the object", "Move",
           "copy(-1)"),
    Action("copy-right", "l,right", "l", "copy", "choose the next copy; Enter asks its cluster",
           "Move", "copy(1)"),
    Action("next-problem", "full_stop", ".", "problem", "next problem row", "List", "problem(1)"),
    Action("previous-problem", "comma", ",", "problem", "previous problem row", "List",
           "problem(-1)"),
    Action("problems-only", "exclamation_mark", "!", "problems", "problem rows only", "List",
           "problems_only", bar=12),
    Action("mark", "space", "space", "mark", "mark a row for the next action", "List", "mark"),
    _sort("N", "name"),
    _sort("A", "age"),
    _sort("S", "state"),
    _sort("E", "errors"),
    _sort("L", "lag"),
    _sort("Q", "queue"),
    _act("why", "w", "why", "explain the object's state", Why, needs="object", bar=3,
         group="Inspect"),
    _act("yaml", "y", "yaml", "the object as YAML, secrets redacted", ShowObject, needs="object",
         bar=4, group="Inspect"),
    Action("cause", "enter", "Enter", "cause", "ask a target about its copy: cause, pods, events",
           "Inspect", "act('cause')", (TEXT,), needs="object", sends=(ShowCopy,), bar=2),
    _act("diff", "equals_sign", "diff", "diff of desired and actual state", ShowDiff,
         needs="object", bar=5, group="Inspect", shown="="),
    _act("drift", "d", "drift", "what others changed on its copies: who, when, how often",
         ShowDrift, needs="object", bar=5, group="Inspect"),
    _act("pause", "p", "pause", "pause or resume writes to a target", PauseTarget, ResumeTarget,
         needs="target", bar=6),
    _act("resync", "r", "resync", "reconcile again", Resync, needs="any", bar=7),
    _act("relist", "R", "re-list", "drop the caches, list again and reconcile a target", Resync,
         needs="target"),
    _act("cordon", "u", "cordon", "cordon or uncordon a target", CordonTarget, UncordonTarget,
         needs="target", bar=8),
    _act("drain", "X", "drain", "plan a drain; typing the target's name starts it", PlanDrain,
         DrainTarget, needs="target", bar=9),
    _act("allow-deletes", "D", "allow deletes", "release deletions held by the brake",
         AllowDeletes, needs="held", bar=9),
    _act("retry", "t", "try again", "retry dead letters now", ListDeadLetters,
         RetryDeadLetters, needs="letter", bar=2),
    _act("adopt", "a", "adopt", "write a target's value of a drifted field to the hub",
         AdoptDrift, needs="field", bar=2),
    _act("revert", "v", "revert", "overwrite a drifted field of a copy", RevertDrift,
         needs="field", bar=2),
    _act("cede", "c", "cede", "stop managing a drifted field, on all targets", CedeField,
         needs="field", bar=2),
    _act("forget", "O", "forget", "release the hub from a cluster that is gone for good",
         PlanForget, ForgetTarget, needs="gone", bar=9),
    _act("copy-name", "Y", "copy name", "copy the names of the rows (OSC 52)", needs="any",
         group="Inspect"),
    _act("copy-command", "K", "copy command", "copy the kubectl commands that show them",
         needs="any", group="Inspect"),
    _act("fault", "F", "faults", "inject or clear a fault of this simulated cluster", SimFault,
         needs="target", demo=True),
    Action("next-match", "n", "n", "next", "next match", "List", "match(1)", (TEXT,)),
    Action("previous-match", "N", "N", "previous", "previous match", "List", "match(-1)",
           (TEXT,)),
    Action("save", "s", "s", "save", "write the text to a file, whole", "Inspect", "save", (TEXT,),
           bar=13),
    Action("left", "h,left", "h", "left", "scroll left", "Move", "shift(-8)", (TEXT,)),
    Action("right", "l,right", "l", "right", "scroll right", "Move", "shift(8)", (TEXT,)),
    Action("quit", "q", "q", "quit", "close this view; on a main screen leave", "Leave",
           "leave", BOTH),
    Action("quit-now", "ctrl+q,ctrl+c", "ctrl+q", "quit", "quit from anywhere", "Leave",
           "app.ask_quit", BOTH),
)  # fmt: skip

BY_ID: Final = {action.id: action for action in ACTIONS}
_BY_KEY: Final = {
    (key, where): action
    for action in ACTIONS for where in action.where for key in action.keys.split(",")
}  # fmt: skip
PRIORITY: Final = frozenset({"quit-now"})  # they work even while text is being typed
UNBOUND: Final = frozenset({"ctrl+z", "ctrl+a", "ctrl+k"})  # left to tmux, or unbound for safety


def by_key(key: str, where: str) -> Action | None:
    """Return the action that a key has in a context: ``list`` or ``text``."""
    return _BY_KEY.get((key, where))


def bindings(where: str) -> list[Binding | tuple[str, str] | tuple[str, str, str]]:
    """Return the bindings of a context: ``list`` or ``text``."""
    return [
        Binding(
            action.keys, action.call, action.word, show=False, id=f"{where}.{action.id}",
            priority=action.id in PRIORITY, key_display=action.shown,
        )
        for action in ACTIONS
        if where in action.where
    ]  # fmt: skip


def clashes(actions: tuple[Action, ...] = ACTIONS) -> list[str]:
    """Return one line for each key that two actions of the same context claim."""
    found: list[str] = []
    for where in BOTH:
        owners: dict[str, str] = {}
        for action in actions:
            for key in action.keys.split(",") if where in action.where else ():
                if key in owners:
                    found.append(f"{where}: {key} is both {owners[key]} and {action.id}")
                if key in UNBOUND:
                    found.append(f"{where}: {key} is never bound ({action.id})")
                owners[key] = action.id
    return found
