"""Commands about the connection itself: handshake, authentication, and CLIENT with its subcommands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from redouble.core import client as gates
from redouble.core import errors
from redouble.core.arguments import INT64_MAX, integer, integer_in
from redouble.core.client import Client
from redouble.core.client_info import client_flags, client_line, client_type
from redouble.core.command import Argv, command, container
from redouble.core.errors import CommandError
from redouble.core.server import PAUSED_ALL, PAUSED_WRITE
from redouble.core.tracking import Tracked
from redouble.resp.reply import NO_REPLY, OK, PONG, Members, Messages, Reply, Status, Verbatim

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1


@command(
    "PING [message]",
    flags="fast stale@before:7.0.0",
    since="1.0.0",
)
def ping(client: Client, argv: Argv) -> Reply:
    """Answer PONG, or the message."""
    if len(argv) > 2:
        raise errors.wrong_arity(client.command.name)
    if client.resp == 2 and (client.subscriptions or client.shard_channels):
        return [b"pong", argv[1] if len(argv) == 2 else b""]
    return argv[1] if len(argv) == 2 else PONG


@command("ECHO message", flags="loading@7.0.0 stale@7.0.0 fast readonly@before:6.2.0", since="1.0.0")
def echo(client: Client, argv: Argv) -> Reply:
    """Answer the message."""
    return argv[1]


@command("SELECT index", flags="loading stale fast allow_busy@valkey=9.0.0", since="1.0.0")
def select(client: Client, argv: Argv) -> Reply:
    """Change the database that this connection works on."""
    dialect = client.server.dialect
    index = integer(argv[1], dialect.select_nothing)
    if dialect.select_wraps:
        index = (index + 2**31) % 2**32 - 2**31
    if not INT32_MIN <= index <= INT32_MAX:
        raise CommandError(f"ERR value is out of range, value must between {INT32_MIN} and {INT32_MAX}")
    if not 0 <= index < client.server.config.databases:
        raise CommandError(errors.DB_OUT_OF_RANGE)
    client.db = client.server.database(index)
    return OK


@command("QUIT", flags="noscript loading stale fast no_auth allow_busy", since="1.0.0", arity=-1)
def quit_(client: Client, argv: Argv) -> Reply:
    """Close this connection, after its OK."""
    client.closing = True
    return OK


@command("RESET", flags="noscript loading stale fast no_auth@7.0.0 allow_busy", since="6.2.0")
def reset(client: Client, argv: Argv) -> Reply:
    """Make this connection what it was when it was new."""
    server = client.server
    client.db = server.database(0)
    client.resp = 2
    server.pubsub.unsubscribe_all(client)
    client.discard()
    client.name = b""
    client.log_in(server.acl.default, authenticated=server.acl.lets_everybody_in)
    client.replies, client.skip_reply = True, 0
    client.gate &= ~gates.REPLY_OFF
    client.stop_monitoring()
    server.tracking.disable(client)
    client.no_touch = False
    if server.dialect.reset_ends_no_evict:
        client.no_evict = False
    return Status(b"RESET")


def refuse_browser(client: Client, argv: Argv) -> Reply:
    """Close the connection of a browser that was made to talk to this port."""
    client.closing = True
    return NO_REPLY


for word in ("HOST:", "POST"):
    command(word, flags="loading stale readonly", since="1.0.0", until="7.0.0", arity=-1, group="server")(
        refuse_browser
    )


# Authentication.


@command(
    "AUTH [username] password",
    flags="noscript loading stale fast no_auth allow_busy skip_monitor@before:6.2.0 skip_slowlog@before:6.2.0",
    since="1.0.0",
)
def auth(client: Client, argv: Argv) -> Reply:
    """Prove who this connection speaks for."""
    if len(argv) > 3:
        raise CommandError(errors.SYNTAX_ERROR)
    acl = client.server.acl
    if len(argv) == 2 and acl.default.needs_no_password:
        raise CommandError(
            "ERR AUTH <password> called without any password configured for the default user."
            " Are you sure your configuration is correct?"
        )
    acl.authenticate(client, argv[0], argv[1] if len(argv) == 3 else b"default", argv[-1])
    return OK


@command(
    "HELLO [protover [AUTH username password] [SETNAME clientname]]",
    flags="noscript loading stale fast no_auth allow_busy",
    since="6.0.0",
)
def hello(client: Client, argv: Argv) -> Reply:
    """Choose the protocol, and say who calls; answers who serves."""
    server = client.server
    protocol = client.resp
    if len(argv) > 1:
        protocol = integer(argv[1], server.dialect.hello_without_number)
        if protocol not in (2, 3):
            raise CommandError(errors.NOPROTO)
    credentials, name = None, None
    at_once = server.dialect.hello_acts_at_once
    i = 2
    while i < len(argv):
        word, left = argv[i].upper(), len(argv) - i - 1
        if word == b"AUTH" and left >= 2:
            credentials = argv[i + 1], argv[i + 2]
            if at_once:
                server.acl.authenticate(client, argv[0], *credentials)
            i += 3
        elif word == b"SETNAME" and left >= 1:
            name = argv[i + 1]
            check_attribute(name, "Client names")
            if at_once:
                client.name = name
            i += 2
        else:
            raise CommandError(f"ERR Syntax error in HELLO option '{errors.text(argv[i])}'")
    if credentials is not None and not at_once:
        server.acl.authenticate(client, argv[0], *credentials)
    if client.gate & gates.NEEDS_AUTH:
        raise CommandError(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the"
            f" {server.dialect.hello_with_auth} option can be used to authenticate the client"
            " and select the RESP protocol version at the same time"
        )
    if name is not None:
        client.name = name
    client.resp = protocol
    client.subscriptions_changed()
    dialect = server.dialect
    answer: dict[bytes, Reply] = {
        b"server": dialect.hello_name,
        b"version": b"%d.%d.%d" % dialect.version,
        **({b"dfly_version": dialect.release} if dialect.release else {}),
        b"proto": protocol,
        b"id": client.id,
        b"mode": b"standalone",
        b"role": b"master" if server.replication.master is None else b"replica",
        b"modules": [module.describe() for module in server.modules],
    }
    if zone := server.config.values.get("availability-zone"):
        answer[b"availability_zone"] = zone
    return answer


# Later declarations win: until 6.2 it had to be told the protocol.
command(
    "HELLO protover [AUTH username password] [SETNAME clientname]",
    flags="noscript loading stale fast no_auth allow_busy skip_monitor skip_slowlog",
    since="6.0.0",
    until="6.2.0",
)(hello)


def check_attribute(value: bytes, what: str) -> None:
    """Names of clients and libraries are printable and have no spaces: CLIENT LIST is read by words."""
    if value and (min(value) < ord("!") or max(value) > ord("~")):
        raise CommandError(f"ERR {what} cannot contain spaces, newlines or special characters.")


# CLIENT.

container("CLIENT", since="2.4.0")

SETTING: Final = "noscript loading stale allow_busy@valkey=9.0.0"
"""Flags of the subcommands that are about the caller alone, which a busy Valkey 9 still answers."""
ADMIN: Final = "admin noscript loading stale"


@command("CLIENT ID", flags=SETTING, since="5.0.0")
def client_id(client: Client, argv: Argv) -> Reply:
    """The number of this connection, which no other ever has."""
    return client.id


@command("CLIENT GETNAME", flags=SETTING, since="2.6.9")
def client_getname(client: Client, argv: Argv) -> Reply:
    """The name of this connection."""
    return client.name or None


@command(
    "CLIENT SETNAME connection-name",
    flags=SETTING,
    since="2.6.9",
)
def client_setname(client: Client, argv: Argv) -> Reply:
    """Give this connection a name; an empty one takes it away."""
    check_attribute(argv[2], "Client names")
    client.name = argv[2]
    return OK


@command(
    "CLIENT SETINFO <LIB-NAME libname | LIB-VER libver>",
    flags=SETTING,
    since="7.2.0",
)
def client_setinfo(client: Client, argv: Argv) -> Reply:
    """Say which client library calls, and its version."""
    _, _, attribute, value = argv
    word = attribute.upper()
    if word not in (b"LIB-NAME", b"LIB-VER"):
        raise CommandError(f"ERR Unrecognized option '{errors.text(attribute)}'")
    check_attribute(value, errors.text(attribute))
    if word == b"LIB-NAME":
        client.lib_name = value
    else:
        client.lib_version = value
    return OK


@command("CLIENT CAPA capability [capability ...]", flags=SETTING, since="valkey=8.0.0")
def client_capa(client: Client, argv: Argv) -> Reply:
    """Say what this client can do (REDIRECT: it follows a redirection to another server); unknown words are no error."""
    if any(word.upper() == b"REDIRECT" for word in argv[2:]):
        client.capabilities = b"r"
    return OK


@command("CLIENT IMPORT-SOURCE <ON | OFF>", flags="noscript loading stale", since="valkey=8.1.0")
def client_import_source(client: Client, argv: Argv) -> Reply:
    """Mark this connection as one that imports data; only in import mode."""
    if client.server.config.values["import-mode"] != b"yes":
        raise CommandError("ERR Server is not in import mode")
    client.import_source = on_or_off(argv[2])
    return OK


def on_or_off(word: bytes) -> bool:
    if word.upper() not in (b"ON", b"OFF"):
        raise CommandError(errors.SYNTAX_ERROR)
    return word.upper() == b"ON"


@command("CLIENT NO-EVICT <ON | OFF>", flags="admin " + SETTING, since="7.0.0")
def client_no_evict(client: Client, argv: Argv) -> Reply:
    """Spare this connection when clients are closed to save memory."""
    client.no_evict = on_or_off(argv[2])
    return OK


@command("CLIENT NO-TOUCH <ON | OFF>", flags=SETTING, since="7.2.0")
def client_no_touch(client: Client, argv: Argv) -> Reply:
    """Let what this connection reads not count as use of the keys."""
    client.no_touch = on_or_off(argv[2])
    return OK


@command(
    "CLIENT REPLY <ON | OFF | SKIP>",
    flags=SETTING + " no_multi@valkey=9.0.0",
    since="3.2.0",
)
def client_reply(client: Client, argv: Argv) -> Reply:
    """Switch the answers to this connection off and on, or skip the next one."""
    word = argv[2].upper()
    if word == b"ON":
        client.replies, client.skip_reply = True, 0
        client.gate &= ~gates.REPLY_OFF
        return OK
    if word == b"OFF":
        client.replies = False
    elif word == b"SKIP":
        client.skip_reply = 1 if client.replies else 0
    else:
        raise CommandError(errors.SYNTAX_ERROR)
    client.gate |= gates.REPLY_OFF
    return NO_REPLY


# CLIENT INFO, LIST and KILL.


def client_lines(clients: Iterable[Client]) -> Verbatim:
    return Verbatim("".join(f"{client_line(each)}\n" for each in clients).encode("utf-8", "surrogateescape"))


@command("CLIENT INFO", flags="noscript loading stale", since="6.2.0")
def client_info(client: Client, argv: Argv) -> Reply:
    """All there is to know about this connection, in one line."""
    return client_lines([client])


NEW_FILTERS: Final = (
    "NAME IDLE FLAGS LIB-NAME LIB-VER DB CAPA IP NOT-TYPE NOT-ID NOT-USER NOT-ADDR NOT-LADDR NOT-NAME NOT-FLAGS"
    " NOT-LIB-NAME NOT-LIB-VER NOT-DB NOT-CAPA NOT-IP"
)
"""What CLIENT LIST and KILL of Valkey 9 also choose by."""


@dataclass
class Filter:
    """The conditions of one CLIENT KILL or LIST: a client must meet each of them."""

    conditions: list[Callable[[Client], bool]] = field(default_factory=list)
    skip_me: bool = True

    def chosen(self, client: Client) -> list[Client]:
        """The clients of `client`'s server that meet the conditions."""
        return [
            other
            for other in list(client.server.clients.values())
            if not (self.skip_me and other is client) and all(meets(other) for meets in self.conditions)
        ]


