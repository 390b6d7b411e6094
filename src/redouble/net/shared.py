"""One server for all programs that name the same file: where it is, whether it lives, and how a client comes to it.

At rest the data is one RDB file, `app.db`, or the folder `data/` of `persistence/store.py`.  While a server runs, and after it was
killed, the folder `app.db.redouble` stands beside it:

    lock         held by the server for its whole life: this, and never a process id, says that there is one
    address      where it listens; written when it does
    socket       its Unix socket, unless that name would be too long
    log          what it has to say
    error        why it could not begin
    *.aof, *.manifest      every change since `app.db` was written; a data folder has its own

A client that finds nobody takes the lock and gives it to the server that it starts: there is no moment in between, and whoever of
them dies lets go of it.  All others wait until the server answers.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from redouble.persistence.disk import sync_folder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["SUFFIX", "Options", "Place", "StartError", "reach"]

SUFFIX = ".redouble"
HANDS_OVER = fcntl is not None
"""Whether a process can inherit a lock."""
LONGEST_SOCKET_NAME = 100
"""Bytes; the systems' limits are between 104 and 108."""
FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.05
"""Seconds between two looks at whether a server that begins or ends is there, or gone."""

_SLASHES = tuple(filter(None, (os.sep, os.altsep)))
_DETACHED: int = getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)


class StartError(Exception):
    """The server of a file could not be started; the text says why."""


@dataclass
class Options:
    """What a server is to be, if it has to be started; one that is there already is what it is."""

    version: tuple[int, ...] | str | int = (7,)
    server_type: str = "redis"
    config: Mapping[str, str] = field(default_factory=dict)
    """Parameters as in a configuration file."""
    grace: float = 2.0
    """Seconds without any client, after which it ends."""
    tcp: bool = False
    """Whether it listens on the loopback interface, as it does where there are no Unix sockets."""


