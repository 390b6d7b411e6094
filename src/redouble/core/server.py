"""The server: a plain object without thread, loop or socket.  Drivers hold `lock` around everything they ask of it;
`call` is the one path that every command takes."""

from __future__ import annotations

import random as random_module
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol

from redouble.core import client as gates
from redouble.core import errors
from redouble.core.acl import Acl
from redouble.core.blocking import Blocking
from redouble.core.clock import Clock
from redouble.core.command import NOT_QUEUED, Command, Declaration, Options, Prototype, build_table, module_table
from redouble.core.config import Config
from redouble.core.database import Database, Listener
from redouble.core.errors import CommandError
from redouble.core.eviction import Eviction
from redouble.core.idle import IdleClients
from redouble.core.monitor import Monitors
from redouble.core.notify import EXPIRED, KEYEVENT, KEYSPACE
from redouble.core.observer import Observer
from redouble.core.pubsub import PubSub
from redouble.core.replication import Replication, lines_of
from redouble.core.stopwatch import Stopwatch
from redouble.core.tracking import Tracking
from redouble.dialects import Dialect, Module, dialect_for, modules_of, parse_version
from redouble.resp.reply import BLOCKED, NO_REPLY, QUEUED, Messages, Push, Reply
from redouble.types.limits import Limits

if TYPE_CHECKING:
    from redouble.core.client import Client

__all__ = ["BUSY", "LIMITED", "MISCONFIGURED", "PAUSED_ALL", "PAUSED_WRITE", "REPLICA", "Peer", "Server"]


class Peer(Protocol):
    """Another server, to which this one is connected; leaving its block hangs up."""

    def send(self, commands: list[list[bytes]]) -> None:
        """Raises OSError."""

    def receive(self) -> Reply:
        """The next reply.  Raises OSError, EOFError, or ValueError if it is none."""

    def __enter__(self) -> Peer: ...

    def __exit__(self, *exc_info: object) -> None: ...


def _no_command(client: Client, argv: list[bytes]) -> Reply:
    raise AssertionError("a client that never called anything has no command to run")


NO_COMMAND = Command(
    Prototype(
        Declaration("NULL", "NULL", (), _no_command, "", "", frozenset(), "1.0.0", "", {}, 1),
        Options((), lambda word: True),
    )
)
"""The command of a client that has called none."""


