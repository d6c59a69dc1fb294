"""The simulated server refuses what a real one refuses, by recorded answers."""

from __future__ import annotations

import anyio
import pytest

from tests.differential.recorded import Answers, ask, recorded
from tests.differential.servers import open_simulated

pytestmark = pytest.mark.thorough

DEFINITION = "CustomResourceDefinition"
OF_OBJECTS = 0.98  # at least this share of the refusals of built-in kinds
OF_DEFINITIONS = 0.94
TOO_STRICT = 3  # changes that a real server accepts and the simulated one does not


def refused(answers: Answers, *, definitions: bool) -> set[tuple[str, str, str]]:
    """Return what was refused, among definitions or among everything else."""
    return {
        asked
        for asked, code in answers.items()
        if code >= 400 and (asked[0] == DEFINITION) is definitions
    }


@pytest.fixture(scope="module")
def simulated() -> Answers:
    return anyio.run(ask, open_simulated())


def test_the_same_was_asked_as_was_recorded(simulated: Answers) -> None:
    assert simulated.keys() == recorded().keys()


@pytest.mark.parametrize(
    ("definitions", "least"), [(False, OF_OBJECTS), (True, OF_DEFINITIONS)], ids=("objects", "crds")
)
def test_most_of_what_a_real_server_refuses_is_refused(
    definitions: bool, least: float, simulated: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = refused(recorded(), definitions=definitions)
    ours = refused(simulated, definitions=definitions)

    share = len(wanted & ours) / len(wanted)
    what = "broken definitions" if definitions else "changed objects"
    with capsys.disabled():
        print(f"\n{what}: {len(wanted & ours)} of {len(wanted)} refusals, {share:.1%}")
    assert share >= least, sorted(wanted - ours)


def test_hardly_anything_is_refused_that_a_real_server_takes(simulated: Answers) -> None:
    real = recorded()
    strict = [asked for asked, code in simulated.items() if code >= 400 > real[asked]]

    assert len(strict) <= TOO_STRICT, strict


def test_refusals_have_the_code_of_a_real_server(simulated: Answers) -> None:
    real = recorded()
    others = [
        (asked, real[asked], code)
        for asked, code in simulated.items()
        if code >= 400 and real[asked] >= 400 and code != real[asked]
    ]

    assert others == []
