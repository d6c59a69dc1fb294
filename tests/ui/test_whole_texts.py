"""A long text is complete, on the wire and on the screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui.driving import console
from tests.ui.fixture_link import YAML, FixtureLink
from tests.ui.test_confirming import on_problem
from tmcconsole.contract.commands import AnyCommand, AnyReply, Text
from tmcconsole.contract.text import MAX_LENGTH, SafeBody, SafeText
from tmcconsole.contract.wire import Answer, decode, encode

LONG = "".join(f"target-{number}: in sync\n" for number in range(1000)) + "the last\x1b[2J"


class LongLink(FixtureLink):
    """A link that answers with long texts."""

    def _answer(self, command: AnyCommand) -> AnyReply | None:
        answer = super()._answer(command)
        return Text(title=answer.title, body=SafeBody(LONG)) if isinstance(answer, Text) else answer


def test_a_body_comes_over_the_wire_whole_and_inert() -> None:
    sent = Answer(1, reply=Text(title=SafeText("why"), body=SafeBody(LONG)))
    came = decode(encode(sent))

    assert came == sent
    assert isinstance(came, Answer)
    assert isinstance(came.reply, Text)
    assert len(came.reply.body) > MAX_LENGTH
    assert came.reply.body.endswith("the last\\x1b[2J")


async def test_why_yaml_and_diff_are_read_to_their_last_line() -> None:
    async with console(LongLink()) as desk:
        for key in ("w", "y", "equals_sign"):
            await desk.press("6", key, "G")
            assert "the last\\x1b[2J" in desk.text
            await desk.press("q")


def only_file(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


async def test_a_text_is_saved_whole_beside_what_is_there_and_the_path_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with console(size=(80, 24)) as desk:
        await on_problem(desk, 1)
        await desk.press("y", "s")
        saved = only_file(tmp_path)

        assert saved.suffix == ".yaml"
        assert YAML.strip() in saved.read_text()
        assert saved.stat().st_mode & 0o777 == 0o600
        assert f"wrote {saved.name} in /" in desk.text

        saved.write_text("mine")
        await desk.press("s")
        assert saved.read_text() == "mine"
        assert "already there, not written" in desk.text
        await desk.command("save why.txt")
        assert "wrote" in desk.text
