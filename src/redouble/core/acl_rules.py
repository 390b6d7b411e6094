"""Users and their rules: what `ACL SETUSER alice on >secret ~cache:* +@read` makes of a user, and how ACL LIST prints it.

A user has one root selector and, from Redis 7.0 on, any number of others; a command is allowed if one of them allows all
of it.  Rules are bytes, as they were sent; commands and categories are text.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from redouble.core.acl_commands import acl_commands
from redouble.core.errors import text
from redouble.resp.parser import split_arguments
from redouble.types.glob import compile_glob

if TYPE_CHECKING:
    from redouble.core.acl_commands import AclCommands
    from redouble.dialects import Dialect, Module
    from redouble.dialects.base import AclFacts

__all__ = ["READ", "UNKNOWN", "WRITE", "RuleError", "Selector", "User", "hash_password", "merge_selectors"]

READ, WRITE = 1, 2
"""What a key pattern allows."""

SYNTAX: Final = "Syntax error"
UNKNOWN: Final = "Unknown command or category name in ACL"
AFTER_ALL_KEYS: Final = (
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect."
    " Try 'resetkeys' to start with an empty list of patterns"
)
AFTER_ALL_CHANNELS: Final = (
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect."
    " Try 'resetchannels' to start with an empty list of channels"
)
ALLOWED_ALREADY: Final = (
    "Adding a subcommand of a command already fully added is not allowed."
    " Remove the command to start. Example: -DEBUG +DEBUG|DIGEST"
)
ARGUMENT_OF_SUBCOMMAND: Final = "Allowing first-arg of a subcommand is not supported"
BAD_HASH: Final = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
NO_SUCH_PASSWORD: Final = "The password you are trying to remove from the user does not exist"
NO_SUCH_DATABASE: Final = "The provided database ID is out of range"

_SPACES = re.compile(rb"[\s\0]")
_matcher = functools.lru_cache(maxsize=1024)(compile_glob)


class RuleError(Exception):
    """A rule that cannot be; the text is the reason that ACL SETUSER gives."""


def hash_password(password: bytes) -> bytes:
    """A password as it is kept: its SHA-256 in hexadecimal."""
    return hashlib.sha256(password).hexdigest().encode()


class Selector:
    """One set of permissions: commands, keys, channels, databases."""

    def __init__(self, dialect: type[Dialect], modules: tuple[Module, ...]) -> None:
        self.dialect = dialect
        self.modules = modules
        self.facts = facts = dialect.acl
        self.all_commands = False
        """`+@all` and nothing taken away since."""
        self.adds_up = True
        """Whether it began with nothing (`-@all`) or with everything: which of the two it allows of what is not known yet."""
        self.commands: set[str] = set()
        """What is allowed, if not everything is."""
        self.first_arguments: dict[str, list[bytes]] = {}
        """Commands that are allowed with certain first arguments only, as they were spelt."""
        self.rules: list[tuple[str, bytes]] = []
        """The rules about commands since the last `@all`, each a sign and what it is about."""
        self.all_keys = False
        self.patterns: dict[bytes, int] = {}
        """Key patterns and what they allow."""
        self.all_channels = not facts.knows_channels
        self.channels: dict[bytes, None] = {}
        self.all_databases = True
        self.databases: set[int] = set()

    def copy(self) -> Selector:
        other = object.__new__(Selector)
        other.__dict__.update(
            self.__dict__,
            commands=self.commands.copy(),
            first_arguments={name: words.copy() for name, words in self.first_arguments.items()},
            rules=self.rules.copy(),
            patterns=self.patterns.copy(),
            channels=self.channels.copy(),
            databases=self.databases.copy(),
        )
        return other

    @property
    def known(self) -> AclCommands:
        """The commands that rules may name."""
        return acl_commands(self.dialect, self.modules)  # type: ignore[arg-type]  # a class is hashable

    @property
    def allows_everything(self) -> bool:
        return self.all_commands and self.all_keys and self.all_channels and self.all_databases

    # One rule.

    def apply(self, rule: bytes) -> None:
        """Follow one rule.  Raises RuleError."""
        word, facts = rule.lower(), self.facts
        if word in (b"allkeys", b"~*"):
            self.all_keys = True
            self.patterns.clear()
        elif word == b"resetkeys":
            self.all_keys = False
            self.patterns.clear()
        elif facts.knows_channels and word in (b"allchannels", b"&*"):
            self.all_channels = True
            self.channels.clear()
        elif facts.knows_channels and word == b"resetchannels":
            self.all_channels = False
            self.channels.clear()
        elif word in (b"allcommands", b"+@all", b"nocommands", b"-@all"):
            self.all_commands = word in (b"allcommands", b"+@all")
            self.adds_up = not self.all_commands
            self.commands.clear()
            self.first_arguments.clear()
            self.rules.clear()
        elif facts.knows_databases and word in (b"alldbs", b"resetdbs"):
            self.all_databases = word == b"alldbs"
            self.databases.clear()
        elif facts.knows_databases and word.startswith(b"db="):
            self._choose_databases(word[3:])
        elif word.startswith(b"~") or (word.startswith(b"%") and facts.knows_selectors):
            self._add_pattern(rule)
        elif word.startswith(b"&") and facts.knows_channels:
            self._add_channel(rule[1:])
        elif word.startswith((b"+@", b"-@")):
            self._change_category(word[1:], word[:1] == b"+")
        elif word.startswith(b"+") and b"|" in word:
            self._allow_subcommand(rule[1:])
        elif word.startswith((b"+", b"-")):
            name = self._known(word[1:])
            self._change(name, word[:1] == b"+")
            self._remember(name.encode(), word[:1] == b"+")
        else:
            raise RuleError(SYNTAX)

    def _add_pattern(self, rule: bytes) -> None:
        allows, pattern = READ | WRITE, rule[1:]
        if self.all_keys:
            raise RuleError(AFTER_ALL_KEYS)
        if rule[:1] == b"%":
            letters, tilde, pattern = rule[1:].partition(b"~")
            words = letters.upper()
            if words not in (b"R", b"W", b"RW", b"WR") and words + tilde not in self.facts.odd_permissions:
                raise RuleError(SYNTAX)
            allows = (READ if b"R" in words else 0) | (WRITE if b"W" in words else 0)
        if _SPACES.search(rule):
            raise RuleError(SYNTAX)
        self.patterns[pattern] = self.patterns.get(pattern, 0) | allows

    def _add_channel(self, channel: bytes) -> None:
        if self.all_channels:
            raise RuleError(AFTER_ALL_CHANNELS)
        if _SPACES.search(channel):
            raise RuleError(SYNTAX)
        self.channels[channel] = None

    def _choose_databases(self, numbers: bytes) -> None:
        parts = numbers.split(b",")
        if not all(re.fullmatch(rb"\s*[+-]?\d+", part) for part in parts):
            raise RuleError(SYNTAX)
        databases = {int(part) for part in parts}
        if not all(0 <= index < 2**31 for index in databases):
            raise RuleError(NO_SUCH_DATABASE)
        self.all_databases, self.databases = False, databases

    # Commands.

    def _known(self, name: bytes) -> str:
        found = name.partition(b"\0")[0].decode("latin-1")  # a C string ends there
        if found not in self.known.categories:
            raise RuleError(UNKNOWN)
        return found

    def _change(self, name: str, allow: bool) -> None:
        """Allow or forbid a command and its subcommands."""
        self.first_arguments.pop(name, None)
        if allow:
            self.commands.update(self.known.family(name))
        else:
            if self.all_commands:
                self.all_commands = False
                self.commands = set(self.known.categories)
            self.commands.difference_update(self.known.family(name))

    def _change_category(self, category: bytes, allow: bool) -> None:
        members = self.known.members.get(category[1:].decode("latin-1"))
        if members is None:
            raise RuleError(UNKNOWN)
        for name in members:
            self._change(name, allow)
        self._remember(category, allow)

    def _allow_subcommand(self, spelt: bytes) -> None:
        """`client|kill`, or a command and its first argument."""
        facts = self.facts
        command, _, argument = spelt.rpartition(b"|") if facts.knows_subcommands else spelt.partition(b"|")
        name = self._known(command.lower())
        if "|" in name:
            raise RuleError(ARGUMENT_OF_SUBCOMMAND)
        if not argument:
            raise RuleError(SYNTAX)
        if name in self.known.subcommands:
            self._change(self._known(spelt.lower()), True)
        elif not facts.knows_subcommands and self.allows(name):
            if facts.subcommands_of_allowed_are_errors:
                raise RuleError(ALLOWED_ALREADY)
        else:
            words = self.first_arguments.setdefault(name, [])
            if argument.lower() not in map(bytes.lower, words):
                words.append(argument)
        self._remember(spelt.lower(), True)

    def _remember(self, about: bytes, allow: bool) -> None:
        """What is said later takes the place of what was said of the same command, or of its subcommands."""
        self.rules = [rule for rule in self.rules if rule[1] != about and not rule[1].startswith(about + b"|")]
        self.rules.append(("+" if allow else "-", about))

    def allows(self, name: str) -> bool:
        """Whether a command is allowed, whatever its arguments are."""
        return self.all_commands or name in self.commands

    def allows_key(self, key: bytes, needed: int) -> bool:
        return self.all_keys or any(
            allowed & needed == needed and _matcher(pattern)(key) for pattern, allowed in self.patterns.items()
        )

    def allows_any_key(self, needed: int) -> bool:
        return self.all_keys or self.patterns.get(b"*", 0) & needed == needed != 0

    def allows_channel(self, channel: bytes, *, is_pattern: bool) -> bool:
        """A pattern has to be among the rules as it is."""
        if self.all_channels:
            return True
        return channel in self.channels if is_pattern else any(_matcher(rule)(channel) for rule in self.channels)

    # How rules are printed.

    def describe(self) -> bytes:
        """All of it as rules, for ACL LIST."""
        parts = [self.describe_keys()]
        if self.facts.knows_channels:
            parts += [b"" if self.all_channels else b"resetchannels", self.describe_channels()]
        if not self.all_databases:
            parts.append(self.describe_databases() or b"resetdbs")
        parts.append(self.describe_commands())
        return b" ".join(filter(None, parts))

    def describe_keys(self) -> bytes:
        return b"~*" if self.all_keys else b" ".join(map(self._describe_pattern, self.patterns))

    def _describe_pattern(self, pattern: bytes) -> bytes:
        return {READ: b"%R~", WRITE: b"%W~", 0: b"%~"}.get(self.patterns[pattern], b"~") + pattern

    def describe_channels(self) -> bytes:
        return b"&*" if self.all_channels else b" ".join(b"&" + channel for channel in self.channels)

    def describe_databases(self) -> bytes:
        if self.all_databases:
            return b"alldbs"
        numbers = b",".join(b"%d" % index for index in sorted(self.databases))
        return b"db=" + numbers if numbers else b""

    def describe_commands(self) -> bytes:
        start = b"-@all" if self.adds_up else b"+@all"
        if self.facts.keeps_rules:
            return b" ".join([start, *(sign.encode() + about for sign, about in self.rules)])
        return b" ".join([start, *self._shortest_rules()])

    def _shortest_rules(self) -> Iterator[bytes]:
        """Rules that amount to what is allowed: the best category again and again, then single commands.

        Before 7.2 nobody remembered how it had been said (ACLDescribeSelectorCommandRules).
        """
        if self.all_commands:
            return
        goal, made = Selector(self.dialect, self.modules), Selector(self.dialect, self.modules)
        goal.commands = self.commands.copy()
        if not self.adds_up:
            made.commands = set(self.known.categories)
        sign, inverse = (b"+@", b"-@") if self.adds_up else (b"-@", b"+@")
        left = dict(self.known.members)
        while True:
            best, fewest, most = "", 0, 0
            for category, members in left.items():
                same = sum((name in goal.commands) == self.adds_up for name in members)
                wrong = len(members) - same
                if same > wrong and (not best or wrong < fewest or (wrong == fewest and same > most)):
                    best, fewest, most = category, wrong, same
            if not best:
                break
            del left[best]
            made.apply(sign + best.encode())
            goal.apply(inverse + best.encode())
            yield sign + best.encode()
        for name in self.known.categories:
            allowed = name in self.commands
            if allowed != (name in made.commands):
                made._change(name, allowed)
                yield (b"+" if allowed else b"-") + name.encode()
            if not allowed:
                yield from (b"+%s|%s" % (name.encode(), word) for word in self.first_arguments.get(name, ()))


class User:
    """Somebody who may log in, and what they may then do."""

    def __init__(self, name: bytes, dialect: type[Dialect], modules: tuple[Module, ...]) -> None:
        self.name = name
        self.dialect = dialect
        self.modules = modules
        self.facts = facts = dialect.acl
        self.enabled = False
        self.needs_no_password = False
        self.sanitizes: bool | None = True if facts.new_users_sanitize else None
        """Whether payloads of RESTORE are looked at closely; None: nothing was said."""
        self.passwords: dict[bytes, None] = {}
        """As `hash_password` gives them."""
        self.selectors = [Selector(dialect, modules)]
        self.restricted = True
        """Whether there is anything that this user may not do."""

    @property
    def root(self) -> Selector:
        return self.selectors[0]

    def copy(self) -> User:
        other = object.__new__(User)
        other.__dict__.update(self.__dict__)
        other.become(self)
        return other

    def become(self, other: User) -> None:
        """Take over all that is said of `other`, but for the name."""
        self.enabled, self.needs_no_password, self.sanitizes = other.enabled, other.needs_no_password, other.sanitizes
        self.passwords = other.passwords.copy()
        self.selectors = [selector.copy() for selector in other.selectors]
        self.restricted = other.restricted

    def apply(self, rule: bytes, channels_allowed: bool) -> None:
        """Follow one rule; `channels_allowed` is acl-pubsub-default, for `reset`.  Raises RuleError."""
        word, sign, facts = rule.lower(), rule[:1], self.facts
        if not word:
            return
        if word in (b"on", b"off"):
            self.enabled = word == b"on"
        elif word == b"nopass":
            self.needs_no_password = True
            self.passwords.clear()
        elif word == b"resetpass":
            self.needs_no_password = False
            self.passwords.clear()
        elif facts.knows_channels and word in (b"sanitize-payload", b"skip-sanitize-payload"):
            if facts.tells_of_sanitizing:
                self.sanitizes = word == b"sanitize-payload"
        elif sign in (b">", b"#", b"<", b"!"):
            self._change_password(sign, rule[1:])
        elif facts.knows_selectors and sign == b"(" and rule.endswith(b")"):
            selector = Selector(self.dialect, self.modules)
            for inner in split_arguments(rule[1:-1]) or ():
                selector.apply(inner)
            self.selectors.append(selector)
        elif facts.knows_selectors and word == b"clearselectors":
            del self.selectors[1:]
        elif word == b"reset":
            for each in (b"resetpass", b"resetkeys", b"off", b"clearselectors", b"-@all"):
                if each != b"clearselectors" or facts.knows_selectors:
                    self.apply(each, channels_allowed)
            if facts.knows_channels:
                self.apply(b"allchannels" if channels_allowed else b"resetchannels", channels_allowed)
                self.apply(b"sanitize-payload", channels_allowed)
            if facts.knows_databases:
                self.apply(b"alldbs", channels_allowed)
        else:
            self.root.apply(rule)
        self.restricted = not any(selector.allows_everything for selector in self.selectors)

    def _change_password(self, sign: bytes, password: bytes) -> None:
        if sign in (b"#", b"!"):
            if not re.fullmatch(rb"[0-9a-f]{64}", password):
                raise RuleError(BAD_HASH)
            hashed = password
        else:
            hashed = hash_password(password)
        if sign in (b">", b"#"):
            self.passwords[hashed] = None
            self.needs_no_password = False
        elif hashed in self.passwords:
            del self.passwords[hashed]
        else:
            raise RuleError(NO_SUCH_PASSWORD)

    def admits(self, password: bytes) -> bool:
        """Whether this password lets somebody in; the comparison takes the same time wherever they differ."""
        if not self.enabled:
            return False
        if self.needs_no_password:
            return True
        hashed = hash_password(password)
        return any(hmac.compare_digest(hashed, known) for known in self.passwords)

    @property
    def flags(self) -> list[bytes]:
        """What GETUSER calls flags; before 7.0 some permissions were among them."""
        root, old = self.root, not self.facts.knows_selectors
        marks = (
            (b"on", self.enabled),
            (b"off", not self.enabled),
            (b"allkeys", old and root.all_keys),
            (b"allchannels", old and self.facts.knows_channels and root.all_channels),
            (b"allcommands", old and root.all_commands),
            (b"nopass", self.needs_no_password),
            (b"skip-sanitize-payload", self.sanitizes is False),
            (b"sanitize-payload", self.sanitizes is True),
        )
        return [flag for flag, is_set in marks if is_set]

    def describe(self) -> bytes:
        """The line of ACL LIST, which is also that of an ACL file."""
        flags = [flag for flag in self.flags if not flag.startswith(b"all")]
        passwords = [b"#" + hashed for hashed in self.passwords]
        others = [b"(%s)" % selector.describe() for selector in self.selectors[1:]]
        return b" ".join([b"user", self.name, *flags, *passwords, self.root.describe(), *others])


def merge_selectors(rules: list[bytes], facts: AclFacts) -> list[bytes]:
    """`(+get`, `~a)` as one rule.  Raises RuleError, which names the rule that has no end."""
    merged: list[bytes] = []
    begun: list[bytes] = []
    for rule in rules:
        opens = rule.startswith(b"(") and not rule.endswith(b")")
        if opens and (not begun or facts.parentheses_start_anew):
            begun = [rule]
        elif begun:
            begun.append(rule)
            if rule.endswith(b")"):
                merged.append(b" ".join(begun))
                begun = []
        else:
            merged.append(rule)
    if begun:
        raise RuleError(f"Unmatched parenthesis in acl selector starting at '{text(begun[0])}'.")
    return merged
