"""ACL: users, their rules, and what was refused.  The rules are read in `core/acl_rules.py`, the check is in `core/acl.py`."""

from __future__ import annotations

from functools import partial

from redouble.core.acl import LogEntry
from redouble.core.acl_commands import acl_commands
from redouble.core.acl_rules import Selector
from redouble.core.arguments import integer
from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.errors import CommandError, text, wrong_arity
from redouble.resp.reply import OK, Members, Reply

EVERYBODY = "noscript loading stale skip_slowlog@before:6.2.0"
ADMIN = f"admin {EVERYBODY}"
MOST_BITS = 4096

acl_command = partial(command, group="server", since="6.0.0")

container("ACL", since="6.0.0", help_since="6.0.0", group="server")


# Users.


@acl_command("ACL SETUSER username [rule [rule ...]]", flags=ADMIN)
def acl_setuser(client: Client, argv: Argv) -> Reply:
    """Make a user, or change one: follow all the rules, or none if one is wrong."""
    client.server.acl.change(argv[2], argv[3:], client)
    return OK


@acl_command("ACL GETUSER username", flags=ADMIN)
def acl_getuser(client: Client, argv: Argv) -> Reply:
    """All there is to know of a user."""
    user = client.server.acl.users.get(argv[2])
    if user is None:
        return None
    return {
        b"flags": Members(user.flags),
        b"passwords": list(user.passwords),
        **_permissions(user.root),
        **({b"selectors": [_permissions(each) for each in user.selectors[1:]]} if user.facts.knows_selectors else {}),
    }


def _permissions(selector: Selector) -> dict[bytes, Reply]:
    facts = selector.facts
    found: dict[bytes, Reply] = {b"commands": selector.describe_commands()}
    if facts.knows_selectors:
        found[b"keys"] = selector.describe_keys()
        found[b"channels"] = selector.describe_channels()
    else:
        found[b"keys"] = [b"*"] if selector.all_keys else list(selector.patterns)
        if facts.knows_channels:
            found[b"channels"] = [b"*"] if selector.all_channels else list(selector.channels)
    if facts.knows_databases:
        found[b"databases"] = selector.describe_databases()
    return found


@acl_command("ACL DELUSER username [username ...]", flags=ADMIN)
def acl_deluser(client: Client, argv: Argv) -> Reply:
    """Forget users and close their connections; answers how many there were."""
    return client.server.acl.remove(argv[2:], client)


@acl_command("ACL LIST", flags=ADMIN)
def acl_list(client: Client, argv: Argv) -> Reply:
    """The users as rules, in the form of an ACL file."""
    return [user.describe() for _, user in sorted(client.server.acl.users.items())]


@acl_command("ACL USERS", flags=ADMIN)
def acl_users(client: Client, argv: Argv) -> Reply:
    """The names of the users."""
    return sorted(client.server.acl.users)


@acl_command("ACL WHOAMI", flags=EVERYBODY)
def acl_whoami(client: Client, argv: Argv) -> Reply:
    """The user of this connection."""
    return client.user.name


# What rules are made of.


@acl_command("ACL CAT [category]", flags=EVERYBODY)
def acl_cat(client: Client, argv: Argv) -> Reply:
    """The categories of commands, or the commands of one."""
    if len(argv) > 3:
        raise CommandError(client.server.dialect.wrong_subcommand(argv))
    members = acl_commands(client.server.dialect, client.server.modules).members  # type: ignore[arg-type]  # a class is hashable
    if len(argv) == 2:
        return [category.encode() for category in members]
    found = members.get(text(argv[2]).lower())
    if found is None:
        raise CommandError(f"ERR Unknown category '{text(argv[2])}'")
    return [name.encode() for name in found]


@acl_command("ACL GENPASS [bits]", flags=EVERYBODY)
def acl_genpass(client: Client, argv: Argv) -> Reply:
    """A password made by chance, in hexadecimal."""
    if len(argv) > 3:
        raise CommandError(client.server.dialect.wrong_subcommand(argv))
    bits = 256
    if len(argv) == 3:
        bits = integer(argv[2])
        if not 0 < bits <= MOST_BITS:
            raise CommandError(
                "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to"
                f" {MOST_BITS}"
            )
    digits = (bits + 3) // 4
    return f"{client.server.random.getrandbits(4 * digits):0{digits}x}".encode()


@acl_command("ACL DRYRUN username command [arg [arg ...]]", flags=ADMIN, since="7.0.0")
def acl_dryrun(client: Client, argv: Argv) -> Reply:
    """Whether a user may run a command, without running it."""
    server, line = client.server, argv[3:]
    user = server.acl.users.get(argv[2])
    if user is None:
        raise CommandError(f"ERR User '{text(argv[2])}' not found")
    found = server.find(line)
    if isinstance(found, CommandError):
        raise CommandError(f"ERR Command '{text(line[0])}' not found")
    if not found.takes(len(line)):
        raise wrong_arity(found.name)
    denial = server.acl.denial(user, found, line, client.db.index)
    if denial is None:
        return OK
    who, refused = b"User " + user.name, line[denial.at]
    if not user.facts.dryrun_names_user:
        who, refused = b"This user", refused.partition(b"\0")[0]  # a C string ends there
    if denial.reason == "command":
        return who + b" has no permissions to run the '%s' command" % found.name.encode()
    if denial.reason == "database":
        return who + b" has no permissions to access database " + refused
    return who + b" has no permissions to access the '%s' %s" % (refused, denial.reason.encode())


# The log.


@acl_command("ACL LOG [count | RESET]", flags=ADMIN)
def acl_log(client: Client, argv: Argv) -> Reply:
    """What was refused lately, the newest first; RESET forgets it."""
    if len(argv) > 3:
        raise CommandError(client.server.dialect.wrong_subcommand(argv))
    acl = client.server.acl
    count = 10
    if len(argv) == 3:
        if argv[2].upper() == b"RESET":
            acl.log.clear()
            return OK
        count = max(integer(argv[2]), 0)
    return [_entry(client, entry) for entry in list(acl.log)[:count]]


def _entry(client: Client, entry: LogEntry) -> dict[bytes, Reply]:
    found: dict[bytes, Reply] = {
        b"count": entry.count,
        b"reason": entry.reason.encode(),
        b"context": entry.context.encode(),
        b"object": entry.object,
        b"username": entry.username,
        b"age-seconds": (client.server.now_ms() - entry.updated_ms) / 1000,
        b"client-info": entry.client_info.encode("utf-8", "surrogateescape"),
    }
    if client.server.dialect.acl.log_has_ids:
        found[b"entry-id"] = entry.number
        found[b"timestamp-created"] = entry.created_ms
        found[b"timestamp-last-updated"] = entry.updated_ms
    return found


# The file of the configuration parameter `aclfile`.


@acl_command("ACL LOAD", flags=ADMIN)
def acl_load(client: Client, argv: Argv) -> Reply:
    """Read the ACL file again: its users take the place of those that there are."""
    client.server.acl.load(client)
    return OK


@acl_command("ACL SAVE", flags=ADMIN)
def acl_save(client: Client, argv: Argv) -> Reply:
    """Write the users into the ACL file."""
    client.server.acl.save()
    return OK