def parse_filter(client: Client, argv: Argv, start: int, skip_me: bool) -> Filter:
    """The filters from argv[start] on; each value is checked when it is read."""
    chosen = Filter(skip_me=skip_me)
    dialect = client.server.dialect
    i = start
    while i < len(argv):
        word = argv[i].decode("latin-1").upper()
        negated = word.startswith("NOT-") and word not in ("NOT-SKIPME", "NOT-MAXAGE", "NOT-IDLE")
        name = word.removeprefix("NOT-") if negated else word
        if word not in dialect.client_filters:
            raise CommandError(errors.SYNTAX_ERROR)
        if name == "ID" and dialect.several_client_ids:
            ids, i = _client_ids(argv, i + 1)
            condition = _one_of(ids)
        else:
            if i + 1 >= len(argv):
                raise CommandError(errors.SYNTAX_ERROR)
            value = argv[i + 1]
            i += 2
            if name == "SKIPME":
                if value.upper() not in (b"YES", b"NO"):
                    raise CommandError(errors.SYNTAX_ERROR)
                chosen.skip_me = value.upper() == b"YES"
                continue
            condition = _condition(client, name, value)
        chosen.conditions.append(_not(condition) if negated else condition)
    return chosen


def _client_ids(argv: Argv, i: int) -> tuple[set[int], int]:
    """The numbers from argv[i] on, and where they end."""
    ids = set()
    while i < len(argv):
        try:
            number = integer(argv[i])
        except CommandError:
            break
        if number < 1:
            raise CommandError("ERR client-id should be greater than 0")
        ids.add(number)
        i += 1
    return ids, i


