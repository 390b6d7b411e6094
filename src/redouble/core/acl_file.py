"""The ACL file: one user a line, as ACL LIST prints them (`user alice on #... ~cache:* +get`)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from typing import TYPE_CHECKING

from redouble.core.acl_rules import UNKNOWN, RuleError, User, merge_selectors
from redouble.core.errors import CommandError, text

if TYPE_CHECKING:
    from redouble.core.acl import Acl

__all__ = ["read_users", "write_users"]


def read_users(acl: Acl, path: str) -> dict[bytes, User]:
    """The users of a file, the default user among them.  Raises CommandError, which names all that is wrong."""
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except OSError as error:
        raise CommandError(f"ERR Error loading ACLs, opening file '{path}': {os.strerror(error.errno or 0)}") from None
    users = {b"default": acl.first_user()}
    named: set[bytes] = set()
    told = ""
    for number, line in enumerate(lines, 1):
        words = line.strip(b" \t\r\n").split(b" ")
        if words == [b""]:
            continue
        if words[0] != b"user" or len(words) < 2:
            told += f"{path}:{number} should start with user keyword followed by the username. "
            continue
        told += _read_line(acl, users, named, words[1], [word for word in words[2:] if word], path, number)
    if told:
        raise CommandError(
            f"ERR {told}WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
        )
    return users


def _read_line(
    acl: Acl, users: dict[bytes, User], named: set[bytes], name: bytes, rules: list[bytes], path: str, number: int
) -> str:
    """Add the user of one line; returns what is wrong with it."""
    facts = acl.facts
    if facts.knows_selectors:
        if name in named:
            return f"WARNING: Duplicate user '{text(name)}' found on line {number}. "
        try:
            rules = merge_selectors(rules, facts)
        except RuleError:
            return f"{path}:{number}: Unmatched parenthesis in selector definition."
    named.add(name)
    if name in users and not facts.knows_selectors:
        user = users[name]
        user.apply(b"reset", acl.channels_allowed)
    else:
        user = users[name] = acl.new_user(name)
    told = ""
    for rule in rules:
        try:
            user.apply(rule.strip(), acl.channels_allowed)
        except RuleError as error:
            # A rule may hold a password, but not one that names a command.
            tells_rule = facts.knows_selectors and str(error) == UNKNOWN
            told += f"{path}:{number}: " + (f"Error in applying operation '{text(rule)}': " if tells_rule else "")
            told += f"{error}. "
    return told


def write_users(users: Iterable[User], path: str) -> None:
    """Replace the file by one with these users.  Raises CommandError."""
    lines = b"".join(user.describe() + b"\n" for user in users)
    try:
        if os.path.isdir(path):
            raise IsADirectoryError(path)
        descriptor, temporary = tempfile.mkstemp(
            dir=os.path.dirname(path) or ".", prefix=f"{os.path.basename(path)}.tmp-"
        )
        with os.fdopen(descriptor, "wb") as file:
            file.write(lines)
        os.replace(temporary, path)
    except OSError:
        raise CommandError(
            "ERR There was an error trying to save the ACLs. Please check the server logs for more information"
        ) from None
