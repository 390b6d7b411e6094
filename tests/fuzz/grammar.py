"""Command templates.  A template is a line in the style of Redis's usage lines:

    SET <string> <value> [NX|XX] [GET] [EX <seconds>|PX <milliseconds>|KEEPTTL]

`<name>` is a value that `families.py` knows how to make, `[a|b]` is one of them or nothing, `(a|b)` is one of them, and
`{...}` in braces or one word before `...` is repeated.  What comes out is right most of the time: `mistake` spoils it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

Slots = dict[str, Callable[[Random], "bytes | list[bytes]"]]

TOKEN = re.compile(r"\s+|(<\w+>|\.\.\.|[][(){}|]|[^\s<\][(){}|.]+(?:\.(?!\.\.)[^\s<\][(){}|.]*)*)")


@dataclass(frozen=True)
class Node:
    """A word, a `<slot>`, a choice of sequences ("(" or "["), or a repetition of the first ("...")."""

    kind: str
    text: str = ""
    choices: tuple[tuple[Node, ...], ...] = ()


def parse(template: str) -> tuple[Node, ...]:
    tokens = [match[1] for match in TOKEN.finditer(template) if match[1]]
    tokens.reverse()
    (sequence,) = _choices(tokens, "")
    return sequence


def _choices(tokens: list[str], closing: str) -> tuple[tuple[Node, ...], ...]:
    choices: list[tuple[Node, ...]] = []
    sequence: list[Node] = []
    while tokens:
        token = tokens.pop()
        if token == closing:
            break
        if token == "|":
            choices.append(tuple(sequence))
            sequence = []
        elif token in "[({":
            sequence.append(Node(token, choices=_choices(tokens, {"[": "]", "(": ")", "{": "}"}[token])))
        elif token == "...":
            sequence[-1] = Node("...", choices=((sequence[-1],),))
        elif token.startswith("<"):
            sequence.append(Node("<", token[1:-1]))
        else:
            sequence.append(Node("word", token))
    return (*choices, tuple(sequence))


def generate(sequence: tuple[Node, ...], slots: Slots, random: Random) -> list[bytes]:
    """One command.  The options at its end come in any order."""
    end = len(sequence)
    while end and sequence[end - 1].kind == "[":
        end -= 1
    options = list(sequence[end:])
    random.shuffle(options)
    return [word for node in (*sequence[:end], *options) for word in _expand(node, slots, random)]


def _expand(node: Node, slots: Slots, random: Random) -> Iterator[bytes]:
    if node.kind == "word":
        yield (node.text.lower() if random.random() < 0.1 else node.text).encode()
    elif node.kind == "<":
        value = slots[node.text](random)
        if isinstance(value, bytes):
            yield value
        else:
            yield from value
    elif node.kind == "...":
        for _ in range(random.choice((1, 1, 2, 3, 5))):
            yield from _expand(node.choices[0][0], slots, random)
    elif node.kind != "[" or random.random() < 0.4:
        for child in random.choice(node.choices):
            yield from _expand(child, slots, random)


WRONG = [
    b"",
    b"abc",
    b"0",
    b"-1",
    b"1.5",
    b"-0",
    b"+500",
    b" 500",
    b"0500",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"4294967296",
    b"inf",
    b"-inf",
    b"nan",
    b"1e3",
    b"0x200",
    b"(5",
    b"[b",
    b"\x80\x00\xff",
    b"NX",
    b"GET",
    b"COUNT",
    b"LIMIT",
    b"WITHSCORES",
]
"""No small positive number is among them: as a time to live it would let a key expire during the run."""


def mistake(argv: list[bytes], random: Random) -> list[bytes]:
    """Spoil a command: one argument too few or too many, another value, the options of another command."""
    argv = list(argv)
    position = random.randrange(1, len(argv) + 1)
    kind = random.random()
    if kind < 0.25:
        del argv[min(position, len(argv) - 1) or 1 :][:1]
        argv = argv[:position] + argv[position + 1 :] if position < len(argv) else argv[:-1] or argv
    elif kind < 0.4:
        argv.insert(position, random.choice(WRONG))
    elif kind < 0.5 and len(argv) > 1:
        argv.append(argv[-1])
    elif len(argv) > 1:
        argv[min(position, len(argv) - 1)] = random.choice(WRONG)
    return argv
