# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Something between client and server, on loopback: an HTTP proxy, or a relay that may speak TLS to its clients."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from types import TracebackType

_TLS_HANDSHAKE = b"\x16"
_TARGET = re.compile(rb"(CONNECT |[A-Z]+ http://)\[?([^ :/\]]+)\]?:(\d+)")


class Middlebox:
    """Listens on a free port of loopback and passes bytes on, from the start of the block to its end.

    relay_to: the port on loopback that everything goes to; None for a proxy, which reads where to
    answer: what a proxy says to every request in place of passing it on; empty to hang up without a word
    tls: the context to speak TLS with to the clients
    """

    def __init__(
        self, relay_to: int | None = None, answer: bytes | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.connections = 0
        self.heads: list[bytes] = []  # what the proxy was asked at the start of each connection
        self._relay_to = relay_to
        self._answer = answer
        self._tls = tls
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Middlebox:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self._tls:
                client = self._tls.wrap_socket(client, server_side=True)
                self._sockets.append(client)
            if self._relay_to is not None:
                self._pump(client, ("127.0.0.1", self._relay_to), b"")
            else:
                self._proxy(client)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
        client.close()

    def _proxy(self, client: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data and not data.startswith(_TLS_HANDSHAKE):
            block = client.recv(65536)
            if not block:
                return
            data += block
        self.heads.append(data.partition(b"\r\n\r\n")[0])
        if self._answer is not None:
            client.sendall(self._answer)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):  # closing with something unread would reset the connection
                pass
            return
        target = _TARGET.match(data)
        assert target, data[:100]
        address = (target[2].decode(), int(target[3]))
        if target[1] == b"CONNECT ":
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            data = b""
        self._pump(client, address, data)

    def _pump(self, client: socket.socket, address: tuple[str, int], first: bytes) -> None:
        server = socket.create_connection(address, timeout=60)
        server.settimeout(None)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets.append(server)
        server.sendall(first)
        threading.Thread(target=_copy, args=(server, client), daemon=True).start()
        _copy(client, server)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError):
        while True:
            block = source.recv(65536)
            if not block:
                break
            sink.sendall(block)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
