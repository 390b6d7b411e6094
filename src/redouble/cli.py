"""The command `redouble`: a server in the foreground; `redouble ping`, which asks one whether it is there; `redouble dbm`.

What a plain `--help` does not need is imported only when it is used.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from redouble import __version__

if TYPE_CHECKING:
    from redouble.net.tcp import TcpFakeServer

__all__ = ["main"]

_SERVE_EXAMPLES = """\
examples:
  redouble                                     Redis 7 on 127.0.0.1:6379
  redouble --port 0                            any free port; the ready line says which
  redouble --server-version 8                  the newest Redis 8 (6.0, 6.2, 7.0, 7.2, 7.4, 8.0 to 8.6)
  redouble --server-type valkey --server-version 9
  redouble --unixsocket /tmp/redis.sock --bind ""        a Unix socket only
  redouble --requirepass secret --bind 0.0.0.0           for other machines too
  redouble --tls-cert-file cert.pem --tls-key-file key.pem       rediss:// instead of redis://
  redouble --config maxclients=50 --config notify-keyspace-events=KEA
  redouble --config "user=alice on >secret ~cache:* +@read"      a user as in redis.conf; may be repeated

The data live in memory and end with the server, unless it is told a folder: --dir data in redouble's own form, which opens at
once however much it is; --config dir=data --config appendonly=yes in the files of the real server.
Ctrl-C (or SIGTERM) stops it.

other commands:
  redouble ping [URL]             exit status 0 if a server answers there
  redouble copy SOURCE TARGET     everything from one server, cluster or file to another
  redouble dbm COMMAND            databases of redouble.dbm: info, verify, salvage, compact, dump, load, import
"""

_PING_EXAMPLES = """\
examples:
  redouble ping
  redouble ping redis://:secret@127.0.0.1:6380
  redouble ping unix:///tmp/redis.sock
  redouble ping "rediss://localhost:6379?ssl_ca_certs=ca.pem"
  until redouble ping; do sleep 0.1; done      wait for a server that is starting
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 well, 1 it could not be done, 2 the command line makes no sense."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["ping"]:
        return _ping(words[1:])
    if words[:1] == ["copy"]:
        from redouble.transfer.command import main as copy

        return copy(words[1:])
    if words[:1] == ["shared"]:  # what `SharedRedis` starts
        from redouble.net.shared_server import main as shared

        return shared()
    if words[:1] == ["dbm"]:
        from redouble.dbm.command import main as dbm

        return dbm(words[1:], "redouble dbm")
    return _serve(words)


def _serve(words: list[str]) -> int:
    parser = _serve_parser()
    options = parser.parse_args(words)
    if options.version:
        print(f"redouble {__version__}")
        return 0
    import dbm

    from redouble.clients.server import FakeServer
    from redouble.net.tcp import TcpFakeServer

    address = (options.bind, options.port) if options.bind else None
    if address is None and options.unixsocket is None:
        parser.error('--bind "" leaves nothing to listen on; give a --unixsocket')
    config = dict(options.config)
    if "user" in config:
        config["user"] = "\n".join(value for name, value in options.config if name == "user")
    if options.requirepass is not None:
        config["requirepass"] = options.requirepass
    try:
        fake = FakeServer(
            options.server_version,
            options.server_type,
            config,
            clock_command=options.clock_command,
            modules=options.modules,
            path=options.dir,
        )
    except ValueError as error:
        parser.error(str(error))
    except dbm.error as error:
        return _fail(f"the data cannot be read: {error}")
    try:
        server = TcpFakeServer(
            address,
            False,
            server=fake,
            unixsocket=options.unixsocket,
            unixsocketperm=options.unixsocketperm,
            tls_cert_file=options.tls_cert_file,
            tls_key_file=options.tls_key_file,
            tls_ca_cert_file=options.tls_ca_cert_file,
            tls_auth_clients=options.tls_auth_clients,
            protected_mode=options.protected_mode == "yes",
        )
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        return _fail(f"the certificate files cannot be used: {error}")
    try:
        server.server_bind()
    except (OSError, OverflowError) as error:
        places = [_url(server)] if address else []
        places += [server.unixsocket] if server.unixsocket else []
        return _fail(f"cannot listen on {' and '.join(places)}: {_reason(error)}")
    with server, _stopped_by_signals(server):
        _announce(server)
        server.serve_forever()
    try:
        fake.close()
    except dbm.error as error:
        return _fail(f"cannot save: {_reason(error)}")
    return 0


