"""The long proofs, whose results are committed in docs/proofs.md: `make prove`.

python tools/prove.py                    all of it (about an hour)
python tools/prove.py fuzz --commands 20000
python tools/prove.py lua                random Lua programs
python tools/prove.py scenarios          every scenario of every recorded server through every driver
python tools/prove.py hyperloglog geo    counts of large sets and searches on the map, beside real servers
python tools/prove.py simulation         clients, clock and interleaving as a seed says
python tools/prove.py many growth        what many clients cost, and what large keys do (make bench installs what it wants)
python tools/prove.py interpreters       the test suite on every interpreter that is installed
python tools/prove.py clients            the client tests with every major version of redis-py
python tools/prove.py wheel              the built wheel in bare environments, with every major version of redis-py
python tools/prove.py suites             the test suites of redis-py and valkey-py, beside real servers
python tools/prove.py dump               values to real servers and back, and payloads that were changed
python tools/prove.py shared             many programs on one file, some of which are killed, and so is their server
python tools/prove.py dbm                the dbm beside a dict, and a writer of it that is killed
python tools/prove.py copy               keys of all types to a real cluster, by a copy that is killed and goes on
python tools/prove.py files              programs that keep their data and are killed, and servers that end and begin again
python tools/prove.py interpreters clients --only python3.14 5.0.8      only these rows of the tables; the others stay
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "docs" / "proofs.md"

sys.path[:0] = [str(ROOT), str(ROOT / "src")]
from tests.parity.__main__ import SERVERS  # noqa: E402
from tests.simulation.__main__ import STEPS  # noqa: E402
from tools import client_suites  # noqa: E402

FUZZED = {"redis-8.6": 200_000, "redis-7.0": 100_000, "redis-7.4": 100_000, "valkey-9": 100_000}
"""Commands that redouble and a real server are sent alike."""

PROGRAMS = {"redis-8.6": 50_000, "redis-7.0": 10_000, "valkey-9": 10_000}
"""Lua programs that redouble and a real server run alike."""

COUNTED = {"redis-8.6": 200, "valkey-9": 20}
"""Random sets of up to a million members."""

SEARCHED = {"redis-8.6": 10_000, "valkey-9": 10_000}
"""Searches among places."""

SHARED = {"race": (16, 200), "leave": (4, 200), "kill": (6, 300), "histories": (5, 1000)}
"""So many programs, so many times; `kill`: so many seconds."""

SIMULATED = 10_000
"""Seeds of the simulation, on every processor."""

INTERPRETERS = ("python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "python3.15", "pypy3")

TRAVELLED = (
    "redis-6.2", "redis-7.0", "redis-7.2", "redis-7.4", "redis-8.0", "redis-8.6", "valkey-8.1", "valkey-9",
)  # fmt: skip
SIZE_OF_DUMP = {"RANDOM_VALUES": "500", "MUTATIONS": "100000"}
"""What the tests of DUMP read from the environment."""

REDIS_PY = ("5.0.8", "5.3.1", "6.4.0", "7.4.1", "8.1.0")

SIZE_OF_FILES = {"KILLS": "500", "SEEDS": "50", "KEYS": "1000000"}
"""What the tests of data that is kept read from the environment."""

COPIED = 100_000
"""Keys of all types that go to a cluster."""

DBM = {"kill": 1_000, "machine": 100_000}
"""Processes that are killed; random steps beside a dict."""

Wanted = Callable[[str], bool]
"""Whether a row is asked for."""

Rows = Iterator[tuple[str, str]]
"""What each row of a table is about, and the rest of the row."""


def fuzz(wanted: Wanted, commands: int | None, counts: dict[str, int] = FUZZED, *options: str) -> Rows:
    for server, count in counts.items():
        if not wanted(server):
            continue
        began = time.monotonic()
        seed = int.from_bytes(os.urandom(3), "big")
        count = commands or count
        arguments = ["--server", server, "--commands", str(count), "--seed", str(seed), *options]
        result = subprocess.run([sys.executable, "-m", "tests.fuzz", *arguments], cwd=ROOT, check=False)
        verdict = "0" if result.returncode == 0 else "found some: see the output"
        yield server, f"{count:,} | {seed} | {verdict} | {time.monotonic() - began:.0f} s"


def beside(module: str, amounts: dict[str, int], wanted: Wanted) -> Rows:
    """A proof of tests/proofs, which prints its row and fails if something differs."""
    for server, amount in amounts.items():
        if not wanted(server):
            continue
        began = time.monotonic()
        seed = int.from_bytes(os.urandom(3), "big")
        command = [sys.executable, "-m", f"tests.proofs.{module}", server, str(amount), str(seed)]
        result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        yield server, f"{result.stdout.strip() or 'failed'} | {time.monotonic() - began:.0f} s"


def _runs(python: str | None) -> bool:
    return (
        python is not None and subprocess.run([python, "--version"], capture_output=True, check=False).returncode == 0
    )


def environment(python: str, folder: Path, *requirements: str) -> Path | None:
    """A fresh environment with redouble and what its tests need; None if this interpreter is not here."""
    folders = (Path(os.environ.get("INTERPRETERS", "~/.cache/interpreters")), Path("~/.pyenv/versions"))
    places = [
        place
        for each in folders
        for pattern in ("", "*/")
        for place in each.expanduser().glob(f"{pattern}bin/{python}")
    ]
    candidates = [*map(str, places), shutil.which(python)]  # pyenv puts names on the path that do not run
    found = next(filter(_runs, candidates), None)
    if found is None:
        return None
    python_there = folder / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", found, str(folder)], check=True)
    install = [*uv, "pip", "install", "--quiet", "--python", str(python_there)]
    if python.startswith("pypy"):
        requirements = (*requirements, "hypothesis<6.140")  # newer ones want a Rust compiler there
    subprocess.run(
        [*install, "--editable", str(ROOT), "--group", f"{ROOT}/pyproject.toml:test", *requirements], check=True
    )
    return python_there


def suite(python: Path, *arguments: str, **environment: str) -> str:
    """Run the tests; returns pytest's closing line."""
    result = subprocess.run(
        [str(python), "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    closing = result.stdout.strip().splitlines()[-1] if result.stdout.strip() else result.stderr.strip()[-200:]
    if result.returncode:
        sys.stderr.write(result.stdout)
    return re.sub(r"[=\s]*(.*?) in [\d.]+s.*", r"\1", closing)


def simulation(wanted: Wanted) -> Rows:
    """See tests/simulation."""
    if not wanted("none"):
        return
    began = time.monotonic()
    workers = os.cpu_count() or 1
    shares = [(SIMULATED * number // workers, SIMULATED * (number + 1) // workers) for number in range(workers)]
    processes = [
        subprocess.Popen([sys.executable, "-m", "tests.simulation", "--seeds", *map(str, share)], cwd=ROOT)
        for share in shares
    ]
    failed = sum(process.wait() != 0 for process in processes)
    verdict = "0" if not failed else "found some: see the output"
    yield "none", f"{SIMULATED:,} | {SIMULATED * STEPS:,} | {verdict} | {time.monotonic() - began:.0f} s"


def many(wanted: Wanted) -> Rows:
    from bench import many

    for each in many.results(short=False):
        beside = "" if each.ratio is None else f", {each.ratio:.2f} × {each.beside}"
        yield f"{each.table}: {each.operation}", f"{each.figure:.3g} {each.unit}{beside}"


def growth(wanted: Wanted) -> Rows:
    from bench import scale

    for family, name, ours, real in scale.rows():
        verdict = "worse" if scale.worse(ours, real) else "no worse"
        yield f"{family}: {name}", f"{ours:.2f} | {real:.2f} | {verdict}"


def scenarios(wanted: Wanted) -> Rows:
    """`make test` plays those of some servers at the engine alone."""
    for name in filter(wanted, SERVERS):
        yield name, suite(Path(sys.executable), "tests/parity", "-k", f"redouble and {name}", PARITY="thorough")


def interpreters(wanted: Wanted) -> Rows:
    """Without the comparisons with real servers, which no interpreter changes."""
    for name in filter(wanted, INTERPRETERS):
        with tempfile.TemporaryDirectory() as folder:
            python = environment(name, Path(folder) / "env")
            yield name, suite(python, "-m", "not real") if python else "not installed here"


def clients(wanted: Wanted) -> Rows:
    for version in filter(wanted, REDIS_PY):
        with tempfile.TemporaryDirectory() as folder:
            python = environment(sys.executable, Path(folder) / "env")
            assert python is not None
            pin = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python)]
            subprocess.run([*pin, f"redis=={version}", "celery[redis]"], check=True)  # one that takes this redis-py
            yield version, suite(python, "tests/clients", "tests/frameworks")


SMOKE = """
import asyncio, redis, redouble
with redouble.FakeRedis(decode_responses=True) as client:
    assert client.set("k", "v") and client.get("k") == "v" and client.eval("return redis.call('get', KEYS[1])", 1, "k") == "v"
async def asynchronous():
    async with redouble.FakeAsyncRedis() as client:
        await client.zadd("z", {"a": 1})
        assert await client.zrange("z", 0, -1, withscores=True) in ([(b"a", 1.0)], [[b"a", 1.0]])
asyncio.run(asynchronous())
server = redouble.TcpFakeServer(("127.0.0.1", 0))
server.start()
with redis.Redis(port=server.server_address[1]) as client:
    assert client.ping() and client.lpush("l", "a") == 1
server.stop()
print(redis.__version__)
"""
"""A sync and an async client, a script, and a server on a port."""


def wheel(wanted: Wanted) -> Rows:
    with tempfile.TemporaryDirectory() as folder:
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "build", "--quiet", "--wheel", "--out-dir", folder, str(ROOT)], check=True)
        [built] = Path(folder).glob("*.whl")
        for version in filter(wanted, REDIS_PY):
            python = Path(folder) / version / "bin" / "python"
            subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(python.parents[1])], check=True)
            pip = [*uv, "pip", "--quiet"]
            subprocess.run([*pip, "install", "--python", str(python), str(built), f"redis=={version}"], check=True)
            listed = [*uv, "pip", "freeze", "--python", str(python)]
            frozen = subprocess.run(listed, check=True, capture_output=True, text=True).stdout
            names = re.findall(r"^([\w.-]+)", frozen, re.M)
            smoke = subprocess.run(
                [str(python), "-W", "error", "-c", SMOKE], cwd=folder, capture_output=True, text=True
            )
            sys.stderr.write(smoke.stderr)
            yield version, f"{', '.join(names)} | {'works' if smoke.stdout.strip() == version else 'does not work'}"


