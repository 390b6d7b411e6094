"""Every error text that more than one command says, under Redis's own name.

Texts, not instances: an exception that is raised twice collects both tracebacks, so each `raise` makes a fresh one.
"""

from __future__ import annotations

from typing import Final

from redouble.resp.reply import CommandError

__all__ = ["CommandError", "not_allowed", "text", "wrong_arity"]

SYNTAX_ERROR: Final = "ERR syntax error"
WRONGTYPE: Final = "WRONGTYPE Operation against a key holding the wrong kind of value"
NO_SUCH_KEY: Final = "ERR no such key"
NOT_AN_INTEGER: Final = "ERR value is not an integer or out of range"
NOT_A_FLOAT: Final = "ERR value is not a valid float"
OUT_OF_RANGE: Final = "ERR value is out of range"
NOT_POSITIVE: Final = "ERR value is out of range, must be positive"
INDEX_OUT_OF_RANGE: Final = "ERR index out of range"
OFFSET_OUT_OF_RANGE: Final = "ERR offset is out of range"
OVERFLOW: Final = "ERR increment or decrement would overflow"
STRING_TOO_LONG: Final = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
NAN_OR_INFINITY: Final = "ERR increment would produce NaN or Infinity"
SAME_OBJECT: Final = "ERR source and destination objects are the same"
DB_OUT_OF_RANGE: Final = "ERR DB index is out of range"
INVALID_DB: Final = "ERR invalid DB index"
NUMKEYS_POSITIVE: Final = "ERR numkeys should be greater than 0"
COUNT_POSITIVE: Final = "ERR count should be greater than 0"
TIMEOUT_NOT_A_FLOAT: Final = "ERR timeout is not a float or out of range"
TIMEOUT_NEGATIVE: Final = "ERR timeout is negative"
TIMEOUT_OUT_OF_RANGE: Final = "ERR timeout is out of range"
NOAUTH: Final = "NOAUTH Authentication required."
NOPROTO: Final = "NOPROTO unsupported protocol version"
EXECABORT: Final = "EXECABORT Transaction discarded because of previous errors."
OOM: Final = "OOM command not allowed when used memory > 'maxmemory'."
READONLY: Final = "READONLY You can't write against a read only replica."
MASTERDOWN: Final = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
CLUSTER_DISABLED: Final = "ERR This instance has cluster support disabled"
INVALID_CURSOR: Final = "ERR invalid cursor"


def wrong_arity(name: str) -> CommandError:
    """What a command with too few or too many arguments gets; `name` as Redis writes it, `client|kill`."""
    return CommandError(f"ERR wrong number of arguments for '{name}' command")


def text(argument: bytes) -> str:
    """An argument inside an error text: each byte stays what it is, and a C string ends at its first zero byte."""
    return argument.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def not_allowed(name: str, parameter: str) -> str:
    """What a command says that only the configuration file can allow."""
    return (
        f'ERR {name} command not allowed. If the {parameter} option is set to "local", you can run it from a local'
        " connection, otherwise you need to set this option in the configuration file, and then restart the server."
    )
