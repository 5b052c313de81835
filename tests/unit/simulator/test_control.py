# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control interface: what it shows, how faults are set, and that no fault ever strikes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator

KEY = "0123456789abcdef0123456789abcdef"
V2 = "/v2/enqueue"

Ask = Callable[..., Any]
Alert = Callable[..., dict[str, Any]]


def test_health_counts_everything(pd: Simulator, ask: Ask, alert: Alert) -> None:
    ask("POST", V2, alert())
    ask("POST", V2, {})
    pd.add_fault(Fault("status"))
    assert ask("GET", "/_simulator/health").json == {
        "status": "ok",
        "requests": 2,
        "accepted": 1,
        "incidents": 1,
        "open": 1,
        "changes": 0,
        "faults": 1,
    }


def test_requests_incidents_and_changes_are_shown_without_keys(ask: Ask, alert: Alert) -> None:
    headers = {"Authorization": "Token token=secret-token", "X-Routing-Key": KEY}
    ask("POST", V2, alert(custom_details={"leaked": [f"key {KEY}"]}), headers)
    ask("POST", V2, f"no json, but a key: {KEY}")
    ask("POST", "/v2/change/enqueue", {"routing_key": KEY, "payload": {"summary": "Deployed"}})
    replies = {name: ask("GET", "/_simulator/" + name) for name in ("requests", "incidents", "changes")}
    first, second, third = replies["requests"].json["requests"]
    assert (first["api"], first["action"], first["status"], first["taken"]) == ("v2", "trigger", 202, True)
    assert first["json"]["payload"]["custom_details"] == {"leaked": ["key …cdef"]}
    assert second["body"] == "no json, but a key: …cdef"
    assert third["key"] == "…cdef"
    (incident,) = replies["incidents"].json["incidents"]
    assert (incident["dedup_key"], incident["status"], incident["key"]) == ("disk/db1", "triggered", "…cdef")
    assert [entry["action"] for entry in incident["log"]] == ["trigger"]
    assert replies["changes"].json["changes"][0]["summary"] == "Deployed"
    for reply in replies.values():
        assert KEY.encode() not in reply.body
        assert b"secret-token" not in reply.body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"kind": "status", "code": 500, "count": 2}, ["kind=status,count=2,code=500"]),
        ([{"kind": "throttle"}, {"kind": "latency", "seconds": "2"}], ["kind=throttle", "kind=latency,seconds=2.0"]),
        ("kind=status,code=503\n\nblack_hole,count=2\n", ["kind=status,code=503", "kind=black_hole,count=2"]),
        ({"kind": "status", "headers": {"X-A": "b"}, "taken": True}, ["kind=status,taken=true,header.X-A=b"]),
    ],
    ids=["object", "list", "text", "headers"],
)
def test_faults_are_set_as_json_or_as_text(pd: Simulator, ask: Ask, body: object, expected: list[str]) -> None:
    reply = ask("POST", "/_simulator/faults", body)
    assert (reply.status, reply.json["faults"]) == (200, expected)
    assert [fault.describe() for fault in pd.faults] == expected
    assert ask("GET", "/_simulator/faults").json["faults"] == expected
    assert ask("DELETE", "/_simulator/faults").json["faults"] == []
    assert pd.faults == []


@pytest.mark.parametrize(
    "body",
    ["", "kind=nonsense", "{", "[1]", '{"code": 1}', '{"kind": "status", "count": "x"}', '[{"kind": "x"}]', b"\xff"],
)
def test_a_bad_fault_is_refused_and_none_of_them_is_set(pd: Simulator, ask: Ask, body: object) -> None:
    reply = ask("POST", "/_simulator/faults", body)
    assert reply.status == 400
    assert reply.json["error"]
    assert pd.faults == []


def test_reset(pd: Simulator, ask: Ask, alert: Alert) -> None:
    ask("POST", V2, alert())
    pd.add_fault(Fault("status"))
    assert ask("POST", "/_simulator/reset").json["status"] == "ok"
    assert (pd.requests, pd.incidents, pd.faults) == ([], [], [])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_simulator/", 404),
        ("GET", "/_simulator/nothing", 404),
        ("GET", "/_simulator/reset", 405),
        ("DELETE", "/_simulator/requests", 405),
        ("POST", "/_simulator/health", 405),
    ],
)
def test_anything_else_is_refused(ask: Ask, method: str, path: str, status: int) -> None:
    assert ask(method, path).status == status


def test_no_fault_strikes_the_control_or_the_page_and_neither_is_recorded(
    pd: Simulator, ask: Ask, alert: Alert
) -> None:
    pd.add_fault(Fault("reset_before", probability=1))
    for path in ("/", "/?paused", "/_simulator/health", "/_simulator/requests", "/_simulator/faults"):
        assert ask("GET", path).status == 200
    assert pd.requests == []
    with pytest.raises(ConnectionResetError):
        ask("POST", V2, alert())
