# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documented answers, over a real socket."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.simulator._http import MAX_BODY
from ansible_collections.oncall.pagerduty.tests.support.network import address_of

KEY = "0123456789abcdef0123456789abcdef"
V2 = "/v2/enqueue"
CHANGE = "/v2/change/enqueue"
V1 = "/generic/2010-04-15/create_event.json"

VALID: dict[str, dict[str, Any]] = {
    V2: {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "k",
        "payload": {"summary": "Disk full", "source": "db1", "severity": "critical"},
    },
    CHANGE: {"routing_key": KEY, "payload": {"summary": "Deployed"}},
    V1: {"service_key": KEY, "event_type": "trigger", "incident_key": "k", "description": "Disk full"},
}
UNRECOGNIZED = {
    "status": "Unrecognized object",
    "message": "Event object format is unrecognized",
    "errors": ["JSON parse error"],
}


def raw(pd: Simulator, data: bytes) -> bytes:
    """Everything that comes back for these bytes until the simulator closes the connection."""
    with socket.create_connection(address_of(pd.url), timeout=60) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        (V2, 202, {"status": "success", "message": "Event processed", "dedup_key": "k"}),
        (CHANGE, 202, {"status": "success", "message": "Change event processed"}),
        (V1, 200, {"status": "success", "message": "Event processed", "incident_key": "k"}),
    ],
)
def test_a_valid_event_is_accepted(pd: Simulator, ask: Callable[..., Any], path: str, status: int, body: Any) -> None:
    reply = ask("POST", path, VALID[path])
    assert (reply.status, reply.json, reply.headers["Content-Type"]) == (status, body, "application/json")
    (received,) = pd.accepted
    assert (received.path, received.key, received.status, received.json) == (path, KEY, status, VALID[path])
    assert (len(pd.incidents), len(pd.changes)) == ((0, 1) if path == CHANGE else (1, 0))


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (V2, {"event_action": "resolve", "dedup_key": "k"}, "'routing_key' cannot be blank"),
        (V1, {"event_type": "resolve", "incident_key": "k"}, "Service key is missing or blank"),
    ],
)
def test_an_invalid_event_is_told_why(
    pd: Simulator, ask: Callable[..., Any], path: str, body: Any, expected: str
) -> None:
    reply = ask("POST", path, body)
    assert reply.status == 400
    assert reply.json == {"status": "invalid event", "message": "Event object is invalid", "errors": [expected]}
    assert [(received.taken, received.reason) for received in pd.requests] == [(False, expected)]


def test_an_invalid_change_event_is_told_in_a_shape_of_its_own(ask: Callable[..., Any]) -> None:
    reply = ask("POST", CHANGE, {"routing_key": KEY, "payload": {}})
    assert (reply.status, reply.json) == (400, {"error": ["'payload.summary' is missing or blank"]})


@pytest.mark.parametrize("path", VALID)
@pytest.mark.parametrize("body", ["", "{", "[]", '"text"', "null", "[" * 100_000], ids=lambda body: body[:6])
def test_what_is_no_event_object_is_unrecognized(pd: Simulator, ask: Callable[..., Any], path: str, body: str) -> None:
    reply = ask("POST", path, body)
    assert (reply.status, reply.json) == (400, UNRECOGNIZED)
    assert pd.accepted == []


@pytest.mark.parametrize("path", VALID)
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_json_must_be_called_json(ask: Callable[..., Any], path: str, content_type: str) -> None:
    reply = ask("POST", path, VALID[path], {"Content-Type": content_type})
    assert (reply.status, reply.json["errors"]) == (400, ["Content-Type must be application/json"])


def test_a_charset_beside_the_content_type_is_fine(ask: Callable[..., Any]) -> None:
    assert ask("POST", V2, VALID[V2], {"Content-Type": "application/json; charset=utf-8"}).status == 202


@pytest.mark.parametrize("path", VALID)
def test_a_well_formed_key_that_nobody_has_is_refused_in_plain_text(path: str) -> None:
    with Simulator(keys=["f" * 32]) as pd:
        data = json.dumps(VALID[path]).encode()
        head = f"POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        answer = raw(pd, head.encode() + data)
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain")
        assert answer.endswith(b"\r\n\r\nInvalid routing key")
        assert pd.accepted == []


def test_a_known_key_is_taken(ask: Callable[..., Any]) -> None:
    with Simulator(keys=[KEY]) as pd:
        data = json.dumps(VALID[V2]).encode()
        head = f"POST {V2} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        assert raw(pd, head.encode() + data).startswith(b"HTTP/1.1 202 Accepted\r\n")


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        (V2, 429, b"throttle exceeded"),
        (CHANGE, 429, b"Enhance Your Calm."),
        (V1, 403, b""),
    ],
)
def test_the_121st_event_within_a_minute_is_throttled(
    pd: Simulator, ask: Callable[..., Any], clock: Any, path: str, status: int, body: bytes
) -> None:
    connection = http.client.HTTPConnection(*address_of(pd.url), timeout=60)
    for _turn in range(120):
        connection.request("POST", V1, json.dumps(VALID[V1]), {"Content-Type": "application/json"})
        assert connection.getresponse().read()
    connection.close()
    reply = ask("POST", path, VALID[path])
    assert reply.status == status
    assert body in reply.body
    assert bool(reply.body) == bool(body)
    assert len(pd.accepted) == 120
    clock.pass_(60)
    assert ask("POST", path, VALID[path]).status < 300


