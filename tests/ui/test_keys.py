"""No key, paste or packet acts by accident."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence

import pytest
from textual import events

from tests.ui.driving import console
from tests.ui.test_terminal import Terminal, terminal
from tmcconsole.contract.commands import CordonTarget, PauseTarget
from tmcconsole.ui.actions import MODES
from tmcconsole.ui.terminal.input import ENDLESS_S, InputReader
from tmcconsole.ui.terminal.pasted import pasted_line

BEGIN, END = "\x1b[200~", "\x1b[201~"
NASTY = "uypXrRDFOqacvtd\r\n\t\x1b\x03\x11:/ 123?\x9b\u202e\x07é!"


class Clock:
    """A clock that a test advances."""

    now = 0.0


def reader() -> tuple[InputReader, Clock]:
    """Return a reader and its clock."""
    clock = Clock()
    return InputReader(lambda: clock.now), clock


def told(messages: Sequence[object]) -> list[str]:
    """Return keys by name and pastes by text."""
    return [
        f"paste {one.text!r}" if isinstance(one, events.Paste) else getattr(one, "key", "?")
        for one in messages
    ]


@pytest.mark.parametrize("cut", range(1, 24))
def test_a_paste_is_one_text_wherever_its_reads_end(cut: int) -> None:
    data = f"{BEGIN}a\x1b[31my\x1b\ny{END}j"
    taken, clock = reader()

    found = taken.feed(data[:cut])
    clock.now += 0.05
    found += taken.feed(data[cut:])

    assert told(found) == ["paste 'ay y'", "j"]


def test_a_paste_that_stalls_in_its_first_marker_is_still_text() -> None:
    taken, clock = reader()

    found = taken.feed("\x1b")
    clock.now += 1
    found += taken.tick()
    for data in ("[20", "0~uy\r", END):
        found += taken.feed(data)
        clock.now += 0.05

    assert told(found) == ["escape", "paste 'uy'"]


def test_a_lone_escape_is_a_key_after_a_moment() -> None:
    taken, clock = reader()

    assert told(taken.feed("\x1b")) == []
    clock.now += 0.2
    assert told(taken.tick()) == ["escape"]
    assert told(taken.feed("j")) == ["j"]


def test_a_paste_without_an_end_does_not_lock_the_keys_out_for_good() -> None:
    taken, clock = reader()
    taken.feed(f"{BEGIN}uy")

    clock.now += ENDLESS_S - 1
    assert told(taken.tick()) == []
    clock.now += 2
    assert told(taken.tick()) == ["paste 'uy'"]
    assert told(taken.feed("j")) == ["j"]


def test_nothing_that_a_terminal_acts_on_leaves_a_paste() -> None:
    hostile = "a\x1b[31mb\x9b2Jc\x1b]52;c;eA==\x07d\x1bPq\x1b\\e\u202ef\u200bg\x00h\x7f\x85i\ud800"

    assert pasted_line(hostile) == "abcdefgh i"


@pytest.mark.parametrize("opener", [":", "/"])
async def test_what_comes_in_one_read_with_a_line_is_the_lines(opener: str) -> None:
    async with console() as desk:
        await desk.send("2", f"{opener}uzyzp\ryX\x03q")

        assert desk.link.orders == []
        assert "uzyzp yXq" in desk.lines[-2]
        assert desk.app.screen.bottom.is_asking  # type: ignore[attr-defined]


async def test_the_palette_takes_what_comes_in_one_read_with_its_key() -> None:
    async with console() as desk:
        await desk.send("2", "\x10cord\ruy\x03q")
        for _ in range(50):
            await desk.pilot.pause(0.02)
            if "cord uyq" in desk.text:
                break

        assert "cord uyq" in desk.text
        assert desk.link.orders == []
        assert desk.app.is_running


async def test_an_order_in_the_middle_of_a_read_is_none() -> None:
    async with console() as desk:
        await desk.send("2", "uyuyRj")

        assert desk.link.orders == []
        assert "press it alone" in desk.text


async def test_a_question_takes_no_key_before_it_can_be_read() -> None:
    async with console() as desk:
        await desk.send("2", "u")
        await desk.send("y", "y", after=0.1)
        assert desk.link.orders == []
        assert "cordon ap-southeast-1: nothing new goes there" in desk.text

        await desk.send("y", after=0.2)
        assert desk.link.orders == [CordonTarget(target="ap-southeast-1")]


async def test_a_pause_is_not_ordered_by_an_enter_that_came_with_it() -> None:
    async with console() as desk:
        await desk.send("2", "p")
        await desk.send("\r", after=0.1)
        assert desk.link.orders == []

        await desk.send("\r")
        assert [type(one) for one in desk.link.orders] == [PauseTarget]


async def test_a_paste_answers_no_question_and_gives_no_order() -> None:
    async with console() as desk:
        await desk.send("2", f"{BEGIN}u\ny\n{END}")
        assert "pasted text is no order" in desk.text
        await desk.send("u", f"{BEGIN}y\n\x1b[31my\n{END}")

        assert "cordon ap-southeast-1: nothing new goes there" in desk.text
        assert desk.link.orders == []


async def test_a_paste_into_a_line_is_one_text() -> None:
    async with console() as desk:
        await desk.send("2", ":", f"{BEGIN}cordon eu\nq\ry\n{END}")

        assert ": cordon eu q y" in desk.lines[-2]
        assert desk.link.orders == []


VIEWS = (
    *((str(number),) for number in range(1, len(MODES) + 1)),
    ("question_mark",), ("enter",), ("2", "enter"), ("3", "enter"), ("5", "enter"), ("6", "enter"),
    ("6", "w"), ("6", "y"), ("6", "equals_sign"), ("6", "d"), ("6", "d", "enter"), ("2", "X"),
    ("2", "colon"), ("2", "slash"), ("2", "u"), ("2", "p"), ("ctrl+p",),
)  # fmt: skip


@pytest.mark.parametrize("keys", VIEWS, ids="-".join)
async def test_q_and_escape_leave_a_view_and_never_the_console(keys: tuple[str, ...]) -> None:
    async with console(link_mode="attached") as desk:
        await desk.press(*keys)
        is_line = (
            "colon" in keys or "slash" in keys or keys in {("2", "p"), ("2", "X"), ("ctrl+p",)}
        )
        is_root = len(desk.app.screen_stack) == 1 and keys[-1] in "123456"
        before = desk.lines[1]
        await desk.press("escape" if is_line or is_root else "q")
        assert desk.app.is_running
        assert len(desk.app.screen_stack) == 1 or keys == ("6", "d", "enter")
        if is_root:
            assert desk.lines[1] == before
        await desk.press("escape", "escape", "escape")

        assert desk.app.is_running
        assert len(desk.app.screen_stack) == 1
        assert desk.link.orders == []


def _end_line(running: Terminal, mark: str) -> None:
    """Empty the line that shows a mark, then leave it, waiting for the screen after each."""
    running.wait_for(mark)
    os.write(running.master, b"\x15")
    running.wait_until(lambda screen: mark not in screen)
    os.write(running.master, b"\r")
    running.wait_until(lambda screen: screen.splitlines()[-2].strip()[:1] not in ("/", ":"))


@pytest.mark.thorough
def test_a_hundred_bursts_carry_out_no_order() -> None:
    rng = random.Random(20)
    with terminal("--still", size=(120, 24)) as running:
        os.write(running.master, b"2")
        running.wait_for("Targets")
        for number in range(100):
            text = "".join(rng.choices(NASTY, k=rng.randint(4, 40))).encode()
            mark = f"#{number}#"
            opener = rng.choice(":/")
            if number % 2:
                os.write(running.master, f"{opener}zz".encode() + text + f" {mark}".encode())
                _end_line(running, mark)
                continue
            reads = [BEGIN.encode() + text[:5], text[5:] + f" {mark}".encode(), END.encode()]
            for data in reads:  # on the list
                os.write(running.master, data)
                running.read(0.02)
            os.write(running.master, opener.encode())
            running.read(0.02)
            for data in reads:  # into a line
                os.write(running.master, data)
                running.read(0.02)
            _end_line(running, mark)
        os.write(running.master, b"q")
        running.wait_for("the engine is running here")
        running.read(0.5)  # it can be read
        os.write(running.master, b"s")

        assert running.wait_for_end() == 0
        assert b"orders: []" in running.raw
