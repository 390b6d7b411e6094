"""Who may do what: the users of one server, the check before a command runs, and the log of what was refused.

Nearly every client is the default user, who may do everything; nothing here is asked then.  A client whose user may not
has the bit RESTRICTED in its gate.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from redouble.core import client as gates
from redouble.core.acl_file import read_users, write_users
from redouble.core.acl_rules import READ, WRITE, RuleError, Selector, User, hash_password, merge_selectors
from redouble.core.client_info import client_line
from redouble.core.errors import CommandError, text
from redouble.core.key_specs import KeySpec, key_places, key_specs

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.command import Command
    from redouble.core.server import Server
    from redouble.dialects import Dialect, Module

__all__ = ["Acl", "Denial", "LogEntry"]

GROUPING_MS: Final = 60_000
"""What is refused again within this time is counted where it was noted first."""
ENTRIES_COMPARED: Final = 10

_RANKS: Final = ("database", "command", "key", "auth", "channel")
"""When several selectors refuse for different reasons, the last of these is told."""
_CHANNELS: Final = {
    "subscribe": slice(1, None),
    "psubscribe": slice(1, None),
    "ssubscribe": slice(1, None),
    "publish": slice(1, 2),
    "spublish": slice(1, 2),
}
"""Where the channels of a command are; those of PSUBSCRIBE are patterns."""
_DATABASES: Final = {"select": [1], "swapdb": [1, 2], "move": [2]}
"""Where commands name databases; COPY does so behind the word DB."""
_WHY: Final = {
    "command": "no permission to execute the command or subcommand",
    "key": "no permission to touch the specified keys",
    "channel": "no permission to access one of the channels used as arguments",
    "database": "no permission",
}
_NEEDS: Final = {"access": READ, "insert": WRITE, "delete": WRITE, "update": WRITE}


@dataclass(frozen=True)
class Denial:
    """Why a command may not run: `command`, `key`, `channel` or `database`, and which argument tells (0: none)."""

    reason: str
    at: int = 0


@dataclass
class LogEntry:
    """Something that was refused, once or several times in a row; times are Unix milliseconds."""

    number: int
    reason: str
    context: str
    object: bytes
    username: bytes
    client_info: str
    created_ms: int
    updated_ms: int
    count: int = 1


@functools.cache
def _first_user(dialect: type[Dialect], modules: tuple[Module, ...]) -> User:
    user = User(b"default", dialect, modules)
    for rule in (b"+@all", b"~*", b"on", b"nopass"):
        user.apply(rule, True)
    if dialect.acl.knows_channels:
        user.apply(b"allchannels", True)
    return user


class Acl:
    """The users of one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.facts = server.dialect.acl
        self.default = self.first_user()
        self.users: dict[bytes, User] = {b"default": self.default}
        self.log: deque[LogEntry] = deque()
        self.noted = 0
        self.denied: dict[str, int] = {}
        """How often something was refused, by reason, for INFO."""

    # Users.

    @property
    def channels_allowed(self) -> bool:
        """What acl-pubsub-default gives to new users."""
        return self.facts.knows_channels and self.server.config.values["acl-pubsub-default"] == b"allchannels"

    def first_user(self) -> User:
        """The default user as it is at first, who may do everything and needs no password."""
        return _first_user(self.server.dialect, self.server.modules).copy()  # type: ignore[arg-type]  # a class is hashable

    def new_user(self, name: bytes) -> User:
        """A user who may do nothing yet, and is not one of the server's."""
        user = User(name, self.server.dialect, self.server.modules)
        if self.channels_allowed:
            user.root.all_channels = True
        return user

    def change(self, name: bytes, rules: Iterable[bytes], caller: Client | None = None) -> None:
        """ACL SETUSER of `caller`: all the rules, or a CommandError and none of them."""
        if b" " in name or b"\0" in name:
            raise CommandError("ERR Usernames can't contain spaces or null characters")
        rules = list(rules)
        if self.facts.knows_selectors:
            try:
                rules = merge_selectors(rules, self.facts)
            except RuleError as error:
                raise CommandError(f"ERR {error}") from None
        user = self.users.get(name)
        changed = self.new_user(name) if user is None else user.copy()
        for rule in rules:
            try:
                changed.apply(rule, self.channels_allowed)
            except RuleError as error:
                raise CommandError(f"ERR Error in ACL SETUSER modifier '{text(rule)}': {error}") from None
        if user is None:
            self.users[name] = changed
        else:
            user.become(changed)
            self._changed(user, caller)

    def replace(self, users: dict[bytes, User], caller: Client | None) -> None:
        """ACL LOAD: these are the users from now on; the clients of those that are gone or may hear less are closed."""
        self.default.become(users[b"default"])
        before, self.users = self.users, {**users, b"default": self.default}
        for name, old in before.items():
            user = self.users.get(name)
            for client in self.clients_of(old):
                if user is None or (self.facts.loading_closes_connections and user is not self.default):
                    self._close(client, caller)
                else:
                    client.user = user
            if user is not None:
                self._changed(user, caller)

    def remove(self, names: Iterable[bytes], caller: Client) -> int:
        """ACL DELUSER: forget users and close their connections; returns how many there were."""
        names = list(names)
        if b"default" in names:
            raise CommandError("ERR The 'default' user cannot be removed")
        found = [self.users.pop(name) for name in dict.fromkeys(names) if name in self.users]
        for user in found:
            for client in self.clients_of(user):
                self._close(client, caller)
        return len(found)

    def require_password(self, password: bytes) -> None:
        """What CONFIG SET requirepass makes of the default user."""
        self.default.apply(b"resetpass", True)
        if password:
            self.default.passwords[hash_password(password)] = None
        else:
            self.default.needs_no_password = True
        self._changed(self.default, None)

    @property
    def lets_everybody_in(self) -> bool:
        """Whether a new connection needs no password."""
        return self.default.enabled and self.default.needs_no_password

    def clients_of(self, user: User) -> Iterator[Client]:
        return (client for client in list(self.server.clients.values()) if client.user is user)

    def _changed(self, user: User, caller: Client | None) -> None:
        """After a change of what a user may do: it holds for who is there already, and may end subscriptions."""
        for client in self.clients_of(user):
            client.permissions_changed()
            if client.listens and not self._may_go_on_listening(client):
                self._close(client, caller)
        if user is self.default:
            for client in self.server.clients.values():
                client.authentication_changed()

    @staticmethod
    def _may_go_on_listening(client: Client) -> bool:
        selectors = client.user.selectors
        heard = [(name, False) for name in (*client.channels, *client.shard_channels)]
        heard += [(name, True) for name in client.patterns]
        return all(
            any(selector.allows_channel(name, is_pattern=is_pattern) for selector in selectors)
            for name, is_pattern in heard
        )

    def _close(self, client: Client, caller: Client | None) -> None:
        """End a connection whose user is gone; the caller still gets the reply, unless it is that of EXEC."""
        client.log_in(self.default, authenticated=False)
        if client is caller and client.transcript is None:
            client.closing = True
        else:
            client.kill()
            client.disconnect()

    def authenticate(self, client: Client, word: bytes, username: bytes, password: bytes) -> None:
        """AUTH and HELLO AUTH, whichever `word` says.  Raises CommandError."""
        user = self.users.get(username)
        if user is None or not user.admits(password):
            context = "toplevel" if client.transcript is None else "multi"
            self.note(client, "auth", context, word, username)
            raise CommandError(self.server.dialect.wrong_password)
        client.log_in(user, authenticated=True)

    # Where users are kept.

    @property
    def _file(self) -> str:
        path = self.server.config.text("aclfile")
        if not path:
            product = "Redis " if self.server.dialect.name == "redis" else ""
            raise CommandError(
                f"ERR This {product}instance is not configured to use an ACL file. You may want to specify users via the"
                f" ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a {product}configuration file"
                f" set) in order to store users in the {product}configuration."
            )
        return path

    def load(self, caller: Client | None) -> None:
        """ACL LOAD: the users of the file, or a CommandError and those that there were."""
        self.replace(read_users(self, self._file), caller)

    def save(self) -> None:
        """ACL SAVE."""
        write_users([user for _, user in sorted(self.users.items())], self._file)

    def start(self, lines: Iterable[str]) -> None:
        """The users of the configuration: the ACL file's, or one for each line, `alice on >secret ~*`.  Raises ValueError."""
        lines = list(lines)
        has_file = bool(self.server.config.values["aclfile"])
        if lines and has_file:
            raise ValueError("users stand in the configuration or in an ACL file, not in both")
        named: set[bytes] = set()
        try:
            if has_file:
                self.load(None)
            for line in lines:
                name, *rules = line.encode().split() or [b""]
                if name in named:
                    raise ValueError(f"user {text(name)}: is defined twice")
                named.add(name)
                if name == b"default":
                    rules.insert(0, b"reset")
                self.change(name, rules)
        except CommandError as error:
            raise ValueError(error.message.removeprefix("ERR ")) from None

    # May this run?

    def denial(self, user: User, command: Command, argv: list[bytes], database: int) -> Denial | None:
        """Why `user` may not run this, in database `database`; None: nothing is against it."""
        chosen = Denial("database" if self.facts.knows_databases else "command")
        for selector in user.selectors:
            found = self._denial(selector, command, argv, database)
            if found is None:
                return None
            rank = _RANKS.index(found.reason) - _RANKS.index(chosen.reason)
            if rank > 0 or (rank == 0 and found.at > chosen.at):
                chosen = found
        return chosen

    def _denial(self, selector: Selector, command: Command, argv: list[bytes], database: int) -> Denial | None:
        if not selector.all_databases:
            at = self._forbidden_database(selector, command, argv, database)
            if at is not None:
                return Denial("database", at)
        name = self._name(command)
        exempt = "no_auth" in command.flags and (name != "hello" or self.facts.always_allows_hello)
        if not exempt and not selector.allows(name):
            words = selector.first_arguments.get(name)
            if words is None or len(argv) < 2 or argv[1].lower() not in map(bytes.lower, words):
                return Denial("command")
        if not selector.all_keys:
            for at, flags in self._key_places(command, argv):
                needed = 0
                for flag in flags:
                    needed |= _NEEDS.get(flag, 0)
                if not selector.allows_key(argv[at], needed if self.facts.knows_selectors else 0):
                    return Denial("key", at)
        if not selector.all_channels and (places := _CHANNELS.get(name)) is not None:
            for at, channel in enumerate(argv[places], 1):
                if not selector.allows_channel(channel, is_pattern=name == "psubscribe"):
                    return Denial("channel", at)
        return None

    def _forbidden_database(self, selector: Selector, command: Command, argv: list[bytes], database: int) -> int | None:
        """Which argument names a database that the selector does not allow; 0: it is the one that the command works on."""
        name = command.name
        if name == "flushall":
            return 0
        places = _DATABASES.get(name, ())
        if name == "copy":
            places = [i + 1 for i in range(3, len(argv) - 1) if argv[i].upper() == b"DB"][-1:]
        numbers = [_number(argv[at]) for at in places if at < len(argv)]
        if None not in numbers:
            for at, number in zip(places, numbers):
                if number not in selector.databases and number in range(self.server.config.databases):
                    return at
        if name in ("select", "swapdb") or database in selector.databases:
            return None
        touches = {"keyspace", "read", "write"} & selector.known.categories[name] or self._key_specs(command)
        return 0 if touches else None

    def _name(self, command: Command) -> str:
        """What rules call a command."""
        return command.name.lower() if self.facts.knows_subcommands else command.name.partition("|")[0]

    def _key_places(self, command: Command, argv: list[bytes]) -> list[tuple[int, tuple[str, ...]]]:
        specs = self._key_specs(command)
        if not specs:
            return []
        return key_places(command.name, specs, argv, self.server.dialect.comparing_reads) or []

    @staticmethod
    def _key_specs(command: Command) -> tuple[KeySpec, ...]:
        specs = key_specs(command.name, command.declaration.nodes, command.declaration.keys)
        return () if specs and "not_key" in specs[0].flags else specs

    def reads_everything(self, client: Client, command: Command, argv: list[bytes]) -> bool:
        """Whether a selector that allows the command allows to read any key (SORT BY and GET)."""
        return any(
            selector.allows_any_key(READ) and self._denial(selector, command, argv, client.db.index) is None
            for selector in client.user.selectors
        )

    # Refusing.

    def refusal(self, client: Client, command: Command, argv: list[bytes]) -> CommandError | None:
        """What `client` hears who may not run this now, or queue it."""
        in_multi = client.gate & gates.IN_MULTI
        denial = self.denial(client.user, command, argv, _database_of_queue(client) if in_multi else client.db.index)
        if denial is None:
            return None
        client.command = command
        self._note_denial(client, denial, "multi" if in_multi else "toplevel", command, argv)
        name = text(client.user.name)
        return CommandError(f"NOPERM {self.server.dialect.no_permission(name, self._name(command), denial.reason)}")

    def refusal_of_exec(self, client: Client, command: Command, argv: list[bytes]) -> CommandError | None:
        """The same for a command that was queued, and what its user may do has changed since."""
        denial = self.denial(client.user, command, argv, client.db.index)
        if denial is None or (denial.reason == "key" and not self.facts.looks_at_keys_of_exec):
            return None
        self._note_denial(client, denial, "multi", command, argv)
        return CommandError(
            "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call."
            f" This command is no longer allowed for the following reason: {_WHY[denial.reason]}"
        )

    def refusal_of_script(
        self, caller: Client, command: Command, argv: list[bytes], database: int
    ) -> CommandError | None:
        """The same for a command of a script that `caller` runs."""
        denial = self.denial(caller.user, command, argv, database)
        if denial is None:
            return None
        self._note_denial(caller, denial, "lua", command, argv)
        name = text(caller.user.name)
        return CommandError(self.server.dialect.script_has_no_permission(name, self._name(command), denial.reason))

    # The log.

    def _note_denial(self, client: Client, denial: Denial, context: str, command: Command, argv: list[bytes]) -> None:
        refused = argv[denial.at] if denial.at else self._name(command).encode()
        self.note(client, denial.reason, context, refused, client.user.name)

    def note(self, client: Client, reason: str, context: str, object: bytes, username: bytes) -> None:
        """Write down that something was refused."""
        now = self.server.now_ms()
        self.denied[reason] = self.denied.get(reason, 0) + 1
        for at, entry in enumerate(self.log):
            if at == ENTRIES_COMPARED:
                break
            if (
                (entry.reason, entry.context, entry.object, entry.username) == (reason, context, object, username)
                and now - entry.updated_ms <= GROUPING_MS
            ):  # fmt: skip
                entry.client_info, entry.updated_ms, entry.count = client_line(client), now, entry.count + 1
                del self.log[at]
                self.log.appendleft(entry)
                return
        entry = LogEntry(self.noted, reason, context, object, username, client_line(client), now, now)
        self.noted += 1
        self.log.appendleft(entry)
        longest = self.server.config.number("acllog-max-len")
        while len(self.log) > longest:
            self.log.pop()


def _number(argument: bytes) -> int | None:
    try:
        return int(argument)
    except ValueError:
        return None


def _database_of_queue(client: Client) -> int:
    """Where a command will run that is queued now."""
    for command, argv in reversed(client.queue):
        if command.name == "select" and (number := _number(argv[1])) is not None:
            return number
    return client.db.index
