# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fault is, how it is written down, and which requests it strikes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.tests.simulator import Fault
from ansible_collections.oncall.pagerduty.tests.simulator._answers import Answer, json_answer
from ansible_collections.oncall.pagerduty.tests.simulator._faults import KINDS, Faults

KEY = "0123456789abcdef0123456789abcdef"
V2 = "/v2/enqueue"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind=status,code=503,count=3", Fault("status", code=503, count=3)),
        ("status, code=500", Fault("status", code=500)),
        ("kind=status,retry_after=5", Fault("status", retry_after="5")),
        ("kind=throttle,retry_after=date:30,api=v2", Fault("throttle", retry_after="date:30", api="v2")),
        ("kind=latency,seconds=0.5,probability=0.1", Fault("latency", seconds=0.5, probability=0.1)),
        ("kind=black_hole,taken=true,action=trigger", Fault("black_hole", taken=True, action="trigger")),
        (f"kind=close_after,path={V2},key={KEY}", Fault("close_after", path=V2, key=KEY)),
        (
            'kind=status,"body=sorry, later",header.X-A=b=c',
            Fault("status", body="sorry, later", headers={"X-A": "b=c"}),
        ),
    ],
)
def test_the_text_form(text: str, expected: Fault) -> None:
    parsed = Fault.parse(text)
    assert parsed == expected
    assert parsed.key == expected.key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "kind is missing"),
        ("code=500", "kind is missing"),
        ("kind=nonsense", "unknown kind 'nonsense'"),
        ("kind=status,what=1", "unknown what"),
        ("kind=status,code", "'code' is not of the form name=value"),
        ("kind=status,code=500,code=501", "code is given twice"),
        ("kind=status,code=abc", "code cannot be 'abc'"),
        ("kind=status,code=100", "code must be from 200 to 599"),
        ("kind=status,code=600", "code must be from 200 to 599"),
        ("kind=redirect,code=200", "must be from 300 to 399"),
        ("kind=not_json,code=500", "must be from 200 to 299"),
        ("kind=latency,code=500", "code goes with the kinds"),
        ("kind=truncated,body=html", "body goes with the kinds"),
        ("kind=status,count=0", "count must be at least 1"),
        ("kind=status,probability=0", "probability must be above 0"),
        ("kind=status,probability=1.1", "probability must be above 0"),
        ("kind=status,probability=nan", "probability must be above 0"),
        ("kind=latency,seconds=-1", "seconds must not be negative"),
        ("kind=latency,seconds=inf", "seconds must not be negative"),
        ("kind=status,api=v3", "unknown api 'v3'"),
        ("kind=status,action=triggered", "unknown action 'triggered'"),
        ("kind=status,taken=perhaps", "taken cannot be 'perhaps'"),
        ("kind=reset_before,taken=true", "taken is always false for reset_before"),
        ("kind=reset_after,taken=false", "taken is always true for reset_after"),
        ("kind=status,retry_after=date:soon", "seconds cannot be 'soon'"),
    ],
)
def test_a_mistake_in_it_is_told_in_a_sentence(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault.parse(text)


@pytest.mark.parametrize("text", ["a\r\nb", "a\nb"])
def test_a_header_cannot_smuggle_another_in(text: str) -> None:
    for fault in ({"headers": {"X": text}}, {"headers": {text: "x"}}, {"retry_after": text}):
        with pytest.raises(ValueError, match="one line"):
            Fault("status", **fault)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_strikes_once_unless_told_otherwise(kind: str) -> None:
    faults = Faults(seed=None)
    faults.add(Fault(kind))
    assert [bool(faults.pick(V2, "v2", KEY, "trigger")) for _turn in range(2)] == [True, False]


def test_faults_strike_in_the_order_they_were_set_and_count_down() -> None:
    faults = Faults(seed=None)
    faults.add(Fault("status", code=500, count=2))
    faults.add(Fault("throttle"))
    assert [fault.count for fault in faults.pending] == [2, 1]
    kinds = []
    for _turn in range(4):
        fault = faults.pick(V2, "v2", KEY, "trigger")
        kinds.append(fault.kind if fault else None)
    assert kinds == ["status", "status", "throttle", None]
    assert faults.pending == []


@pytest.mark.parametrize(
    "wanted",
    [{"path": "/v2/change/enqueue"}, {"api": "v1"}, {"key": "f" * 32}, {"action": "resolve"}, {"api": "rest"}],
    ids=str,
)
def test_a_fault_meant_for_others_waits_for_them(wanted: dict[str, Any]) -> None:
    faults = Faults(seed=None)
    faults.add(Fault("status", **wanted))
    assert faults.pick(V2, "v2", KEY, "trigger") is None
    request = {"path": V2, "api": "v2", "key": KEY, "action": "trigger", **wanted}
    assert faults.pick(**request) is not None


def test_a_probability_is_repeatable_by_its_seed_and_has_no_end() -> None:
    def strikes(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Fault("status", probability=0.3))
        return [bool(faults.pick(V2, "v2", KEY, "trigger")) for _turn in range(1000)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 250 < sum(strikes(1)) < 350


def test_a_probability_with_a_count_ends() -> None:
    faults = Faults(seed=1)
    faults.add(Fault("status", probability=0.5, count=3))
    assert sum(bool(faults.pick(V2, "v2", KEY, "trigger")) for _turn in range(100)) == 3


def test_clearing_starts_the_dice_anew() -> None:
    faults = Faults(seed=5)
    runs = []
    for _turn in range(2):
        faults.add(Fault("status", probability=0.5))
        runs.append([bool(faults.pick(V2, "v2", KEY, "trigger")) for _turn in range(50)])
        faults.clear()
    assert runs[0] == runs[1]


PROPER = Answer(202, (("Content-Type", "application/json"),), b"{}")


@pytest.mark.parametrize(
    ("fault", "api", "status", "body"),
    [
        (Fault("status"), "v2", 503, b"<html"),
        (Fault("status", code=500, body="empty"), "v2", 500, b""),
        (Fault("status", code=404), "v2", 404, b'"status": "not found"'),
        (Fault("status", code=200, body="sign_in"), "v2", 200, b"<title>Sign in</title>"),
        (Fault("status", code=502, body="text"), "v2", 502, b"502 Bad Gateway"),
        (Fault("status", body="json"), "v2", 503, b'"Service Unavailable"'),
        (Fault("status", body="{broken"), "v2", 503, b"{broken"),
        (Fault("status", code=599), "v2", 599, b"599 Unknown"),
        (Fault("status", code=204), "v2", 204, b""),
        (Fault("throttle"), "v2", 429, b"throttle exceeded"),
        (Fault("throttle"), "change", 429, b"throttle exceeded"),
        (Fault("throttle"), "v1", 403, b""),
        (Fault("not_json"), "v2", 202, b"202 Accepted"),
        (Fault("not_json"), "v1", 200, b"200 OK"),
        (Fault("redirect"), "v2", 302, b"302 Found"),
        (Fault("redirect", code=308), "v2", 308, b"308"),
        (Fault("latency"), "v2", 202, b"{}"),
        (Fault("slow_body"), "v2", 202, b"{}"),
    ],
    ids=repr,
)
def test_what_is_answered(fault: Fault, api: str, status: int, body: bytes) -> None:
    answer = fault.answer(PROPER, api, now=0)
    assert answer
    assert answer.status == status
    assert body in answer.body
    assert bool(answer.body) == bool(body)


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "close_before", "close_after", "black_hole"])
def test_what_is_not_answered(kind: str) -> None:
    assert Fault(kind).answer(PROPER, "v2", now=0) is None


