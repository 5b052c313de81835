# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an answer goes over the wire: whole, or broken in the way that a fault asks for."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from dataclasses import dataclass

from . import _faults as faults
from ._answers import Answer
from ._http import Request, encode

# A gzip header, then a block of a type that does not exist: every decoder refuses it at once.
_NO_GZIP = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + b"\xff" * 32
_MISSING = 20  # bytes that a truncated answer promises and never sends


@dataclass(frozen=True)
class Exchange:
    """What to answer (None: nothing), and the fault that shapes how."""

    answer: Answer | None
    fault: faults.Fault | None = None


def deliver(
    connection: socket.socket, request: Request, exchange: Exchange, now: float, stopping: threading.Event
) -> bool:
    """Sends the answer; returns whether the connection can take another request. Raises OSError when it is gone."""
    answer, fault = exchange.answer, exchange.fault
    kind = fault.kind if fault else None
    pause = (fault.seconds or 0.0) if fault else 0.0
    drips = kind in (faults.SLOW_HEADERS, faults.SLOW_BODY)
    if pause and not drips and stopping.wait(pause):
        return False
    if answer is None:
        _leave(connection, kind)
        return False
    if kind == faults.TRUNCATED:
        _truncate(connection, answer, now)
        return False
    if kind == faults.BAD_GZIP:
        answer = Answer(answer.status, (*answer.headers, ("Content-Encoding", "gzip")), _NO_GZIP)
    head, body = encode(answer, now, request.keep_alive, body_wanted=request.method != "HEAD")
    if kind == faults.SLOW_HEADERS:
        return _drip(connection, head, pause, stopping) and _send(connection, body) and request.keep_alive
    if kind == faults.SLOW_BODY:
        return _send(connection, head) and _drip(connection, body, pause, stopping) and request.keep_alive
    return _send(connection, head + body) and request.keep_alive


def close(connection: socket.socket) -> None:
    """Ends a connection cleanly: over TLS with a goodbye, then without losing what was sent."""
    if isinstance(connection, ssl.SSLSocket):
        with contextlib.suppress(OSError, ValueError):  # the peer's goodbye is not waited for, or it is gone already
            connection.settimeout(0)
            connection.unwrap()
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    connection.close()


def _leave(connection: socket.socket, kind: str | None) -> None:
    if kind == faults.BLACK_HOLE:
        while connection.recv(65536):  # until the client gives up, or the server stops
            pass
    elif kind in (faults.RESET_BEFORE, faults.RESET_AFTER):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() sends a RST
        connection.close()


def _truncate(connection: socket.socket, answer: Answer, now: float) -> None:
    promised = Answer(answer.status, answer.headers, answer.body + b" " * _MISSING)
    head, _body = encode(promised, now, keep_alive=False)
    connection.sendall(head + answer.body[: len(answer.body) // 2])


def _send(connection: socket.socket, data: bytes) -> bool:
    if data:
        connection.sendall(data)
    return True


def _drip(connection: socket.socket, data: bytes, pause: float, stopping: threading.Event) -> bool:
    for index in range(len(data)):
        if stopping.wait(pause):
            return False
        connection.sendall(data[index : index + 1])
    return True
