"""A real server and redouble, asked the same."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from tests.parity.machine.ours import CoreStage
from tests.parity.machine.real import RealServer
from tests.parity.machine.scenario import quote
from tests.parity.machine.wire import encode_command, readable

AT_ONCE = 1000
"""How many commands one pipeline holds."""


class Pair:
    """Sends commands to both servers; `differences` says what was answered differently."""

    def __init__(self, name: str) -> None:
        self.differences: list[str] = []
        with contextlib.ExitStack() as stack:
            real = stack.enter_context(RealServer(name))
            self.link = stack.enter_context(contextlib.closing(real.connect()))
            self.core = stack.enter_context(contextlib.closing(CoreStage(real.target)))
            self.stack = stack.pop_all()

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def ask(self, *commands: Sequence[bytes]) -> list[bytes]:
        """The real server's answers."""
        answers = []
        for start in range(0, len(commands), AT_ONCE):
            some = commands[start : start + AT_ONCE]
            self.link.send(b"".join(map(encode_command, some)))
            for argv in some:
                real, ours = self.link.message(60) or b"", self.core.send(1, argv)
                answers.append(real)
                if real != ours:
                    asked = " ".join(map(quote, argv))[:300]
                    self.differences.append(f"{asked}\n  real: {readable(real)[:500]}\n  ours: {readable(ours)[:500]}")
        return answers
