"""TLS for the server's sockets: a socket that does its handshake as it reads, so that nobody else has to know."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from typing import cast

__all__ = ["TlsSocket", "server_context"]

LARGEST_SEND = 1024 * 1024
"""OpenSSL is offered no more at once: it keeps a copy of what it could not write."""
_VERIFY = {"yes": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "no": ssl.CERT_NONE}


class TlsSocket(ssl.SSLSocket):
    """Non-blocking: what OpenSSL cannot do yet is a BlockingIOError, as it is on a plain socket."""

    def recv(self, buflen: int = 65536, flags: int = 0) -> bytes:
        try:
            data = super().recv(buflen, flags)
            while self.pending():  # decrypted already: no selector would report these bytes
                data += super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        return data

    def send(self, data: bytes | memoryview, flags: int = 0) -> int:  # type: ignore[override]
        try:
            return super().send(memoryview(data)[:LARGEST_SEND], flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def shutdown(self, how: int) -> None:
        """Say goodbye (close_notify) without waiting for the answer."""
        with contextlib.suppress(OSError, ValueError):  # the answer is not there yet, or the handshake never ended
            self.unwrap()
        super().shutdown(how)


def server_context(
    cert_file: str | os.PathLike[str],
    key_file: str | os.PathLike[str] | None,
    ca_cert_file: str | os.PathLike[str] | None,
    auth_clients: str,
) -> ssl.SSLContext:
    """As the server's own options say: with a CA, clients must ("yes") or may ("optional") show a certificate of it."""
    if auth_clients not in _VERIFY:
        raise ValueError(f"tls_auth_clients must be one of yes, optional, no; not {auth_clients!r}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslsocket_class = TlsSocket
    context.load_cert_chain(cert_file, key_file)
    if ca_cert_file is not None:
        context.load_verify_locations(ca_cert_file)
        context.verify_mode = _VERIFY[auth_clients]
    return context


def wrap(context: ssl.SSLContext, sock: socket.socket) -> TlsSocket:
    return cast(TlsSocket, context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False))
