"""TLS and Unix sockets: the same server behind another door."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
import redis

import redouble.net.tcp as tcp
from redouble.net.tcp import TcpFakeServer
from tests.net.conftest import Serve, Wire, eventually, request

CERTIFICATES = Path(__file__).parent / "certificates"
SERVER = {"tls_cert_file": CERTIFICATES / "server.pem", "tls_key_file": CERTIFICATES / "server.key"}
CA = CERTIFICATES / "ca.pem"

unix_only = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")


def tls_wire(server: TcpFakeServer, *, certificate: bool = False) -> Wire:
    context = ssl.create_default_context(cafile=CA)
    if certificate:
        context.load_cert_chain(CERTIFICATES / "client.pem", CERTIFICATES / "client.key")
    return Wire(server.server_address, wrap=lambda sock: context.wrap_socket(sock, server_hostname="localhost"))


def test_tls_carries_commands_of_every_size(serve: Serve) -> None:
    server = serve(**SERVER)
    with tls_wire(server) as wire:
        wire.send(b"PING\r\n").expect(b"+PONG\r\n")
        wire.send(request(b"ECHO", b"x" * 40_000) * 3).expect((b"$40000\r\n" + b"x" * 40_000 + b"\r\n") * 3)
        value = os.urandom(1_000_000)
        wire.send(request(b"SET", b"k", value)).expect(b"+OK\r\n")
        wire.send(request(b"GET", b"k") * 10)
        eventually(lambda: any(client.unsent for client in list(server.clients)))
        for _ in range(10):
            wire.expect(b"$1000000\r\n" + value + b"\r\n")
        assert wire.send(b"QUIT\r\n").rest() == b"+OK\r\n"  # an end without close_notify would be an SSLError


def test_redis_py_speaks_tls(serve: Serve) -> None:
    port = serve(**SERVER).server_address[1]
    with redis.Redis("localhost", port, ssl=True, ssl_ca_certs=str(CA)) as client:
        assert client.ping()


def test_a_slow_handshake_holds_up_nobody(serve: Serve) -> None:
    server = serve(**SERVER)
    with Wire(server.server_address) as silent, Wire(server.server_address) as half, tls_wire(server) as wire:
        half.send(b"\x16\x03\x01")
        for _ in range(10):
            wire.send(b"PING\r\n").expect(b"+PONG\r\n")
        assert silent.silent()


def test_what_is_not_tls_is_closed(serve: Serve) -> None:
    server = serve(**SERVER)
    with Wire(server.server_address) as wire:
        assert b"PONG" not in wire.send(b"PING\r\n" * 10).rest()
    eventually(lambda: not server.clients)


def test_with_a_ca_clients_must_show_a_certificate(serve: Serve) -> None:
    server = serve(**SERVER, tls_ca_cert_file=CA)
    with tls_wire(server, certificate=True) as wire:
        wire.send(b"PING\r\n").expect(b"+PONG\r\n")
    with pytest.raises((ssl.SSLError, ConnectionError)), tls_wire(server) as wire:  # noqa: PT012
        wire.send(b"PING\r\n")
        if wire.rest() == b"":
            raise ConnectionError
    eventually(lambda: not server.clients)


@pytest.mark.parametrize("auth_clients", ["optional", "no"])
def test_a_certificate_may_be_optional(serve: Serve, auth_clients: str) -> None:
    server = serve(**SERVER, tls_ca_cert_file=CA, tls_auth_clients=auth_clients)
    for certificate in (True, False):
        with tls_wire(server, certificate=certificate) as wire:
            wire.send(b"PING\r\n").expect(b"+PONG\r\n")


def test_faulty_tls_options_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="yes, optional, no"):
        TcpFakeServer(("127.0.0.1", 0), **SERVER, tls_auth_clients="maybe")
    with pytest.raises(FileNotFoundError):
        TcpFakeServer(("127.0.0.1", 0), tls_cert_file="nowhere.pem")


def test_turned_away_over_tls_is_just_closed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "is_loopback", lambda host: False)
    with Wire(serve(**SERVER).server_address) as wire:
        assert wire.rest() == b""


@unix_only
def test_a_unix_socket_beside_the_port(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    server = serve(unixsocket=path, unixsocketperm=0o700)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    with Wire(str(path)) as local, Wire(server.server_address) as remote:
        local.send(request(b"SET", b"k", b"v")).expect(b"+OK\r\n")
        remote.send(request(b"GET", b"k")).expect(b"$1\r\nv\r\n")
        addresses = {client.address for client in server.clients}
        assert f"{path}:0" in addresses
    server.stop()
    assert not path.exists()
    server.start()
    with Wire(str(path)) as local:
        local.send(request(b"GET", b"k")).expect(b"$1\r\nv\r\n")


@unix_only
def test_a_unix_socket_alone_is_never_protected_nor_encrypted(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "is_loopback", lambda host: False)
    server = serve(None, unixsocket=str(tmp_path / "s"), **SERVER)
    assert server.server_address == ("", 0)
    with redis.Redis(unix_socket_path=server.unixsocket) as client:
        assert client.ping()


@unix_only
def test_a_socket_file_of_a_dead_server_is_taken_over(serve: Serve, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(path)
    dead.close()
    serve(None, unixsocket=path)
    with Wire(path) as wire:
        wire.send(b"PING\r\n").expect(b"+PONG\r\n")


@unix_only
def test_a_living_server_and_other_files_are_left_alone(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "s"
    serve(None, unixsocket=path)
    with pytest.raises(OSError, match="in use"):
        serve(None, unixsocket=path)
    with Wire(str(path)) as wire:
        wire.send(b"PING\r\n").expect(b"+PONG\r\n")
    file = tmp_path / "file"
    file.write_text("precious")
    with pytest.raises(OSError, match="in use"):
        serve(None, unixsocket=file)
    assert file.read_text() == "precious"


def test_a_system_without_unix_sockets_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX", raising=False)
    before = threading.active_count()
    with pytest.raises(OSError, match="no Unix sockets; use a TCP port instead"):
        TcpFakeServer(("127.0.0.1", 0), unixsocket="s")
    assert threading.active_count() == before
