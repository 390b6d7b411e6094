"""COMMAND: the command table, as clients and proxies ask for it.  All of it follows from the usage lines."""

from __future__ import annotations

from functools import partial

from redouble.core import errors
from redouble.core.client import Client
from redouble.core.command import Argv, command, help_reply
from redouble.core.errors import CommandError
from redouble.core.introspection import categories, describe, document, prototypes
from redouble.core.key_specs import key_specs, keys_of, told_flags
from redouble.resp.reply import Members, Reply, Status
from redouble.types.glob import compile_glob

about_commands = partial(command, flags="loading stale", acl="connection", group="server")


@about_commands("COMMAND", since="2.8.13", arity=-1)
def command_(client: Client, argv: Argv) -> Reply:
    """Every command there is: arity, flags, where its keys are, categories."""
    if len(argv) > 1:
        raise CommandError(client.server.dialect.unknown_subcommand(argv))
    server = client.server
    described = [describe(server.dialect, prototype) for prototype in server.every_prototype()]
    return described if server.dialect.describes_key_specs else [each for each in described if each[0] != b"quit"]


@about_commands("COMMAND HELP", since="5.0.0")
def command_help(client: Client, argv: Argv) -> Reply:
    """Print this help."""
    return help_reply(client)


@about_commands("COMMAND COUNT", since="2.8.13")
def command_count(client: Client, argv: Argv) -> Reply:
    """How many commands there are, subcommands not counted."""
    return len(command_(client, argv[:1]))


@about_commands("COMMAND INFO [command-name [command-name ...]]", since="2.8.13")
def command_info(client: Client, argv: Argv) -> Reply:
    """What COMMAND says of these commands."""
    server = client.server
    if len(argv) == 2:
        return command_(client, argv[:1])
    whole = not server.dialect.describes_key_specs  # 6.2 knows no subcommands
    found = [None if whole and b"|" in name else server.prototype(name) for name in argv[2:]]
    return [None if prototype is None else describe(server.dialect, prototype) for prototype in found]


@about_commands("COMMAND DOCS [command-name [command-name ...]]", since="7.0.0")
def command_docs(client: Client, argv: Argv) -> Reply:
    """What these commands do, and their arguments."""
    server = client.server
    chosen = server.every_prototype() if len(argv) == 2 else (server.prototype(name) for name in argv[2:])
    return {
        prototype.declaration.wire_name.encode(): document(server.dialect, prototype)
        for prototype in chosen
        if prototype is not None
    }


@about_commands("COMMAND LIST [FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]", since="7.0.0")
def command_list(client: Client, argv: Argv) -> Reply:
    """The names of the commands, or of those with a category or a name that matches."""
    every = list(prototypes(client.server.every_prototype()))
    if len(argv) == 2:
        return Members(prototype.declaration.wire_name.encode() for prototype in every)
    if len(argv) != 5 or argv[2].upper() != b"FILTERBY":
        raise CommandError(errors.SYNTAX_ERROR)
    kind, value = argv[3].upper(), argv[4]
    if kind == b"MODULE":
        folders = {module.folder for module in client.server.modules if module.name == value} - {""}
        chosen = [prototype for prototype in every if prototype.declaration.module in folders]
    elif kind == b"ACLCAT":
        category = errors.text(value).lower()
        chosen = [prototype for prototype in every if category in categories(prototype)]
    elif kind == b"PATTERN":
        matches = compile_glob(value, nocase=True)
        chosen = [prototype for prototype in every if matches(prototype.declaration.wire_name.encode())]
    else:
        raise CommandError(errors.SYNTAX_ERROR)
    return [prototype.declaration.wire_name.encode() for prototype in chosen]


def find_keys(client: Client, argv: Argv) -> list[tuple[bytes, tuple[str, ...]]]:
    """The keys of the command line that begins at argv[2]."""
    line = argv[2:]
    found = client.server.find(line)
    if isinstance(found, CommandError):
        raise CommandError("ERR Invalid command specified")
    specs = key_specs(found.name, found.declaration.nodes, found.declaration.keys)
    if not specs or "not_key" in specs[0].flags:
        raise CommandError("ERR The command has no key arguments")
    if (found.arity > 0 and len(line) != found.arity) or len(line) < abs(found.arity):
        raise CommandError("ERR Invalid number of arguments specified for command")
    keys = keys_of(found.name, specs, line, client.server.dialect.comparing_reads)
    if not keys:
        if "no_mandatory_keys" in found.flags:
            return []
        raise CommandError("ERR Invalid arguments specified for command")
    return keys


def command_getkeys(client: Client, argv: Argv) -> Reply:
    """The keys in a command line."""
    return [key for key, _ in find_keys(client, argv)]


def command_getkeysandflags(client: Client, argv: Argv) -> Reply:
    """The keys in a command line, and what it would do with each."""
    name, dialect = argv[2].decode("latin-1").lower(), client.server.dialect
    reply: list[Reply] = []
    for key, flags in find_keys(client, argv):
        told = told_flags(name, flags, dialect)
        if "variable_flags" in told:  # and this time they are what they are
            told = flags
        reply.append([key, Members(Status(flag.encode()) for flag in told)])
    return reply


about_commands("COMMAND GETKEYS command [arg [arg ...]]", since="2.8.13")(command_getkeys)
about_commands("COMMAND GETKEYS", since="7.0.0", until="7.2.0", arity=-4)(command_getkeys)
about_commands("COMMAND GETKEYSANDFLAGS command [arg [arg ...]]", since="7.0.0")(command_getkeysandflags)
about_commands("COMMAND GETKEYSANDFLAGS", since="7.0.0", until="7.2.0", arity=-4)(command_getkeysandflags)
