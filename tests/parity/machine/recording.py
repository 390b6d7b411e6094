"""The real servers' answers on disk: one JSON file for each scenario file, one line for each step.

An answer that all servers give in both protocols is written once, as a string.  Otherwise the step has one entry for
each distinct answer, under the names of those who gave it: `redis-7.0` is one server in both protocols, `redis-7.0/3`
one in RESP3 only, `*` everybody who is not named (so that one more server is a small change), and null says that the
step is not for them.  The head of the file says which exact version each server had.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .normalise import same
from .scenario import FOLDER, Scenario, Target, load

RECORDINGS = FOLDER / "recordings"

Answers = dict[tuple[str, int], list[tuple[str, bytes]]]
"""For each server and protocol: the steps, as they are written, with their outcomes."""


@dataclass
class Recording:
    """What the real servers answered to the scenarios of one group."""

    group: str
    versions: dict[str, str] = field(default_factory=dict)
    scenarios: dict[str, Answers] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return RECORDINGS / f"{self.group}.json"

    @classmethod
    def load(cls, group: str) -> Recording:
        recording = cls(group)
        try:
            content = json.loads(recording.path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return recording
        recording.versions = content["servers"]
        for name, entry in content["scenarios"].items():
            recording.scenarios[name] = _decode(entry["steps"], entry.get("on", list(recording.versions)))
        return recording

    def targets(self) -> list[Target]:
        """The servers that have answered; each name begins with the server's type."""
        return [Target.of(name, version) for name, version in self.versions.items()]

    def answers(self, scenario: Scenario, target: Target, protocol: int) -> list[bytes] | None:
        """The outcomes recorded for a scenario as it is now written; None if it has not been recorded so."""
        steps = [step.line for step in scenario.steps_for(target, protocol) if step.kind != "clock"]
        recorded = self.scenarios.get(scenario.name, {}).get((target.name, protocol))
        if recorded is None or [line for line, _ in recorded] != steps:
            return None
        return [outcome for _, outcome in recorded]

    def record(self, scenario: Scenario, target: Target, protocol: int, outcomes: list[bytes]) -> None:
        """Keep new outcomes; an old one that is as good (a time moved by a tick) stays, so that diffs are small."""
        steps = [step for step in scenario.steps_for(target, protocol) if step.kind != "clock"]
        old = self.answers(scenario, target, protocol)
        if old is not None:
            outcomes = [
                before if same(before, now, step, target) else now
                for step, before, now in zip(steps, old, outcomes, strict=True)
            ]
        recorded = list(zip([step.line for step in steps], outcomes, strict=True))
        self.scenarios.setdefault(scenario.name, {})[target.name, protocol] = recorded

    def save(self) -> bool:
        """Write the file in the order of the scenario file, without what is gone.  Tell whether it changed."""
        kept = {target.name: target for target in self.targets()}
        lines = []
        for scenario in load(self.group):
            answers = {
                (name, protocol): recorded
                for (name, protocol), recorded in self.scenarios.get(scenario.name, {}).items()
                if name in kept and self.answers(scenario, kept[name], protocol) is not None
            }
            if answers:
                lines.append(self._scenario_text(scenario, answers, kept))
        servers = json.dumps(dict(sorted(self.versions.items())))
        text = '{"servers": ' + servers + ',\n"scenarios": {\n' + ",\n".join(lines) + "\n}}\n"
        if self.path.exists() and self.path.read_text(encoding="ascii") == text:
            return False
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(text, encoding="ascii")
        return True

    def _scenario_text(self, scenario: Scenario, answers: Answers, targets: dict[str, Target]) -> str:
        servers = sorted({name for name, _ in answers})
        steps = [json.dumps(step) for step in _encode(scenario, answers, targets)]
        on = "" if servers == sorted(self.versions) else f'"on": {json.dumps(servers)}, '
        return f'{json.dumps(scenario.name)}: {{{on}"steps": [\n ' + ",\n ".join(steps) + "]}"


def _encode(scenario: Scenario, answers: Answers, targets: dict[str, Target]) -> list[list[Any]]:
    servers = sorted({name for name, _ in answers})
    everybody = [(name, protocol) for name in servers for protocol in (2, 3)]
    positions = dict.fromkeys(answers, 0)
    encoded: list[list[Any]] = []
    for step in scenario.steps:
        given: dict[str | None, set[tuple[str, int]]] = {}
        for who in everybody:
            answer, recorded = None, answers.get(who, [])
            position = positions.get(who, 0)
            if position < len(recorded) and recorded[position][0] == step.line and step.kind != "clock":
                bytes_given = recorded[position][1]
                known = (each.encode("latin-1") for each in given if each is not None)
                bytes_given = next(
                    (each for each in known if same(each, bytes_given, step, targets[who[0]])), bytes_given
                )
                answer = bytes_given.decode("latin-1")
                positions[who] += 1
            given.setdefault(answer, set()).add(who)
        if set(given) != {None}:
            encoded.append([step.line, _by_names(given, servers)])
    return encoded


def _by_names(given: dict[str | None, set[tuple[str, int]]], servers: list[str]) -> Any:
    """Each answer under the names of those who gave it, but that of the most under `*`."""

    def most(protocol: int) -> str | None:
        def weight(answer: str | None) -> tuple[int, int, str]:
            who = given[answer]
            return sum(number == protocol for _, number in who), len(who), answer or ""

        return max(given, key=weight)

    rest = {protocol: most(protocol) for protocol in (2, 3)}
    names: dict[str, str | None] = {}
    for answer, who in given.items():
        stars = [protocol for protocol in (2, 3) if rest[protocol] == answer]
        words = _words("*", stars)
        for name in servers:
            words += _words(
                name, [protocol for protocol in (2, 3) if (name, protocol) in who and protocol not in stars]
            )
        names[" ".join(words)] = answer
    return dict(sorted(names.items())) if len(names) > 1 else rest[2]


def _words(name: str, protocols: list[int]) -> list[str]:
    return [name] if len(protocols) == 2 else [f"{name}/{protocol}" for protocol in protocols]


def _decode(steps: list[list[Any]], servers: list[str]) -> Answers:
    answers: Answers = {(name, protocol): [] for name in servers for protocol in (2, 3)}
    for line, given in steps:
        by_word = (
            {"*": given}
            if isinstance(given, str)
            else {word: given[names] for names in given for word in names.split()}
        )
        for (name, protocol), recorded in answers.items():
            words = (f"{name}/{protocol}", name, f"*/{protocol}", "*")
            answer = next((by_word[word] for word in words if word in by_word), None)
            if answer is not None:
                recorded.append((line, answer.encode("latin-1")))
    return {who: recorded for who, recorded in answers.items() if recorded}
