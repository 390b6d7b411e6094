"""The command line of `redouble copy`."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import redis

from redouble.persistence.store import FAILURES
from redouble.transfer.copying import Copy, Filter, Progress
from redouble.transfer.places import PlaceError, open_source, open_target

__all__ = ["main"]

_EXAMPLES = """\
SOURCE and TARGET are URLs (redis://, rediss://, unix://, valkey://, redis+cluster://), data folders of redouble (a new one has a slash
behind its name) or files: an RDB file, an append-only file or the folder of one as SOURCE; as TARGET an RDB file, which every server
reads. A URL with a database means that one, without: all.

examples:
  redouble copy dump.rdb redis://localhost:6379
  redouble copy redis://localhost:6379/0 redis+cluster://node1:7000 --match "user:*"
  redouble copy appendonlydir backup.rdb
  redouble copy dump.rdb data/             which redouble --dir data serves
  redouble copy redis://old:6379 redis://new:6379 --replace --verify

A copy that was stopped goes on where it was when it is started again with the same SOURCE and TARGET.
"""


def main(words: Sequence[str]) -> int:
    """Returns the exit status: 0 everything is there, 1 something is not, 2 the command line makes no sense."""
    options = _parser().parse_args(words)
    try:
        source, target = open_source(options.source), open_target(options.target)
    except PlaceError as error:
        return _fail(str(error))
    state = Path(options.state) if options.state else _state_file(options.source, options.target)
    is_file = "://" not in options.target
    progress = (
        Progress(options.source, options.target)
        if options.restart or is_file
        else Progress.load(state, options.source, options.target)
    )
    filter = Filter(options.match, options.type, tuple(options.db or ()))
    copy = Copy(source, target, filter, progress, replace=options.replace)
    try:
        total = copy.total()
        copy.run(_Bar("copied", total, progress.copied + progress.skipped), None if is_file else state)
        _say(
            f"{progress.copied} keys copied" + (f", {progress.skipped} were there already" if progress.skipped else "")
        )
        for db, key, reason in progress.failed:
            _say(f"not copied: {key!r} in database {db}: {reason}")
        differing = 0
        if options.verify and not is_file:
            for db, found, difference in copy.differences(_Bar("verified", total, 0)):
                differing += 1
                _say(f"{found.decode(errors='replace')!r} in database {db} {difference}")
            _say(f"verified: {differing} keys differ")
        target.close()
        source.close()
    except (redis.RedisError, PlaceError, *FAILURES) as error:
        return _fail(f"{error}" + ("" if is_file else "; start it again to go on"))
    with suppress(OSError):
        state.unlink()
    return int(bool(progress.failed or differing))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="redouble copy",
        description="Copy everything from one server, cluster or file to another.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("target", metavar="TARGET")
    parser.add_argument("--match", metavar="PATTERN", help="only keys that match, as SCAN MATCH has it")
    parser.add_argument("--type", metavar="TYPE", help="only keys of this type, as TYPE says it")
    parser.add_argument("--db", type=int, action="append", metavar="N", help="only this database; may be repeated")
    parser.add_argument(
        "--replace", action="store_true", help="replace keys that are there already (else they are left)"
    )
    parser.add_argument("--verify", action="store_true", help="read both sides again afterwards and compare every key")
    parser.add_argument("--restart", action="store_true", help="begin at the beginning, whatever was done before")
    parser.add_argument("--state", metavar="FILE", help="where it is noted how far the copy is (default: a file here)")
    return parser


def _state_file(source: str, target: str) -> Path:
    digest = hashlib.sha256(f"{source}\n{target}".encode()).hexdigest()[:12]
    return Path(f".redouble-copy-{digest}.json")


class _Bar:
    """A line on a terminal that grows; elsewhere nothing."""

    WIDTH = 30

    def __init__(self, word: str, total: int, done: int) -> None:
        self.word = word
        self.total = total
        self.done = done
        self.shown = sys.stderr.isatty()

    def __call__(self, more: int) -> None:
        self.done += more
        if self.shown:
            share = min(self.done / self.total, 1.0) if self.total else 1.0
            filled = int(share * self.WIDTH)
            bar = "#" * filled + "." * (self.WIDTH - filled)
            end = "\n" if self.done >= self.total else ""
            print(f"\r{self.word} [{bar}] {self.done}/{self.total}", end=end, file=sys.stderr, flush=True)


def _say(text: str) -> None:
    print(text)


def _fail(message: str) -> int:
    print(f"redouble copy: {message}", file=sys.stderr)
    return 1