class Server:
    """One redis-server.

    `clock` and `random` replace time and chance; `config` is set before the first client, as a configuration file is; the
    value of `user` may have several lines, one for each user.  With `clock_command` clients may move the clock (CLOCK).
    `modules` are those that it loads, of "json", "bloom", "timeseries" and "vectorset"; None: all that the real server comes
    with, or that its users expect.
    """

    no_command = NO_COMMAND
    dial: Callable[[str, str, float], Peer] | None = None
    """How a driver connects to another server: host, port, and the seconds that anything may take; raises LookupError for a
    host that there is not, else OSError."""

    def __init__(
        self,
        *,
        server_type: str = "redis",
        version: tuple[int, ...] | str | int = (7,),
        clock: Clock | None = None,
        random: random_module.Random | None = None,
        config: Mapping[str, str] | Mapping[bytes, bytes] | None = None,
        clock_command: bool = False,
        modules: Iterable[str] | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.dialect: type[Dialect] = dialect_for(server_type, version)
        self.modules = modules_of(self.dialect, modules)
        """Those that it has loaded."""
        self._folders: set[str] = set()
        """Of those of which the commands are in `prototypes`."""
        self.server_type = server_type
        self.version = parse_version(version)
        self.clock = clock or Clock()
        if random is not None:
            self.random = random
        self.connected = True
        self.scripting: Any = None
        """What `commands/scripting.py` keeps: the scripts and the engine that runs them."""
        self.functions: Any = None
        """What `scripting/functions.py` keeps: the libraries of functions."""
        self.search: Any = None
        """What `modules/search` keeps: its indexes and settings."""
        self.busy_script: Any = None
        """The script that runs for too long, while it lets others in (`step_aside`)."""
        self._pollers: list[Callable[[], None]] = []
        self.gate = 0
        self._paused_until = 0.0
        self.table: dict[bytes, Command] = {}
        self.prototypes = build_table(self.dialect, *["clock"] * clock_command)  # type: ignore[arg-type]  # a class is hashable
        self._made: dict[int, Command] = {}
        self.limits = Limits.of_redis(self.dialect.redis_version)
        self.limits.small_hashes_expire = self.dialect.small_hashes_expire
        self.tracks_accesses = False
        self.counts_accesses = False
        """Whether the eviction policy is one of those that count (LFU)."""
        self.only_changes_are_uses = False
        """Whether it is one of those that do not care for reads (LRM)."""
        self.eviction = Eviction(self)
        self.replication = Replication(self)
        self.config = Config(self)
        self.acl = Acl(self)
        self._databases: dict[int, Database] = {}
        self.shared: set[int] = set()
        """See `Database.own`."""
        self.clients: dict[int, Client] = {}
        self.idle = IdleClients(self.clients, self.clock)
        self._last_client_id = self._clients_not_counted = 0
        self.pubsub = PubSub()
        self.blocking = Blocking(self)
        self.tracking = Tracking(self)
        self.notify_flags = 0
        """The classes of keyspace events that are published."""
        self._teller: Client | None = None
        self._told_itself: list[Push] = []
        self.observers: list[Observer] = []
        self.listener: Listener | None = None
        """What a module keeps about the keys; see `follow_with`."""
        self.files: Any = None
        """Where its data is kept, if anywhere: the `RedisFiles` of `persistence/redis_files.py`, or the `Store` of `persistence/store.py`."""
        self.loading = False
        """Whether it reads its data from a file, as it was then: nothing goes because of its time."""
        self.effects: Any = None
        """Who is told of what changes by itself: the `Effects` of `persistence/effects.py`, while a journal is kept."""
        self.may_fail = False
        """Whether connections may break and replies stay away on purpose."""
        self.deferred: deque[Callable[[], None]] = deque()
        self._drivers: list[Callable[[], None]] = []
        self._stop: list[Callable[[], None]] = []
        self.unit_ms = 0
        self.started_ms = self.clock.time_ns() // 1_000_000
        self.last_save = self.started_ms // 1000
        self.saves = self.dirty_when_saved = 0
        self.rdb: bytes | None = None
        """What DEBUG RELOAD saved last."""
        self.peak_memory = 0
        self.active_expire = True
        """False: keys whose time has come go only when somebody asks for them (DEBUG SET-ACTIVE-EXPIRE)."""
        self.dirty = 0
        self.expired_keys = 0
        self.error_counts: dict[str, int] = {}
        self._config_at_start: Mapping[Any, Any] = dict(config or {})
        self._configure()
        self.clock.drive(self)

    def _configure(self) -> None:
        """What a configuration file says at the start."""
        users: list[str] = []
        for name, value in self._config_at_start.items():
            if name in ("user", b"user"):
                users += (value if isinstance(value, str) else value.decode()).splitlines()
            else:
                self.config.set_at_start(name, value)
        self.acl.start(users)

    @cached_property
    def random(self) -> random_module.Random:
        return random_module.Random()

    @cached_property
    def run_id(self) -> str:
        return f"{self.random.getrandbits(160):040x}"

    @cached_property
    def replication_id(self) -> str:
        return f"{self.random.getrandbits(160):040x}"

    # The one path.

    def call(self, client: Client, argv: list[bytes]) -> Reply:
        """Run one command for `client`.

        A client's mistake comes back as a CommandError value.  BLOCKED: the client now waits and its reply comes
        through `Client.deliver`.  NO_REPLY: nothing is sent.  Every other exception is a bug of ours.
        """
        self.unit_ms = 0
        if self.deferred:
            self.run_deferred()
        command = self.table.get(argv[0])
        if command is None:
            found = self.find(argv)
            if isinstance(found, CommandError):
                return self._reject(client, None, found)
            command = found
        count, arity = len(argv), command.arity
        if count != arity and (arity >= 0 or count < -arity):
            if "|" in command.name:
                return self._reject(
                    client, command, CommandError(self.dialect.wrong_subcommand_arity(argv, command.name))
                )
            return self._reject(client, command, errors.wrong_arity(command.name))
        if client.gate or self.gate:
            if self.gate == OBSERVED and not client.gate:  # its data is kept in files, and nothing else
                reply = self.run(client, command, argv)
            else:
                reply = self._gated(client, command, argv)
        else:  # `run`, without the cost of one more call: x1.16
            command.calls += 1
            client.command = command
            try:
                reply = command.run(client, argv)
            except CommandError as error:
                reply = self.failed(command, error)
        if self.blocking.ready and not self.gate & BUSY:
            self.blocking.serve()
        return reply

    def transact(self, client: Client, commands: list[list[bytes]]) -> Reply:
        """MULTI, these commands and EXEC, all at once: x0.6 of a transaction of three.

        NO_REPLY, and nothing has happened, if one of them is not certain to be queued.
        """
        if client.gate or self.gate or client.watching:
            return NO_REPLY
        queue = []
        for argv in commands:
            command = self.table.get(argv[0])
            if command is None or not command.is_queued or not command.takes(len(argv)):
                return NO_REPLY
            queue.append((command, argv))
        self.unit_ms = 0
        if self.deferred:
            self.run_deferred()
        for name in (b"MULTI", b"EXEC"):
            called = self.table.get(name) or self.find([name])
            assert not isinstance(called, CommandError)
            called.calls += 1
        reply = self.run_queue(client, queue)
        if self.blocking.ready and not self.gate & BUSY:
            self.blocking.serve()
        return reply

    def run_queue(self, client: Client, queue: list[tuple[Command, list[bytes]]]) -> Reply:
        """Run what was queued as one unit; what EXEC answers."""
        client.deny_blocking = True
        replies: list[Reply] = []
        client.transcript = replies
        try:
            for command, argv in queue:
                refusal = None
                if client.gate & gates.RESTRICTED:  # what its user may do can have changed since it was queued
                    refusal = self.acl.refusal_of_exec(client, command, argv)
                reply = self.run(client, command, argv) if refusal is None else self.refused(None, refusal)
                if type(reply) is Messages:
                    replies += reply
                elif reply is not NO_REPLY:
                    replies.append(reply)
                elif client.closing:  # SHUTDOWN, which 6.2 lets in
                    return NO_REPLY
        finally:
            client.deny_blocking = False
            client.transcript = None
            pushes, client.pushes_after_exec = client.pushes_after_exec, []
        if client.disconnected:  # it removed its own user
            self.pubsub.unsubscribe_all(client)
            return NO_REPLY
        # SUBSCRIBE a b answers twice, but the array is as long as the queue: what is too much follows it.
        count = len(queue)
        return Messages([replies[:count], *replies[count:], *pushes]) if pushes or len(replies) > count else replies

    def dispatch(self, client: Client, command: Command, argv: list[bytes]) -> Reply:
        """`call` for a command that was found and then had to wait for the end of a pause."""
        reply = self._gated(client, command, argv)
        if self.blocking.ready:
            self.blocking.serve()
        return reply

    def run(self, client: Client, command: Command, argv: list[bytes]) -> Reply:
        """Run a command that passed every check; also each command of an EXEC or a script."""
        command.calls += 1
        client.command = command
        try:
            return command.run(client, argv)
        except CommandError as error:
            return self.failed(command, error)

    def run_again(self, client: Client) -> Reply:
        """Run the command of a client that had to wait."""
        command, argv = client.command, client.argv
        if client.gate & gates.RESTRICTED and self.dialect.acl.looks_at_reruns:
            refusal = self.acl.refusal(client, command, argv)
            if refusal is not None:
                return self.refused(command, refusal)
        if self.gate & LIMITED and self.dialect.waiters_need_memory and self.eviction.refuses(client, command, argv):
            return self._reject(client, command, CommandError(errors.OOM))
        command.calls -= 1  # it was counted when it was sent
        return self.run(client, command, argv)

    def refused(self, command: Command | None, error: CommandError) -> CommandError:
        """The reply of a command that may not run; None: the command does not count it (EXEC)."""
        if command is not None:
            command.rejected += 1
        return self._count(error)

    def failed(self, command: Command, error: CommandError) -> CommandError:
        """A command that ran into an error, which is its reply."""
        command.failed += 1
        return self._count(error)

    def internal_call(self, client: Client, argv: list[bytes]) -> Reply:
        """What a command answers to another command of `client`; not counted."""
        command = self.find(argv)
        assert not isinstance(command, CommandError)
        return command.run(client, argv)

    def find(self, argv: list[bytes]) -> Command | CommandError:
        """The command that `argv` names; for one that has none, the error to answer."""
        word = argv[0].upper()
        prototype = self.prototypes.get(word) or self._from_module(word)
        if prototype is None:
            return CommandError(self.dialect.unknown_command(argv))
        if prototype.subcommands and len(argv) > 1:
            subcommand = prototype.subcommands.get(argv[1].upper())
            if subcommand is None:
                if self.dialect.queues_unknown_subcommands:
                    return self._command(prototype)  # which complains when it runs
                return CommandError(self.dialect.unknown_subcommand(argv))
            return self._command(subcommand)
        command = self._command(prototype)
        if not prototype.subcommands:
            self.table[word] = self.table[word.lower()] = command
        return command

    def _from_module(self, word: bytes) -> Prototype | None:
        """A command of a module whose commands nobody has asked for yet."""
        for module in self.modules:
            if word.startswith(module.prefixes):
                self._load(module)
        return self.prototypes.get(word)

    def _load(self, module: Module) -> None:
        if module.folder and module.folder not in self._folders:
            self._folders.add(module.folder)
            self.prototypes = {**self.prototypes, **module_table(self.dialect, module.folder)}  # type: ignore[arg-type]  # a class is hashable

    def every_prototype(self) -> Collection[Prototype]:
        """All commands, also those of modules."""
        for module in self.modules:
            self._load(module)
        return self.prototypes.values()

    def _command(self, prototype: Prototype) -> Command:
        """This server's own copy of a command, made when it is first called."""
        command = self._made.get(id(prototype))
        if command is None:
            command = self._made[id(prototype)] = Command(prototype)
        return command

    def subcommands(self, container: str) -> list[Prototype]:
        """What the dialect has below `container`."""
        return list(self.prototypes[container.encode()].subcommands.values())

    def prototype(self, name: bytes) -> Prototype | None:
        """The command with this name, which may be a subcommand's: `client|list`."""
        word, _, subcommand = name.upper().partition(b"|")
        found = self.prototypes.get(word) or self._from_module(word)
        return found.subcommands.get(subcommand) if found is not None and subcommand else found

    def called_commands(self) -> list[Command]:
        """The commands that were called at least once, with their counters."""
        return list(self._made.values())

    def _reject(self, client: Client, command: Command | None, error: CommandError) -> Reply:
        """Refuse a command before it runs; a transaction that was being queued will not run either."""
        if client.gate & gates.NEEDS_AUTH and (command is None or "no_auth" not in command.flags):
            error = CommandError(self.dialect.refused_without_authentication(error.message))
        if command is not None:
            command.rejected += 1
        if command is not None and command.name == "exec":
            client.discard()
            error = CommandError(f"EXECABORT Transaction discarded because of: {error.message.removeprefix('ERR ')}")
        elif client.gate & gates.IN_MULTI:
            client.queue_failed = True
        self._count(error)
        return client.filter_reply(error) if client.gate & gates.REPLY_OFF else error

    def _count(self, error: CommandError) -> CommandError:
        # A kept exception would keep the frames it was raised through.
        error.__traceback__ = error.__context__ = None
        code = error.message.partition(" ")[0]
        self.error_counts[code] = self.error_counts.get(code, 0) + 1
        return error

    def _gated(self, client: Client, command: Command, argv: list[bytes]) -> Reply:
        """A command that may not simply run; the checks stand in the order of processCommand."""
        gate = client.gate
        if gate == gates.IN_MULTI and command.is_queued and not self.gate:  # none of what follows is about it: x0.5
            client.queue.append((command, argv))
            return QUEUED
        if gate & gates.NEEDS_AUTH and "no_auth" not in command.flags:
            return self._reject(client, command, CommandError(errors.NOAUTH))
        if gate & gates.IN_MULTI and "protected" in command.flags and (refusal := self.config.refusal(command)):
            return self._reject(client, command, refusal)
        if gate & gates.IN_MULTI and "no_multi" in command.flags and self.dialect.denies_in_transactions:
            return self._reject(client, command, CommandError(self.dialect.denied_in_transaction(command.name)))
        if gate & gates.RESTRICTED and (refusal := self.acl.refusal(client, command, argv)) is not None:
            return self._reject(client, command, refusal)
        if self.gate & LIMITED and not self.gate & BUSY and self.eviction.refuses(client, command, argv):
            return self._reject(client, command, CommandError(errors.OOM))
        if self.gate & MISCONFIGURED and (refusal_text := self._misconfiguration(client, command, argv)):
            return self._reject(client, command, CommandError(refusal_text))
        if self.gate & REPLICA and (refusal_text := self.replication.refusal_to_write(client, command, argv)):
            return self._reject(client, command, CommandError(refusal_text))
        if gate & gates.SUBSCRIBED and command.name not in self.dialect.allowed_when_subscribed:
            return self._reject(client, command, CommandError(self.dialect.denied_when_subscribed(command.name)))
        if self.gate & REPLICA and (refusal_text := self.replication.refusal_to_read(client, command, argv)):
            return self._reject(client, command, CommandError(refusal_text))
        if self.gate & BUSY and "allow_busy" not in command.flags:
            return self._reject(client, command, CommandError(self.busy_text))
        if gate & gates.MONITORS and (denied := self.dialect.denied_to_monitors) and command.touches_keys:
            return self._reject(client, command, CommandError(denied))
        if self.gate & PAUSED and self._paused_for(client, command, argv):
            return self.blocking.postpone(client, command, argv)
        if gate & gates.IN_MULTI and command.name not in NOT_QUEUED:
            client.queue.append((command, argv))
            return client.filter_reply(QUEUED) if gate & gates.REPLY_OFF else QUEUED
        reply = (self._run_telling if self.gate & NOTIFIES else self.run)(client, command, argv)
        if client.gate & gates.REPLY_OFF and reply is not NO_REPLY and reply is not BLOCKED:
            return client.filter_reply(reply)
        return reply

    def _misconfiguration(self, client: Client, command: Command, argv: list[bytes]) -> str:
        """Why a command does not run that changes what could not be kept; empty: it does.  PING tells who watches the server."""
        if command.name == "ping" or any(
            each.changes_keys(self, line) for each, line in lines_of(client, command, argv)
        ):
            return str(self.files.misconfiguration())
        return ""

    def refuse_writes(self, refuse: bool) -> None:
        """Whether the files say that what is written cannot be kept."""
        self.gate = self.gate | MISCONFIGURED if refuse else self.gate & ~MISCONFIGURED

    def refuse(self, client: Client, argv: list[bytes], error: CommandError) -> Reply:
        """Answer a command with `error` instead of running it; a transaction that was being queued will not run either."""
        command = self.find(argv)
        return self._reject(client, command if isinstance(command, Command) else None, error)

    # Observers.

    def observe(self, observer: Observer) -> None:
        """Let `observer` see every command from now on."""
        self.observers.append(observer)
        self.observers.sort(key=lambda each: not each.interferes)
        self._place_observers()

    def forget_observer(self, observer: Observer) -> None:
        self.observers.remove(observer)
        self._place_observers()

    def _place_observers(self) -> None:
        """Put `call` and `run` of this server behind its observers: without any, the class's own are called."""
        self.__dict__.pop("call", None)
        self.__dict__.pop("run", None)
        self.gate = self.gate | OBSERVED if self.observers else self.gate & ~OBSERVED
        self.may_fail = any(observer.interferes for observer in self.observers)
        for observer in self.observers:
            if type(observer).call is not Observer.call:
                self.__dict__["call"] = partial(observer.call, proceed=self.call)
            if type(observer).run is not Observer.run:
                self.__dict__["run"] = partial(observer.run, proceed=self.run)

    @cached_property
    def monitors(self) -> Monitors:
        """The clients that said MONITOR."""
        return Monitors(self)

    @cached_property
    def stopwatch(self) -> Stopwatch:
        """How long commands take, as far as somebody wants to know."""
        stopwatch = Stopwatch()
        stopwatch.configure(self)
        return stopwatch

    @property
    def admits(self) -> bool:
        """Whether nobody refuses a new connection."""
        return all(observer.admits() for observer in self.observers)

    # A script that runs for too long.

    def step_aside(self, script: Any) -> None:
        """Called within a script every now and then: let others in for a moment, who hear BUSY or end the script."""
        told = self.unit_ms, self._teller, self._told_itself
        self._teller, self._told_itself = None, []
        self.busy_script = script
        self.gate |= BUSY
        depth = 0
        try:
            while True:
                self.lock.release()
                depth += 1
        except RuntimeError:  # it is free
            pass
        try:
            for poll in self._pollers:
                poll()
            time.sleep(STEP_ASIDE)
        finally:
            for _ in range(depth):
                self.lock.acquire()
            self.gate &= ~BUSY
            self.busy_script = None
            self.unit_ms, self._teller, self._told_itself = told

    def on_busy(self, poll: Callable[[], None]) -> None:
        """`poll` is called, without the lock and by the thread of the script, when a script steps aside."""
        self._pollers.append(poll)

    def forget_poller(self, poll: Callable[[], None]) -> None:
        self._pollers.remove(poll)

    @property
    def busy_text(self) -> str:
        return self.dialect.script_texts.busy.format(self.busy_script.kind)

    # CLIENT PAUSE.

    def pause(self, kind: int, milliseconds: int) -> None:
        """Hold commands back for a while; a pause during a pause can only make it longer and stricter."""
        self.gate |= kind
        self._paused_until = max(self._paused_until, self.clock.monotonic() + milliseconds / 1000)
        self.wake_drivers()

    def unpause(self) -> None:
        if self.gate & PAUSED:
            self.gate &= ~PAUSED
            self._paused_until = 0.0
            self.blocking.resume()

    @property
    def paused_milliseconds(self) -> int:
        """How long the pause still lasts; 0: there is none."""
        return max(0, int((self._paused_until - self.clock.monotonic()) * 1000)) if self.gate & PAUSED else 0

    @property
    def paused_actions(self) -> str:
        return "all" if self.gate & PAUSED_ALL else "write" if self.gate & PAUSED_WRITE else "none"

    def _paused_for(self, client: Client, command: Command, argv: list[bytes]) -> bool:
        if self.clock.monotonic() >= self._paused_until:
            self.unpause()
            return False
        if self.gate & PAUSED_ALL or command.writes(self, argv):
            return True
        return command.name == "exec" and any(queued.writes(self, queued_argv) for queued, queued_argv in client.queue)

    # Connections.

    def register(self, client: Client) -> int:
        """Take a new connection in; returns its id."""
        self._last_client_id += 1
        self.clients[self._last_client_id] = client
        return self._last_client_id

    @property
    def connections_received(self) -> int:
        """Since the start, or since the statistics were reset."""
        return self._last_client_id - self._clients_not_counted

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT."""
        for command in self.called_commands():
            command.forget()
        for db in self._databases.values():
            db.hits = db.misses = 0
        self.error_counts.clear()
        self.expired_keys = self.eviction.evicted_keys = 0
        self._clients_not_counted = self._last_client_id

    def saved(self, *, by_command: bool = True) -> None:
        """The databases were saved."""
        self.last_save = int(self.clock.time())
        self.dirty_when_saved = self.dirty
        self.saves += by_command

    def restart(self, *, keep_data: bool) -> None:
        """Begin again as after SHUTDOWN and a start: nothing is left but the data (not even that, unless it is kept),
        the functions that belong to it, and the configuration of the start."""
        for client in list(self.clients.values()):
            client.kill()
            client.disconnect()
        if self.stopwatch.running:
            self.forget_observer(self.stopwatch)
        del self.stopwatch
        self.tracking.reset()
        self.scripting = None
        if not keep_data:
            self.functions = None
            for db in self._databases.values():
                db.clear()
            if self.files is not None:
                self.files.start_over()
        self.config.reset()
        self.acl = Acl(self)
        self._configure()
        self.reset_statistics()
        self.gate &= ~PAUSED
        self.__dict__.pop("run_id", None)
        self.__dict__.pop("replication_id", None)
        self.started_ms = self.clock.time_ns() // 1_000_000
        self.last_save = self.started_ms // 1000
        self.saves = self.dirty = self.dirty_when_saved = 0

    def shut_down(self, save: bool = False) -> None:
        """SHUTDOWN: close every connection and tell the drivers; `save`: with the data on the disk.  Raises OSError."""
        if self.files is not None:
            self.files.close(save)
        self.connected = False
        if self.busy_script is not None:
            self.busy_script.kill()
        for client in list(self.clients.values()):
            client.kill()
            client.disconnect()
        for stop in self._stop:
            stop()

    def on_shutdown(self, stop: Callable[[], None]) -> None:
        """`stop` is called, under the lock, when a client shuts the server down."""
        self._stop.append(stop)

    def defer(self, action: Callable[[], None]) -> None:
        """Run `action` under the lock, soon: for finalizers, which may run inside a command and never take the lock."""
        self.deferred.append(action)

    def run_deferred(self) -> None:
        while self.deferred:
            self.deferred.popleft()()

    @property
    def requires_auth(self) -> bool:
        return not self.acl.lets_everybody_in

    # Databases.

    @property
    def databases(self) -> dict[int, Database]:
        """The databases that were used, by index."""
        return self._databases

    def database(self, index: int) -> Database:
        """Database `index`, which must be in range."""
        db = self._databases.get(index)
        if db is None:
            db = self._databases[index] = Database(self, index)
            db.listeners_changed()
            db.keep_account(bool(self.eviction.limit))
            if self.tracks_accesses:
                db.track_accesses(self.now_ms())
        return db

    def track_accesses(self, since_ms: int) -> None:
        """Every database remembers from now on when its keys are used (OBJECT IDLETIME, maxmemory-policy)."""
        self.tracks_accesses = True
        for db in self._databases.values():
            db.track_accesses(since_ms)

    def limit_memory(self, limit: int) -> None:
        """CONFIG SET maxmemory; 0: no limit.  From 7.0 on what is too much goes after the reply."""
        self.eviction.limit = limit
        self.gate = self.gate | LIMITED if limit else self.gate & ~LIMITED
        for db in self._databases.values():
            db.keep_account(bool(limit))
        self.eviction.due = bool(limit)
        if limit and self.dialect.config_set_evicts:
            self.eviction.make_room()
        self.wake_drivers()

    def follow(self, master: tuple[bytes, int] | None) -> None:
        """REPLICAOF; None: no one."""
        self.gate = self.gate & ~REPLICA if master is None else self.gate | REPLICA
        self.replication.follow(master)

    @property
    def lacks_memory(self) -> bool:
        """Whether a script that begins may not take memory."""
        return bool(self.gate & LIMITED) and self.eviction.out_of_memory

    def notify(self, db: Database, event: bytes, key: bytes, kind: int) -> None:
        """Publish a keyspace event, if `notify-keyspace-events` asks for its class."""
        if self.listener is not None:
            self.listener.happened(db, event, key)
        flags = self.notify_flags
        if flags & kind:
            if flags & KEYSPACE:
                self._publish(b"__keyspace@%d__:%s" % (db.index, key), event)
            if flags & KEYEVENT:
                self._publish(b"__keyevent@%d__:%s" % (db.index, event), key)

    def _publish(self, channel: bytes, message: bytes) -> None:
        for clients, push in self.pubsub.hearers(channel, message):
            for client in clients:
                if client is not self._teller:
                    client.push(push)
                elif client.transcript is not None and not self.dialect.pushes_follow_the_reply:
                    client.transcript.append(push)
                else:
                    self._told_itself.append(push)

    def listen(self, flags: int) -> None:
        """Publish the keyspace events of these classes from now on."""
        self.notify_flags = flags
        self.gate = self.gate | NOTIFIES if flags else self.gate & ~NOTIFIES
        for db in self._databases.values():
            db.listeners_changed()
        self.wake_drivers()

    def follow_with(self, listener: Listener | None) -> None:
        """From now on `listener`, who knows all keys, hears of every event; None: nobody."""
        self.listener = listener
        for db in self._databases.values():
            db.listeners_changed()

    def _run_telling(self, client: Client, command: Command, argv: list[bytes]) -> Reply:
        """`run`, while keyspace events are published: those that `client` itself hears stand beside its reply."""
        self._teller, told = client, self._told_itself
        try:
            reply = self.run(client, command, argv)
        finally:
            self._teller = None
        if not told:
            return reply
        self._told_itself = []
        return self.accompanied(client, reply, told, follow=self.dialect.pushes_follow_the_reply)

    @staticmethod
    def accompanied(client: Client, reply: Reply, told: list[Any], *, follow: bool) -> Reply:
        """The reply to a command of `client`, and what it is told of its own doings, before or behind it."""
        if client.transcript is not None:  # within EXEC
            client.pushes_after_exec += told
            return reply
        if reply is BLOCKED or reply is NO_REPLY:
            for message in told:
                client.push(message)
            return reply
        replies = reply if type(reply) is Messages else [reply]
        return Messages([*replies, *told] if follow else [*told, *replies])

    # Time.

    def now_ms(self) -> int:
        """Unix time in milliseconds; one execution unit sees one time."""
        if not self.unit_ms:
            self.unit_ms = self.clock.time_ns() // 1_000_000
        return self.unit_ms

    def has_passed(self, at_ms: int) -> bool:
        """Whether what is told to go at this Unix time in milliseconds goes at once."""
        return at_ms <= self.now_ms() and not self.loading

    def next_event(self) -> float | None:
        """When something next happens by itself, in the clock's monotonic seconds; a driver that waits calls `tick` then."""
        if self.gate & BUSY:
            return None
        moments = []
        if (turn := self.next_turn()) is not None:
            moments.append(turn)
        if self.gate & PAUSED:
            moments.append(self._paused_until)
        if self.eviction.due:
            moments.append(self.clock.monotonic())
        if (look := self.idle.next_look()) is not None:
            moments.append(look)
        volatile = [db for db in self._databases.values() if (db.expires or db.volatile) and self.active_expire]
        expiries = [at for db in volatile if (at := db.next_expiry()) is not None]
        if expiries:
            grain = FINE_GRAIN if self.tells_of_expiry else EXPIRY_GRAIN
            pause = max(min(expiries) / 1000 - self.clock.time(), 0.0) + grain
            moments.append(self.clock.monotonic() + pause)
        return min(moments, default=None)

    def next_turn(self) -> float | None:
        """When next a blocked client goes on because of the time: its own is up, a pause ends, an entry was pending for long enough."""
        if self.gate & BUSY:
            return None
        moments = []
        deadline = self.blocking.next_deadline()
        if deadline is not None:
            moments.append(deadline)
        if self.blocking.postponed:
            moments.append(self._paused_until)
        due = self.blocking.next_due()
        if due is not None:
            left = max(due * 1_000_000 - self.clock.time_ns(), 0) + 1000  # a sum of floats may be a little short
            moments.append(self.clock.monotonic() + left / 1e9)
        return min(moments, default=None)

    @property
    def tells_of_expiry(self) -> bool:
        """Whether `expired` events are published."""
        return bool(self.notify_flags & EXPIRED)

    @property
    def commands_run(self) -> int:
        """Since the statistics were reset."""
        return sum(command.calls for command in self.called_commands())

    def tick(self) -> None:
        """Do what is due: remove expired keys, answer blocked clients whose time is up, close idle ones."""
        if self.gate & BUSY:  # nothing happens by itself while a script runs
            return
        if self.clock.jumps:
            self.clock.jump()
        self.unit_ms = 0
        self.run_deferred()
        if self.active_expire:
            for db in self._databases.values():
                if db.expires or db.volatile:
                    db.expire_due()
        if self.eviction.due:
            self.eviction.make_room()
        if self.gate & PAUSED and self.clock.monotonic() >= self._paused_until:
            self.unpause()
        self.blocking.time_out()
        self.blocking.look_at_the_time()
        self.idle.close()
        if self.blocking.ready:
            self.blocking.serve()
        if self.tracking.prefixes:
            self.tracking.broadcast()

    def on_new_event(self, wake: Callable[[], None]) -> None:
        """`wake` is called, under the lock, whenever `next_event` may have become earlier."""
        self._drivers.append(wake)

    def forget_driver(self, wake: Callable[[], None]) -> None:
        self._drivers.remove(wake)

    def wake_drivers(self) -> None:
        for wake in self._drivers:
            wake()

    def clock_changed(self, before_ms: int) -> None:
        """Somebody moved the clock, which read `before_ms` until then."""
        with self.lock:
            # What was used up to now counts as used then: idle times are exact where time stood still or was moved far.
            self.track_accesses(before_ms)
            self.tick()
            self.wake_drivers()
            for client in list(self.blocking.clients):
                client.look_again()

    def check(self) -> None:
        """Raise AssertionError if something contradicts itself."""
        for db in self._databases.values():
            db.check()
        self.blocking.check()
        self.pubsub.check()

    def close(self) -> None:
        """The end: let go of everything, so that reference counting can free it."""
        self.run_deferred()
        for client in list(self.clients.values()):
            client.kill()
            client.disconnect()
        if self.files is not None:
            self.files.let_go()
        if self.observers:
            self.observers.clear()
            self._place_observers()
        self._databases.clear()
        self.scripting = self.functions = None
        self.__dict__.pop("monitors", None)
        self.__dict__.pop("pubsub", None)
        self.__dict__.pop("blocking", None)
        self.__dict__.pop("tracking", None)
        self.__dict__.pop("eviction", None)
        self.__dict__.pop("replication", None)
        self.__dict__.pop("config", None)
        self.__dict__.pop("acl", None)


# Why commands may not simply run, whoever sends them: the bits of `Server.gate`.
PAUSED_WRITE = 1
PAUSED_ALL = 2
PAUSED = PAUSED_WRITE | PAUSED_ALL
BUSY = 8  # a script runs for too long
LIMITED = 16  # there is a maxmemory
OBSERVED = 32  # `run` is not to be passed by
REPLICA = 256  # it follows another server
MISCONFIGURED = 512  # what is written cannot be kept
NOTIFIES = 4  # not a reason to wait, but nobody should pay for it who does not listen

STEP_ASIDE = 0.001
"""Seconds for which a script that runs for too long lets other threads in, each time."""
EXPIRY_GRAIN = 0.1
"""Seconds between two sweeps for expired keys that nobody asks for, as with Redis's default hz of 10."""
FINE_GRAIN = 0.001
"""The same while somebody listens to `expired` events: a key is gone when its millisecond is over."""
