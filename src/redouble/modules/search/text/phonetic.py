"""How a word sounds: Lawrence Philips's Double Metaphone, of which only the first code counts here."""

from __future__ import annotations

import functools
from typing import Final

__all__ = ["metaphone"]

LENGTH: Final = 4
VOWELS: Final = frozenset("AEIOUY")


@functools.lru_cache(maxsize=50_000)
def metaphone(word: bytes) -> bytes:
    """The code of a word, at most four letters; empty if it has none."""
    return _Metaphone(word.decode("latin-1")).code()


class _Metaphone:
    """A word, and how far it was read."""

    def __init__(self, word: str) -> None:
        self.length = len(word)
        self.last = self.length - 1
        # Letters beyond ASCII have no capitals here.
        self.word = "".join(letter.upper() if letter.isascii() else letter for letter in word) + "     "
        self.slavic = any(part in self.word for part in ("W", "K", "CZ", "WITZ"))
        self.germanic = self.at_start("VAN ", "VON ", "SCH")
        self.at = 0

    def code(self) -> bytes:
        code = ""
        if self.at_start("GN", "KN", "PN", "WR", "PS"):
            self.at = 1
        if self.word[0] == "X":
            code, self.at = "S", 1
        while len(code) < LENGTH and self.at < self.length:
            letter = self.word[self.at]
            if letter in VOWELS:
                sound, step = "A" if self.at == 0 else "", 1
            elif letter in SIMPLE:
                sound, step = SIMPLE[letter], 2 if self.letter(1) == letter else 1
            elif letter in RULES:
                sound, step = RULES[letter](self)
            else:
                sound, step = "", 1
            code += sound
            self.at += step
        return code[:LENGTH].encode()

    # What stands around.

    def letter(self, offset: int) -> str:
        at = self.at + offset
        return self.word[at] if 0 <= at < len(self.word) else ""

    def has(self, offset: int, *parts: str) -> bool:
        """Whether one of the parts stands there."""
        at = self.at + offset
        return at >= 0 and self.word.startswith(parts, at)

    def at_start(self, *parts: str) -> bool:
        return self.word.startswith(parts)

    def vowel(self, offset: int) -> bool:
        return self.letter(offset) in VOWELS and self.letter(offset) != ""

    # The letters whose sound depends on others: what they add, and how many letters that takes.

    def c(self) -> tuple[str, int]:
        first = self.at == 0
        if (
            self.at > 1
            and not self.vowel(-2)
            and self.has(-1, "ACH")
            and self.letter(2) != "I"
            and (self.letter(2) != "E" or self.has(-2, "BACHER", "MACHER"))
        ):
            return "K", 2
        if first and self.has(0, "CAESAR"):
            return "S", 2
        if self.has(0, "CHIA"):
            return "K", 2
        if self.has(0, "CH"):
            return self.ch(), 2
        if self.has(0, "CZ") and not self.has(-2, "WICZ"):
            return "S", 2
        if self.has(1, "CIA"):
            return "X", 3
        if self.has(0, "CC") and not (self.at == 1 and self.word[0] == "M"):
            if self.has(2, "I", "E", "H") and not self.has(2, "HU"):
                hard = (self.at == 1 and self.letter(-1) == "A") or self.has(-1, "UCCEE", "UCCES")
                return "KS" if hard else "X", 3
            return "K", 2
        if self.has(0, "CK", "CG", "CQ"):
            return "K", 2
        if self.has(0, "CI", "CE", "CY"):
            return "S", 2
        if self.has(1, " C", " Q", " G"):
            return "K", 3
        return "K", 2 if self.has(1, "C", "K", "Q") and not self.has(1, "CE", "CI") else 1

    def ch(self) -> str:
        first = self.at == 0
        if not first and self.has(0, "CHAE"):
            return "K"
        if first and self.has(1, "HARAC", "HARIS", "HOR", "HYM", "HIA", "HEM") and not self.at_start("CHORE"):
            return "K"
        if (
            self.germanic
            or self.has(-2, "ORCHES", "ARCHIT", "ORCHID")
            or self.has(2, "T", "S")
            or ((first or self.has(-1, "A", "O", "U", "E")) and self.has(2, *"LRNMBHFVW "))
        ):
            return "K"
        return "K" if not first and self.at_start("MC") else "X"

    def d(self) -> tuple[str, int]:
        if self.has(0, "DG"):
            return ("J", 3) if self.has(2, "I", "E", "Y") else ("TK", 2)
        return "T", 2 if self.has(0, "DT", "DD") else 1

    def g(self) -> tuple[str, int]:
        following = self.letter(1)
        if following == "H":
            return self.gh(), 2
        if following == "N":
            if self.at == 1 and self.vowel(-1) and not self.slavic:
                return "KN", 2
            return "N" if not self.has(2, "EY") and not self.slavic else "KN", 2
        if self.has(1, "LI") and not self.slavic:
            return "KL", 2
        starts = "ES", "EP", "EB", "EL", "EY", "IB", "IL", "IN", "IE", "EI", "ER"
        if self.at == 0 and (following == "Y" or self.has(1, *starts)):
            return "K", 2
        if (
            (self.has(1, "ER") or following == "Y")
            and not self.at_start("DANGER", "RANGER", "MANGER")
            and not self.has(-1, "E", "I", "RGY", "OGY")
        ):
            return "K", 2
        if self.has(1, "E", "I", "Y") or self.has(-1, "AGGI", "OGGI"):
            return "K" if self.germanic or self.has(1, "ET") else "J", 2
        return "K", 2 if following == "G" else 1

    def gh(self) -> str:
        if self.at > 0 and not self.vowel(-1):
            return "K"
        if self.at == 0:
            return "J" if self.letter(2) == "I" else "K"
        if (
            (self.at > 1 and self.has(-2, "B", "H", "D"))
            or (self.at > 2 and self.has(-3, "B", "H", "D"))
            or (self.at > 3 and self.has(-4, "B", "H"))
        ):
            return ""
        if self.at > 2 and self.letter(-1) == "U" and self.has(-3, "C", "G", "L", "R", "T"):
            return "F"
        return "K" if self.letter(-1) != "I" else ""

    def h(self) -> tuple[str, int]:
        return ("H", 2) if (self.at == 0 or self.vowel(-1)) and self.vowel(1) else ("", 1)

    def j(self) -> tuple[str, int]:
        if self.has(0, "JOSE") or self.at_start("SAN "):
            return "H" if (self.at == 0 and self.letter(4) == " ") or self.at_start("SAN ") else "J", 1
        step = 2 if self.letter(1) == "J" else 1
        sounds = (
            self.at == 0
            or (self.vowel(-1) and not self.slavic and self.letter(1) in ("A", "O"))
            or self.at == self.last
            or not (self.has(1, *"LTKSNMBZ") or self.has(-1, "S", "K", "L"))
        )
        return "J" if sounds else "", step

    def l(self) -> tuple[str, int]:  # noqa: E743
        return "L", 2 if self.letter(1) == "L" else 1

    def m(self) -> tuple[str, int]:
        silent = self.has(-1, "UMB") and (self.at + 1 == self.last or self.has(2, "ER"))
        return "M", 2 if silent or self.letter(1) == "M" else 1

    def p(self) -> tuple[str, int]:
        if self.letter(1) == "H":
            return "F", 2
        return "P", 2 if self.has(1, "P", "B") else 1

    def r(self) -> tuple[str, int]:
        silent = self.at == self.last and not self.slavic and self.has(-2, "IE") and not self.has(-4, "ME", "MA")
        return "" if silent else "R", 2 if self.letter(1) == "R" else 1

    def s(self) -> tuple[str, int]:
        if self.has(-1, "ISL", "YSL"):
            return "", 1
        if self.at == 0 and self.has(0, "SUGAR"):
            return "X", 1
        if self.has(0, "SH"):
            return "S" if self.has(1, "HEIM", "HOEK", "HOLM", "HOLZ") else "X", 2
        if self.has(0, "SIO", "SIA"):
            return "S", 3
        if (self.at == 0 and self.has(1, "M", "N", "L", "W")) or self.has(1, "Z"):
            return "S", 2 if self.has(1, "Z") else 1
        if self.has(0, "SC"):
            if self.letter(2) == "H":
                if self.has(3, "OO", "ER", "EN", "UY", "ED", "EM"):
                    return "X" if self.has(3, "ER", "EN") else "SK", 3
                return "X", 3
            return "S" if self.has(2, "I", "E", "Y") else "SK", 3
        silent = self.at == self.last and self.has(-2, "AI", "OI")
        return "" if silent else "S", 2 if self.has(1, "S", "Z") else 1

    def t(self) -> tuple[str, int]:
        if self.has(0, "TION", "TIA", "TCH"):
            return "X", 3
        if self.has(0, "TH", "TTH"):
            return "T" if self.has(2, "OM", "AM") or self.germanic else "0", 2
        return "T", 2 if self.has(1, "T", "D") else 1

    def w(self) -> tuple[str, int]:
        if self.has(0, "WR"):
            return "R", 2
        sound = "A" if self.at == 0 and (self.vowel(1) or self.has(0, "WH")) else ""
        if (self.at == self.last and self.vowel(-1)) or self.has(-1, "EWSKI", "EWSKY", "OWSKI", "OWSKY"):
            return sound, 1
        if not self.at_start("SCH") and self.has(0, "WICZ", "WITZ"):
            return sound + "TS", 4
        return sound, 1

    def x(self) -> tuple[str, int]:
        silent = self.at == self.last and (self.has(-3, "IAU", "EAU") or self.has(-2, "AU", "OU"))
        return "" if silent else "KS", 2 if self.has(1, "C", "X") else 1

    def z(self) -> tuple[str, int]:
        if self.letter(1) == "H":
            return "J", 2
        return "S", 2 if self.letter(1) == "Z" else 1


SIMPLE: Final = {"B": "P", "F": "F", "K": "K", "N": "N", "Q": "K", "V": "F"}
"""Letters that sound the same everywhere; twice the same is one."""
RULES: Final = {
    "C": _Metaphone.c,
    "D": _Metaphone.d,
    "G": _Metaphone.g,
    "H": _Metaphone.h,
    "J": _Metaphone.j,
    "L": _Metaphone.l,
    "M": _Metaphone.m,
    "P": _Metaphone.p,
    "R": _Metaphone.r,
    "S": _Metaphone.s,
    "T": _Metaphone.t,
    "W": _Metaphone.w,
    "X": _Metaphone.x,
    "Z": _Metaphone.z,
}