def test_each_key_has_a_rate_limit_of_its_own(alert: Callable[..., Any]) -> None:
    with Simulator(rate_limit=1) as pd:
        statuses = []
        for key in (KEY, KEY, "f" * 32):
            data = json.dumps({**VALID[V2], "routing_key": key}).encode()
            head = f"POST {V2} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
            statuses.append(int(raw(pd, head.encode() + data).split()[1]))
    assert statuses == [202, 429, 202]


def test_a_trigger_without_a_key_is_told_the_one_made_for_it(
    pd: Simulator, ask: Callable[..., Any], alert: Callable[..., Any]
) -> None:
    made = ask("POST", V2, alert(dedup_key=None)).json["dedup_key"]
    assert made == pd.incidents[0].dedup_key == pd.requests[0].dedup_key
    ask("POST", V2, alert("resolve", made))
    assert pd.incidents[0].status == "resolved"


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_acknowledging_or_resolving_the_unknown_is_accepted_and_dropped(
    pd: Simulator, ask: Callable[..., Any], alert: Callable[..., Any], action: str
) -> None:
    reply = ask("POST", V2, alert(action, "nobody-knows"))
    assert (reply.status, reply.json["dedup_key"]) == (202, "nobody-knows")
    assert len(pd.accepted) == 1
    assert pd.incidents == []


@pytest.mark.parametrize(("size", "status"), [(512_000, 202), (512_001, 413), (5_000_000, 413)])
def test_a_body_beyond_512_kb_is_too_large(
    pd: Simulator, ask: Callable[..., Any], alert: Callable[..., Any], size: int, status: int
) -> None:
    body = json.dumps(alert(custom_details={"x": ""}))
    body = body.replace('"x": ""', '"x": "' + "x" * (size - len(body)) + '"')
    assert len(body) == size
    assert ask("POST", V2, body).status == status
    assert len(pd.accepted) == (status == 202)


# --- HTTP itself -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v2", "/v2/enqueue/", "/V2/enqueue", "/v1/enqueue", "/redirected"])
def test_an_unknown_path_is_not_found(pd: Simulator, ask: Callable[..., Any], path: str) -> None:
    assert ask("POST", path, VALID[V2]).status == 404
    assert [(received.path, received.api) for received in pd.requests] == [(path, None)]


@pytest.mark.parametrize("path", VALID)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_events_are_posted(ask: Callable[..., Any], path: str, method: str) -> None:
    reply = ask(method, path)
    assert (reply.status, reply.headers["Allow"]) == (405, "POST")


def test_one_connection_takes_many_requests(pd: Simulator, alert: Callable[..., Any]) -> None:
    connection = http.client.HTTPConnection(*address_of(pd.url), timeout=60)
    connection.connect()
    socket_before = connection.sock
    for body, status in ((alert(), 202), ({}, 400), (alert("resolve"), 202)):
        connection.request("POST", V2, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.status == status
        assert len(response.read()) == int(response.headers["Content-Length"])
    assert connection.sock is socket_before
    connection.close()


@pytest.mark.parametrize(
    ("first_line", "header", "stays"),
    [
        ("HTTP/1.1", "", True),
        ("HTTP/1.1", "Connection: close\r\n", False),
        ("HTTP/1.0", "", False),
        ("HTTP/1.0", "Connection: keep-alive\r\n", True),
    ],
)
def test_the_connection_stays_open_as_the_client_asks(pd: Simulator, first_line: str, header: str, stays: bool) -> None:
    request = f"POST {V2} {first_line}\r\n{header}Content-Length: 0\r\n\r\n".encode()
    assert raw(pd, request * 2).count(b"HTTP/1.1 400") == (2 if stays else 1)


def test_a_chunked_body_is_read(pd: Simulator) -> None:
    data = json.dumps(VALID[V2]).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (data[:50], data[50:]))
    head = f"POST {V2} HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert raw(pd, head + chunks + b"0\r\n\r\n").startswith(b"HTTP/1.1 202")
    assert pd.requests[0].body == data


def test_a_client_that_asks_first_is_told_to_go_on(pd: Simulator) -> None:
    data = json.dumps(VALID[V2]).encode()
    head = f"POST {V2} HTTP/1.1\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
    answer = raw(pd, head.encode() + f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\n")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1), 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, 431),
    ],
    ids=lambda value: value[:40].decode() if isinstance(value, bytes) else str(value),
)
def test_what_is_no_http_is_refused(pd: Simulator, data: bytes, status: int) -> None:
    assert raw(pd, data).startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize(
    "data", [b"", b"POST /v2/enqueue HT", b"POST /v2/enqueue HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"]
)
def test_half_a_request_is_no_request(pd: Simulator, data: bytes) -> None:
    assert raw(pd, data) == b""
    assert pd.requests == []


def test_headers_are_found_in_any_case(pd: Simulator, ask: Callable[..., Any]) -> None:
    ask("POST", V2, VALID[V2], {"User-Agent": "a/1"})
    headers = pd.requests[0].headers
    assert headers["user-agent"] == headers["USER-AGENT"] == "a/1"
    assert "User-Agent" in list(headers)
