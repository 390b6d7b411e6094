"""`python -m tests.parity record`: ask the real servers.  `count`: how many command lines there are."""

from __future__ import annotations

import argparse
import sys
import time

from .machine import real
from .machine.normalise import same
from .machine.play import RealStage
from .machine.recording import Recording
from .machine.scenario import Scenario, ScenarioError, groups, load
from .machine.wire import readable

SERVERS = [
    "redis-6.0",
    "redis-6.2",
    "redis-7.0",
    "redis-7.2",
    "redis-7.4",
    "redis-8.0",
    "redis-8.6",
    "valkey-8.1",
    "valkey-9",
]
RECORDED = [*SERVERS, "redis-stack-7.4"]
"""The servers that are recorded, the last one with modules; `--servers` takes any name of servers.json."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    record_parser = commands.add_parser("record", help="ask the real servers and write recordings/")
    record_parser.add_argument("groups", nargs="*", help="scenario files, without .txt (default: all)")
    record_parser.add_argument("--servers", nargs="+", default=RECORDED, metavar="NAME")
    record_parser.add_argument("--show", action="store_true", help="print each step with its outcomes")
    commands.add_parser("count", help="count scenarios and command lines")
    arguments = parser.parse_args()
    try:
        if arguments.command == "count":
            return count()
        return record(arguments.groups or groups(), arguments.servers, arguments.show)
    except ScenarioError as error:
        print(error, file=sys.stderr)
        return 2


def count() -> int:
    total = 0
    for group in groups():
        lines = sum(step.kind == "send" for scenario in load(group) for step in scenario.steps)
        total += lines
        print(f"{group:20} {len(load(group)):5} scenarios {lines:6} command lines")
    print(f"{'together':20} {sum(len(load(group)) for group in groups()):5} scenarios {total:6} command lines")
    return 0


def record(names: list[str], servers: list[str], show: bool) -> int:
    missing = [name for name in servers if name not in real.installed()]
    if missing:
        print(f"not installed in {real.folder()}: {' '.join(missing)} (tools/real_servers.py)", file=sys.stderr)
        return 1
    began = time.monotonic()
    recordings = {name: Recording.load(name) for name in names}
    complaints = 0
    for server in servers:
        # Two processes have two hash seeds: what they answer differently is chance, and needs a directive.
        stages = [RealStage(server), RealStage(server)]
        try:
            for name, recording in recordings.items():
                target = stages[0].target
                played = [scenario for scenario in load(name) if scenario.played(target)]
                if played:
                    recording.versions[server] = target.version_text
                for scenario in played:
                    complaints += record_scenario(recording, scenario, stages, show)
        finally:
            for stage in stages:
                stage.stop()
        for recording in recordings.values():
            if recording.save():
                print(f"wrote {recording.path}")
    print(f"{len(names)} groups, {len(servers)} servers, {time.monotonic() - began:.1f} s")
    return 1 if complaints else 0


def record_scenario(recording: Recording, scenario: Scenario, stages: list[RealStage], show: bool) -> int:
    target = stages[0].target
    complaints = 0
    for protocol in (2, 3):
        if not scenario.played(target, protocol):
            continue
        played, again = (list(stage.play(scenario, protocol)) for stage in stages)
        for (step, first), (_, second) in zip(played, again, strict=True):
            if show:
                print(f"{target.name}/{protocol} {step.line:50} {readable(first)}")
            if not same(first, second, step, target):
                complaints += 1
                print(
                    f"{scenario.group}.txt:{step.number}: {step.line}"
                    f"\n    {target.name} answers differently in RESP{protocol}:"
                    f"\n    {readable(first)[:200]}\n    {readable(second)[:200]}\n    (add @unordered, @time or @any)",
                    file=sys.stderr,
                )
        recording.record(scenario, target, protocol, [outcome for _, outcome in played])
    return complaints


if __name__ == "__main__":
    sys.exit(main())
