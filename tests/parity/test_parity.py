"""Every scenario, on redouble and on the real servers, against the recorded answers.

One test is one scenario in one dialect; it loops over the protocols and, on redouble, over the drivers.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from .machine import ours, real
from .machine.normalise import same
from .machine.play import RealStage
from .machine.recording import Recording
from .machine.scenario import FOLDER, Scenario, Step, Target, groups, load
from .machine.wire import readable

DIFFERENCES = FOLDER.parent.parent / "docs" / "differences.md"


class AnotherPatchVersion(UserWarning):
    """The real server on this machine is not the one that was recorded, and answers differently."""


@cache
def recording(group: str) -> Recording:
    return Recording.load(group)


def anchors(path: Path = DIFFERENCES) -> set[str]:
    """The headings of docs/differences.md, as links write them."""
    headings = re.findall(r"^#+ +(.*?) *$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def cases() -> list[object]:
    return [
        pytest.param(scenario, target, id=f"{target.name}:{scenario.identifier}")
        for group in groups()
        for target in recording(group).targets()
        for scenario in load(group)
        if scenario.played(target)
    ]


def recorded(scenario: Scenario, target: Target, protocol: int) -> list[bytes]:
    answers = recording(scenario.group).answers(scenario, target, protocol)
    if answers is None:
        pytest.fail(
            f"{scenario.group}.txt:{scenario.number}: not recorded as it is now written for {target.name} in "
            f"RESP{protocol}; run: python -m tests.parity record {scenario.group}",
            pytrace=False,
        )
    return answers


def report(scenario: Scenario, step: Step, expected: bytes, got: bytes, who: str) -> str:
    before = [earlier.line for earlier in scenario.steps if earlier.number < step.number]
    shown = "".join(f"    {line}\n" for line in before[-12:])
    return (
        f"{scenario.group}.txt:{step.number}: {scenario.name}\n{shown}  * {step.line}\n"
        f"  recorded: {readable(expected)}\n  {who}: {readable(got)}"
    )


@pytest.mark.fake
@pytest.mark.parametrize(("scenario", "target"), cases())
def test_redouble_answers_as_recorded(scenario: Scenario, target: Target) -> None:
    failures = []
    for protocol in (2, 3):
        if not scenario.played(target, protocol):
            continue
        expected = recorded(scenario, target, protocol)
        for driver in ours.drivers(target):
            who = f"redouble as {target.name}, {driver}, RESP{protocol}"
            played = ours.play_ours(driver, scenario, target, protocol)
            answers = [ours.expected_by(driver, answer) for answer in expected]
            failure = first_difference(scenario, target, answers, played, who)
            if failure:
                failures.append(failure)
    if failures:
        pytest.fail("\n".join(failures), pytrace=False)


def first_difference(
    scenario: Scenario, target: Target, expected: list[bytes], played: Iterator[tuple[Step, bytes]], who: str
) -> str | None:
    for answer, (step, got) in zip(expected, played, strict=True):
        differs = step.directive("differs", target)
        if same(answer, got, step, target) == (differs is None):
            continue
        if differs is None:
            return report(scenario, step, answer, got, who)
        remark = f"they no longer differ: remove @differs {differs.arguments[0]}"
        return f"{report(scenario, step, answer, got, who)}\n  {remark}"
    return None


@pytest.mark.fake
def test_every_difference_is_explained_in_the_documentation() -> None:
    named = {
        directive.arguments[0]
        for group in groups()
        for scenario in load(group)
        for step in scenario.steps
        for directive in step.directives
        if directive.name == "differs"
    }
    assert named <= anchors()


@pytest.fixture(scope="session")
def stages() -> Iterator[dict[str, RealStage]]:
    started: dict[str, RealStage] = {}
    yield started
    for stage in started.values():
        stage.stop()


@pytest.mark.real
@pytest.mark.filterwarnings("default::tests.parity.test_parity.AnotherPatchVersion")
@pytest.mark.parametrize(("scenario", "target"), cases())
def test_the_real_server_answers_as_recorded(scenario: Scenario, target: Target, stages: dict[str, RealStage]) -> None:
    if target.name not in real.installed():
        pytest.skip(f"{target.name} is not installed")
    if target.name not in stages:
        stages[target.name] = RealStage(target.name)
    stage = stages[target.name]
    for protocol in (2, 3):
        if not scenario.played(target, protocol):
            continue
        failures: list[str] = []
        for _ in range(ATTEMPTS):
            failures = differences(scenario, target, stage, protocol)
            if not failures or stage.target.version != target.version:
                break
        if failures and stage.target.version == target.version:
            pytest.fail(failures[0], pytrace=False)
        for failure in failures:
            warnings.warn(failure, AnotherPatchVersion, stacklevel=1)


ATTEMPTS = 3
"""A real server on a busy machine may be late with what happens by itself; what it answers differently each time is a difference."""


def differences(scenario: Scenario, target: Target, stage: RealStage, protocol: int) -> list[str]:
    expected = recorded(scenario, target, protocol)
    return [
        report(scenario, step, answer, got, f"{target.name} {stage.target.version_text}, RESP{protocol}")
        for answer, (step, got) in zip(expected, stage.play(scenario, protocol), strict=True)
        if not same(answer, got, step, stage.target)
    ]
