"""What COMMAND, COMMAND DOCS and the ACL know of a command: flags, categories and arguments, in Redis's own shapes.

Facts come from the declaration; the arguments are the usage line's tree, written as COMMAND DOCS writes it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from redouble.core.command import first_since, words_of
from redouble.core.introspection_before_7 import before_7
from redouble.core.key_specs import KEY_NAMES, KeySpec, first_last_step, key_specs, told_flags
from redouble.core.usage import Node
from redouble.dialects.modules import modules_of
from redouble.resp.reply import Members, Reply, Status

if TYPE_CHECKING:
    from redouble.core.command import Prototype
    from redouble.dialects import Dialect

__all__ = ["CATEGORIES", "categories", "describe", "document", "flags_of", "prototypes"]

_HIDDEN: Final = frozenset(("may_replicate", "protected"))
"""Flags that COMMAND does not tell."""

_FLAGS: Final = [
    "write",
    "readonly",
    "denyoom",
    "module",
    "admin",
    "pubsub",
    "noscript",
    "blocking",
    "loading",
    "stale",
    "skip_monitor",
    "skip_slowlog",
    "skip_commandlog",
    "asking",
    "fast",
    "no_auth",
    "may_replicate",
    "no_mandatory_keys",
    "no_async_loading",
    "no_multi",
    "movablekeys",
    "allow_busy",
]
"""In the order of COMMAND."""

CATEGORIES: Final = [
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
]
"""In the order of ACL CAT."""

_GROUP_CATEGORY: Final = {
    "generic": "keyspace",
    "string": "string",
    "list": "list",
    "hash": "hash",
    "set": "set",
    "sorted-set": "sortedset",
    "bitmap": "bitmap",
    "hyperloglog": "hyperloglog",
    "geo": "geo",
    "stream": "stream",
    "transactions": "transaction",
    "scripting": "scripting",
    "connection": "connection",
}

_GROUP_CATEGORIES: Final = frozenset(_GROUP_CATEGORY.values()) - {"keyspace"}

_INTEGERS: Final = frozenset(
    [
        "index",
        "cursor",
        "count",
        "timeout",
        "seconds",
        "milliseconds",
        "numkeys",
        "start",
        "stop",
        "offset",
        "increment",
        "decrement",
        "len",
        "protover",
        "client-id",
        "port",
        "version",
        "db",
        "destination-db",
        "maxage",
        "idle",
        "not-client-id",
        "not-db",
        "limit",
        "rank",
        "num-matches",
        "index1",
        "index2",
        "min-match-len",
        "numfields",
        "weight",
        "numreplicas",
        "numlocal",
        "num-vertices",
        "maxlen",
        "bit",
        "slot",
        "start-slot",
        "end-slot",
        "startslot",
        "endslot",
        "numranges",
        "config-epoch",
        "cluster-bus-port",
    ]
)


_TIPS: Final = """\
nondeterministic_output: client|info client|list dump hrandfield hscan lastsave migrate object|encoding object|freq
nondeterministic_output: object|idletime object|refcount pttl spop srandmember sscan time ttl xadd xautoclaim xclaim
nondeterministic_output: xinfo|consumers xpending xtrim zrandmember zscan cluster|bumpepoch cluster|count-failure-reports
nondeterministic_output: cluster|getkeysinslot cluster|info cluster|links cluster|myshardid cluster|nodes cluster|replicas
nondeterministic_output: cluster|shards cluster|slaves cluster|slots
nondeterministic_output_order: command command|docs command|info command|list function|list hgetall hkeys hvals module|list
nondeterministic_output_order: sdiff sinter smembers sunion
nondeterministic_output request_policy:all_shards response_policy:special: function|stats info memory|doctor
nondeterministic_output request_policy:all_shards response_policy:special: memory|malloc-stats memory|stats
nondeterministic_output request_policy:all_nodes response_policy:special: latency|doctor latency|graph latency|histogram
nondeterministic_output request_policy:all_nodes response_policy:special: latency|history latency|latest
nondeterministic_output request_policy:special response_policy:special: clusterscan hotkeys|get
nondeterministic_output request_policy:all_shards: cluster|slot-stats
nondeterministic_output request_policy:special response_policy:special@7.2.0: scan
nondeterministic_output@8.0.0: hpttl httl
nondeterministic_output@8.6.0: cluster|syncslots
request_policy:all_nodes@7.2.0 response_policy:all_succeeded@7.2.0: acl|deluser acl|save acl|setuser client|setname
request_policy:all_nodes@7.2.0 response_policy:all_succeeded@7.2.0: config|resetstat config|rewrite
request_policy:all_nodes response_policy:all_succeeded: client|setinfo commandlog|reset config|set script|flush script|load
request_policy:all_nodes response_policy:all_succeeded: slowlog|reset
request_policy:all_nodes nondeterministic_output: commandlog|get slowlog|get
request_policy:all_nodes response_policy:agg_sum nondeterministic_output: commandlog|len slowlog|len
request_policy:all_nodes response_policy:all_succeeded@before:7.2.0 response_policy:agg_sum@7.2.0: latency|reset
request_policy:all_shards response_policy:all_succeeded: flushall flushdb function|delete function|flush function|load
request_policy:all_shards response_policy:all_succeeded: function|restore memory|purge ping
request_policy:all_shards response_policy:one_succeeded: function|kill script|kill
request_policy:all_shards response_policy:agg_min: wait waitaof
request_policy:all_shards response_policy:agg_sum: dbsize
request_policy:all_shards response_policy:agg_logical_and: script|exists
request_policy:all_shards nondeterministic_output_order: keys
request_policy:all_shards nondeterministic_output response_policy:special@7.2.0: randomkey
request_policy:multi_shard response_policy:agg_sum: del exists touch unlink
request_policy:multi_shard response_policy:all_succeeded: mset msetex
request_policy:multi_shard: mget
request_policy:multi_shard@before:7.2.0 response_policy:agg_min@before:7.2.0: msetnx
request_policy:special: hotkeys|reset hotkeys|start hotkeys|stop
"""
"""Hints for proxies: how an answer may vary, and how to ask several shards."""

_DEPRECATED: Final = """\
2.0.0@before:valkey=9.0.0: substr
2.6.12@7.2.0..valkey=9.0.0: psetex setex setnx
4.0.0@before:valkey=9.0.0: hmset
5.0.0: slaveof cluster|slaves
6.2.0@before:valkey=9.0.0: brpoplpush georadius georadius_ro georadiusbymember georadiusbymember_ro getset rpoplpush
6.2.0@before:valkey=9.0.0: zrangebylex zrangebyscore zrevrange zrevrangebylex zrevrangebyscore
7.0.0@before:valkey=8.0.0: cluster|slots
7.2.0@7.2.0..valkey=9.0.0: quit
8.1.0@valkey=8.1.0..valkey=9.0.0: slowlog slowlog|get slowlog|help slowlog|len slowlog|reset
"""
"""Since when a command is discouraged, and which servers say so."""

_NAMES: Final = """\
groupname@before:7.2.0: xgroup|create/group xgroup|setid/group xgroup|destroy/group xgroup|createconsumer/group
groupname@before:7.2.0: xgroup|delconsumer/group xinfo|consumers/group
consumername@before:7.2.0: xgroup|createconsumer/consumer xgroup|delconsumer/consumer
entries_read@before:7.2.0 entries-read@7.2.0..7.4.0,valkey=8.0.0: xgroup|create/entriesread
entries_read@before:7.2.0: xgroup|setid/entriesread
entries_added@before:7.2.0: xsetid/entries-added
max_deleted_entry_id@before:7.2.0: xsetid/max-deleted-id
id@before:7.2.0: xclaim/lastid
pattern@before:7.2.0: sort/by-pattern sort/get-pattern sort_ro/by-pattern sort_ro/get-pattern
len@before:7.2.0: lcs/min-match-len
comparison-value@valkey=8.1.0: set/ifeq-value
categoryname@before:7.2.0: acl|cat/category
cluster_bus_port@before:7.2.0: cluster|meet/cluster-bus-port
node-id@before:7.2.0: cluster|setslot/importing cluster|setslot/migrating cluster|setslot/node
"""
"""What some servers call an argument."""

_KEY_PATTERNS: Final = frozenset(("by-pattern", "get-pattern"))
"""Patterns that make names of keys (SORT)."""

_APART: Final = frozenset(("IDMP", "IDMPAUTO", "IDMP-DURATION", "IDMP-MAXSIZE"))
"""Words that are arguments beside their values, not the tokens of those."""

_BLOCKS_OF_ONE: Final = frozenset(("REDUCE",))
"""Words whose only value is told as a block."""

_SYSTEM_COMMANDS: Final = "debug pfdebug pfselftest replconf restore-asking cluster|syncslots@valkey=9.0.0"


@functools.cache
def _by_command(table: str) -> dict[str, str]:
    """`words: command command` as command -> words."""
    facts = {}
    for line in table.splitlines():
        words, _, commands = line.rpartition(": ")
        facts.update(dict.fromkeys(commands.split(), words))
    return facts


_ADDING_DOUBLES: Final = frozenset(("incrbyfloat", "hincrbyfloat"))
_DOUBLES: Final = frozenset(("score", "longitude", "latitude", "radius", "width", "height", "max_distance"))
_MIN_MAX_DOUBLES: Final = frozenset(("zcount", "zrangebyscore", "zrevrangebyscore", "zremrangebyscore"))
_OWN_STRINGS: Final = frozenset(
    (
        "zrange start",
        "zrange stop",
        "xrange start",
        "xrevrange start",
        "xpending start",
        "xautoclaim start",
        "function|list library-name-pattern",
        "clusterscan cursor",
        "VRANGE start",
    )
)
_OWN_INTEGERS: Final = frozenset(
    (
        "restore frequency",
        "restore ttl",
        "restore-asking frequency",
        "restore-asking ttl",
        "getrange end",
        "substr end",
        "bitcount end",
        "bitpos end",
        "setbit value",
        "bitfield value",
        "delex ifdeq-digest",
        "delex ifdne-digest",
        "set ifdeq-digest",
        "xgroup|create entriesread",
        "xgroup|setid entriesread",
        "xsetid entries-added",
        "xclaim ms",
        "xreadgroup min-idle-time",
        "xpending min-idle-time",
        "acl|genpass bits",
        "xackdel numids",
        "hotkeys|start k",
        "hotkeys|start ratio",
        "hotkeys|start slot",
        "xdelex numids",
        "xcfgset duration",
        "xcfgset maxsize",
        "set ifdne-digest",
        "VADD dim",
        "VADD build-exploration-factor",
        "VADD numlinks",
        "VSIM search-exploration-factor",
        "VSIM max-filtering-effort",
    )
)


def prototypes(top: Iterable[Prototype]) -> Iterator[Prototype]:
    """Commands and their subcommands."""
    for prototype in top:
        yield prototype
        yield from prototype.subcommands.values()


def specs_of(prototype: Prototype) -> tuple[KeySpec, ...]:
    declaration = prototype.declaration
    return key_specs(declaration.wire_name, declaration.nodes, declaration.keys)


def flags_of(prototype: Prototype) -> list[str]:
    """Flags in Redis's order; `movablekeys` follows from the key specifications."""
    flags = set(prototype.flags)
    if first_last_step(specs_of(prototype))[3]:
        flags.add("movablekeys")
    return [flag for flag in _FLAGS if flag in flags and flag not in _HIDDEN]


