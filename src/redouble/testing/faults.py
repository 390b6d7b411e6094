"""`server.faults`: a server that fails on purpose, for the clients in process and over TCP alike.

    server.faults.error(faults.LOADING, on="GET", times=2)      # an error instead of the reply
    server.faults.drop(on="INCR", after_effect=True)            # the connection ends; the command took effect, or not
    server.faults.timeout(on="GET")                             # no reply comes
    server.faults.delay(0.2, key="slow:*")                      # the command runs later
    server.faults.partial(3)                                    # the reply breaks off after three bytes
    server.faults.refuse(times=3)                               # new connections are refused
    server.faults.answer(lambda argv: b"...", on="GET")         # a function answers
    server.faults.delegate("redis://db.example:6379", on="FT")  # another server answers

Each makes a `Rule`; the first rule that applies to a command decides.  Rules without `on` leave alone what clients send
by themselves when they connect (HELLO, AUTH, SELECT, CLIENT ...).
"""

from __future__ import annotations

import random as random_module
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypedDict

from redouble.core.observer import Observer
from redouble.resp.reply import BLOCKED, NO_REPLY, CommandError, Reply
from redouble.testing.lines import keys_in, name_of
from redouble.types.glob import compile_glob

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from redouble.core.client import Client
    from redouble.core.server import Server

__all__ = [
    "BUSY",
    "CLUSTERDOWN",
    "LOADING",
    "MASTERDOWN",
    "NOAUTH",
    "OOM",
    "READONLY",
    "TRYAGAIN",
    "Faults",
    "Rule",
    "ask",
    "moved",
]

BUSY = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
CLUSTERDOWN = "CLUSTERDOWN The cluster is down"
LOADING = "LOADING Redis is loading the dataset in memory"
MASTERDOWN = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
NOAUTH = "NOAUTH Authentication required."
OOM = "OOM command not allowed when used memory > 'maxmemory'."
READONLY = "READONLY You can't write against a read only replica."
TRYAGAIN = "TRYAGAIN Multiple keys request during rehashing of slot"

_OF_THE_HANDSHAKE = frozenset(("HELLO", "AUTH", "SELECT", "CLIENT"))

Proceed = Callable[[], Reply]
Action = Callable[["Client", list[bytes], Proceed], Reply]
Ask = Callable[[list[bytes], int], Reply]
"""What asks another server: a command, and the version of RESP whose shapes the reply shall have."""


class When(TypedDict, total=False):
    """When a fault happens; see `Faults`."""

    on: str | Iterable[str] | None
    key: str | bytes | None
    client: int | str | Callable[[Client], bool] | None
    times: int | None
    after: int
    probability: float
    seed: int | None


def moved(slot: int, host: str, port: int) -> str:
    """The error of a cluster node that does not have a slot any more."""
    return f"MOVED {slot} {host}:{port}"


def ask(slot: int, host: str, port: int) -> str:
    """The error of a cluster node from which a slot is just moving away."""
    return f"ASK {slot} {host}:{port}"