def _one_of(ids: set[int]) -> Callable[[Client], bool]:
    return lambda other: other.id in ids


def _not(condition: Callable[[Client], bool]) -> Callable[[Client], bool]:
    return lambda other: not condition(other)


def _condition(client: Client, name: str, value: bytes) -> Callable[[Client], bool]:
    text = errors.text(value)
    if name == "ID":
        if client.server.dialect.checks_client_ids:
            number = integer_in(value, 1, INT64_MAX, "ERR client-id should be greater than 0")
        else:
            number = integer(value)
        return lambda other: other.id == number
    if name == "TYPE":
        kind = _type_called(client, value)
        return lambda other: client_type(other) == kind
    if name in ("MAXAGE", "IDLE"):
        seconds = integer(value, f"ERR {name.lower()} is not an integer or out of range")
        if seconds <= 0:
            raise CommandError(f"ERR {name.lower()} should be greater than 0")
        now = client.server.clock.time()
        if name == "MAXAGE":
            return lambda other: now - other.created >= seconds
        return lambda other: now - other.last_interaction >= seconds
    if name == "USER":
        user = client.server.acl.users.get(value)
        if user is None:
            raise CommandError(f"ERR No such user '{text}'")
        return lambda other: other.user is user
    if name == "FLAGS":
        if not set(text) <= set("OSMPxbtRBdcuAUreTIEN"):
            raise CommandError(f"ERR Unknown flags found in the provided filter: {text}")
        return lambda other: set(text) <= set(client_flags(other))
    if name == "CAPA":
        if not set(text) <= set("r"):
            raise CommandError(f"ERR Unknown capa found in the provided filter: {text}")
        return lambda other: set(text) <= set(errors.text(other.capabilities))
    if name == "DB":
        index = integer(value, "ERR DB is not an integer or out of range")
        last = client.server.config.databases - 1
        if not 0 <= index <= last:
            raise CommandError(f"ERR DB number should be between 0 and {last}")
        return lambda other: other.db.index == index
    if name == "IP":
        return lambda other: other.address.rpartition(":")[0] == text
    attribute = {
        "ADDR": "address",
        "LADDR": "local_address",
        "NAME": "name",
        "LIB-NAME": "lib_name",
        "LIB-VER": "lib_version",
    }[name]
    wanted = text if name in ("ADDR", "LADDR") else value
    return lambda other: getattr(other, attribute) == wanted


