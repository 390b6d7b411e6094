"""Payloads that are damaged and have a right checksum."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Sequence

from redouble.core.client import Client
from redouble.core.server import Server
from redouble.persistence.crc64 import crc64
from redouble.resp.reply import OK, CommandError
from tests.persistence.test_mutations import mutated

ROUNDS = 2500
MOST_MEMORY = 20_000_000

Lines = Callable[[str], list[list[bytes]]]


def restored_of_damaged(scripts: Sequence[str], lines: Lines, questions: Lines, measured: int = ROUNDS) -> int:
    """RESTORE payloads of what the scripts make, each changed somewhere: how many were taken for values.

    What is refused is bad data; a value can be asked (`questions` of its script), and be dumped and restored.  In the first
    `measured` rounds memory is watched.
    """
    server = Server(version="7.4")
    client = Client(server)
    payloads = []
    for script in scripts:
        server.call(client, [b"FLUSHALL"])
        for argv in lines(script):
            server.call(client, argv)
        payloads.append((script, server.call(client, [b"DUMP", b"k"])))
    chance = random.Random(1)
    restored = 0
    tracemalloc.start()
    for number in range(1, ROUNDS + 1):
        script, payload = chance.choice(payloads)
        body = mutated(chance, payload)
        damaged = body + crc64(body).to_bytes(8, "little")
        reply = server.call(client, [b"RESTORE", b"k", b"0", damaged, b"REPLACE"])
        if isinstance(reply, CommandError):
            assert str(reply) == "ERR Bad data format", damaged
        else:
            restored += 1
            server.database(0).check()
            for argv in questions(script):
                server.call(client, argv)
            again = server.call(client, [b"DUMP", b"k"])
            if again is not None:
                assert server.call(client, [b"RESTORE", b"k", b"0", again, b"REPLACE"]) is OK
            server.database(0).check()
        if number == measured:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < MOST_MEMORY
    return restored
