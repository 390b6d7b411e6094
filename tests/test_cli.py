"""The command line, as a program in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

import redouble
from redouble.cli import main
from redouble.net.tcp import TcpFakeServer

CERTIFICATES = Path(__file__).parent / "net" / "certificates"
PATIENCE = 20


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "redouble", *arguments]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program, and its ready line."""
    with subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().rstrip("\n")
        finally:
            process.kill()


def port_in(ready: str) -> int:
    found = re.search(r":(\d+)", ready)
    assert found is not None
    return int(found[1])


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_when_it_is_ready_and_stops_cleanly(number: signal.Signals) -> None:
    with running("--port", "0") as (process, ready):
        assert re.fullmatch(r"Ready to accept connections on redis://127\.0\.0\.1:\d+ \(Redis 7\.4\.\d+\)", ready)
        with redis.Redis(port=port_in(ready)) as client:
            client.set("k", "v")
            assert client.get("k") == b"v"
            process.send_signal(number)
            output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output, errors) == (0, "", "")


def test_it_behaves_like_the_server_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    options = [
        "--server-type",
        "valkey",
        "--server-version",
        "9",
        "--requirepass",
        "secret",
        "--config",
        "maxclients=50",
    ]
    with running("--bind", "", "--unixsocket", str(path), "--unixsocketperm", "700", *options) as (process, ready):
        assert re.fullmatch(rf"Ready to accept connections on unix://{path} \(Valkey 9\.1\.\d+\)", ready)
        assert path.stat().st_mode & 0o777 == 0o700
        with redis.Redis(unix_socket_path=str(path), password="secret") as client:
            assert client.config_get("maxclients") == {"maxclients": "50"}
        assert run("ping", f"unix://:secret@{path}").stdout == "PONG\n"
        refused = run("ping", f"unix://:wrong@{path}")
        assert refused.returncode == 1
        assert "wrong" not in refused.stderr
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert not path.exists()


def test_users_may_stand_on_the_command_line() -> None:
    users = ["--config", "user=alice on >pw ~* +@all", "--config", "user=bob on >pw ~* +ping +acl|whoami"]
    with running("--port", "0", *users) as (_, ready):
        for name in ("alice", "bob"):
            with redis.Redis(port=port_in(ready), username=name, password="pw", decode_responses=True) as client:
                assert client.acl_whoami() == name


def test_a_client_may_shut_it_down() -> None:
    with running("--port", "0") as (process, ready):
        with redis.Redis(port=port_in(ready)) as client:
            client.shutdown(nosave=True)
        assert process.wait(PATIENCE) == 0


def test_it_speaks_tls() -> None:
    files = ["--tls-cert-file", str(CERTIFICATES / "server.pem"), "--tls-key-file", str(CERTIFICATES / "server.key")]
    with running("--port", "0", *files) as (_, ready):
        assert ready.startswith("Ready to accept connections on rediss://127.0.0.1:")
        url = f"rediss://127.0.0.1:{port_in(ready)}"
        assert run("ping", f"{url}?ssl_ca_certs={CERTIFICATES / 'ca.pem'}").stdout == "PONG\n"
        assert run("ping", url).returncode == 1


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = run("--port", str(port))
    assert found.returncode == 1
    assert found.stderr == f"redouble: cannot listen on redis://127.0.0.1:{port}: Address already in use\n"


def test_ping_finds_a_server_or_says_why_not() -> None:
    with TcpFakeServer(("127.0.0.1", 0)).start() as server:
        port = server.server_address[1]
        found = run("ping", f"redis://127.0.0.1:{port}")
        assert (found.returncode, found.stdout, found.stderr) == (0, "PONG\n", "")
    missing = run("ping", f"redis://user:secret@127.0.0.1:{port}")
    assert missing.returncode == 1
    assert missing.stderr.startswith(f"redouble: no answer from redis://127.0.0.1:{port}: ")
    assert missing.stderr.count("\n") == 1
    assert "secret" not in missing.stderr


def test_ping_gives_up_on_a_silent_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = run("ping", "--timeout", "0.2", f"redis://127.0.0.1:{silent.getsockname()[1]}")
    assert found.returncode == 1
    assert "no answer" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--port", "65536"], "'65536' is not a port"),
        (["--port", "x"], "'x' is not a port"),
        (["--unixsocketperm", "rwx"], "'rwx' is not an octal mode"),
        (["--config", "maxclients"], "'maxclients' is not NAME=VALUE"),
        (["--config", "=5"], "'=5' is not NAME=VALUE"),
        (["--config", "nosuch=5"], "nosuch"),
        (["--config", "maxclients=many"], "maxclients"),
        (["--server-type", "mongo"], "server_type must be one of"),
        (["--server-version", "new"], "not a version: 'new'"),
        (["--bind", ""], "nothing to listen on"),
        (["--nonsense"], "--nonsense"),
        (["ping", "http://x"], "URL"),
    ],
)
def test_a_command_line_that_makes_no_sense(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ending:
        main(arguments)
    assert ending.value.code == 2
    assert complaint in capsys.readouterr().err


def test_what_cannot_be_opened_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--tls-cert-file", str(tmp_path / "nowhere.pem")]) == 1
    assert main(["--bind", "nowhere.invalid"]) == 1
    assert main(["--bind", "", "--unixsocket", str(tmp_path / "no" / "folder")]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert errors[0].startswith("redouble: the certificate files cannot be used: ")
    assert errors[1].startswith("redouble: cannot listen on redis://nowhere.invalid:6379: ")
    assert errors[2] == f"redouble: cannot listen on {tmp_path / 'no' / 'folder'}: No such file or directory"
    assert len(errors) == 3


def test_protected_mode_is_announced(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(TcpFakeServer, "serve_forever", lambda self: None)
    monkeypatch.setattr("redouble.net.tcp.is_loopback", lambda host: False)
    arguments = ["--port", "0", "--bind", "127.0.0.1"]
    assert (
        main(arguments) == main([*arguments, "--requirepass", "x"]) == main([*arguments, "--protected-mode", "no"]) == 0
    )
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "Ready",
        "Protected",
        "Ready",
        "Ready",
    ]


def test_signals_are_given_back(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(TcpFakeServer, "serve_forever", lambda self: os.kill(os.getpid(), signal.SIGINT))
    assert main(["--port", "0"]) == 0
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_help_teaches() -> None:
    found = run("--help")
    assert found.returncode == 0
    for word in (
        "redouble --port 0",
        "--server-type valkey",
        "--unixsocket",
        "--tls-cert-file",
        "redouble ping",
        "Ctrl-C",
    ):
        assert word in found.stdout
    assert "until redouble ping" in run("ping", "--help").stdout
    assert run("--version").stdout == f"redouble {redouble.__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, redouble.cli as c\ntry: c.main(['--help'])\nexcept SystemExit: pass\nprint(sorted({'redis', 'asyncio', 'ssl', 'logging', 'redouble.core'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.endswith("[]\n")


def test_clients_may_move_the_clock_of_a_server_that_was_told_so() -> None:
    with running("--port", "0", "--clock-command") as (_, ready), redis.Redis(port=port_in(ready)) as client:
        client.set("k", "v", ex=3600)
        assert client.execute_command("CLOCK", "ADVANCE", 3601) == b"OK"
        assert client.get("k") is None
