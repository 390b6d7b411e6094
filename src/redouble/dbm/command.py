"""`redouble dbm`, or `python -m redouble.dbm`: what a shell does with databases."""

from __future__ import annotations

import argparse
import base64
import contextlib
import dbm
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import redouble.dbm
from redouble.dbm import check, semidbm
from redouble.dbm.errors import DBMError
from redouble.dbm.writer import WritableDatabase

__all__ = ["main"]

_EXAMPLES = """\
examples:
  redouble dbm info app.db
  redouble dbm verify app.db                   exit status 1 if something is damaged
  redouble dbm salvage app.db rescued.db       what can still be read, into a new database
  redouble dbm compact app.db                  give back the space of what was overwritten and deleted
  redouble dbm dump app.db > app.jsonl         one [key, value] on each line; load reads that
  redouble dbm load copy.db < app.jsonl
  redouble dbm import old.db app.db            from semidbm, dbm.gnu, dbm.ndbm, dbm.dumb, dbm.sqlite3
"""

_PIECE = 1000
"""Records between two looks at the progress."""


def main(arguments: Sequence[str] | None = None, prog: str = "python -m redouble.dbm") -> int:
    """Returns the exit status: 0 well, 1 it could not be done or something is damaged, 2 the command line makes no sense."""
    options = _parser(prog).parse_args(arguments)
    try:
        status: int = options.run(options)
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (DBMError, OSError, ValueError, *dbm.error) as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 1
    return status


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Look into databases of redouble.dbm, check them, and move data in and out.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Any, text: str, **arguments: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        for argument, meaning in arguments.items():
            sub.add_argument(argument, metavar=argument.upper(), help=meaning)
        sub.set_defaults(run=run)
        return sub

    database = "the folder of the database"
    command("info", _info, "how much is in it, and what it takes", path=database)
    command("verify", _verify, "read every byte, and say what is damaged", path=database)
    command("salvage", _salvage, "write what can be read into a new database", path=database, target="a new folder")
    command("compact", _compact, "give back the space of what was overwritten and deleted", path=database)
    command("dump", _dump, "write keys and values as lines of JSON", path=database).add_argument(
        "--output", metavar="FILE", help="instead of the standard output"
    )
    command("load", _load, "read what dump wrote; a database that is not there is made", path=database).add_argument(
        "--input", metavar="FILE", help="instead of the standard input"
    )
    command(
        "import",
        _import,
        "copy a database of semidbm or of the standard library",
        source="a folder of semidbm, or a file (without its ending) of a dbm module",
        path="the database to write to; one that is not there is made",
    )
    return parser


class Progress:
    """One line on the standard error, if that is a terminal."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = 0.0
        self._terminal = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._terminal and (now - self._shown > 0.1 or done >= total):
            self._shown = now
            share = min(done / total, 1.0) if total else 1.0
            print(f"\r{self._what} [{'#' * int(30 * share):30}] {share:4.0%} ", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._terminal and self._shown:
            print(file=sys.stderr)


def _info(options: argparse.Namespace) -> int:
    with redouble.dbm.open(options.path) as database:
        foreign = isinstance(database, semidbm.SemidbmDatabase)
        print(f"{'format':10}{'semidbm' if foreign else 'redouble.dbm'}")
        print(f"{'keys':10}{len(database):,}")
        print(f"{'bytes':10}{database.size:,}")
        print(f"{'dead':10}{database.dead:,}")
        if database.torn:
            print(f"{'torn':10}{database.torn}")
    return 0


def _show(report: check.Report) -> int:
    for finding in report.findings:
        print(finding if finding.damage else f"{finding} (not damage)")
    return int(report.damaged)


def _verify(options: argparse.Namespace) -> int:
    with Progress("verify") as progress:
        report = check.verify(options.path, progress)
    status = _show(report)
    print(
        f"{report.keys:,} keys, {report.records:,} records, {report.size:,} bytes: {'damaged' if status else 'sound'}"
    )
    return status


def _salvage(options: argparse.Namespace) -> int:
    with Progress("salvage") as progress:
        report = check.salvage(options.path, options.target, progress)
    _show(report)
    print(f"{report.keys:,} keys saved, {len(report.findings)} findings")
    return 0


def _open(path: str, flag: str) -> WritableDatabase:
    database = redouble.dbm.open(path, flag)
    assert isinstance(database, WritableDatabase)
    return database


def _compact(options: argparse.Namespace) -> int:
    with _open(options.path, "w") as database, Progress("compact") as progress:
        before, dead = database.size, database.dead
        while database.compact(_PIECE):
            progress(max(before - database.size, 0), dead)
        progress(1, 1)
        after = database.size
    print(f"{before:,} bytes before, {after:,} after")
    return 0


def _word(data: bytes) -> str | dict[str, str]:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _bytes(word: object) -> bytes:
    if isinstance(word, str):
        return word.encode()
    if isinstance(word, dict) and isinstance(word.get("base64"), str):
        return base64.b64decode(word["base64"], validate=True)
    raise ValueError(f"{word!r} is neither a string nor {{'base64': ...}}")


def _dump(options: argparse.Namespace) -> int:
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(redouble.dbm.open(options.path))
        output = stack.enter_context(open(options.output, "w", encoding="utf-8")) if options.output else sys.stdout
        progress = stack.enter_context(Progress("dump"))
        total = len(database)
        for number, key in enumerate(database):
            print(json.dumps([_word(key), _word(database[key])], ensure_ascii=False), file=output)
            if number % _PIECE == 0:
                progress(number, total)
        progress(total, total)
    return 0


def _lines(file: BinaryIO, progress: Progress) -> Iterator[tuple[bytes, bytes]]:
    total = os.fstat(file.fileno()).st_size
    done = 0
    for number, line in enumerate(file, 1):
        done += len(line)
        try:
            key, value = json.loads(line)
            yield _bytes(key), _bytes(value)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if number % _PIECE == 0:
            progress(done, max(total, done + 1))


def _load(options: argparse.Namespace) -> int:
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open(options.input, "rb")) if options.input else sys.stdin.buffer
        database = stack.enter_context(_open(options.path, "c"))
        progress = stack.enter_context(Progress("load"))
        count = 0
        for key, value in _lines(file, progress):
            database[key] = value
            count += 1
        progress(1, 1)
    print(f"{count:,} keys loaded")
    return 0


def _import(options: argparse.Namespace) -> int:
    with contextlib.ExitStack() as stack:
        source: Any = (redouble.dbm if os.path.isdir(options.source) else dbm).open(options.source, "r")
        stack.callback(source.close)
        database = stack.enter_context(_open(options.path, "c"))
        progress = stack.enter_context(Progress("import"))
        keys = list(source.keys())
        for number, key in enumerate(keys):
            database[key] = source[key]
            if number % _PIECE == 0:
                progress(number, len(keys))
        progress(1, 1)
    print(f"{len(keys):,} keys imported")
    return 0
