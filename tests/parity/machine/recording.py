"""The real servers' answers on disk: one JSON file for each scenario file, one line for each step.

An answer that all servers give in both protocols is written once, as a string.  Otherwise the step has one entry for
each distinct answer, under the names of those who gave it: `*` is every server of the scenario, `redis-7.0` one server
in both protocols, `redis-7.0/3` one in RESP3 only.  The head of the file says which exact version each server had.
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
        """The servers that have answered; all names begin with the server's type."""
        return [
            Target(name, "valkey" if name.startswith("valkey") else "redis", tuple(map(int, version.split("."))))
            for name, version in self.versions.items()
        ]

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
    everybody = {(name, protocol) for name in servers for protocol in (2, 3)}
    positions = dict.fromkeys(answers, 0)
    encoded: list[list[Any]] = []
    for step in scenario.steps:
        given: dict[bytes, set[tuple[str, int]]] = {}
        for who, recorded in answers.items():
            position = positions[who]
            if position < len(recorded) and recorded[position][0] == step.line and step.kind != "clock":
                answer = recorded[position][1]
                answer = next((known for known in given if same(known, answer, step, targets[who[0]])), answer)
                given.setdefault(answer, set()).add(who)
                positions[who] += 1
        if not given:
            continue
        if list(given.values()) == [everybody]:
            encoded.append([step.line, next(iter(given)).decode("latin-1")])
        else:
            who_gave = {_names(who, servers): answer.decode("latin-1") for answer, who in given.items()}
            encoded.append([step.line, dict(sorted(who_gave.items()))])
    return encoded


def _names(who: set[tuple[str, int]], servers: list[str]) -> str:
    names = []
    by_protocol = {protocol: sorted(name for name, p in who if p == protocol) for protocol in (2, 3)}
    for protocol, of_protocol in by_protocol.items():
        if of_protocol == servers:
            names.append(f"*/{protocol}")
        else:
            both = set(by_protocol[2]) & set(by_protocol[3]) if len(by_protocol[5 - protocol]) < len(servers) else set()
            names += [name if name in both else f"{name}/{protocol}" for name in of_protocol]
    return " ".join(dict.fromkeys(names)) if names != ["*/2", "*/3"] else "*"


def _decode(steps: list[list[Any]], servers: list[str]) -> Answers:
    answers: Answers = {(name, protocol): [] for name in servers for protocol in (2, 3)}
    for line, given in steps:
        if isinstance(given, str):
            given = {"*": given}
        for names, answer in given.items():
            for word in names.split():
                name, _, protocol = word.partition("/")
                for server in servers if name == "*" else [name]:
                    for number in [int(protocol)] if protocol else [2, 3]:
                        answers[server, number].append((line, answer.encode("latin-1")))
    return {who: recorded for who, recorded in answers.items() if recorded}
