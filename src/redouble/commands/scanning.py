"""What HSCAN, SSCAN and ZSCAN have in common: the cursor, and one step through a collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from redouble.core import errors
from redouble.core.arguments import integer
from redouble.core.client import Client
from redouble.core.command import Argv
from redouble.core.errors import CommandError
from redouble.types.collection import Collection
from redouble.types.glob import compile_glob

__all__ = ["name_filter", "scan_cursor", "scan_step"]


def scan_cursor(client: Client, text: bytes) -> int:
    """The cursor that a client came back with (parseScanCursorOrReply)."""
    try:
        return client.server.dialect.parse_cursor(text.partition(b"\0")[0])
    except ValueError:
        raise CommandError(errors.INVALID_CURSOR) from None


def name_filter(pattern: bytes) -> Callable[[bytes], bool]:
    """`compile_glob`, but for a lone `*`, which KEYS and SCAN do not even try: so it takes the empty name too."""
    return (lambda name: True) if pattern == b"*" else compile_glob(pattern)


def scan_step(client: Client, argv: Argv, cursor: int, collection: Collection[Any]) -> tuple[bytes, Iterable[bytes]]:
    """The next cursor, and the members of this step that match; the options begin at `argv[3]`."""
    count, matches = 10, None
    for name, text in client.command.options.each(argv, 3, client.server.dialect.refused_by_scan):
        if name == "COUNT":
            count = integer(text)
            if count < 1:
                raise CommandError(errors.SYNTAX_ERROR)
        elif name == "MATCH":
            matches = name_filter(text)
    cursor, members = collection.scan(cursor, count)
    return b"%d" % cursor, filter(matches, members) if matches else members
