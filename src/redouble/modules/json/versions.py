"""What differs between the versions of RedisJSON."""

from __future__ import annotations

from typing import ClassVar

from redouble.core.client import Client
from redouble.modules.json.path import PathSyntaxError

__all__ = ["Json", "version"]


class Json:
    """RedisJSON 2.8, of Redis Stack 7."""

    missing: ClassVar[str] = "ERR Path '{path}' does not exist"
    """`JSON.GET k .nope`."""
    missing_or: ClassVar[str] = "ERR Path '{path}' does not exist or {what}"
    """`JSON.TOGGLE k .nope`."""
    expected: ClassVar[str] = "WRONGTYPE wrong type of path value - expected {expected} but found {found}"
    """`JSON.STRLEN k .number`."""
    not_a_number: ClassVar[str] = "ERR result is not a number"
    """`JSON.NUMMULTBY k $ 1e308` of 1e308."""
    ignores_what_follows: ClassVar[bool] = True
    """`JSON.SET k $ "1 2"` sets 1."""
    filters_scalars: ClassVar[bool] = True
    """`JSON.GET k $.number[?(@>1)]` finds the number itself."""
    numbers_members: ClassVar[bool] = True
    """Commands that change something do not find the members of objects that filters select: `JSON.DEL k $[?(@>1)]`."""
    deletes_by_name: ClassVar[bool] = True
    """JSON.DEL takes `$.fl` for a part of `$.f`, which it removes only once: `JSON.DEL k $.*`."""
    keeps_emptied: ClassVar[bool] = True
    """`JSON.DEL k $.*` leaves `{}`."""
    packs_numbers: ClassVar[bool] = False
    """An array of numbers alone holds no values that JSON.CLEAR and JSON.MERGE could change: `JSON.CLEAR k $.numbers[0]`."""

    clears_one_path: ClassVar[bool] = False
    """`JSON.CLEAR k $ x` is an error."""
    changes_inside_out: ClassVar[bool] = False
    """Arrays in arrays are changed before these, and later ones before earlier ones: `JSON.ARRPOP k $..* 0`."""

    @staticmethod
    def syntax(error: PathSyntaxError) -> str:
        """`JSON.GET k $[`."""
        path = error.text.encode()
        before, after = path[: error.position].decode(), path[error.position :].decode()
        where = f"{before} ---->>>> {after}" if after else f"{before} <<<<----"
        expected = ", ".join(error.expected)
        return f'Error occurred on position {error.position}, "{where}", expected one of the following: {expected}.'


class Json8(Json):
    """The one of Redis 8."""

    missing = "ERR Path does not exist"
    missing_or = "ERR Path does not exist or {what}"
    expected = "WRONGTYPE wrong type of path value - expected {expected}"
    not_a_number = "result is not a number"
    ignores_what_follows = False
    filters_scalars = False
    numbers_members = False
    deletes_by_name = False
    keeps_emptied = False
    packs_numbers = True
    clears_one_path = True
    changes_inside_out = True

    @staticmethod
    def syntax(error: PathSyntaxError) -> str:
        at = f"at position {error.position}"
        return f"Error occurred {at}, Error {at}: expected one of the following: {', '.join(error.expected)}"


def version(client: Client) -> type[Json]:
    """The version that the server has."""
    return Json8 if client.server.dialect.describes_modules else Json