def _serve_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="redouble",
        description="Serve Redis from memory: a double for tests, development and demonstrations.",
        epilog=_SERVE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="show redouble's own version and exit")
    listen = parser.add_argument_group("where it listens")
    listen.add_argument(
        "--port", type=_port, default=6379, metavar="N", help="TCP port, 0 for any free one (default: 6379)"
    )
    listen.add_argument(
        "--bind",
        default="127.0.0.1",
        metavar="ADDRESS",
        help='address to listen on, "" for none (default: 127.0.0.1, which only this machine reaches)',
    )
    listen.add_argument("--unixsocket", metavar="PATH", help="listen on this Unix socket as well")
    listen.add_argument(
        "--unixsocketperm", type=_octal, metavar="MODE", help="permissions of the Unix socket, in octal (e.g. 700)"
    )
    what = parser.add_argument_group("what it is")
    what.add_argument(
        "--server-type",
        default="redis",
        metavar="TYPE",
        help="redis, valkey, dragonfly or kividb (default: redis; the last two are not proven)",
    )
    what.add_argument(
        "--server-version",
        default="7",
        metavar="VERSION",
        help="the version to behave like, or the nearest one below; a bare major version is its newest minor (default: 7)",
    )
    what.add_argument(
        "--modules",
        type=lambda text: text.replace(",", " ").split(),
        metavar="NAMES",
        help='which modules it loads, of json, bloom, timeseries and vectorset, "" for none (default: of redis all that its'
        " version has, of valkey none)",
    )
    what.add_argument(
        "--config",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter as in redis.conf; may be repeated",
    )
    what.add_argument(
        "--dir", metavar="FOLDER", help="keep the data in this folder, in redouble's own form (default: in memory)"
    )
    what.add_argument(
        "--clock-command",
        action="store_true",
        help="let clients move the server's clock with CLOCK ADVANCE, FREEZE, SET and UNFREEZE (CLOCK HELP says more)",
    )
    who = parser.add_argument_group("who may come in")
    who.add_argument("--requirepass", metavar="PASSWORD", help="ask clients for this password")
    who.add_argument(
        "--protected-mode",
        choices=("yes", "no"),
        default="yes",
        help="without a password, turn away whoever is not on this machine (default: yes)",
    )
    tls = parser.add_argument_group("TLS")
    tls.add_argument("--tls-cert-file", metavar="FILE", help="the server's certificate (PEM); the port then speaks TLS")
    tls.add_argument("--tls-key-file", metavar="FILE", help="its private key, if it is not in the same file")
    tls.add_argument("--tls-ca-cert-file", metavar="FILE", help="ask clients for a certificate that this CA signed")
    tls.add_argument(
        "--tls-auth-clients",
        choices=("yes", "no", "optional"),
        default="yes",
        help="whether clients must show one (default: yes, once a CA is given)",
    )
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _octal(text: str) -> int:
    try:
        return int(text, 8)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an octal mode such as 700") from None


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _url(server: TcpFakeServer) -> str:
    host, port = server.server_address
    scheme = "redis" if server.context is None else "rediss"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _announce(server: TcpFakeServer) -> None:
    from redouble.net.tcp import is_loopback

    dialect = server.server.dialect
    places = [_url(server)] if server.server_address[0] else []
    if server.unixsocket is not None:
        places.append(f"unix://{os.path.abspath(server.unixsocket)}")
    version = ".".join(map(str, dialect.version))
    print(f"Ready to accept connections on {' and '.join(places)} ({dialect.name.capitalize()} {version})", flush=True)
    if server.server_address[0] and not is_loopback(server.server_address[0]) and server.protected:
        print("Protected mode: without --requirepass, only this machine is let in.", flush=True)


@contextmanager
def _stopped_by_signals(server: TcpFakeServer) -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # asked twice, it goes at once
        server.shutdown()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    # Where a signal does not interrupt select() (Windows), the bell does.
    bell = signal.set_wakeup_fd(server.loop.bell, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(bell)
        for number, handler in before.items():
            signal.signal(number, handler)


def _reason(error: Exception) -> str:
    number = getattr(error, "errno", None) or 0
    return os.strerror(number) if number > 0 else str(error).partition(" (while")[0]  # create_server() adds the address


def _fail(message: str) -> int:
    print(f"redouble: {message}", file=sys.stderr)
    return 1


def _ping(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="redouble ping",
        description="Ask a server (this one or any other) whether it is there: PONG and exit status 0, or an error and 1.",
        epilog=_PING_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", nargs="?", default="redis://127.0.0.1:6379", metavar="URL", help="default: %(default)s")
    parser.add_argument(
        "--timeout", type=float, default=5.0, metavar="SECONDS", help="give up after (default: %(default)s)"
    )
    options = parser.parse_args(words)

    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    timeouts = {"socket_timeout": options.timeout, "socket_connect_timeout": options.timeout}
    try:
        with redis.Redis.from_url(options.url, protocol=2, retry=Retry(NoBackoff(), 0), **timeouts) as client:
            client.ping()
    except ValueError as error:
        parser.error(str(error))
    except (redis.RedisError, OSError) as error:
        return _fail(f"no answer from {_without_password(options.url)}: {error}")
    print("PONG")
    return 0


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
