"""MIGRATE: keys go to another server.  The way there is the driver's matter: `Server.dial`."""

from __future__ import annotations

from typing import Final

from redouble.core import errors
from redouble.core.arguments import integer
from redouble.core.client import Client
from redouble.core.command import Argv, Given, command
from redouble.core.errors import CommandError
from redouble.core.server import Peer
from redouble.persistence.values import dump_value
from redouble.resp.reply import OK, Reply, Status

DEFAULT_TIMEOUT_MS: Final = 1000

CONNECTING: Final = "IOERR error or timeout connecting to the client"
WRITING: Final = "IOERR error or timeout writing to target instance"
READING: Final = "IOERR error or timeout reading to target instance"


@command(
    'MIGRATE host port <key | ""> destination-db timeout [COPY] [REPLACE] [AUTH auth | AUTH2 username password]'
    " [KEYS keys [keys ...]]",
    flags="write",
    since="2.6.0",
    acl="keyspace dangerous",
    group="generic",
)
def migrate(client: Client, argv: Argv) -> Reply:
    """Move keys to another server; NOKEY if there are none."""
    _, host, port, key, db_text, timeout_text, *_ = argv
    given = _options(argv)
    keys = given.get("KEYS", [key])
    db_index, timeout_ms = integer(db_text), integer(timeout_text)
    server, db = client.server, client.db
    sent: list[bytes] = []
    lines: list[Argv] = []
    for each in keys:
        value = db.lookup(each)
        if value is not None:
            at = db.expires_at(each)
            ttl = 0 if at is None else max(at - server.now_ms(), 1)
            payload = dump_value(value, server.dialect, server.config.flag("rdbcompression"))
            lines.append([b"RESTORE", each, b"%d" % ttl, payload, *[b"REPLACE"] * ("REPLACE" in given)])
            sent.append(each)
    if not sent:
        return Status(b"NOKEY")
    before = [[b"AUTH", *given["AUTH"]]] if "AUTH" in given else []
    before.append([b"SELECT", b"%d" % db_index])
    timeout = (timeout_ms if timeout_ms > 0 else DEFAULT_TIMEOUT_MS) / 1000
    with _dial(client, errors.text(host), errors.text(port), timeout) as link:
        try:
            link.send([*before, *lines])
        except OSError:
            raise CommandError(WRITING) from None
        try:
            refusals = [reply.message for _ in before if type(reply := link.receive()) is CommandError]
            refusal = refusals[0] if refusals else ""
            for each in sent:
                reply = link.receive()
                if type(reply) is CommandError:
                    refusal = refusal or reply.message
                elif not refusals and "COPY" not in given:
                    db.delete(each)
        except (OSError, EOFError, ValueError):
            raise CommandError(READING) from None
    if refusal:
        raise CommandError(f"ERR Target instance replied with error: {refusal}")
    return OK


def _options(argv: Argv) -> Given:
    """What stands behind the timeout; of several passwords the last one counts."""
    given: Given = {}
    i = 6
    while i < len(argv):
        word, left = argv[i].upper(), len(argv) - i - 1
        if word in (b"COPY", b"REPLACE"):
            given[word.decode()] = True
        elif word == b"AUTH" and left:
            given["AUTH"] = argv[i + 1 : i + 2]
            i += 1
        elif word == b"AUTH2" and left > 1:
            given["AUTH"] = argv[i + 1 : i + 3]
            i += 2
        elif word == b"KEYS":
            if argv[3]:
                raise CommandError(
                    "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
                )
            given["KEYS"] = argv[i + 1 :]
            break
        else:
            raise CommandError(errors.SYNTAX_ERROR)
        i += 1
    return given


def _dial(client: Client, host: str, port: str, timeout: float) -> Peer:
    dial = client.server.dial
    if dial is None:
        raise CommandError(CONNECTING)
    try:
        return dial(host, port, timeout)
    except LookupError:
        raise CommandError(CONNECTING) from None
    except OSError:
        raise CommandError(WRITING) from None
