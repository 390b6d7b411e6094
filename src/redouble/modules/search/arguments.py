"""What all FT commands begin with, and how they read their arguments: one after the other, with errors that name the option."""

from __future__ import annotations

import math
from functools import partial
from typing import Final

from redouble.core.command import Argv, command
from redouble.core.errors import CommandError
from redouble.modules.arguments import long_long
from redouble.types.number import parse_double

__all__ = [
    "EXPECTED_ARGUMENT",
    "NOT_CONVERTED",
    "OUT_OF_BOUNDS",
    "UNKNOWN_ARGUMENT",
    "Arguments",
    "bad_arguments",
    "ft_command",
]

ft_command = partial(command, module="search", since="1.0.0", capitals=True)

NOT_CONVERTED: Final = "Could not convert argument to expected type"
EXPECTED_ARGUMENT: Final = "Expected an argument, but none provided"
OUT_OF_BOUNDS: Final = "Value is outside acceptable bounds"
UNKNOWN_ARGUMENT: Final = "Unknown argument"


def bad_arguments(name: str, why: str) -> CommandError:
    return CommandError(f"Bad arguments for {name}: {why}")


class Arguments:
    """A place in a command line that moves on."""

    __slots__ = ("_argv", "at")

    def __init__(self, argv: Argv, at: int) -> None:
        self._argv = argv
        self.at = at

    def __bool__(self) -> bool:
        """Whether something is left."""
        return self.at < len(self._argv)

    def __len__(self) -> int:
        """How many words are left."""
        return len(self._argv) - self.at

    def peek(self) -> bytes:
        """The next word, which there must be."""
        return self._argv[self.at]

    def next(self) -> bytes:
        """The next word, which there must be."""
        self.at += 1
        return self._argv[self.at - 1]

    def previous(self) -> bytes:
        """The word that was read last."""
        return self._argv[self.at - 1]

    def has(self, word: bytes) -> bool:
        """Whether `word` comes next, which is then behind us."""
        if self and self.peek().upper() == word:
            self.at += 1
            return True
        return False

    def text(self, name: str) -> bytes:
        """A word that an option needs."""
        if not self:
            raise bad_arguments(name, EXPECTED_ARGUMENT)
        return self.next()

    def integer(self, name: str, least: int | None = None, most: int = (1 << 63) - 1) -> int:
        """An integer that an option needs, within bounds."""
        word = self.text(name)
        number = long_long(word)
        if number is None:
            real = self.number_of(word)
            if real is None or not real.is_integer():
                raise bad_arguments(name, NOT_CONVERTED)
            number = int(real)
        if (least is not None and number < least) or number > most:
            raise bad_arguments(name, OUT_OF_BOUNDS)
        return number

    def double(self, name: str) -> float:
        """A finite number that an option needs, or nan."""
        if not self:
            raise bad_arguments(name, NOT_CONVERTED)
        number = self.number_of(self.next())
        if number is None:
            raise bad_arguments(name, NOT_CONVERTED)
        return number

    @staticmethod
    def number_of(word: bytes) -> float | None:
        """A finite number or nan; None: it is none."""
        try:
            number = math.nan if word.lower() == b"nan" else parse_double(word)
        except ValueError:
            return None
        return None if math.isinf(number) else number

    def slice(self, name: str) -> list[bytes]:
        """A count, and so many words."""
        count = self.integer(name, 0)
        if count > len(self):
            raise bad_arguments(name, EXPECTED_ARGUMENT)
        self.at += count
        return self._argv[self.at - count : self.at]