def _type_called(client: Client, name: bytes) -> bytes:
    kind = name.lower()
    if kind not in client.server.dialect.client_types:
        raise CommandError(f"ERR Unknown client type '{errors.text(name)}'")
    return kind


@command(
    "CLIENT LIST [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]] [USER username]"
    " [ADDR addr] [LADDR laddr] [SKIPME <YES | NO>] [MAXAGE maxage]"
    " [NAME name] [IDLE idle] [FLAGS flags] [LIB-NAME lib-name] [LIB-VER lib-ver] [DB db] [CAPA capa] [IP ip]"
    " [NOT-TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [NOT-ID not-client-id [not-client-id ...]]"
    " [NOT-USER not-username] [NOT-ADDR not-addr] [NOT-LADDR not-laddr] [NOT-NAME not-name] [NOT-FLAGS not-flags]"
    " [NOT-LIB-NAME not-lib-name] [NOT-LIB-VER not-lib-ver] [NOT-DB not-db] [NOT-CAPA not-capa] [NOT-IP not-ip]",
    flags=ADMIN,
    since="2.4.0",
    since_option={
        "TYPE": "5.0.0",
        "ID": "6.2.0",
        **dict.fromkeys(["USER", "ADDR", "LADDR", "SKIPME", "MAXAGE"], "valkey=8.1.0"),
        **dict.fromkeys(NEW_FILTERS.split(), "valkey=9.0.0"),
    },
)
def client_list(client: Client, argv: Argv) -> Reply:
    """The connections, a line for each, in the order in which they came."""
    if client.server.dialect.several_client_ids:  # the one parser of Valkey's LIST and KILL
        if len(argv) == 3:
            raise CommandError(errors.SYNTAX_ERROR)
        return client_lines(parse_filter(client, argv, 2, skip_me=False).chosen(client))
    clients = client.server.clients
    if len(argv) == 4 and argv[2].upper() == b"TYPE":
        kind = _type_called(client, argv[3])
        return client_lines(other for other in clients.values() if client_type(other) == kind)
    if len(argv) > 3 and argv[2].upper() == b"ID" and client.command.options.available("ID"):
        ids = [integer(text, "ERR Invalid client ID") for text in argv[3:]]
        return client_lines(clients[number] for number in ids if number in clients)
    if len(argv) > 2:
        raise CommandError(errors.SYNTAX_ERROR)
    return client_lines(clients.values())


