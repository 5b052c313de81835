# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running simulator, and a plain HTTP client that adds nothing of its own."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from ansible_collections.oncall.pagerduty.tests.simulator import Simulator

KEY = "0123456789abcdef0123456789abcdef"


class Clock:
    """A clock that stands still until it is moved on."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Ask = Callable[..., Reply]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pd(clock: Clock) -> Iterator[Simulator]:
    with Simulator(clock=clock, seed=1) as simulator:
        yield simulator


@pytest.fixture
def ask(pd: Simulator) -> Ask:
    """ask(method, path, body, headers): one request on a connection of its own."""
    return asker(pd)


def asker(pd: Simulator) -> Ask:
    """A client of one simulator; a body that is no text and no bytes goes out as JSON, with its Content-Type."""

    def ask(method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Reply:
        given = {"Content-Type": "application/json"} if body is not None else {}
        given.update(headers or {})
        data = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        connection = http.client.HTTPConnection(str(urlsplit(pd.url).hostname), urlsplit(pd.url).port, timeout=60)
        try:
            connection.request(method, path, data, given)
            response = connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    return ask


@pytest.fixture
def alert() -> Callable[..., dict[str, Any]]:
    """alert(action, dedup_key, **payload): a valid v2 event."""

    def make(action: str = "trigger", dedup_key: str | None = "disk/db1", **payload: Any) -> dict[str, Any]:
        event: dict[str, Any] = {"routing_key": KEY, "event_action": action}
        if dedup_key is not None:
            event["dedup_key"] = dedup_key
        event["payload"] = {"summary": "Disk full", "source": "db1", "severity": "critical", **payload}
        return event

    return make
