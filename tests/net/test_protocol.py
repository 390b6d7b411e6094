"""The protocol under torture: raw bytes, and the raw bytes that real servers answered.

`recordings/protocol.json` holds what each real server said and whether it then closed the connection;
`python -m tests.net.test_protocol` writes it again.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from tests.net.conftest import Serve, real_server, request, run_real

RECORDINGS = Path(__file__).parent / "recordings" / "protocol.json"
SERVERS = {
    "redis-7.0": ("redis", (7, 0)),
    "redis-7.4": ("redis", (7, 4)),
    "redis-8.6": ("redis", (8, 6)),
    "valkey-9": ("valkey", 9),
}
QUIET = 0.5
"""Seconds of silence after which a server has said all it wants to say."""
PAUSE = 0.005
"""Seconds between the pieces of a payload."""

PING = b"*1\r\n$4\r\nPING\r\n"
Payload = bytes | list[bytes]  # a list is sent in pieces

PAYLOADS: dict[str, Payload] = {
    "inline": b"PING\r\n",
    "inline, line feed only": b"PING\n",
    "inline, empty lines": b"\r\n\r\n\n\nPING\r\n",
    "inline, spaces": b"   \r\nPING  hello \r\n",
    "inline, leading space": b" *1\r\n",
    "inline in pieces": [b"PI", b"NG\r", b"\nPIN", b"G\r\n"],
    "inline, unbalanced": b'SET "a b\r\nPING\r\n',
    "inline, unbalanced single": b"SET 'a\r\nPING\r\n",
    "inline, escapes": rb'ECHO "\x41\n\r\t\b\a\q\\\"b"' + b"\r\n",
    "inline, faulty hex": rb'ECHO "\xzz\x4"' + b"\r\n",
    "inline, upper hex": rb'ECHO "\X41\xaF"' + b"\r\n",
    "inline, single quotes": rb"ECHO 'a\'b\n'" + b"\r\n",
    "inline, backslash at the end": rb'ECHO "a\"' + b"\r\n",
    "inline, single backslash at the end": rb"ECHO 'a\\'" + b"\r\n",
    "inline, escaped quote and space": rb'ECHO "a\" "' + b"\r\n",
    "inline, backslash outside": rb"ECHO a\nb" + b"\r\n",
    "inline, quote after backslash outside": rb"ECHO \"a" + b"\r\n",
    "inline, text after a quote": b'ECHO "a"b\r\n',
    "inline, text after a single quote": b"ECHO 'a'b\r\n",
    "inline, quotes touch": b"ECHO a\"b\"'c'\r\n",
    "inline, text before a quote": b'ECHO a"b c"\r\n',
    "inline, vertical tab": b"ECHO a\v\r\n",
    "inline, vertical tab after a quote": b'ECHO "a"\vb\r\n',
    "inline, vertical tab between": b"ECHO a \vb\r\n",
    "inline, CR inside": b"ECHO a\rb\r\n",
    "inline, two CR": b"ECHO a\r\r\n",
    "inline, empty word": b'ECHO ""\r\n',
    "inline, line break in quotes": b'ECHO "a\nb"\r\n',
    "inline, nul": b"ECHO a\0b\r\n" + PING,
    "inline, nul and 64 KiB": b"ECHO a\0b\r\n" + b"x" * 65537,
    "inline, 64 KiB": b"x" * 65536,
    "inline, 64 KiB and one": b"x" * 65537,
    "inline, CR first": b"\rPING\r\n",
    "multibulk -1": b"*-1\r\n" + PING,
    "multibulk 0": b"*0\r\n" + PING,
    "multibulk -10": b"*-10\r\n" + PING,
    "multibulk abc": b"*abc\r\n" + PING,
    "multibulk empty": b"*\r\n" + PING,
    "multibulk +1": b"*+1\r\n$4\r\nPING\r\n",
    "multibulk 01": b"*01\r\n$4\r\nPING\r\n",
    "multibulk space": b"* 1\r\n$4\r\nPING\r\n",
    "multibulk -0": b"*-0\r\n" + PING,
    "multibulk 1048577": b"*1048577\r\n",
    "multibulk 2^31-1": b"*2147483647\r\n",
    "multibulk 2^31": b"*2147483648\r\n",
    "multibulk huge": b"*99999999999999999999999\r\n",
    "multibulk, 64 KiB": b"*" + b"1" * 65536,
    "multibulk, 64 KiB less one": b"*" + b"1" * 65535,
    "multibulk, nul": b"*1\0\r\n" + PING,
    "multibulk, CR and x": b"*1\rx$4\r\nPING\r\n",
    "multibulk, line feed only": b"*1\n$4\nPING\n",
    "multibulk 0, CR and x": b"*0\rxPING\r\n",
    "bulk missing": b"*1\r\nPING\r\n",
    "bulk is an integer": b"*1\r\n:4\r\n",
    "bulk is CR": b"*1\r\n\r\n",
    "bulk is LF": b"*1\r\n\n\r\n",
    "bulk is nul": b"*1\r\n\0\r\n",
    "bulk is a high byte": b"*1\r\n\xff\r\n",
    "bulk abc": b"*1\r\n$abc\r\n",
    "bulk -1": b"*1\r\n$-1\r\n",
    "bulk empty": b"*1\r\n$\r\n",
    "bulk 512 MB": b"*1\r\n$536870912\r\n",
    "bulk 512 MB and one": b"*1\r\n$536870913\r\n",
    "bulk 5 GB": b"*1\r\n$5000000000\r\n",
    "bulk, 64 KiB": b"*1\r\n$" + b"1" * 65536,
    "bulk, 64 KiB less one": b"*1\r\n$" + b"1" * 65535,
    "bulk, nul": b"*1\r\n$4\0\r\nPING\r\n",
    "bulk, CR and x": b"*1\r\n$4\rxPING\r\n",
    "bulk, xx after it": b"*1\r\n$4\r\nPINGxx" + PING,
    "bulk, CR and x after it": b"*1\r\n$4\r\nPING\rx" + PING,
    "bulk with line breaks": request(b"ECHO", b"\r\n\r\n"),
    "bulk that looks like a command": request(b"ECHO", PING) + PING,
    "an error, then a command": request(b"NOSUCH", b"x") + PING,
    "line breaks in an error": request(b"a\r\nb", b"c\r\nd"),
    "high bytes in an error": request(b"\xff\xfe", b"\x80"),
    "a command, then a fault": PING + b"*1\r\n!\r\n" + PING,
    "a command in pieces": [b"*2\r", b"\n$4\r\nEC", b"HO\r\n$", b"1\r\n", b"x\r", b"\n"],
    "half a command": PING + b"*1\r\n$4\r\nPI",
    "HTTP POST": b"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP GET": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST in lower case": b"post a b\r\nPING\r\n",
    "POST as a bulk": request(b"POST") + PING,
    "Host: as a bulk": request(b"HOST:", b"/") + PING,
    "a command, then POST": PING + b"POST\r\n",
    "forty commands": (request(b"ECHO", b"x" * 50) + b"PING\r\n") * 20,
}

AUTH, ELEVEN = request(b"AUTH", b"secret"), request(*[b"DEL"] * 11)
ANONYMOUS: dict[str, Payload] = {
    "nobody yet": PING,
    "ten arguments": request(b"MGET", *[b"x"] * 9),
    "eleven arguments": ELEVEN,
    "eleven arguments announced": b"*11\r\n",
    "eleven arguments, not a number": b"*11x\r\n",
    "16 KiB": request(b"GET", b"x" * 16384),
    "16 KiB and one": b"*2\r\n$4\r\nECHO\r\n$16385\r\n",
    "many inline arguments": b"GET" + b" x" * 30 + b"\r\n",
    "a long inline argument": b"GET " + b"x" * 20000 + b"\r\n",
    "AUTH, then eleven": AUTH + ELEVEN + PING,
    "AUTH, then 16 KiB and one": AUTH + request(b"STRLEN", b"x" * 16385),
    "inline AUTH, then eleven": b"AUTH secret\r\n" + ELEVEN,
    "wrong AUTH, then eleven": request(b"AUTH", b"wrong") + ELEVEN + PING,
    "AUTH in pieces, then eleven": [AUTH[:20], AUTH[20:] + ELEVEN[:9], ELEVEN[9:]],
    "AUTH, RESET, then ten": AUTH + b"RESET\r\n" + request(b"MGET", *[b"x"] * 9),
    "POST": b"POST / a\r\n",
}
"""For a server that asks for the password "secret"."""

Answers = dict[str, list[str]]


def ask(address: tuple[str, int], payloads: dict[str, Payload]) -> Answers:
    """What a server answers to each payload, and whether it closes; all connections are open at the same time."""
    sockets: dict[str, socket.socket] = {}
    answers = dict.fromkeys(payloads, b"")
    ends = dict.fromkeys(payloads, "open")
    try:
        for name, payload in payloads.items():
            sockets[name] = sock = socket.create_connection(address, timeout=10)
            for block in payload if isinstance(payload, list) else [payload]:
                with contextlib.suppress(ConnectionError):  # it has heard enough
                    sock.sendall(block)
                if isinstance(payload, list):
                    time.sleep(PAUSE)
            sock.setblocking(False)
        last = time.monotonic()
        while time.monotonic() < last + QUIET:
            time.sleep(0.02)
            for name, sock in sockets.items():
                try:
                    block = sock.recv(1 << 20) if ends[name] == "open" else b""
                except BlockingIOError:
                    continue
                except ConnectionResetError:  # it closed while we were sending
                    block = b""
                if block:
                    answers[name] += block
                    last = time.monotonic()
                elif ends[name] == "open":
                    ends[name] = "closed"
                    last = time.monotonic()
    finally:
        for sock in sockets.values():
            sock.close()
    return {name: [answers[name].decode("latin-1"), ends[name]] for name in payloads}


def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RECORDINGS.read_text())
    return found


@pytest.mark.fake
@pytest.mark.parametrize("name", SERVERS)
def test_raw_bytes_are_answered_as_the_real_server_answers_them(name: str, serve: Serve) -> None:
    server_type, version = SERVERS[name]
    server = serve(server_type=server_type, server_version=version)
    guarded = serve(server_type=server_type, server_version=version, config={"requirepass": "secret"})
    found = ask(server.server_address, PAYLOADS) | ask(guarded.server_address, ANONYMOUS)
    expected = recorded()[name]
    assert {key: (found[key], "real:", expected[key]) for key in found if found[key] != expected[key]} == {}


@pytest.mark.real
@pytest.mark.parametrize("name", SERVERS)
def test_the_recordings_are_what_the_real_server_says(name: str, tmp_path: Path) -> None:
    path = real_server(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    assert ask_real(path, tmp_path) == recorded()[name]


@pytest.mark.fake
def test_bytes_that_arrive_one_by_one_are_answered_the_same(serve: Serve) -> None:
    server = serve(server_version=(7, 4))
    names = [
        "inline, escapes",
        "bulk with line breaks",
        "a command, then a fault",
        "bulk, xx after it",
        "Host: as a bulk",
    ]
    pieces: dict[str, Payload] = {}
    for name in names:
        payload = PAYLOADS[name]
        assert isinstance(payload, bytes)
        pieces[name] = [payload[at : at + 1] for at in range(len(payload))]
    assert ask(server.server_address, pieces) == {name: recorded()["redis-7.4"][name] for name in names}


def ask_real(path: str, folder: Path) -> Answers:
    answers: Answers = {}
    for payloads, options in ((PAYLOADS, ()), (ANONYMOUS, ("--requirepass", "secret"))):
        process, address = run_real(path, folder, *options)
        try:
            answers |= ask(address, payloads)
        finally:
            process.terminate()
            process.wait()
    return answers


def record() -> None:
    answers = {}
    for name in SERVERS:
        path = real_server(name)
        if path is None:
            sys.exit(f"{name} is not installed")
        with tempfile.TemporaryDirectory() as folder:
            answers[name] = ask_real(path, Path(folder))
    RECORDINGS.parent.mkdir(exist_ok=True)
    RECORDINGS.write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    record()
