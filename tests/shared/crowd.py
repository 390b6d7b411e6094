"""Many programs on one shared file, some of which are killed: what the tests do in small, and `tools/prove.py shared` at length.

    python -m tests.shared.crowd race 16 200         so many programs begin at once, so many times
    python -m tests.shared.crowd kill 6 30           so many programs write while they and the server are killed, so many seconds
    python -m tests.shared.crowd leave 2 50          so many programs come and go as the server is about to end, so many times
    python -m tests.shared.crowd histories 5 1000    so many programs on one register, so many times, while the server is killed

Each prints one line of JSON, and fails if anything was lost, orphaned or readable by others.  It forks, so it is a program of its own.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from redouble import FakeRedis, FakeServer, SharedRedis

from .histories import Operation, linearizable

PATIENCE = 120.0
GRACE = 1.0


def wait_for(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, f"waited in vain: {what}"
        time.sleep(0.005)


def gone(pid: int) -> bool:
    """Whether a process has ended; whoever should have waited for it may not have."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def readable_by_others(folder: Path) -> list[str]:
    found = []
    for path in [folder, *folder.rglob("*")]:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if mode & 0o077 and not path.is_symlink():
            found.append(f"{path} {mode:o}")
    return found


def at_rest(path: Path, servers: set[int]) -> FakeRedis:
    """What the file holds when the last program has gone."""
    folder = path.with_name(f"{path.name}.redouble")
    wait_for(lambda: not folder.exists(), f"{folder} goes")
    wait_for(lambda: all(map(gone, servers)), "servers end")
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert not path.stat().st_mode & 0o077
    server = FakeServer()
    server.load(path)
    return FakeRedis(server=server)


class Counters:
    """Numbers that forked processes share and that survive each of them."""

    def __init__(self, count: int) -> None:
        self.memory = mmap.mmap(-1, 8 * count)

    def __getitem__(self, index: int) -> int:
        return int(struct.unpack_from("q", self.memory, index * 8)[0])

    def __setitem__(self, index: int, value: int) -> None:
        struct.pack_into("q", self.memory, index * 8, value)