def suites(wanted: Wanted) -> Rows:
    """Their names of tests are longer than a table should be: what fails is printed."""
    for server in filter(wanted, client_suites.USUAL):
        with tempfile.TemporaryDirectory() as folder:
            outcome = client_suites.compare(server, Path(folder))
            for name, error in outcome.failed.items():
                print(f"{name}: {error}", file=sys.stderr)
            yield server, f"{outcome.client} | {len(outcome.passed)} | {len(outcome.passed) - len(outcome.failed)}"


def sections() -> dict[str, str]:
    """The parts of the page as it is, by their titles."""
    if not REPORT.exists():
        return {}
    return dict(re.findall(r"^## (.*?)\n\n(.*?)\n(?=\n## |\Z)", REPORT.read_text(), re.S | re.M))


def write(title: str, intro: str, columns: str, rows: dict[str, str]) -> None:
    """Put a table into the page, in the place of what stood under its title."""
    table = [
        f"| {columns} |",
        re.sub("[^|]+", "---", f"| {columns} |"),
        *(f"| {name} | {rest} |" for name, rest in rows.items()),
    ]
    page = {**sections(), title: f"{intro}\n\n" + "\n".join(table)}
    head = "# Proofs\n\nWhat takes too long for every test run; written by `make prove`.\n"
    REPORT.write_text(head + "".join(f"\n## {title}\n\n{text.strip()}\n" for title, text in page.items()))