def categories(prototype: Prototype) -> list[str]:
    """ACL categories: what the flags imply (setImplicitACLCategories), the group's own, and what the declaration adds."""
    declaration, flags = prototype.declaration, prototype.flags
    found = set(declaration.acl)
    if declaration.module:
        return [*(category for category in CATEGORIES if category in found), *sorted(found.difference(CATEGORIES))]
    if not prototype.subcommands and not found & _GROUP_CATEGORIES and declaration.group in _GROUP_CATEGORY:
        found.add(_GROUP_CATEGORY[declaration.group])
    if "write" in flags:
        found.add("write")
    if "readonly" in flags and "scripting" not in found:
        found.add("read")
    if "admin" in flags:
        found |= {"admin", "dangerous"}
    found |= {"pubsub", "blocking"} & flags
    found.add("fast" if "fast" in flags else "slow")
    return [category for category in CATEGORIES if category in found]


def _statuses(words: Iterable[str]) -> Members:
    return Members(Status(word.encode()) for word in words)


def describe(dialect: type[Dialect], prototype: Prototype) -> list[Reply]:
    """One command as COMMAND INFO tells it."""
    specs = specs_of(prototype)
    first, last, step, _ = first_last_step(specs)
    subcommands = [describe(dialect, subcommand) for subcommand in prototype.subcommands.values()]
    facts: list[Reply] = [
        prototype.declaration.wire_name.encode(),
        prototype.arity,
        _statuses(flags_of(prototype)),
        first,
        last,
        step,
        _statuses(f"@{category}" for category in categories(prototype)),
    ]
    if not dialect.describes_key_specs:
        return before_7(facts, dialect)
    return [
        *facts,
        Members(tip.encode() for tip in words_of(_by_command(_TIPS).get(prototype.declaration.wire_name, ""), dialect)),
        Members(
            _describe_keys(spec, told_flags(prototype.declaration.wire_name, spec.flags, dialect)) for spec in specs
        ),
        subcommands if dialect.lists_subcommands else Members(subcommands),
    ]