def forked(function: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        function()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def race(path: Path, programs: int) -> None:
    """All begin at once; there is one server, and it has every write."""
    state = Counters(programs * 2 + 1)

    def program(number: int) -> None:
        wait_for(lambda: bool(state[0]), "the start")
        client = SharedRedis(path, grace=GRACE)
        client.incr("n")
        client.rpush("numbers", number)
        state[1 + programs + number] = client.info("server")["process_id"]
        state[1 + number] = 1
        wait_for(lambda: all(state[1 + each] for each in range(programs)), "the others")

    children = [forked(lambda number=number: program(number)) for number in range(programs)]  # type: ignore[misc]
    state[0] = 1
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    servers = {state[1 + programs + number] for number in range(programs)}
    assert len(servers) == 1, servers
    left = at_rest(path, servers)
    assert left.get("n") == b"%d" % programs
    assert sorted(map(int, left.lrange("numbers", 0, -1))) == list(range(programs))


def leave(path: Path, programs: int, times: int, seed: int) -> dict[str, int]:
    """Programs come when the server is about to end, and leave together; they see no error, and no write is lost."""
    state = Counters(programs + 1)
    grace = 0.1

    def program(number: int) -> None:
        chance = random.Random(seed * 1000 + number)
        for turn in range(times):
            with SharedRedis(path, grace=grace, retry=Retry(NoBackoff(), 0)) as client:
                client.incr("n")
                client.sadd("servers", client.info("server")["process_id"])
                state[number] = turn + 1
                wait_for(lambda: all(state[each] > turn for each in range(programs)), "the others")  # noqa: B023
            time.sleep(grace * chance.uniform(0.9, 1.3))

    children = [forked(lambda number=number: program(number)) for number in range(programs)]  # type: ignore[misc]
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    folder = path.with_name(f"{path.name}.redouble")
    wait_for(lambda: not folder.exists(), "the folder goes")
    left = at_rest(path, set())
    servers = {int(pid) for pid in left.smembers("servers")}
    wait_for(lambda: all(map(gone, servers)), "servers end")
    assert left.get("n") == b"%d" % (programs * times)
    return {"programs": programs, "times": times, "servers": len(servers)}


def kill(path: Path, programs: int, seconds: float, seed: int) -> dict[str, int]:
    """Programs count while they and the server are killed.  What was acknowledged is there, and nothing that nobody asked for."""
    chance = random.Random(seed)
    state = Counters(programs * 2 + 1)
    servers: set[int] = set()

    def program(number: int) -> None:
        client = SharedRedis(path, grace=GRACE, retry=Retry(NoBackoff(), 0))
        while not state[0]:
            state[2 * number + 1] += 1  # asked for
            try:
                client.incr(f"count:{number}")
            except redis.ConnectionError:
                continue
            state[2 * number + 2] += 1  # acknowledged

    def begin(number: int) -> int:
        return forked(lambda: program(number))

    children = [begin(number) for number in range(programs)]
    observer = SharedRedis(path, grace=GRACE)
    until = time.monotonic() + seconds
    killed = 0
    while time.monotonic() < until:
        time.sleep(chance.uniform(0.0, 0.5))
        if chance.random() < 0.5:
            pid = observer.info("server")["process_id"]
            servers.add(pid)
            os.kill(pid, signal.SIGKILL)
        else:
            number = chance.randrange(programs)
            os.kill(children[number], signal.SIGKILL)
            os.waitpid(children[number], 0)
            children[number] = begin(number)
        killed += 1
        assert not readable_by_others(path.with_name(f"{path.name}.redouble"))
    servers.add(observer.info("server")["process_id"])
    state[0] = 1
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    observer.close()
    left = at_rest(path, servers)
    acknowledged = 0
    for number in range(programs):
        value = int(left.get(f"count:{number}") or 0)
        asked, confirmed = state[2 * number + 1], state[2 * number + 2]
        assert confirmed <= value <= asked, (number, confirmed, value, asked)
        acknowledged += confirmed
    return {"kills": killed, "servers": len(servers), "acknowledged": acknowledged}


def histories(path: Path, programs: int, count: int, seed: int, kill_every: int = 4) -> dict[str, int]:
    """Programs share a register, then the next one, while the server is killed; every history is linearizable."""
    state = Counters(programs + 1)
    folder = Path(tempfile.mkdtemp())
    servers: set[int] = set()

    def program(number: int) -> None:
        chance = random.Random(seed * 1000 + number)
        client = SharedRedis(path, grace=GRACE, retry=Retry(NoBackoff(), 0))
        with (folder / str(number)).open("w") as file:
            for history in range(count):
                for step in range(chance.randint(2, 6)):
                    argv: list[Any] = [chance.choice(["SET", "GET", "GET", "INCR"]), f"register:{history}"]
                    if argv[0] == "SET":
                        argv.append((number * 100 + step) * 1000)
                    began = time.monotonic_ns()
                    try:
                        answer = client.execute_command(*argv)
                    except redis.ConnectionError:
                        answer = "unknown"
                    ended = time.monotonic_ns()
                    if isinstance(answer, bytes):
                        answer = int(answer)
                    file.write(json.dumps([history, began, ended, argv[0], argv[2:], answer]) + "\n")
                state[number] = history + 1
                while any(state[each] <= history for each in range(programs)):
                    time.sleep(0.0002)

    children = [forked(lambda number=number: program(number)) for number in range(programs)]  # type: ignore[misc]
    chance = random.Random(seed)
    observer = SharedRedis(path, grace=GRACE)
    kills = 0
    for history in range(0, count, kill_every):
        wait_for(lambda: state[0] >= history, "the next history")  # noqa: B023
        pid = observer.info("server")["process_id"]
        servers.add(pid)
        time.sleep(chance.uniform(0, 0.005))
        os.kill(pid, signal.SIGKILL)
        kills += 1
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    servers.add(observer.info("server")["process_id"])
    observer.close()
    at_rest(path, servers).close()
    operations: list[list[Operation]] = [[] for _ in range(count)]
    unknown = 0
    for number in range(programs):
        for line in (folder / str(number)).read_text().splitlines():
            history, began, ended, name, arguments, answer = json.loads(line)
            unknown += answer == "unknown"
            operations[history].append(Operation(began, ended, name, *arguments, answer=answer))
    for history, each in enumerate(operations):
        assert linearizable(each), (history, each)
    return {"histories": count, "operations": sum(map(len, operations)), "kills": kills, "unknown": unknown}


def main() -> None:
    what, programs, amount = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(2**24)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data", "app.db")
        path.parent.mkdir()
        result: dict[str, Any]
        if what == "race":
            for _ in range(amount):
                race(path, programs)
                path.unlink()
            result = {"races": amount, "programs": programs}
        elif what == "leave":
            result = leave(path, programs, amount, seed)
        elif what == "kill":
            result = kill(path, programs, amount, seed)
        else:
            result = histories(path, programs, amount, seed)
    print(json.dumps({**result, "seed": seed}))


if __name__ == "__main__":
    main()