@pytest.mark.parametrize("kind", ["slow_headers", "slow_body", "truncated", "bad_gzip"])
def test_an_event_that_is_not_taken_has_no_success_to_break(kind: str) -> None:
    answer = Fault(kind, taken=False).answer(None, "v2", now=0)
    assert answer
    assert answer.status == 503


@pytest.mark.parametrize(
    ("retry_after", "header"),
    [
        (7, "7"),
        (0.5, "0.5"),
        ("7", "7"),
        ("date:30", "Thu, 01 Jan 1970 00:16:40 GMT"),
        ("date:-970", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("soon", "soon"),
    ],
)
@pytest.mark.parametrize("kind", ["throttle", "status", "redirect"])
def test_retry_after(kind: str, retry_after: Any, header: str) -> None:
    answer = Fault(kind, retry_after=retry_after).answer(None, "v2", now=970)
    assert answer
    assert ("Retry-After", header) in answer.headers


def test_a_redirect_leads_to_a_place_where_it_is_seen() -> None:
    answers = [
        Fault("redirect").answer(None, "v2", 0),
        Fault("redirect", headers={"location": "/x"}).answer(None, "v2", 0),
    ]
    assert [value for answer in answers if answer for name, value in answer.headers if name.lower() == "location"] == [
        "/redirected",
        "/x",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "kind=status",
        "kind=status,count=3,code=503,retry_after=5",
        "kind=status,probability=0.5,taken=true,api=v2,header.X-A=b",
        "kind=black_hole,taken=true,path=/v2/enqueue",
        "kind=slow_body,seconds=2.0",
        'kind=status,"body=a,b"',
    ],
)
def test_a_fault_is_described_as_it_is_written(text: str) -> None:
    assert Fault.parse(text).describe() == text
    assert Fault.parse(Fault.parse(text).describe()) == Fault.parse(text)


def test_neither_repr_nor_description_shows_a_key() -> None:
    fault = Fault("status", key=KEY)
    assert KEY not in repr(fault)
    assert fault.describe() == "kind=status,key=…cdef"


def test_a_body_that_is_no_json_comes_with_pagerdutys_own_status() -> None:
    answer = Fault("not_json").answer(json_answer(429, {}), "v2", now=0)
    assert answer
    assert (answer.status, answer.body) == (429, b"429 Too Many Requests")