class Place:
    """The file or the data folder of that name, whoever calls it how, and the folder beside it.

    It is a data folder if it is a folder already, or if its name ends with a slash.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.data = Path(os.path.realpath(path))
        self.is_folder = os.fspath(path).endswith(_SLASHES) or self.data.is_dir()
        self.folder = self.data.with_name(self.data.name + SUFFIX)
        self.address = self.folder / "address"
        self.log = self.folder / "log"
        self.error = self.folder / "error"
        self._lock = self.folder / "lock"

    @property
    def name(self) -> str:
        """What makes the same place of itself, wherever a program is."""
        return os.path.join(self.data, "") if self.is_folder else str(self.data)

    @property
    def socket_path(self) -> Path:
        """Its Unix socket; a long name gives way to a short one among the temporary files."""
        path = self.folder / "socket"
        if len(os.fsencode(path)) <= LONGEST_SOCKET_NAME:
            return path
        return self._short / hashlib.sha256(os.fsencode(self.data)).hexdigest()[:24]

    @property
    def _short(self) -> Path:
        return Path(tempfile.gettempdir(), f"redouble-{os.getuid()}")

    # The lock.

    def lock(self) -> int | None:
        """A descriptor that holds the lock; None if somebody else does.  Raises StartError if the folder cannot be ours."""
        while True:
            _make_private(self.folder)
            try:
                handle = self._open_lock(os.O_CREAT)
            except FileNotFoundError:  # a server that ends has removed the folder just now
                continue
            if not _try_to_lock(handle):
                self.unlock(handle)
                return None
            if self.is_locked_by(handle):
                return handle
            self.unlock(handle)  # its server has ended, and removed it

    def _open_lock(self, flags: int = 0) -> int:
        with _forking:
            handle = os.open(self._lock, os.O_RDWR | flags, 0o600)
            _handles.add(handle)
        return handle

    def unlock(self, handle: int) -> None:
        """Close the descriptor; a process that was started with it goes on holding the lock."""
        with _forking:
            _handles.discard(handle)
            os.close(handle)

    @property
    def is_locked(self) -> bool:
        """Whether a server lives, or begins."""
        try:
            handle = self._open_lock()
        except OSError:
            return False
        try:
            return not _try_to_lock(handle)
        finally:
            self.unlock(handle)

    def is_locked_by(self, handle: int) -> bool:
        """Whether the lock that this descriptor holds is still that of the place: somebody may have removed the folder, or moved it."""
        try:
            return os.path.samestat(os.fstat(handle), os.stat(self._lock))
        except OSError:
            return False

    # For the server, which holds the lock.

    def prepare_socket(self) -> Path:
        """Its Unix socket, where nothing is in the way of it."""
        path = self.socket_path
        if path.parent != self.folder:
            _make_private(path.parent)
        path.unlink(missing_ok=True)
        return path

    def publish(self, url: str) -> None:
        """Let clients know where the server listens."""
        self._write(self.address, url)

    def fail(self, reason: str) -> None:
        """Let clients know why there is no server."""
        self._write(self.error, reason)

    def _write(self, path: Path, text: str) -> None:
        temporary = path.with_name(f"{path.name}.new")
        with open(temporary, "w", encoding="utf-8", errors="surrogateescape", opener=_private_opener) as file:
            file.write(text)
        os.replace(temporary, path)

    @property
    def has_log(self) -> bool:
        """Whether there are changes that `app.db` may not know of."""
        return any(self.folder.glob("*.manifest"))

    def remove(self, handle: int) -> None:
        """`app.db` holds everything: remove the folder, its lock last, and let go of the place.

        Nothing is lost if it ends on the way: without its manifest a log is none.
        """
        for path in self.folder.glob("*.manifest"):
            path.unlink()
        sync_folder(self.folder)
        for path in self.folder.iterdir():
            if path != self._lock:
                with contextlib.suppress(OSError):
                    path.unlink()
        if fcntl is None:  # an open file cannot be removed there
            self.unlock(handle)
        with contextlib.suppress(OSError):
            self._lock.unlink()
        with contextlib.suppress(OSError):
            self.folder.rmdir()  # unless the next client is here already
        if fcntl is not None:
            self.unlock(handle)

    # For clients.

    def give_up(self, handle: int) -> None:
        """There is no server, and the lock need not be held: leave nothing behind that is not needed."""
        if self.has_log:
            self.unlock(handle)
        else:
            self.remove(handle)

    def url(self) -> str:
        """Where the server listens, or the last one did.  Raises OSError if that is not known."""
        return self.address.read_text(encoding="utf-8", errors="surrogateescape")

    def connect(self, until: float) -> socket.socket | None:
        """A socket to the server, which has answered on it; None if there is none.  Raises TimeoutError."""
        try:
            url = self.url()
        except OSError:
            return None
        scheme, _, rest = url.partition("://")
        greeting = b"PING\r\n"
        if scheme == "unix":
            sock = socket.socket(socket.AF_UNIX)
            target: Any = rest
        else:
            if not self.is_locked:  # that port may be anybody's by now
                return None
            sock = socket.socket(socket.AF_INET)
            password, _, target = rest.rpartition("@")
            host, _, port = target.partition(":")
            target = (host, int(port))
            greeting = b"AUTH %b\r\n" % password.encode()
        try:
            sock.settimeout(max(until - time.monotonic(), 0.001))
            sock.connect(target)
            # A server that ends does not answer any more; one that has answered stays as long as this connection.
            sock.sendall(greeting)
            answer = b""
            while not answer.endswith(b"\n"):
                data = sock.recv(1024)
                if not data:
                    raise ConnectionError
                answer += data
        except TimeoutError:
            sock.close()
            raise
        except OSError:
            sock.close()
            return None
        if scheme != "unix":
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def start(self, handle: int, options: Options) -> None:
        """Start a server and give it the lock; it lives on when this program ends.  Raises StartError."""
        given = {"path": self.name, "handle": handle if HANDS_OVER else None, **asdict(options)}
        try:
            for path in self.address, self.error:
                path.unlink(missing_ok=True)
            process = self._spawn(handle, json.dumps(given).encode())
            if HANDS_OVER:
                status = process.wait()  # it forks, and this is the half that ends at once
        finally:
            self.unlock(handle)
        if not HANDS_OVER:  # it takes the lock itself
            while process.poll() is None and not self.address.exists():
                time.sleep(LONGEST_PAUSE)
            status = process.returncode or 0
            process.returncode = status  # nobody is going to wait for it
        if status > 0 and not self.error.exists():
            words = self.log.read_text(errors="replace").strip()[-2000:]
            raise StartError(f"the server of {self.data} could not be started: {words}")

    def _spawn(self, handle: int, given: bytes) -> subprocess.Popen[bytes]:
        if not sys.executable:
            raise StartError("there is no Python interpreter to run the server with: sys.executable is empty")
        path = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        with open(self.log, "ab", opener=_private_opener) as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "redouble", "shared", str(self.data)],
                stdin=subprocess.PIPE,  # what the options hold may be secret, and everybody sees a command line
                stdout=log,
                stderr=log,
                cwd=self.folder,  # where no module of the user's is in the way
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
                pass_fds=(handle,) if HANDS_OVER else (),
                start_new_session=True,
                creationflags=_DETACHED,
            )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(given)
        return process


def reach(place: Place, options: Options, timeout: float) -> socket.socket:
    """A socket to the server of a place, which is started if there is none.  Raises StartError, after `timeout` seconds too."""
    until = time.monotonic() + timeout
    pause = FIRST_PAUSE
    started = False
    while True:
        try:
            sock = place.connect(until)
        except TimeoutError:
            sock = None
        if sock is not None:
            return sock
        if time.monotonic() >= until:
            raise StartError(f"the server of {place.data} has not answered for {timeout:g} seconds")
        try:
            handle = place.lock()
        except OSError as error:
            raise StartError(f"{place.folder}: {error.strerror}") from error
        if handle is not None:
            if started and place.error.exists():
                reason = place.error.read_text(encoding="utf-8", errors="replace")
                place.give_up(handle)
                raise StartError(reason)
            place.start(handle, options)
            started = True
            pause = FIRST_PAUSE
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _make_private(folder: Path) -> None:
    """Make a folder, or see to it that it is one of this user's alone.  Raises StartError, and OSError."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if fcntl is None:
        return
    with contextlib.suppress(FileNotFoundError):  # a server that ends has removed it just now
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
            raise StartError(f"{folder} is not a folder of this user's")
        if about.st_mode & 0o077:
            folder.chmod(0o700)


def _private_opener(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _try_to_lock(handle: int) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    except OSError:
        return False
    return True


_handles: set[int] = set()
"""Descriptors of locks that threads of this process have open just now."""
_forking = threading.Lock()
"""Held while that changes: a forked child that kept one would hold the lock of a server that has ended."""


def _after_fork_in_child() -> None:
    _forking.release()
    while _handles:
        os.close(_handles.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_forking.acquire, after_in_parent=_forking.release, after_in_child=_after_fork_in_child)
