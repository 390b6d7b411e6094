"""Passwords and what is as secret, which neither MONITOR nor the logs of commands show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from redouble.core.config import Config
    from redouble.dialects import Dialect

__all__ = ["without_passwords"]

_REDACTED: Final = b"(redacted)"
_SECRET_PARAMETERS: Final = frozenset(
    ("requirepass", "masterauth", "masteruser", "tls-key-file-pass", "tls-client-key-file-pass")
)


def without_passwords(config: Config, argv: list[bytes]) -> list[bytes]:
    """The command line as others may see it; a new list where anything is hidden."""
    name = argv[0].upper()
    if name not in _HIDING:
        return argv
    dialect = config.server.dialect
    shown = argv.copy()
    for at in _secrets(name, argv, dialect, config):
        shown[at] = _REDACTED
    return shown


_HIDING: Final = frozenset((b"AUTH", b"HELLO", b"MIGRATE", b"ACL", b"CONFIG"))


def _secrets(name: bytes, argv: list[bytes], dialect: type[Dialect], config: Config) -> list[int]:
    """Where in `argv` they stand."""
    count = len(argv)
    if name == b"AUTH":
        return list(range(1, count))
    if name == b"ACL":
        return list(range(2, count)) if argv[1].upper() in dialect.logs.hidden_of_acl else []
    if name == b"CONFIG":
        if (
            not dialect.logs.hides_secret_parameters
            or argv[1].upper() != b"SET"
            or (dialect.config_sets_one and count != 4)
        ):
            return []
        known = (config.parameters.get(word.decode("latin-1").lower()) for word in argv[2:-1:2])
        return [at for at, each in zip(range(3, count, 2), known) if each and each.name in _SECRET_PARAMETERS]
    if name == b"MIGRATE" and not dialect.logs.hides_password_of_migrate:
        return []
    found: list[int] = []
    for at, word in enumerate(argv[2:], 2):
        passwords = {b"AUTH": 2 if name == b"HELLO" else 1, b"AUTH2": 2}.get(word.upper(), 0)
        found += range(at + 1, min(at + 1 + passwords, count))
    return found