@command(
    "CLIENT KILL <old-format | <[ID client-id] | [TYPE <NORMAL | MASTER | PRIMARY | SLAVE | REPLICA | PUBSUB>]"
    " | [USER username] | [ADDR addr] | [LADDR laddr] | [SKIPME <YES | NO>] | [MAXAGE maxage]"
    " | [NAME name] | [IDLE idle] | [FLAGS flags] | [LIB-NAME lib-name] | [LIB-VER lib-ver] | [DB db] | [CAPA capa]"
    " | [IP ip] | [NOT-TYPE <NORMAL | MASTER | PRIMARY | SLAVE | REPLICA | PUBSUB>]"
    " | [NOT-ID not-client-id [not-client-id ...]] | [NOT-USER not-username] | [NOT-ADDR not-addr]"
    " | [NOT-LADDR not-laddr] | [NOT-NAME not-name] | [NOT-FLAGS not-flags] | [NOT-LIB-NAME not-lib-name]"
    " | [NOT-LIB-VER not-lib-ver] | [NOT-DB not-db] | [NOT-CAPA not-capa] | [NOT-IP not-ip]> ...>",
    flags=ADMIN,
    since="2.4.0",
    arity=-3,
    since_option={
        "ID": "2.8.12",
        "TYPE": "2.8.12",
        "MASTER": "3.2.0",
        "REPLICA": "5.0.0",
        "LADDR": "6.2.0",
        "MAXAGE": "7.4.0 valkey=8.0.0",
        "PRIMARY": "valkey=8.0.0",
        **dict.fromkeys(NEW_FILTERS.split(), "valkey=9.0.0"),
    },
)
def client_kill(client: Client, argv: Argv) -> Reply:
    """Close connections: the one with an address (OK), or all that meet the conditions (how many)."""
    if len(argv) == 3:
        chosen = Filter([_condition(client, "ADDR", argv[2])], skip_me=False).chosen(client)
        if not chosen:
            raise CommandError("ERR No such client")
    else:
        chosen = parse_filter(client, argv, 2, skip_me=True).chosen(client)
    for other in chosen:
        if other is client:
            client.closing = True  # after the reply
        else:
            other.kill()
            other.disconnect()
    return OK if len(argv) == 3 else len(chosen)


