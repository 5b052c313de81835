# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 as bytes: reads requests from a socket, and turns answers into what goes over the wire.

Written by hand because http.server can neither answer wrongly on purpose nor keep up with a benchmark.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from email.utils import formatdate
from http.client import responses
from typing import Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

from ._answers import Answer, text_answer

MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024 * 1024  # far beyond what is refused as too large: such a body is still read, then answered
_BLOCK = 64 * 1024
_TARGET = re.compile(r"[!-~]+")


class Headers(Mapping[str, str]):
    """The headers of a request, found by name in any case; of a repeated one, the last."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        """The pairs as they were sent."""
        self._pairs = {name.lower(): (name, value) for name, value in pairs}

    def __getitem__(self, name: str) -> str:
        return self._pairs[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _value in self._pairs.values())

    def __len__(self) -> int:
        return len(self._pairs)


@dataclass(frozen=True)
class Request:
    """One request, completely read."""

    method: str
    target: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False, default=b"")
    keep_alive: bool = True

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path or "/"

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's values by name."""
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)


class MalformedError(Exception):
    """What came is no HTTP request; holds the answer that says so, after which the connection ends."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body.decode())
        self.answer = answer


class Reader:
    """Reads one connection's requests, one after another."""

    def __init__(self, connection: socket.socket) -> None:
        """The connection may be a TLS one."""
        self._connection = connection
        self._buffer = bytearray()

    def read(self) -> Request | None:
        """The next request, or None when the client has closed; raises MalformedError and OSError."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        method, target, version, headers = _parse_head(head)
        if headers.get("Expect", "").lower() == "100-continue":
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("Transfer-Encoding", "").lower():
            body = self._chunked()
        else:
            body = self._exactly(_length(headers))
        if body is None:
            return None
        connection = headers.get("Connection", "").lower()
        keep_alive = "close" not in connection if version == "HTTP/1.1" else "keep-alive" in connection
        return Request(method, target, headers, body, keep_alive)

    def _fill(self) -> bool:
        block = self._connection.recv(_BLOCK)
        self._buffer += block
        return bool(block)

    def _until(self, mark: bytes, limit: int = MAX_HEAD) -> bytes | None:
        start = 0
        while True:
            end = self._buffer.find(mark, start)
            if end >= 0:
                taken = bytes(self._buffer[:end])
                del self._buffer[: end + len(mark)]
                return taken
            if len(self._buffer) > limit:
                raise MalformedError(text_answer(431, "Request Header Fields Too Large"))
            start = max(0, len(self._buffer) - len(mark) + 1)
            if not self._fill():
                return None

    def _exactly(self, length: int) -> bytes | None:
        if length > MAX_BODY:
            raise MalformedError(text_answer(413, "Content Too Large"))
        while len(self._buffer) < length:
            if not self._fill():
                return None
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    def _chunked(self) -> bytes | None:
        body = bytearray()
        while True:
            line = self._until(b"\r\n")
            if line is None:
                return None
            try:
                size = int(line.split(b";", maxsplit=1)[0], 16)
            except ValueError:
                raise MalformedError(text_answer(400, "Bad chunk size")) from None
            if size == 0:
                break
            if size < 0 or len(body) + size > MAX_BODY:
                raise MalformedError(text_answer(413, "Content Too Large"))
            chunk = self._exactly(size + 2)
            if chunk is None:
                return None
            body += chunk[:-2]
        while True:  # trailers
            line = self._until(b"\r\n")
            if line is None:
                return None
            if not line:
                return bytes(body)


def encode(answer: Answer, now: float, keep_alive: bool, body_wanted: bool = True) -> tuple[bytes, bytes]:
    """The head and the body as they go over the wire; `now` in seconds since the epoch."""
    lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines += [f"Date: {formatdate(now, usegmt=True)}"]
    if answer.status not in (204, 304):
        lines += [f"Content-Length: {len(answer.body)}"]
    lines += ["Connection: " + ("keep-alive" if keep_alive else "close"), "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace"), answer.body if body_wanted else b""


def _parse_head(head: bytes) -> tuple[str, str, str, Headers]:
    first, *rest = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0") or not _TARGET.fullmatch(parts[1]):
        raise MalformedError(text_answer(400, "Bad request line"))
    pairs = []
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise MalformedError(text_answer(400, "Bad header line"))
        pairs.append((name, value.strip()))
    return parts[0], parts[1], parts[2], Headers(pairs)


def _length(headers: Headers) -> int:
    text = headers.get("Content-Length", "0")
    if not (text.isascii() and text.isdigit()):
        raise MalformedError(text_answer(400, "Bad Content-Length"))
    return int(text)