def _describe_keys(spec: KeySpec, flags: tuple[str, ...]) -> dict[bytes, Reply]:
    begin: dict[bytes, Reply] = {b"type": b"index", b"spec": {b"index": spec.index}}
    find: dict[bytes, Reply] = {
        b"type": b"range",
        b"spec": {b"lastkey": spec.last, b"keystep": spec.step, b"limit": spec.limit},
    }
    if spec.keyword:
        begin = {b"type": b"keyword", b"spec": {b"keyword": spec.keyword.encode(), b"startfrom": spec.index}}
    if spec.counted:
        find = {b"type": b"keynum", b"spec": {b"keynumidx": 0, b"firstkey": 1, b"keystep": spec.step}}
    if spec.unknown:
        begin = find = {b"type": b"unknown", b"spec": {}}
    notes: dict[bytes, Reply] = {} if spec.notes is None else {b"notes": spec.notes.encode()}
    return {**notes, b"flags": _statuses(flags), b"begin_search": begin, b"find_keys": find}


# COMMAND DOCS.


def document(dialect: type[Dialect], prototype: Prototype) -> dict[bytes, Reply]:
    """One command as COMMAND DOCS tells it; the summary is the function's own."""
    declaration = prototype.declaration
    if declaration.module and declaration.own_arity == -1:  # the module tells the server nothing about it
        return {b"group": b"module", b"module": _name_of_module(dialect, declaration.module)}
    page: dict[bytes, Reply] = {
        b"summary": " ".join((inspect.getdoc(declaration.run) or "").split()).encode(),
        b"since": first_since(declaration.name, dialect).encode(),
        b"group": declaration.group.encode(),
    }
    if declaration.module:
        page |= {b"group": b"module", b"module": _name_of_module(dialect, declaration.module)}
    deprecated = words_of(_by_command(_DEPRECATED).get(declaration.wire_name, ""), dialect)
    if deprecated:
        page[b"doc_flags"] = _statuses(["deprecated"])
        page[b"deprecated_since"] = deprecated[0].encode()
    elif declaration.wire_name in words_of(_SYSTEM_COMMANDS, dialect):
        page[b"doc_flags"] = _statuses(["syscmd"])
    arguments = _Arguments(dialect, prototype).of(declaration.nodes)
    if arguments:
        page[b"arguments"] = arguments
    if prototype.subcommands:
        page[b"subcommands"] = {
            subcommand.declaration.wire_name.encode(): document(dialect, subcommand)
            for subcommand in prototype.subcommands.values()
        }
    return page