class Rule:
    """One fault, and when it happens.  In a `with` statement it lasts until the end of the block.

    Attributes:
        count: how often it has happened.
    """

    def __init__(
        self,
        faults: Faults,
        action: Action | None,
        *,
        on: str | Iterable[str] | None = None,
        key: str | bytes | None = None,
        client: int | str | Callable[[Client], bool] | None = None,
        times: int | None = None,
        after: int = 0,
        probability: float = 1.0,
        seed: int | None = None,
    ) -> None:
        if isinstance(on, str):
            on = (on,)
        self.faults = faults
        self.action = action
        """What happens to a command; None: it is connections that are refused."""
        self.names = frozenset(name.upper() for name in on) if on is not None else None
        self.key = None if key is None else compile_glob(key.encode() if isinstance(key, str) else key)
        self.client = client
        self.times = times
        self.skipped = after
        self.probability = probability
        self.random = faults.server.random if seed is None else random_module.Random(seed)
        self.count = 0

    def applies(self, client: Client, argv: list[bytes]) -> bool:
        """Whether this command fails now; if so, that is counted."""
        name = name_of(self.faults.server, argv)
        container = name.partition(" ")[0]
        if self.names is None:
            if container in _OF_THE_HANDSHAKE:
                return False
        elif name not in self.names and container not in self.names:
            return False
        if self.key is not None and not any(map(self.key, keys_in(self.faults.server, argv))):
            return False
        return self._means(client) and self.happens()

    def _means(self, client: Client) -> bool:
        wanted = self.client
        if wanted is None:
            return True
        if isinstance(wanted, int):
            return client.id == wanted
        if isinstance(wanted, str):
            return client.name == wanted.encode()
        return wanted(client)

    def happens(self) -> bool:
        """Whether it is the turn of one more."""
        if self.times is not None and self.count >= self.times:
            return False
        if self.skipped:
            self.skipped -= 1
            return False
        if self.probability < 1.0 and self.random.random() >= self.probability:
            return False
        self.count += 1
        return True

    def remove(self) -> None:
        """End this fault; nothing happens if it has ended."""
        self.faults.remove(self)

    def __enter__(self) -> Rule:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Faults(Observer):
    """The rules of one server.

    Every method that makes a rule takes, by name:

        on: a command or several, `"GET"`, `("GET", "MGET")`, `"CLIENT SETNAME"`; a container means all its subcommands.
        key: a glob that one of the command's keys matches.
        client: a connection's id, the name that it was given by CLIENT SETNAME, or a function of `core.client.Client`.
        times: how often it happens; None: always.
        after: how many commands that fit are left alone before the first.
        probability: with which it happens, each time; chance is the server's, or seeded by `seed`.
    """

    interferes = True

    def __init__(self, server: Server, connect: Callable[[str], Ask]) -> None:
        self.server = server
        self.connect = connect
        """How a server elsewhere is asked, by its URL."""
        self.rules: list[Rule] = []

    # The observer.

    def call(self, client: Client, argv: list[bytes], proceed: Callable[[Client, list[bytes]], Reply]) -> Reply:
        for rule in self.rules:
            if rule.action is not None and rule.applies(client, argv):
                return rule.action(client, argv, lambda: proceed(client, argv))
        return proceed(client, argv)

    def admits(self) -> bool:
        return not any(rule.action is None and rule.happens() for rule in self.rules)

    # Rules.

    def error(self, text: str, **when: Unpack[When]) -> Rule:
        """Answer with an error: its code and message, as after the `-` on the wire."""
        error = text.replace("\r", " ").replace("\n", " ")
        return self._add(lambda client, argv, _: self.server.refuse(client, argv, CommandError(error)), when)

    def drop(self, *, after_effect: bool = False, **when: Unpack[When]) -> Rule:
        """End the connection instead of replying, before or after the command took effect."""

        def action(client: Client, argv: list[bytes], proceed: Proceed) -> Reply:
            if after_effect:
                proceed()
            client.hang_up()
            return NO_REPLY

        return self._add(action, when)

    def timeout(self, *, after_effect: bool = False, **when: Unpack[When]) -> Rule:
        """Never reply.

        A client in process gets its time-out at once, as if it had waited for its `socket_timeout`; one over TCP waits.
        """

        def action(client: Client, argv: list[bytes], proceed: Proceed) -> Reply:
            if after_effect:
                proceed()
            client.lose_reply()
            return NO_REPLY

        return self._add(action, when)

    def delay(self, seconds: float, **when: Unpack[When]) -> Rule:
        """Run the command after so many seconds of the server's clock."""
        return self._add(lambda client, argv, proceed: self.server.blocking.later(client, argv, seconds, proceed), when)

    def partial(self, size: int, **when: Unpack[When]) -> Rule:
        """Send only the first `size` bytes of the reply, then end the connection; in process nothing of it arrives."""

        def action(client: Client, argv: list[bytes], proceed: Proceed) -> Reply:
            reply = proceed()
            if reply is not BLOCKED:
                client.answer_partly(reply, size)
            return NO_REPLY

        return self._add(action, when)

    def refuse(
        self, *, times: int | None = None, after: int = 0, probability: float = 1.0, seed: int | None = None
    ) -> Rule:
        """Refuse new connections; over TCP they are accepted and reset."""
        return self._add(None, When(times=times, after=after, probability=probability, seed=seed))

    def answer(self, function: Callable[[list[bytes]], Reply], **when: Unpack[When]) -> Rule:
        """Let `function` answer: it gets the command's words and returns a reply value or raises `CommandError`."""

        def action(client: Client, argv: list[bytes], proceed: Proceed) -> Reply:
            try:
                return function(argv)
            except CommandError as error:
                return self.server.refuse(client, argv, error)

        return self._add(action, when)

    def delegate(self, url: str, **when: Unpack[When]) -> Rule:
        """Let the server at `url` answer.  Its data is its own; transactions and blocking commands do not work there."""
        ask = self.connect(url)
        return self._add(lambda client, argv, _: ask(argv, client.resp), when)

    def _add(self, action: Action | None, when: When) -> Rule:
        rule = Rule(self, action, **when)
        with self.server.lock:
            if not self.rules:
                self.server.observe(self)
            self.rules.append(rule)
        return rule

    def remove(self, rule: Rule) -> None:
        with self.server.lock:
            if rule in self.rules:
                self.rules.remove(rule)
                if not self.rules:
                    self.server.forget_observer(self)

    def clear(self) -> None:
        """End all faults."""
        for rule in list(self.rules):
            self.remove(rule)
