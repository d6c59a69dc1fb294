"""What a user sees in an incident is what the API servers say.

Each incident is played once in a session; the tests read its report, face by face.
"""

from __future__ import annotations

import pytest

from tests.envtest.planes import Plane
from tests.incidents.known import KNOWN, known, matching
from tests.incidents.playing import play_real, play_simulated
from tests.incidents.referee import FACES, Report
from tests.incidents.stories import INCIDENTS

SIMULATED = sorted(INCIDENTS)
REAL = sorted(name for name, one in INCIDENTS.items() if one.on_real)
ALL_AT_ONCE = pytest.mark.xdist_group("incidents")  # on one worker, which plays them once
PATIENCE_S = 900  # for all of them, on a busy machine

pytestmark = pytest.mark.timeout(PATIENCE_S)


@pytest.fixture(scope="session")
def simulated_reports(request: pytest.FixtureRequest) -> dict[str, Report]:
    """Play the incidents of the selected tests on simulated servers."""
    return play_simulated(INCIDENTS[name] for name in _asked_for(request, "simulated_reports"))


@pytest.fixture(scope="session")
def real_reports(
    request: pytest.FixtureRequest, real_planes: tuple[Plane, ...]
) -> dict[str, Report]:
    """Play the incidents of the selected tests on real servers."""
    names = _asked_for(request, "real_reports")
    return play_real(real_planes, [INCIDENTS[name] for name in names])


def _asked_for(request: pytest.FixtureRequest, fixture: str) -> list[str]:
    items = [one for one in request.session.items if isinstance(one, pytest.Function)]
    asking = [one for one in items if fixture in one.fixturenames]
    called = [getattr(one, "callspec", None) for one in asking]
    named = {str(one.params["name"]) for one in called if one and "name" in one.params}
    asks_for_all = any(one is None or "name" not in one.params for one in called)
    return SIMULATED if asks_for_all else sorted(named)


@ALL_AT_ONCE
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("name", SIMULATED)
def test_what_is_told_is_so(simulated_reports: dict[str, Report], name: str, face: str) -> None:
    _hold(simulated_reports[name], name, face)


@pytest.mark.envtest
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("name", REAL)
def test_what_is_told_of_real_servers_is_so(
    real_reports: dict[str, Report], real_controllers: None, name: str, face: str
) -> None:
    _hold(real_reports[name], name, face)


def _hold(report: Report, name: str, face: str) -> None:
    assert not report.failure, report.failure
    untrue = [line for line in report.lines(name) if f": {face}: " in line]
    assert [line for line in untrue if not known(line)] == []
    assert report.checked(face) or face in ("history", "keystrokes")


@ALL_AT_ONCE
@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param(
            one,
            marks=pytest.mark.xfail(strict=True, raises=AssertionError, reason=one),
        )
        for one in KNOWN
    ],
)
def test_what_was_untrue_is_told_no_more(
    simulated_reports: dict[str, Report], sentence: str
) -> None:
    assert list(matching(sentence, _all_lines(simulated_reports))) == []


@ALL_AT_ONCE
def test_nothing_is_harmed(simulated_reports: dict[str, Report]) -> None:
    assert [line for name in SIMULATED for line in simulated_reports[name].broken] == []


def test_there_are_enough_incidents() -> None:
    assert len(SIMULATED) >= 20
    assert len(REAL) >= 10


def _all_lines(reports: dict[str, Report]) -> list[str]:
    return [line for name, report in reports.items() for line in report.lines(name)]
