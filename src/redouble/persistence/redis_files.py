"""A server that keeps its data in files, as a real one does: `dump.rdb`, and an append-only log if `appendonly` says so.

What survives the end of the process or of the machine is said by `save` and `appendfsync`, as in Redis: each unit of commands is in
the log before its reply is sent, and `appendfsync` says when the log is on the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from redouble.core.client import Client
from redouble.core.command import Command
from redouble.core.observer import Observer
from redouble.persistence.aof import AppendOnlyLog, MultiPart, SingleFile
from redouble.persistence.disk import Appender, replace_file
from redouble.persistence.effects import Effect, Effects, Journal, effects_of_value, write_error_text
from redouble.persistence.loading import load_files
from redouble.persistence.rdb import Snapshot, snapshot_of, write_file
from redouble.resp.reader import encode_command
from redouble.resp.reply import Reply

if TYPE_CHECKING:
    from redouble.core.server import Server

__all__ = ["RedisFiles"]

SYNC_SECONDS = 1.0
"""`appendfsync everysec`."""
Later = Callable[[float, Callable[[], None]], None]
"""Calls a function on a thread of its own, so many seconds from now."""


class RedisFiles(Observer, Journal):
    """The files of one server, in one folder.

    `later` is how a driver lets something happen by itself; what it calls takes the server's lock.
    """

    def __init__(self, server: Server, folder: Path, later: Later) -> None:
        self.server = server
        self.folder = folder
        self.later = later
        self.temporaries: Path | None = None
        """Where an RDB file is written before it gets its name; on the same file system."""
        self.log: AppendOnlyLog | None = None
        self.saving = self.rewriting = False
        """What is going on in the background."""
        self.last_save_failed = self.last_rewrite_failed = False
        self.rewrites = 0
        self._rewrite_at: int | None = None
        """The size of the file at which the log is rewritten by itself."""
        self._short_size = 0
        """How many bytes the log had when it was made short; from 7.0 on, after a start, its base alone, which is less."""
        self._file: Appender | None = None
        self._effects: Effects | None = None
        self._unwritten = b""
        self._db = -1
        """The database that the last effect in the log was about."""
        self._unsynced = self._save_is_planned = False
        self._policy = ""
        self.save_points: list[tuple[int, int]] = []
        """After how many seconds with how many changes the data is saved."""

    # Beginning and end.

    def load(self) -> None:
        """Read what the folder holds and go on from there.  Raises OSError, and ValueError for files that cannot be read."""
        self.folder.mkdir(parents=True, exist_ok=True)
        server = self.server
        if server.config.flag("appendonly"):
            log = self._log()
            parts = log.parts()
            if parts:
                load_files(server, parts, repair=server.config.flag("aof-load-truncated"))
                log.tidy()
            self._begin_log(log, new=not parts)
        elif self.rdb_path.exists():
            load_files(server, [self.rdb_path])
        server.dirty_when_saved = server.dirty
        self.configure()
        server.observe(self)

    def close(self, save: bool) -> None:
        """The server ends; `save`: with the data on the disk.  Raises OSError."""
        if save:
            self.save()
        if self._file is not None:
            self.sync()
            self._end_log()
        if self in self.server.observers:
            self.server.forget_observer(self)

    def start_over(self) -> None:
        """The data was replaced by other data that no command has written.  Raises OSError."""
        if self._file is not None:
            self._end_log()
            self._begin_log(self._log(), new=True)

    def let_go(self) -> None:
        """The server is gone; files close when nobody holds them."""

    @property
    def idle(self) -> bool:
        """Whether nothing is going on in the background."""
        return not self.saving and not self.rewriting

    @property
    def rdb_path(self) -> Path:
        return self.folder / self.server.config.text("dbfilename")

    def configure(self) -> None:
        """The configuration was read, or has changed."""
        config = self.server.config
        numbers = list(map(int, config.text("save").split()))
        self.save_points = list(zip(numbers[::2], numbers[1::2]))
        self._policy = config.text("appendfsync")
        self._judge()
        if self._file is not None:
            self._plan_rewrite()
        if config.flag("appendonly") == (self._file is not None):
            return
        if self._file is not None:
            self.sync()
            self._end_log()
        elif self in self.server.observers:
            self._begin_log(self._log(), new=True)

    # RDB files.

    def save(self) -> None:
        """SAVE.  Raises OSError; INFO does not tell of that, only of BGSAVE."""
        replace_file(self.rdb_path, self._encoded(snapshot_of(self.server)), self.temporaries)
        self.last_save_failed = False
        self._judge()
        self.server.saved()

    def start_saving(self) -> None:
        """BGSAVE: write what there is at this moment while others are served."""
        server = self.server
        self.saving = True
        dirty, path, snapshot = server.dirty, self.rdb_path, self._frozen()

        def write() -> None:
            try:
                replace_file(path, self._encoded(snapshot), self.temporaries)
            except OSError:
                failed = True
            else:
                failed = False
            with server.lock:
                self.saving, self.last_save_failed = False, failed
                self._judge()
                if not failed:
                    server.saved()
                    server.dirty_when_saved = dirty

        self.later(0, write)

    def _frozen(self) -> Snapshot:
        """What there is at this moment, to be written later: values that change meanwhile are copied first."""
        for db in self.server.databases.values():
            db.share()
        whole = snapshot_of(self.server)
        whole.records = list(whole.records)
        return whole

    def _encoded(self, snapshot: Snapshot) -> bytes:
        config = self.server.config
        return write_file(snapshot, self.server.dialect, config.flag("rdbcompression"), config.flag("rdbchecksum"))

    def _plan_save(self) -> None:
        """Look when the first save point may be reached."""
        self._save_is_planned = True
        since = self.server.clock.time() - self.server.last_save
        self.later(max(min(seconds for seconds, _ in self.save_points) - since, 0.1), self._save_if_due)

    def _save_if_due(self) -> None:
        server = self.server
        with server.lock:
            self._save_is_planned = False
            changes = server.dirty - server.dirty_when_saved
            since = server.clock.time() - server.last_save
            due = any(changes >= least and since >= seconds for seconds, least in self.save_points)
            if due and self.idle:
                self.start_saving()
            elif server.connected:
                waiting = [seconds - since for seconds, _ in self.save_points if seconds > since]
                if changes and waiting:
                    self._save_is_planned = True
                    self.later(min(waiting), self._save_if_due)

    # The log.

    def append(self, unit: list[Effect]) -> None:
        """Write effects; those of several commands are a transaction."""
        if len(unit) == 1 and unit[0][0] == self._db:
            self._unwritten += encode_command(unit[0][1])
            self._write()
            self._rewrite_if_due()
            return
        pieces = []
        if len(unit) > 1:
            unit = [(unit[0][0], [b"MULTI"]), *unit, (unit[-1][0], [b"EXEC"])]
        for index, argv in unit:
            if index != self._db:
                pieces.append(encode_command([b"SELECT", b"%d" % index]))
                self._db = index
            pieces.append(encode_command(argv))
        self._unwritten += b"".join(pieces)
        self._write()
        self._rewrite_if_due()

    def _write(self) -> None:
        assert self._file is not None
        try:
            if self._unwritten:
                self._file.write(self._unwritten)
                self._unwritten = b""
            if self._policy == "always":
                self._file.sync()
            elif not self._unsynced and self._policy == "everysec":
                self._unsynced = True
                self.later(SYNC_SECONDS, self._sync_by_itself)
        except OSError as error:
            self.write_error = error
            self._judge()
        else:
            if self.write_error is not None:
                self.write_error = None
                self._judge()

    def sync(self) -> None:
        """Wait until the log is on the disk.  Raises OSError."""
        assert self._file is not None
        if self._unwritten:
            self._write()
        if self.write_error is not None:
            raise self.write_error
        self._file.sync()

    def _sync_by_itself(self) -> None:
        with self.server.lock:
            self._unsynced = False
            file = self._file
        if file is not None:
            try:
                file.sync()
            except OSError as error:
                with self.server.lock:
                    self.write_error = error
                    self._judge()

    def run(
        self,
        client: Client,
        command: Command,
        argv: list[bytes],
        proceed: Callable[[Client, Command, list[bytes]], Reply],
    ) -> Reply:
        effects = self._effects
        reply = proceed(client, command, argv) if effects is None else effects.run(client, command, argv, proceed)
        if self.save_points and not self._save_is_planned and self.server.dirty != self.server.dirty_when_saved:
            self._plan_save()
        return reply

    def misconfiguration(self) -> str:
        """Why what is written cannot be kept; empty: it can."""
        if self.write_error is not None:
            self._write()  # perhaps there is room again
        if self.write_error is not None:
            return write_error_text(self)
        if self._stops_writes:
            return self.server.dialect.bgsave_failed
        return ""

    @property
    def _stops_writes(self) -> bool:
        """Whether BGSAVE has failed, and nobody is to write until one succeeds."""
        return (
            self.last_save_failed and bool(self.save_points) and self.server.config.flag("stop-writes-on-bgsave-error")
        )

    def _judge(self) -> None:
        """Whether what is written can be kept may have changed."""
        self.server.refuse_writes(self.write_error is not None or self._stops_writes)

    def _log(self) -> AppendOnlyLog:
        config = self.server.config
        name = config.text("appendfilename")
        if "appenddirname" in config.values:
            return MultiPart(self.folder / config.text("appenddirname"), name, config.flag("aof-use-rdb-preamble"))
        return SingleFile(self.folder / name)

    def _begin_log(self, log: AppendOnlyLog, *, new: bool) -> None:
        if new:
            log.begin(self._base(snapshot_of(self.server)))
        self.log, self._file, self._db = log, log.open(), -1
        self._short_size = _size_of(log.parts()[:1])
        self._plan_rewrite()
        self._effects = self.server.effects = Effects(self.server, self)

    def _end_log(self) -> None:
        assert self._file is not None
        self._file.close()
        self.log = self._file = self._effects = self.server.effects = None
        self.write_error, self._unwritten = None, b""
        self._judge()

    def _plan_rewrite(self) -> None:
        """`auto-aof-rewrite-percentage`: by how much the log may grow before it is made short again."""
        assert self.log is not None
        assert self._file is not None
        config = self.server.config
        percentage = config.number("auto-aof-rewrite-percentage")
        size = max(config.number("auto-aof-rewrite-min-size"), self._short_size * (100 + percentage) // 100)
        growth = size - _size_of(self.log.parts())
        self._rewrite_at = self._file.size + max(growth, 1) if percentage else None

    def _rewrite_if_due(self) -> None:
        assert self._file is not None
        if self._rewrite_at is not None and self._file.size >= self._rewrite_at and self.idle:
            try:
                self.start_rewriting()
            except OSError:
                self.last_rewrite_failed = True
                self._rewrite_at = 2 * self._file.size

    def start_rewriting(self) -> None:
        """BGREWRITEAOF: make the log as short as it can be, while others are served.  Raises OSError."""
        server, log = self.server, self.log
        assert log is not None
        assert self._file is not None
        snapshot = self._frozen()
        if self._policy != "no":
            self._file.sync()  # nobody does it later
        file = log.start_rewrite()
        self.rewriting = True
        self._file.close()
        self._file, self._db = file, -1

        def write() -> None:
            try:
                base = self._base(snapshot)
                with server.lock:
                    if self.log is log:
                        log.finish_rewrite(base)
                        self._reopen()
                failed = False
            except OSError:
                failed = True
            with server.lock:
                self.rewriting, self.last_rewrite_failed = False, failed
                self.rewrites += not failed

        self.later(0, write)

    def _reopen(self) -> None:
        """The last file of the log may be another one now."""
        assert self.log is not None
        assert self._file is not None
        self._file.close()
        self._file = self.log.open()
        self._short_size = _size_of(self.log.parts())
        self._plan_rewrite()

    def _base(self, snapshot: Snapshot) -> bytes:
        if self.server.config.flag("aof-use-rdb-preamble"):
            snapshot.aux[b"aof-base"] = b"1"
            return self._encoded(snapshot)
        return b"".join(map(encode_command, self._commands_for(snapshot)))

    def _commands_for(self, snapshot: Snapshot) -> Iterator[list[bytes]]:
        for code in snapshot.functions:
            yield [b"FUNCTION", b"LOAD", code]
        db = -1
        for record in snapshot.records:
            if record.db != db:
                db = record.db
                yield [b"SELECT", b"%d" % db]
            yield from effects_of_value(record.key, record.value, record.expires_at, self.server.dialect)


def _size_of(parts: list[Path]) -> int:
    return sum(path.stat().st_size for path in parts)