def dump(wanted: Wanted) -> Rows:
    """Values to real servers and back; and payloads that somebody changed."""
    os.environ.update(SIZE_OF_DUMP)
    for server in TRAVELLED:
        if wanted(server):
            result = suite(Path(sys.executable), "tests/persistence/test_real.py", "-k", f"[{server}]")
            yield server, f"those at every edge, and {SIZE_OF_DUMP['RANDOM_VALUES']} random ones | {result}"
    if wanted("none"):
        result = suite(Path(sys.executable), "tests/persistence/test_mutations.py")
        yield "none", f"{SIZE_OF_DUMP['MUTATIONS']} changed payloads, half of them with a correct checksum | {result}"


def shared(wanted: Wanted) -> Rows:
    """See tests/shared/crowd.py."""
    for name, (programs, amount) in SHARED.items():
        if not wanted(name):
            continue
        began = time.monotonic()
        command = [sys.executable, "-m", "tests.shared.crowd", name, str(programs), str(amount)]
        result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        counted = json.loads(result.stdout) if result.returncode == 0 else {}
        verdict = ", ".join(f"{value:,} {word}" for word, value in counted.items() if word not in ("programs", "seed"))
        yield name, f"{programs} | {verdict or 'failed: see the output'} | {time.monotonic() - began:.0f} s"


