"""Programs on a real server and on redouble; the answers are compared byte by byte, but for addresses."""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.parity.machine.ours import CoreStage
from tests.parity.machine.real import Connection, RealServer
from tests.parity.machine.scenario import quote
from tests.parity.machine.wire import encode_command, readable

from .language import PRELUDE
from .programs import Tree, generate, shrink

BATCH = 100
SHRINKING_SECONDS = 30
PATIENCE = 30
MEMORY = 4 << 30
"""What the real server may take: a program can ask for more than there is."""

_ADDRESS = re.compile(rb"(table|function|thread|userdata): (?:builtin: )?(?:0x[0-9a-f]+|\(nil\))")
_DIGEST = re.compile(rb"[0-9a-f]{40}")
_SHOWN = re.compile(rb"\d+|'[^']*'")


def _same(answer: bytes) -> bytes:
    return _ADDRESS.sub(rb"\1", answer)


@dataclass(frozen=True)
class Difference:
    """What `program` was answered."""

    program: str
    real: bytes
    ours: bytes

    @property
    def signature(self) -> tuple[object, ...]:
        """Differences of programs made small that have the same signature are most likely one mistake."""
        return tuple(_SHOWN.sub(b"", _DIGEST.sub(b"", answer))[:60] for answer in (self.real, self.ours))

    def text(self, server: str) -> str:
        return (
            f"> EVAL {quote(self.program.encode())} 1 k1 a1\n"
            f"#   {server}: {readable(self.real)}\n#   redouble:  {readable(self.ours)}"
        )


class Duel:
    """A real server and a redouble that are emptied before each program."""

    def __init__(self, name: str) -> None:
        self.start(name)
        self.stage = CoreStage(self.server.target)
        self.played = 0
        self.again = 0
        self.deadly = 0
        """Programs that the real server did not survive, or not within `PATIENCE`."""
        self.known: set[object] = set()

    def start(self, name: str) -> None:
        self.server = RealServer(name)
        resource.prlimit(self.server.process.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
        self.link: Connection = self.server.connect()

    def restart(self) -> None:
        """The real server has crashed, or is busy for ever."""
        self.link.close()
        self.server.stop()
        self.start(self.server.target.name)

    def __enter__(self) -> Duel:
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()
        self.stage.close()
        self.server.stop()

    def round(self, random: Random, count: int = BATCH) -> list[Difference]:
        """Run `count` programs; what is new among their differences, made small."""
        trees = [generate(random) for _ in range(count)]
        self.played += count
        found = []
        for tree, difference in zip(trees, self.run([PRELUDE + tree.text for tree in trees])):
            if difference is not None and not self.by_chance(difference.program):
                small = self.made_small(tree)
                if small.signature in self.known:
                    self.again += 1
                else:
                    self.known.add(small.signature)
                    found.append(small)
        return found

    def run(self, programs: Sequence[str]) -> list[Difference | None]:
        """What each program was answered differently; None for one that the real server does not survive."""
        commands = [(b"EVAL", program.encode("latin-1"), b"1", b"k1", b"a1") for program in programs]
        differences: list[Difference | None] = []
        for program, command, real in zip(programs, commands, self._answers(commands)):
            if real is None:
                differences.append(None)
                continue
            self.stage.send(0, (b"FLUSHALL",))
            try:
                ours = self.stage.send(0, command)
            except Exception as error:  # that this happens is a difference, too
                ours = f"-{type(error).__name__} {error} in redouble\r\n".encode()
            differences.append(Difference(program, real, ours) if _same(real) != _same(ours) else None)
        return differences

    def _answers(self, commands: Sequence[tuple[bytes, ...]]) -> list[bytes | None]:
        answers: list[bytes | None] = []
        while len(answers) < len(commands):
            left = commands[len(answers) :]
            self.link.send(b"".join(encode_command((b"FLUSHALL",)) + encode_command(command) for command in left))
            for _ in left:
                ok, answer = self.link.message(PATIENCE), self.link.message(PATIENCE)
                answers.append(answer if ok is not None else None)
                if answers[-1] is None:
                    self.deadly += 1
                    self.restart()
                    break
        return answers

    def by_chance(self, program: str) -> bool:
        """Whether two processes of the real server disagree: a program may take an address apart."""
        answers = []
        for _ in range(2):
            server = RealServer(self.server.target.name)
            link = server.connect()
            link.send(encode_command((b"EVAL", program.encode("latin-1"), b"1", b"k1", b"a1")))
            answers.append(_same(link.message(PATIENCE) or b""))
            link.close()
            server.stop()
        return answers[0] != answers[1]

    def made_small(self, tree: Tree) -> Difference:
        """The smallest program that shows a difference; without the prelude, if that is still one."""
        until = time.monotonic() + SHRINKING_SECONDS

        def of(prelude: str, tree: Tree) -> Difference | None:
            return self.run([prelude + tree.text])[0]

        small = shrink(tree, lambda smaller: time.monotonic() < until and of(PRELUDE, smaller) is not None)
        lines = PRELUDE.splitlines(keepends=True)
        functions = "".join(lines[:-2])
        difference = of("", small) or of("".join(lines[-2:]), small) or of(functions, small) or of(PRELUDE, small)
        assert difference is not None
        return difference
