# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes whatever is posted, as cheaply as Python can, and tells what it has taken when asked with GET.

Arguments: seconds to wait before each answer (below 0: never answer), and the file with the certificate for TLS if
there is to be any. Prints its port, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys

ANSWER = b'{"status":"success","message":"Event processed","dedup_key":"sink"}'
TYPE = b"Content-Type: application/json\r\n"
ACCEPTED = b"HTTP/1.1 202 Accepted\r\n%bContent-Length: %d\r\n\r\n%b" % (TYPE, len(ANSWER), ANSWER)


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, taken: list[bytes], latency: float) -> None:
        self._taken = taken
        self._latency = latency
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            _before, _name, length = head.lower().partition(b"\r\ncontent-length:")
            size = int(length.partition(b"\r\n")[0] or 0)
            if len(rest) < size:
                return
            self._buffer = rest[size:]
            self._handle(head, rest[:size])

    def _handle(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET "):
            said = b"[%b]" % b",".join(self._taken)
            self._taken.clear()
            self._transport.write(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (TYPE, len(said), said))
            return
        self._taken.append(body)
        if self._latency == 0:
            self._transport.write(ACCEPTED)
        elif self._latency > 0:
            asyncio.get_running_loop().call_later(self._latency, self._transport.write, ACCEPTED)


async def serve(latency: float, certificate: str | None) -> None:
    """Serve until standard input ends."""
    taken: list[bytes] = []
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(taken, latency), "127.0.0.1", 0, ssl=context, backlog=1024)
    print(json.dumps(server.sockets[0].getsockname()[1]), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
