"""CONFIG: the parameters of the emulated server.

What there is stands in `parameters.py`, once for all server types; a dialect's own set is read from there when its first
server starts, and all its servers share the defaults until one changes a value.  Values are kept as CONFIG GET prints
them; those that the engine asks for often are attributes.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redouble.core.errors import CommandError, not_allowed, text
from redouble.core.notify import EventClasses
from redouble.core.parameters import PARAMETERS
from redouble.types.glob import compile_glob

if TYPE_CHECKING:
    from redouble.core.command import Command
    from redouble.core.server import Server
    from redouble.dialects import Dialect

__all__ = ["Config"]


class BadValue(Exception):
    """A value that a parameter cannot have; the text is the reason that CONFIG SET gives."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of one dialect; `parse` turns what was given (and the value before) into what CONFIG GET prints."""

    name: str
    default: bytes
    parse: Callable[[bytes, bytes], bytes]
    locked: str = ""
    """`immutable` or `protected`: why CONFIG SET may not change it."""


class Config:
    """The configuration of one server."""

    databases = 16
    proto_max_bulk_len = 512 * 1024 * 1024

    def __init__(self, server: Server) -> None:
        self.server = server
        self.parameters, self.values = parameters_of(server.dialect)  # type: ignore[arg-type]  # a class is hashable
        self._changed = False

    def flag(self, name: str) -> bool:
        """A yes-or-no parameter."""
        return self.values[name] == b"yes"

    def number(self, name: str) -> int:
        return int(self.values[name])

    def text(self, name: str) -> str:
        return text(self.values[name])

    def set_at_start(self, name: str | bytes, value: str | bytes) -> None:
        """What a configuration file or the command line says: anything may be set, an alias too."""
        name = text(name) if isinstance(name, bytes) else name
        value = value.encode() if isinstance(value, str) else value
        parameter = self.parameters.get(name.lower())
        if parameter is None:
            raise ValueError(f"no such parameter: {name}")
        try:
            self._store({parameter: parameter.parse(value, self.values[parameter.name])})
        except BadValue as error:
            raise ValueError(f"{name} {text(value)}: {error}") from None

    def reset(self) -> None:
        """Set every parameter to its default."""
        changed = {
            parameter: parameter.default
            for parameter in set(self.parameters.values())
            if self.values[parameter.name] != parameter.default
        }
        self._store(changed)

    def matching(self, patterns: Iterable[bytes]) -> dict[bytes, bytes]:
        """CONFIG GET: since 7.0 a name that is no pattern comes back as it was spelt."""
        found: dict[str, tuple[bytes, bytes]] = {}
        for pattern in patterns:
            if re.search(rb"[*?\[]", pattern) or self.server.dialect.config_sets_one:
                matches = compile_glob(pattern, nocase=True)
                for name, parameter in self.parameters.items():
                    if matches(name.encode()):
                        found.setdefault(name, (name.encode(), bytes(self.values[parameter.name])))
            else:
                name = text(pattern).lower()
                if name in self.parameters:
                    found.setdefault(name, (pattern, bytes(self.values[self.parameters[name].name])))
        return dict(found.values())

    def set(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """CONFIG SET: all of them, or an error and none."""
        chosen: dict[str, tuple[Parameter, bytes, bytes]] = {}
        for spelt, value in pairs:
            name = text(spelt).lower()
            parameter = self.parameters.get(name)
            if parameter is None or (parameter.locked and self.server.dialect.config_sets_one):
                raise CommandError(self.server.dialect.unknown_parameter(spelt))
            if parameter.locked and not (parameter.locked == "protected" and self._may_change_protected()):
                raise self._failed(spelt, value, f"can't set {parameter.locked} config")
            if name in chosen:
                raise self._failed(spelt, value, "duplicate parameter")
            chosen[name] = parameter, spelt, value
        parsed: dict[Parameter, bytes] = {}
        for parameter, spelt, value in chosen.values():
            try:
                parsed[parameter] = parameter.parse(value, parsed.get(parameter, self.values[parameter.name]))
            except BadValue as error:
                raise self._failed(spelt, value, str(error)) from None
        self._store(parsed)

    def refusal(self, command: Command) -> CommandError | None:
        """What is said of a command that only the configuration file can allow, if it does not."""
        name = command.name.partition("|")[0]
        parameter = f"enable-{name}-command"
        if self.values.get(parameter) == b"no":
            return CommandError(not_allowed(name.upper(), parameter))
        return None

    def _failed(self, name: bytes, value: bytes, reason: str) -> CommandError:
        return CommandError(self.server.dialect.config_set_failed(name, value, reason))

    def _may_change_protected(self) -> bool:
        return self.values["enable-protected-configs"] != b"no"

    def _store(self, parsed: Mapping[Parameter, bytes]) -> None:
        if not self._changed:
            self.values, self._changed = dict(self.values), True
        for parameter, value in parsed.items():
            self.values[parameter.name] = value
            apply = _APPLY.get(parameter.name)
            if apply is not None:
                apply(self.server, value)


# What a change does at once.


def _set_databases(server: Server, value: bytes) -> None:
    server.config.databases = int(value)


def _set_requirepass(server: Server, value: bytes) -> None:
    server.acl.require_password(value)


def _set_longest_string(server: Server, value: bytes) -> None:
    server.config.proto_max_bulk_len = int(value)


def _set_events(server: Server, value: bytes) -> None:
    assert isinstance(value, EventClasses)
    server.listen(value.flags)
    _set_files(server, value)


def _set_eviction(server: Server, value: bytes) -> None:
    server.counts_accesses = value.endswith(b"-lfu")
    server.only_changes_are_uses = value.endswith(b"-lrm")
    if value.endswith((b"-lru", b"-lfu", b"-lrm")):
        server.track_accesses(server.now_ms())
    server.eviction.policy_changed()


def _set_maxmemory(server: Server, value: bytes) -> None:
    server.limit_memory(int(value))


def _set_master(server: Server, value: bytes) -> None:
    host, _, port = value.rpartition(b" ")
    server.follow((host, int(port)) if host else None)


def _set_timeout(server: Server, value: bytes) -> None:
    server.idle.set_limit(int(value))
    server.wake_drivers()


def _set_stopwatch(server: Server, value: bytes) -> None:
    server.stopwatch.configure(server)


def _set_files(server: Server, value: bytes) -> None:
    if server.files is not None:
        server.files.configure()


def _set_limit(attribute: str) -> Callable[[Server, bytes], None]:
    def apply(server: Server, value: bytes) -> None:
        setattr(server.limits, attribute.replace("ziplist", "listpack"), int(value))

    return apply


_APPLY: dict[str, Callable[[Server, bytes], None]] = {
    "databases": _set_databases,
    "requirepass": _set_requirepass,
    "proto-max-bulk-len": _set_longest_string,
    "notify-keyspace-events": _set_events,
    "maxmemory": _set_maxmemory,
    "maxmemory-policy": _set_eviction,
    "timeout": _set_timeout,
    **dict.fromkeys(
        (
            "slowlog-log-slower-than",
            "slowlog-max-len",
            "commandlog-request-larger-than",
            "commandlog-large-request-max-len",
            "commandlog-reply-larger-than",
            "commandlog-large-reply-max-len",
            "latency-monitor-threshold",
            "latency-tracking",
        ),
        _set_stopwatch,
    ),
    **dict.fromkeys(("appendonly", "appendfsync", "save", "stop-writes-on-bgsave-error"), _set_files),
    **dict.fromkeys(("auto-aof-rewrite-min-size", "auto-aof-rewrite-percentage"), _set_files),
    "replicaof": _set_master,
    "slaveof": _set_master,
    **{
        name: _set_limit(name.replace("-", "_"))
        for name in (
            "list-max-listpack-size",
            "list-max-ziplist-size",
            "hash-max-ziplist-entries",
            "hash-max-ziplist-value",
            "zset-max-ziplist-entries",
            "zset-max-ziplist-value",
            "hash-max-listpack-entries",
            "hash-max-listpack-value",
            "set-max-intset-entries",
            "set-max-listpack-entries",
            "set-max-listpack-value",
            "zset-max-listpack-entries",
            "zset-max-listpack-value",
            "stream-node-max-bytes",
            "stream-node-max-entries",
            "stream-idmp-duration",
            "stream-idmp-maxsize",
        )
    },
}


# Reading the table.


@functools.cache
def parameters_of(dialect: type[Dialect]) -> tuple[dict[str, Parameter], dict[str, bytes]]:
    """The parameters of `dialect` by name and alias, in alphabetical order, and their defaults."""
    parameters: dict[str, Parameter] = {}
    for line in PARAMETERS.splitlines():
        names, kind, default, *rest = line.split("  ")
        words = " ".join(rest)
        remark, since, until = re.fullmatch(r"(\w*?) ?(?:since (.*?))? ?(?:until (.*))?", words).groups()  # type: ignore[union-attr]
        if (since and not dialect.has(since)) or (until and dialect.has(until)):
            continue
        kind, _, limits = kind.partition(":")
        name, *aliases = names.split(" ")
        before = b"" if default == "-" else default.encode()
        parameter = Parameter(name, before, _KINDS[kind](limits, dialect), remark or "")
        for known in (name, *aliases):
            parameters[known] = parameter
        for alias in [known for known, other in parameters.items() if other.name == name]:
            parameters[alias] = parameter
    parameters = {name: parameters[name] for name in sorted(parameters)}
    return parameters, {parameter.name: parameter.default for parameter in parameters.values()}


# The kinds of values.

Parse = Callable[[bytes, bytes], bytes]

_LIMITS = {"long": 2**63 - 1, "-long": -(2**63), "ulong": 2**64 - 1, "int": 2**31 - 1}


def _limits(limits: str) -> tuple[int, int]:
    low, _, high = limits.partition("..")
    return int(_LIMITS.get(low, low)), int(_LIMITS.get(high, high))


def _in_range(number: int, low: int, high: int) -> bytes:
    if not low <= number <= high:
        raise BadValue(f"argument must be between {low} and {high} inclusive")
    return b"%d" % number


def _number(value: bytes, error: str) -> int:
    """A whole number in its one spelling."""
    if not re.fullmatch(rb"0|-?[1-9]\d{0,18}", value):
        raise BadValue(error)
    return int(value)


def _memory_value(value: bytes) -> int | None:
    """`1gb`: a number of bytes with a unit."""
    match = re.fullmatch(rb"(\d*)(b|k|kb|m|mb|g|gb|)", value, re.IGNORECASE)
    return None if match is None else int(match[1] or 0) * _UNITS[match[2].lower()]


_UNITS = {
    b"": 1,
    b"b": 1,
    b"k": 1000,
    b"kb": 1 << 10,
    b"m": 1000**2,
    b"mb": 1 << 20,
    b"g": 1000**3,
    b"gb": 1 << 30,
}


def _text(limits: str, dialect: type[Dialect]) -> Parse:
    return lambda value, before: value


def _filename(limits: str, dialect: type[Dialect]) -> Parse:
    def parse(value: bytes, before: bytes) -> bytes:
        if b"/" in value:
            raise BadValue("dbfilename can't be a path, just a filename")
        return value

    return parse


def _bool(limits: str, dialect: type[Dialect]) -> Parse:
    def parse(value: bytes, before: bytes) -> bytes:
        if value.lower() not in (b"yes", b"no"):
            raise BadValue("argument must be 'yes' or 'no'")
        return value.lower()

    return parse


def _int(limits: str, dialect: type[Dialect]) -> Parse:
    low, high = _limits(limits)
    return lambda value, before: _in_range(_number(value, "argument couldn't be parsed into an integer"), low, high)


def _hz(limits: str, dialect: type[Dialect]) -> Parse:
    parse = _int(limits, dialect)
    return lambda value, before: b"%d" % min(max(int(parse(value, before)), 1), 500)


def _memory(limits: str, dialect: type[Dialect]) -> Parse:
    low, high = _limits(limits)

    def parse(value: bytes, before: bytes) -> bytes:
        number = _memory_value(value)
        if number is None or (number >= 2**64 and dialect.checks_size_of_memory_values):
            raise BadValue("argument must be a memory value")
        return _in_range(min(number, 2**64 - 1), low, high)

    return parse


def _backlog(limits: str, dialect: type[Dialect]) -> Parse:
    parse = _memory(limits, dialect)
    return lambda value, before: b"%d" % max(int(parse(value, before)), 16384)


def _percent(limits: str, dialect: type[Dialect]) -> Parse:
    def parse(value: bytes, before: bytes) -> bytes:
        if re.fullmatch(rb"\d{1,18}%", value):
            if int(value[:-1]) > 100:
                raise BadValue("percentage argument must be less or equal to 100")
            return b"%d%%" % int(value[:-1])
        number = _memory_value(value)
        if number is None:
            raise BadValue("argument must be a memory or percent value")
        return b"%d" % number

    return parse


def _enum(limits: str, dialect: type[Dialect]) -> Parse:
    words = {word.lower().encode(): word.encode() for word in limits.split("|")}

    def parse(value: bytes, before: bytes) -> bytes:
        word = words.get(value.lower())
        if word is None:
            raise BadValue(f"argument(s) must be one of the following: {limits.replace('|', ', ')}")
        return word

    return parse


def _words(limits: str, dialect: type[Dialect]) -> Parse:
    """Several words at once; printed in the order of the table."""
    one = _enum(limits, dialect)
    order = [word.encode() for word in limits.split("|")]

    def parse(value: bytes, before: bytes) -> bytes:
        given = {one(word, before) for word in value.split(b" ")}
        if {b"save", b"nosave"} <= given:
            raise BadValue("shutdown options SAVE and NOSAVE can't be used simultaneously")
        return b" ".join(word for word in order if word in given and (len(given) == 1 or word != order[0]))

    return parse


def _save(limits: str, dialect: type[Dialect]) -> Parse:
    def parse(value: bytes, before: bytes) -> bytes:
        if not value:
            return value
        words = value.split(b" ")
        numbers = [int(word) if re.fullmatch(rb"\d{1,18}", word) else -1 for word in words]
        if len(words) % 2 or min(numbers[::2]) < 1 or min(numbers[1::2]) < 0:
            raise BadValue("Invalid save parameters")
        return b" ".join(b"%d" % number for number in numbers)

    return parse


def _buffers(limits: str, dialect: type[Dialect]) -> Parse:
    """`normal 0 0 0`: hard and soft limit in bytes and the seconds of the soft one; classes not named keep theirs."""

    def parse(value: bytes, before: bytes) -> bytes:
        old = before.split(b" ")
        classes = {old[i]: old[i + 1 : i + 4] for i in range(0, len(old), 4)}
        words = value.split(b" ") if value else []
        if len(words) % 4:
            raise BadValue("Wrong number of arguments in buffer limit configuration.")
        for i in range(0, len(words), 4):
            name = b"slave" if words[i].lower() == b"replica" else words[i].lower()
            if name not in classes:
                raise BadValue("Invalid client class specified in buffer limit configuration.")
            sizes = [_memory_value(word) for word in words[i + 1 : i + 3]]
            if None in sizes or not re.fullmatch(rb"\d{1,9}", words[i + 3]):
                raise BadValue("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
            classes[name] = [*(b"%d" % (size or 0) for size in sizes), b"%d" % int(words[i + 3])]
        return b" ".join(b" ".join((name, *numbers)) for name, numbers in classes.items())

    return parse


def _events(limits: str, dialect: type[Dialect]) -> Parse:
    def parse(value: bytes, before: bytes) -> bytes:
        if not set(value) <= set(dialect.event_letters):
            raise BadValue("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
        return EventClasses.of(value)

    return parse


def _percentiles(limits: str, dialect: type[Dialect]) -> Parse:
    def parse(value: bytes, before: bytes) -> bytes:
        try:
            numbers = [float(word) for word in value.split(b" ")] if value else []
        except ValueError:
            raise BadValue("Invalid latency-tracking-info-percentiles parameters") from None
        if not all(0 <= number <= 100 for number in numbers):
            raise BadValue("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
        return b" ".join(f"{number:.6f}".rstrip("0").rstrip(".").encode() for number in numbers)

    return parse


def _oom(limits: str, dialect: type[Dialect]) -> Parse:
    def parse(value: bytes, before: bytes) -> bytes:
        words = value.split(b" ")
        if len(words) != 3:
            raise BadValue("wrong number of arguments")
        if not all(re.fullmatch(rb"-?\d{1,4}", word) and abs(int(word)) <= 2000 for word in words):
            raise BadValue("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
        return b" ".join(b"%d" % int(word) for word in words)

    return parse


def _title(limits: str, dialect: type[Dialect]) -> Parse:
    names = {b"title", b"listen-addr", b"server-mode", b"port", b"tls-port", b"unixsocket", b"config-file"}

    def parse(value: bytes, before: bytes) -> bytes:
        if not value or not names.issuperset(re.findall(rb"\{(.*?)\}", value)):
            raise BadValue("template format is invalid or contains unknown variables")
        return value

    return parse


def _locale(limits: str, dialect: type[Dialect]) -> Parse:
    def parse(value: bytes, before: bytes) -> bytes:
        if value not in (b"", b"C", b"POSIX", b"C.UTF-8", b"C.utf8"):
            raise BadValue("Invalid locale name")
        return value

    return parse


def _ip(kind: str, error: str) -> Callable[[str, type[Dialect]], Parse]:
    pattern = {"ipv4": rb"\d+(\.\d+){3}", "ipv6": rb"[0-9a-fA-F:]*:[0-9a-fA-F:.]*"}
    either = rb"|".join(pattern.values()) if kind == "ip" else pattern[kind]

    def make(limits: str, dialect: type[Dialect]) -> Parse:
        def parse(value: bytes, before: bytes) -> bytes:
            if value and not re.fullmatch(either, value):
                raise BadValue(error)
            return value

        return parse

    return make


def _none(limits: str, dialect: type[Dialect]) -> Parse:
    def parse(value: bytes, before: bytes) -> bytes:
        raise BadValue("No RDMA building support.")

    return parse


_KINDS: dict[str, Callable[[str, type[Dialect]], Parse]] = {
    "text": _text,
    "filename": _filename,
    "bool": _bool,
    "int": _int,
    "hz": _hz,
    "memory": _memory,
    "backlog": _backlog,
    "percent": _percent,
    "enum": _enum,
    "words": _words,
    "save": _save,
    "buffers": _buffers,
    "events": _events,
    "percentiles": _percentiles,
    "oom": _oom,
    "title": _title,
    "locale": _locale,
    "ip": _ip("ip", "Cluster announce IP must be a valid IPv4 or IPv6 address"),
    "ipv4": _ip("ipv4", "Invalid IPv4 address"),
    "ipv6": _ip("ipv6", "Invalid IPv6 address"),
    "none": _none,
}
