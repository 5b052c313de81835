# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets and threads: one thread accepts, one for each connection answers, and stopping is quick whatever they do."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import sys
import threading
import time
import traceback
from typing import Callable

from ._answers import text_answer
from ._delivery import Exchange, close, deliver
from ._http import MalformedError, Reader, Request, encode

_BACKLOG = 1024
_JOIN_SECONDS = 30.0


def check_loopback(host: str) -> str:
    """The address to listen on; ValueError unless it is a loopback one, since nobody is asked who they are."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        is_loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ValueError(f"{host} is no loopback address (use 127.0.0.1, ::1 or localhost)")
    return address


def tls_context(certfile: str, keyfile: str | None) -> ssl.SSLContext:
    """A context that serves this certificate; OSError (ssl.SSLError is one) if it cannot be read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certfile, keyfile)
    return context


class Server:
    """Serves a handler on a loopback address until stopped; can be started again, on the same port."""

    def __init__(
        self, host: str, port: int, handler: Callable[[Request], Exchange], context: ssl.SSLContext | None = None
    ) -> None:
        """The handler is called from many threads; port 0 takes a free one."""
        self.host = check_loopback(host)
        self.port = port
        self._handler = handler
        self._context = context
        self._listener: socket.socket | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._acceptor: threading.Thread | None = None

    def start(self) -> None:
        """Listens; returns when clients can connect."""
        if self._listener:
            return
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._stopping = threading.Event()
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=_BACKLOG)
        self.port = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(
            target=self._accept, args=(self._listener, self._stopping), name="simulator", daemon=True
        )
        self._acceptor.start()

    def stop(self) -> None:
        """Cuts every connection, ends every wait, and frees the port."""
        if not self._listener:
            return
        self._stopping.set()
        self._wake_acceptor()
        self._listener.close()
        self._listener = None
        if self._acceptor:
            self._acceptor.join(_JOIN_SECONDS)
        with self._lock:
            connections = dict(self._connections)
        for connection in connections:
            _cut(connection)
        deadline = time.monotonic() + _JOIN_SECONDS
        for thread in connections.values():
            thread.join(max(0.0, deadline - time.monotonic()))

    def _wake_acceptor(self) -> None:
        with contextlib.suppress(OSError):  # closing does not end another thread's accept() everywhere; a client does
            socket.create_connection((self.host, self.port), timeout=1).close()

    def _accept(self, listener: socket.socket, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                connection, _address = listener.accept()
            except OSError:
                if stopping.wait(0.05):  # out of file descriptors, or a client that was gone at once
                    return
                continue
            if stopping.is_set():
                connection.close()
                return
            self._begin(connection, stopping)

    def _begin(self, connection: socket.socket, stopping: threading.Event) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context:
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(
            target=self._serve, args=(connection, stopping), name="simulator-connection", daemon=True
        )
        with self._lock:
            self._connections[connection] = thread
        thread.start()

    def _serve(self, connection: socket.socket, stopping: threading.Event) -> None:
        try:
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            self._converse(connection, stopping)
        except (OSError, ValueError):
            pass  # the client went away, or was no TLS client (ValueError: cut in the midst of a TLS read)
        finally:
            close(connection)
            with self._lock:
                self._connections.pop(connection, None)

    def _converse(self, connection: socket.socket, stopping: threading.Event) -> None:
        reader = Reader(connection)
        while not stopping.is_set():
            try:
                request = reader.read()
            except MalformedError as error:
                head, body = encode(error.answer, time.time(), keep_alive=False)
                connection.sendall(head + body)
                return
            if request is None:
                return
            exchange = self._handle(request)
            if not deliver(connection, request, exchange, time.time(), stopping):
                return

    def _handle(self, request: Request) -> Exchange:
        try:
            return self._handler(request)
        except Exception:  # a mistake in the simulator must be seen, not mistaken for a network error
            traceback.print_exc(file=sys.stderr)
            return Exchange(text_answer(500, "The simulator itself failed; see its standard error"))


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the TLS socket's own method would pull its state away from the reading thread
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
