"""The clock of the script that runs.  The budget asks it every few thousand steps: may the script go on?

Past `busy-reply-threshold` the script steps aside every few milliseconds.  Whoever comes then hears BUSY, or ends it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from redouble.core.clock import real_monotonic
from redouble.core.errors import CommandError
from redouble.scripting.api import Api
from redouble.scripting.values import Killed

if TYPE_CHECKING:
    from redouble.core.server import Server

__all__ = ["LONGEST_RUN", "Watch", "kill"]

LONGEST_RUN = 60
"""Seconds after which a script is ended: nobody could use the event loop or the thread that runs it in the meantime."""
BETWEEN_STEPS_ASIDE = 0.005

NOT_BUSY = "NOTBUSY No scripts in execution right now."
UNKILLABLE = (
    "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script "
    "termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
)


class Watch:
    """Looks at the scripts that run with one `Api`.  `kind` is the command that kills them: SCRIPT or FUNCTION."""

    def __init__(self, api: Api, kind: str) -> None:
        self.api = api
        self.kind = kind
        self.name = b""
        """Of the function that runs."""
        self.argv: list[bytes] = []
        self.killed = False
        self.first_look = self.next_step_aside = 0.0
        """When the running script was first looked at (0: not yet), and when it lets others in."""

    def begin(self, name: bytes, argv: list[bytes]) -> None:
        """A script begins."""
        self.name, self.argv = name, argv
        self.killed = False
        self.first_look = 0.0

    @property
    def duration_ms(self) -> int:
        return int((real_monotonic() - self.first_look) * 1000)

    def kill(self) -> None:
        self.killed = True

    def check(self) -> None:
        """Let others in if it is time; end the script if somebody said so."""
        server, now = self.api.server, real_monotonic()
        if not self.first_look:
            self.first_look = now
            threshold = server.config.number(
                "busy-reply-threshold" if server.dialect.has("7.0.0") else "lua-time-limit"
            )
            self.next_step_aside = now + threshold / 1000 if threshold > 0 else math.inf
            return
        if now >= self.next_step_aside:
            server.step_aside(self)
            self.next_step_aside = real_monotonic() + BETWEEN_STEPS_ASIDE
        if self.killed:
            raise Killed(server.dialect.script_texts.killed)
        if now - self.first_look > LONGEST_RUN:
            raise Killed(b"Script killed by redouble: it ran for more than %d seconds." % LONGEST_RUN)

    def end(self) -> None:
        """The script is over: what others have waited for in the meantime, they look at again."""
        if self.first_look:
            self.api.server.wake_drivers()


def kill(server: Server, kind: str) -> None:
    """SCRIPT KILL or FUNCTION KILL."""
    script: Watch | None = server.busy_script
    if script is None:
        raise CommandError(NOT_BUSY)
    if script.api.wrote:
        raise CommandError(UNKILLABLE)
    if script.kind != kind:
        raise CommandError(server.busy_text)
    script.kill()