def dbm(wanted: Wanted) -> Rows:
    """See tests/dbm."""
    for module, amount in DBM.items():
        if wanted(module):
            began = time.monotonic()
            command = [sys.executable, "-m", f"tests.dbm.{module}", str(amount)]
            result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
            yield module, f"{result.stdout.strip() or 'failed'} | {time.monotonic() - began:.0f} s"


def files(wanted: Wanted) -> Rows:
    """See tests/persistence/kill.py and test_store.py."""
    os.environ.update(SIZE_OF_FILES)
    for form in ("log", "folder"):
        if wanted(form):
            result = suite(Path(sys.executable), "tests/persistence/test_kill.py", "-k", f"{form}]")
            yield form, f"{SIZE_OF_FILES['KILLS']} kills under each policy | {result}"
    if wanted("reopened"):
        result = suite(Path(sys.executable), "tests/persistence/test_store.py")
        yield "reopened", f"{SIZE_OF_FILES['SEEDS']} sequences of random commands as each of four servers | {result}"


def copy(wanted: Wanted) -> Rows:
    """See tests/transfer."""
    if wanted("valkey-9"):
        began = time.monotonic()
        os.environ["COPIED_KEYS"] = str(COPIED)
        result = suite(Path(sys.executable), "tests/transfer/test_copy.py", "-k", "cluster_gets")
        yield "valkey-9", f"{COPIED:,} there, and from there back | {result} | {time.monotonic() - began:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "proofs",
        nargs="*",
        help="fuzz, lua, scenarios, hyperloglog, geo, simulation, many, growth, interpreters, clients, wheel, suites, dump, shared, dbm, "
        "copy, files (default: all)",
    )
    parser.add_argument("--commands", type=int, help="random commands for each server")
    parser.add_argument("--only", nargs="+", help="servers, interpreters or versions of redis-py")
    arguments = parser.parse_args()
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "uv"], check=True)

    def wanted(name: str) -> bool:
        return not arguments.only or name in arguments.only

    proofs = {
        "fuzz": (
            "Random commands, redouble beside a real server",
            "server | commands | seed | differences | time",
            FUZZED,
            lambda: fuzz(wanted, arguments.commands),
        ),
        "lua": (
            "Random Lua programs, redouble beside a real server",
            "server | programs | seed | differences | time",
            PROGRAMS,
            lambda: fuzz(wanted, arguments.commands, PROGRAMS, "--lua"),
        ),
        "scenarios": (
            "Every scenario through every driver",
            "server | scenarios",
            SERVERS,
            lambda: scenarios(wanted),
        ),
        "hyperloglog": (
            "PFADD, PFCOUNT, PFMERGE and the bytes of GET, beside a real server",
            "server | sets | members | seed | differences | time",
            tuple(COUNTED),
            lambda: beside("hyperloglog", COUNTED, wanted),
        ),
        "geo": (
            "GEOSEARCH, beside a real server",
            "server | searches | answers | seed | differences | time",
            tuple(SEARCHED),
            lambda: beside("geo", SEARCHED, wanted),
        ),
        "simulation": (
            "Clients, clock and interleaving, as seeds decide, beside a model",
            "server | seeds | steps | differences | time",
            ("none",),
            lambda: simulation(wanted),
        ),
        "many": ("Many clients", "what | measured", None, lambda: many(wanted)),
        "growth": (
            "What a million elements cost, as a multiple of a thousand, within redouble and within redis-8.6",
            "family: operation | redouble | redis-8.6 | class",
            None,
            lambda: growth(wanted),
        ),
        "interpreters": (
            "The test suite on every interpreter",
            "interpreter | tests",
            INTERPRETERS,
            lambda: interpreters(wanted),
        ),
        "clients": (
            "Every major version of redis-py",
            "redis-py | tests of the clients",
            REDIS_PY,
            lambda: clients(wanted),
        ),
        "wheel": (
            "The wheel in a bare environment",
            "redis-py | what is installed | a client, an async one, a script, a port",
            REDIS_PY,
            lambda: wheel(wanted),
        ),
        "suites": (
            "The test suites of redis-py and valkey-py",
            "server | client | tests that pass on the real server | of these on redouble",
            client_suites.USUAL,
            lambda: suites(wanted),
        ),
        "dump": (
            "DUMP and RESTORE between redouble and real servers",
            "server | values | tests",
            (*TRAVELLED, "none"),
            lambda: dump(wanted),
        ),
        "shared": (
            "Many programs on one shared file; nothing lost, nothing orphaned, nothing readable by others",
            "what | programs | counted | time",
            tuple(SHARED),
            lambda: shared(wanted),
        ),
        "dbm": (
            "redouble.dbm: acknowledged writes after kill -9, and random steps beside a dict",
            "proof | amount | checked | seed | lost or wrong | time",
            tuple(DBM),
            lambda: dbm(wanted),
        ),
        "copy": (
            "`redouble copy --verify` to a real cluster of three nodes; it is killed, and goes on when it is started again",
            "server | keys of all types | tests | time",
            ("valkey-9",),
            lambda: copy(wanted),
        ),
        "files": (
            "Data that is kept: all that was acknowledged after kill -9, and servers that end and begin again beside one that stays",
            "form | amount | tests",
            ("log", "folder", "reopened"),
            lambda: files(wanted),
        ),
    }
    for proof in arguments.proofs or proofs:
        title, columns, names, run = proofs[proof]
        new = {}
        for name, row in run():
            print(f"| {name} | {row} |", flush=True)
            new[name] = row
        if names is None:  # rows that belong together
            names = tuple(new)
        before = dict(re.findall(r"^\| (\S+) \| (.*) \|$", sections().get(title, ""), re.M))
        rows = {name: before[name] for name in names if name in before and not wanted(name)} | new
        intro = f"{datetime.date.today()}, `python tools/prove.py {proof}`."
        write(title, intro, columns, {name: rows[name] for name in names if name in rows})


if __name__ == "__main__":
    main()
