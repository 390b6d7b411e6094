"""HOTKEYS of Redis 8.6: the keys that cost most."""

from __future__ import annotations

from redouble.core import errors
from redouble.core.arguments import integer
from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.errors import CommandError
from redouble.core.hotkeys import HotKeys
from redouble.resp.reply import OK, Reply

FLAGS = "admin noscript"
METRICS = (b"CPU", b"NET")
NO_METRICS = "ERR METRICS parameter is required"

container("HOTKEYS", since="8.6.0", help_since="8.6.1", group="server")


@command(
    "HOTKEYS START <METRICS count [CPU] [NET]> [COUNT k] [DURATION seconds] [SAMPLE ratio] [SLOTS count slot [slot ...]]",
    flags=FLAGS,
    since="8.6.0",
    group="server",
    arity=-2,
)
def hotkeys_start(client: Client, argv: Argv) -> Reply:
    """Begin to look at the keys of all commands: at their time, at their bytes, or at both."""
    stopwatch = client.server.stopwatch
    if stopwatch.hotkeys is not None and stopwatch.hotkeys.active:
        raise CommandError("ERR hotkey tracking session already in progress")
    if len(argv) < 4 or argv[2].upper() != b"METRICS":
        raise CommandError(NO_METRICS)
    count = _between(argv[3], 1, 2, "ERR METRICS count must be > 0 and <= 2")
    given = [word.upper() for word in argv[4 : 4 + count]]
    if len(given) < count:
        raise CommandError("ERR METRICS count does not match number of metric types provided")
    for metric in METRICS:
        if given.count(metric) > 1:
            raise CommandError(f"ERR METRICS {metric.decode()} defined more than once!")
    if not set(given) & set(METRICS):
        raise CommandError("ERR METRICS no valid metrics passed. Supported: CPU|NET")
    most, seconds, ratio = 10, 0, 1
    words = iter(argv[4 + count :])
    for word in words:
        value = next(words, None)
        if value is None:
            raise CommandError(errors.SYNTAX_ERROR)
        option = word.upper()
        if option == b"COUNT":
            most = _between(value, 1, 64, "ERR COUNT must be between 1 and 64")
        elif option == b"DURATION":
            seconds = _between(value, 1, 1_000_000, "ERR DURATION must be between 1 and 1000000")
        elif option == b"SAMPLE":
            ratio = _between(value, 1, 2**31 - 1, "ERR SAMPLE ratio must be positive")
        elif option == b"SLOTS":
            raise CommandError("ERR SLOTS parameter cannot be used in non-cluster mode")
        else:
            raise CommandError(errors.SYNTAX_ERROR)
    stopwatch.hotkeys = HotKeys(
        client.server, cpu=b"CPU" in given, net=b"NET" in given, most=most, seconds=seconds, ratio=ratio
    )
    stopwatch.configure(client.server)
    return OK


def _between(value: bytes, least: int, most: int, error: str) -> int:
    number = integer(value, error)
    if not least <= number <= most:
        raise CommandError(error)
    return number


@command("HOTKEYS STOP", flags=FLAGS, since="8.6.0", group="server")
def hotkeys_stop(client: Client, argv: Argv) -> Reply:
    """Look no longer; what was seen stays there."""
    stopwatch = client.server.stopwatch
    if stopwatch.hotkeys is None or not stopwatch.hotkeys.active:
        return None
    stopwatch.hotkeys.stop()
    stopwatch.configure(client.server)
    return OK


@command("HOTKEYS GET", flags=FLAGS, since="8.6.0", group="server")
def hotkeys_get(client: Client, argv: Argv) -> Reply:
    """What was seen so far, the hottest keys first."""
    hotkeys = client.server.stopwatch.hotkeys
    return None if hotkeys is None else [hotkeys.describe()]


@command("HOTKEYS RESET", flags=FLAGS, since="8.6.0", group="server")
def hotkeys_reset(client: Client, argv: Argv) -> Reply:
    """Forget what was seen."""
    stopwatch = client.server.stopwatch
    if stopwatch.hotkeys is not None and stopwatch.hotkeys.active:
        raise CommandError("ERR hotkey tracking session in progress, stop tracking first")
    stopwatch.hotkeys = None
    return OK