# CLIENT UNBLOCK, PAUSE and UNPAUSE.


def refuse_more(client: Client, argv: Argv, most: int) -> None:
    """Where the arity has no upper end, the function itself complains; Valkey 8.1 does not."""
    if len(argv) > most and client.server.dialect.complains_of_more_client_arguments:
        raise CommandError(client.server.dialect.wrong_subcommand(argv))


@command("CLIENT UNBLOCK client-id [TIMEOUT | ERROR]", flags=ADMIN, since="5.0.0")
def client_unblock(client: Client, argv: Argv) -> Reply:
    """End the wait of a blocked connection, as if its time were up or with an error."""
    refuse_more(client, argv, 4)
    reason = argv[3].upper() if len(argv) > 3 else b"TIMEOUT"
    if reason not in (b"TIMEOUT", b"ERROR"):
        raise CommandError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    blocking = client.server.blocking
    other = client.server.clients.get(integer(argv[2]))
    if other is None or not other.blocked or other in blocking.postponed:
        return 0
    error = CommandError("UNBLOCKED client unblocked via CLIENT UNBLOCK")
    blocking.answer(other, other.timeout_reply if reason == b"TIMEOUT" else error)
    return 1


@command(
    "CLIENT PAUSE timeout [WRITE | ALL]",
    flags=ADMIN,
    since="3.0.0",
    since_option={"WRITE": "6.2.0", "ALL": "6.2.0"},
)
def client_pause(client: Client, argv: Argv) -> Reply:
    """Let every connection's commands, or those that write, wait for some milliseconds."""
    refuse_more(client, argv, 4)
    word = argv[3].upper() if len(argv) > 3 else b"ALL"
    if word not in (b"WRITE", b"ALL"):
        raise CommandError("ERR CLIENT PAUSE mode must be WRITE or ALL")
    milliseconds = integer(argv[2], "ERR timeout is not an integer or out of range")
    if milliseconds < 0:
        raise CommandError(errors.TIMEOUT_NEGATIVE)
    if client.server.dialect.checks_end_of_pause and milliseconds > INT64_MAX - client.server.now_ms():
        raise CommandError(errors.TIMEOUT_OUT_OF_RANGE)
    client.server.pause(PAUSED_WRITE if word == b"WRITE" else PAUSED_ALL, milliseconds)
    return OK


# Later declarations win: until 6.2 it did not tell reading from writing.
command("CLIENT PAUSE timeout", flags=ADMIN, since="3.0.0", until="6.2.0")(client_pause)


@command("CLIENT UNPAUSE", flags=ADMIN, since="6.2.0")
def client_unpause(client: Client, argv: Argv) -> Reply:
    """End a pause."""
    client.server.unpause()
    return OK


# Client-side caching.


@command("CLIENT GETREDIR", flags=SETTING, since="6.0.0")
def client_getredir(client: Client, argv: Argv) -> Reply:
    """The connection that gets this one's invalidations; 0: there is none, -1: tracking is off."""
    return -1 if client.tracked is None else client.tracked.redirect


@command("CLIENT TRACKINGINFO", flags="noscript loading stale", since="6.2.0")
def client_trackinginfo(client: Client, argv: Argv) -> Reply:
    """How the reads of this connection are tracked."""
    tracked = client.tracked
    if tracked is None:
        return {b"flags": {b"off"}, b"redirect": -1, b"prefixes": []}
    flags = Members([b"on"])
    flags += [b"bcast"] * tracked.bcast
    flags += [b"optin", *[b"caching-yes"] * tracked.caching] * tracked.optin
    flags += [b"optout", *[b"caching-no"] * tracked.caching] * tracked.optout
    flags += [b"noloop"] * tracked.noloop
    flags += [b"broken_redirect"] * tracked.broken
    return {b"flags": flags, b"redirect": tracked.redirect, b"prefixes": sorted(tracked.prefixes)}