def _name_of_module(dialect: type[Dialect], folder: str) -> bytes:
    return next(module.name for module in modules_of(dialect, [folder]) if module.folder == folder)


class _Arguments:
    """The usage line of one command in one dialect as nested arguments."""

    def __init__(self, dialect: type[Dialect], prototype: Prototype) -> None:
        self.dialect = dialect
        self.since = prototype.declaration.since_option
        self.keys = 0
        self.specs = specs_of(prototype)
        self.name = prototype.declaration.wire_name
        self.blocks = {"blocking", "write"} <= prototype.flags

    def of(self, nodes: Iterable[Node]) -> list[dict[bytes, Reply]]:
        return [argument for node in nodes if self._available(node) for argument in self._argument(node)]

    def _available(self, node: Node) -> bool:
        word = node.word()
        if node.kind == "oneof":
            return any(map(self._available, node.children))
        return word not in self.since or self.dialect.has(self.since[word])

    def _argument(self, node: Node) -> Iterator[dict[bytes, Reply]]:
        if node.kind == "oneof":
            members = [child for child in node.children if self._available(child)]
            if len(members) == 1:  # the others came later: what is left is no choice
                only = members[0]
                node = Node(only.kind, only.name, only.children, only.optional or node.optional, node.multiple)
        token = ""
        inner = node
        multiple_token = False
        if (
            node.kind == "block"
            and node.children[0].kind == "word"
            and len(node.children) > 1
            and any(child.kind != "word" for child in node.children)
            and node.word() not in _APART
            and not (
                self.dialect.words_before_options_stand_alone and all(child.optional for child in node.children[1:])
            )
        ):
            token = node.children[0].name
            multiple_token = node.multiple
            rest = node.children[1:]
            if len(rest) == 1 and not rest[0].optional and token not in _BLOCKS_OF_ONE:
                inner = Node(
                    rest[0].kind,
                    rest[0].name,
                    rest[0].children,
                    node.optional,
                    node.multiple or rest[0].multiple,
                )
            else:
                inner = Node("block", "", rest, node.optional, node.multiple)
        argument: dict[bytes, Reply] = {}
        if inner.kind == "word":
            argument[b"name"] = inner.name.lower().encode()
            argument[b"type"] = b"pure-token"
            token = inner.name.strip('"')
        elif inner.kind == "value":
            argument[b"name"] = self._name_of(inner.name).encode()
            argument[b"type"] = b"key" if self._is_key(inner) else self._type_of(inner.name)
        else:
            argument[b"name"] = _group_name(inner).encode()
            argument[b"type"] = inner.kind.encode()
        if self.dialect.documents_display_text and inner.kind in ("word", "value"):
            argument[b"display_text"] = argument[b"name"]
        if inner.name in _KEY_PATTERNS:
            argument[b"key_spec_index"] = 1
        if argument[b"type"] == b"key":
            while self.keys < len(self.specs) - 1 and self.specs[self.keys].unknown:
                self.keys += 1
            argument[b"key_spec_index"] = min(self.keys, len(self.specs) - 1)
            self.keys += 1
        if token or inner.kind == "word":
            argument[b"token"] = token.encode()
            if token in self.since:
                argument[b"since"] = self.dialect.own_version(self.since[token]).encode()
        flags = [
            flag
            for flag, on in (
                ("optional", inner.optional or node.optional),
                ("multiple", inner.multiple),
                ("multiple_token", multiple_token),
            )
            if on
        ]
        if flags:
            argument[b"flags"] = _statuses(flags)
        if inner.kind in ("block", "oneof"):
            argument[b"arguments"] = self.of(inner.children)
        yield argument

    def _is_key(self, node: Node) -> bool:
        return node.name in KEY_NAMES and bool(self.specs) and "not_key" not in self.specs[0].flags

    def _name_of(self, name: str) -> str:
        others = words_of(_by_command(_NAMES).get(f"{self.name}/{name}", ""), self.dialect)
        return others[0] if others else name

    def _type_of(self, name: str) -> bytes:
        """The type of a value; most names have one, and some commands their own."""
        if (name == "timeout" and self.blocks) or (name == "increment" and self.name in _ADDING_DOUBLES):
            return b"double"
        if f"{self.name} {name}" in _OWN_STRINGS:
            return b"string"
        if name in _INTEGERS or f"{self.name} {name}" in _OWN_INTEGERS:
            return b"integer"
        if name in _DOUBLES or (name in ("min", "max") and self.name in _MIN_MAX_DOUBLES):
            return b"double"
        if name.endswith("pattern"):
            return b"pattern"
        return b"unix-time" if name.startswith("unix-time") else b"string"


def _group_name(node: Node) -> str:
    """A name for a group that the usage line gives none: its first members'."""
    return "-".join((child.name or _group_name(child)).lower() for child in node.children[:3])
