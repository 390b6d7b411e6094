"""Programs that keep their data and are killed: each step is one call of a client, and says so when it was answered.

`python -m tests.persistence.kill` imports what they need once.  Each line of its input is what one of them is to do; it says which process
that is, and `ended` when it is no more.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from random import Random

from redouble import FakeRedis, FakeServer
from redouble.persistence import store

FORMS = ("log", "folder")
"""An append-only file as Redis has it, and a folder of redouble's own."""
_FAR = 4102444800000


def serve(folder: Path, form: str, policy: str = "everysec") -> FakeServer:
    if form == "log":
        files = {"dir": str(folder), "save": "", "appendonly": "yes", "appendfsync": policy}
        files["auto-aof-rewrite-min-size"] = "10kb"  # some are killed while it is written anew
        return FakeServer(config=files)
    return FakeServer(path=folder, config={"appendfsync": policy})


def step(client: FakeRedis, number: int) -> None:
    """One unit, which depends on nothing but the number and on what was there."""
    chance = Random(number)
    name, word = f"{chance.randrange(20)}", f"{number}" * chance.choice((1, 1, 30))
    kind = chance.randrange(16)
    if kind == 0:
        client.set(f"s{name}", word)
    elif kind == 1:
        client.set(f"s{name}", word, pxat=_FAR + number)
    elif kind == 2:
        client.incr("n")
    elif kind in (3, 4):
        client.rpush(f"l{name}", *[word] * chance.choice((1, 1, 50)))
    elif kind == 5:
        client.hset(f"h{name}", mapping={f"f{number % 7}": word, "n": number})
    elif kind == 6:
        client.zadd(f"z{name}", {word[:9]: number})
    elif kind == 7:
        client.xadd(f"x{name}", {"n": number}, id=f"{number}-1")
    elif kind == 8:
        client.lmove(f"l{name}", "moved")
    elif kind == 9:
        client.delete(f"l{name}", f"s{name}")
    elif kind == 10:
        with client.pipeline() as pipe:
            pipe.set("a", number).rpush("b", number).rename("a", "c").hset("h1", "n", number).execute()
    elif kind == 11:
        client.eval(
            "redis.call('SET', KEYS[1], ARGV[1]) redis.call('LPUSH', KEYS[2], ARGV[1])", 2, "one", "two", number
        )
    elif kind == 12 and number % 3:
        client.sadd(f"e{name}", number)
    elif kind == 12:
        client.sunionstore("u", f"e{name}", "u")
    elif kind == 13:
        client.pexpireat(f"h{name}", _FAR + number)
    elif kind == 14:
        client.append(f"s{name}", word)
    elif number % 20:
        client.lpop(f"l{name}")
    elif number % 40:
        client.swapdb(0, 1)
    else:
        client.flushdb()


def program(folder: str, form: str, policy: str, number: int, checkpoint: int) -> None:
    store.CHECKPOINT, store.COMPACTION = checkpoint, 100_000  # type: ignore[misc]
    with FakeRedis(server=serve(Path(folder), form, policy)) as client:
        while True:
            number += 1
            step(client, number)
            os.write(1, b"%d\n" % number)


if __name__ == "__main__":
    for line in sys.stdin:
        folder, form, policy, number, checkpoint = line.rstrip("\n").split("\t")
        child = os.fork()
        if not child:
            os.write(1, b"%d\n" % os.getpid())
            program(folder, form, policy, int(number), int(checkpoint))
        os.waitpid(child, 0)
        os.write(1, b"ended\n")