@command("CLIENT CACHING <YES | NO>", flags=SETTING, since="6.0.0")
def client_caching(client: Client, argv: Argv) -> Reply:
    """Track the next command, or do not, where tracking asks for each."""
    tracked = client.tracked
    if tracked is None:
        raise CommandError(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
        )
    word = argv[2].upper()
    if word not in (b"YES", b"NO"):
        raise CommandError(errors.SYNTAX_ERROR)
    if not (tracked.optin if word == b"YES" else tracked.optout):
        mode = "OPTIN" if word == b"YES" else "OPTOUT"
        raise CommandError(f"ERR CLIENT CACHING {word.decode()} is only valid when tracking is enabled in {mode} mode.")
    tracked.caching = True
    return OK


# Later declarations win: until 7.0 more words did not matter.
command("CLIENT CACHING <YES | NO>", flags=SETTING, since="6.0.0", until="7.0.0", arity=-3)(client_caching)


@command(
    "CLIENT TRACKING <ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT]"
    " [NOLOOP]",
    flags="noscript loading stale",
    since="6.0.0",
)
def client_tracking(client: Client, argv: Argv) -> Reply:
    """Tell this connection when a key that it read changes."""
    tracking = client.server.tracking
    wanted = _tracking_options(client, argv)
    if not on_or_off(argv[2]):
        tracking.disable(client)
        return OK
    before = client.tracked or wanted
    if wanted.prefixes and not wanted.bcast:
        raise CommandError("ERR PREFIX option requires BCAST mode to be enabled")
    if before.bcast != wanted.bcast:
        raise CommandError(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client,"
            " and then re-enabling it with a different mode."
        )
    if wanted.bcast and (wanted.optin or wanted.optout):
        raise CommandError("ERR OPTIN and OPTOUT are not compatible with BCAST")
    if wanted.optin and wanted.optout:
        raise CommandError("ERR You can't specify both OPTIN mode and OPTOUT mode")
    if (wanted.optin and before.optout) or (wanted.optout and before.optin):
        raise CommandError(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client,"
            " and then re-enabling it with a different mode."
        )
    overlap = _overlap(client, wanted.prefixes) if client.server.dialect.prefixes_must_not_overlap else None
    if overlap is None:
        tracking.enable(client, wanted)
        return OK
    at, error = overlap
    if not (at and client.server.dialect.later_overlaps_are_let_in):
        raise error
    tracking.enable(client, wanted)
    return Messages([error, OK])


def _tracking_options(client: Client, argv: Argv) -> Tracked:
    wanted = Tracked()
    words = iter(argv[3:])
    for word in words:
        name = word.upper()
        if name in (b"BCAST", b"OPTIN", b"OPTOUT", b"NOLOOP"):
            setattr(wanted, name.decode().lower(), True)
            continue
        value = next(words, None)
        if name == b"REDIRECT" and value is not None:
            if wanted.redirect:
                raise CommandError("ERR A client can only redirect to a single other client")
            wanted.redirect = integer(value)
            if wanted.redirect not in client.server.clients:
                raise CommandError("ERR The client ID you want redirect to does not exist")
        elif name == b"PREFIX" and value is not None:
            wanted.prefixes.append(value)
        else:
            raise CommandError(errors.SYNTAX_ERROR)
    return wanted


def _overlap(client: Client, prefixes: list[bytes]) -> tuple[int, CommandError] | None:
    """The first of the prefixes that begins like another one, or the other one like it."""
    existing = sorted(client.tracked.prefixes) if client.tracked is not None else []
    for at, prefix in enumerate(prefixes):
        pairs = [(other, "an existing", 0) for other in existing]
        pairs += [(other, "another provided", at) for other in prefixes[at + 1 :]]
        for other, what, index in pairs:
            if prefix.startswith(other) or other.startswith(prefix):
                text, other_text = (errors.text(each.partition(b"\0")[0]) for each in (prefix, other))
                return index, CommandError(
                    f"ERR Prefix '{text}' overlaps with {what} prefix '{other_text}'."
                    " Prefixes for a single client must not overlap."
                )
    return None
