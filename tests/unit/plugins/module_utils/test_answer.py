# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer means: the whole table of statuses, APIs, bodies and Retry-After forms, against the documentation."""

from __future__ import annotations

import json
import os
import random
import time
from email.utils import formatdate
from typing import Iterator

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._answer import Answer, Verdict, classify
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Api

NOW = 1769828400.0  # 2026-01-31 03:00:00 UTC, a Saturday

HTML = b"<!DOCTYPE html>\n<html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>"

BODIES = {
    "empty": b"",
    "blank": b" \r\n ",
    "html": HTML,
    "text": b"Invalid routing key",
    "text-latin1": "Défaillance".encode("latin-1"),
    "binary": bytes(range(256)),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xff",
    "v2-accepted": b'{"status":"success","message":"Event processed","dedup_key":"k"}',
    "v1-accepted": b'{"status":"success","message":"Event processed","incident_key":"k"}',
    "change-accepted": b'{"status":"success","message":"Change event processed"}',
    "invalid": b'{"status":"invalid event","message":"Event object is invalid","errors":["a","b"]}',
    "change-invalid": b'{"error":["a"]}',
    "throttled": b'{"status":"throttle exceeded","message":"Too quickly.","errors":["Enhance Your Calm."]}',
    "json-cut-off": b'{"status":"succ',
    "json-null": b"null",
    "json-number": b"42",
    "json-string": b'"success"',
    "json-list": b'[{"status":"success"}]',
    "json-empty": b"{}",
    "json-nan": b'{"status":NaN,"message":Infinity,"errors":-Infinity}',
    "json-nulls": b'{"status":null,"message":null,"errors":null,"error":null}',
    "json-numbers": b'{"status":1,"message":2.5,"errors":3,"error":4}',
    "json-mappings": b'{"status":{"a":1},"message":{},"errors":{"a":"b"},"error":{}}',
    "json-lists": b'{"status":["a"],"message":[],"errors":[[1],{"a":2},null,true,"kept"]}',
    "json-surrogate": b'{"status":"\\ud83d","message":"\\ud83d","errors":["\\udcff"]}',
    "json-deep": b"[" * 100_000,
    "json-deep-mapping": b'{"a":' * 100_000,
    "json-huge-number": b'{"status":' + b"9" * 10_000 + b"}",
    "json-utf16": '{"status":"success"}'.encode("utf-16"),
    "huge": b"x" * 1_000_000,
}

# What stands in Retry-After, and the seconds to wait; None: nothing that could be waited for.
RETRY_AFTER = {
    "absent": (None, None),
    "empty": ("", None),
    "seconds": ("7", 7.0),
    "seconds-spaced": (" 7 ", 7.0),
    "seconds-zeros": ("0030", 30.0),
    "zero": ("0", None),
    "negative": ("-5", None),
    "fraction": ("1.5", None),
    "huge": ("999999999999999999999999", float("inf")),
    "date-ahead": (formatdate(NOW + 90, usegmt=True), 90.0),
    "date-now": (formatdate(NOW, usegmt=True), None),
    "date-past": (formatdate(NOW - 3600, usegmt=True), None),
    "date-rfc850": ("Saturday, 31-Jan-26 03:02:00 GMT", 120.0),
    "date-asctime": ("Sat Jan 31 03:02:00 2026", 120.0),
    "date-minus-zero": ("Sat, 31 Jan 2026 03:02:00 -0000", 120.0),
    "date-offset": ("Sat, 31 Jan 2026 04:02:00 +0100", 120.0),
    "date-impossible": ("Sat, 99 Xxx 2026 99:99:99 GMT", None),
    "date-out-of-range": ("Fri, 31 Dec 9999 23:59:59 -2359", float("inf")),
    "garbage": ("soon", None),
    "digits-of-another-script": ("٧", None),
    "words": ("in 7 seconds", None),
    "control": ("7\x00", None),
}


# A body's own word on whether the event was taken: yes, no, or nothing.
SUCCESS = {"v2-accepted", "v1-accepted", "change-accepted", "json-utf16"}
SILENT = {"empty", "blank", "json-cut-off", "json-deep-mapping", "json-huge-number"}
# Not PagerDuty's, and no sign that the event was not taken either: enough beside 202, not beside 200.
NEUTRAL = {"text", "text-latin1", "binary", "gzip", "huge"}
NEUTRAL |= {"json-null", "json-number", "json-string", "json-list", "json-empty", "json-nulls", "json-deep"}


def documented(api: Api, status: int, body: str = "empty") -> Verdict:
    """PagerDuty's documentation in one function; what is outside HTTP's own classes decides nothing."""
    if status // 100 == 2:
        is_right = status == (200 if api is Api.V1 else 202)
        believed = SUCCESS | (SILENT if is_right else set()) | (NEUTRAL if is_right and status == 202 else set())
        return Verdict.ACCEPTED if body in believed else Verdict.RETRY
    if status in (408, 429) or (api is Api.V1 and status == 403):
        return Verdict.RETRY
    if status // 100 in (3, 4):
        return Verdict.FINAL
    return Verdict.RETRY


@pytest.fixture(params=["UTC0", "XYZ-9"])
def time_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where the machine stands must not matter to a date in an answer."""
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    if before is None:
        monkeypatch.delenv("TZ")
    else:
        monkeypatch.setenv("TZ", before)
    time.tzset()


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("api", Api)
def test_every_status_is_judged_as_documented_with_every_body(api: Api, body: str) -> None:
    wrong = []
    for status in range(100, 600):
        answer = classify(api, status, {}, BODIES[body], NOW)
        if answer.verdict is not documented(api, status, body) or answer.http_status != status:
            wrong.append((status, answer))
    assert not wrong


@pytest.mark.usefixtures("time_zone")
@pytest.mark.parametrize("form", RETRY_AFTER)
@pytest.mark.parametrize("api", Api)
def test_retry_after_changes_no_judgement_and_is_read_where_one_tries_again(api: Api, form: str) -> None:
    value, seconds = RETRY_AFTER[form]
    headers = {} if value is None else {"retry-after": value}
    for status in range(100, 600):
        answer = classify(api, status, headers, b"", NOW)
        assert answer.verdict is documented(api, status), status
        if answer.verdict is not Verdict.RETRY or seconds is None:
            assert answer.retry_after is None, status
        elif seconds == float("inf"):
            assert answer.retry_after is not None, status
            assert answer.retry_after > 1e8, status
        else:
            assert answer.retry_after == pytest.approx(seconds), status


@pytest.mark.parametrize("status", [-1, 0, 99, 600, 999])
@pytest.mark.parametrize("api", Api)
def test_what_is_no_status_code_decides_nothing(api: Api, status: int) -> None:
    assert classify(api, status, {}, b"", NOW).verdict is Verdict.RETRY


@pytest.mark.parametrize("status", [200, 301, 400, 403, 429, 503])
@pytest.mark.parametrize("form", RETRY_AFTER)
def test_bodies_and_retry_after_forms_do_not_meet(form: str, status: int) -> None:
    value, _seconds = RETRY_AFTER[form]
    headers = {"content-type": "application/json"} if value is None else {"retry-after": value}
    alone = classify(Api.V2, status, headers, b"", NOW)
    for name, body in BODIES.items():
        together = classify(Api.V2, status, headers, body, NOW)
        if status == 200:
            assert together.verdict is documented(Api.V2, 200, name), name
            assert together.retry_after in (alone.retry_after, None), name
            continue
        assert (together.verdict, together.retry_after) == (alone.verdict, alone.retry_after), name


def test_random_bytes_as_body_and_header_raise_nothing() -> None:
    dice = random.Random(7)
    json_pieces = [*'{}[]",:\\u0123456789eE+-.truefalsn ', '"status"', '"errors"', '"message"', "\ud83d"]
    date_pieces = [*"0123456789 ,:+-/", "Sat", "Jan", "GMT", "UTC", "2026", "03:00:00", "-0000", "\x00", "é", "٣"]
    for _turn in range(5_000):
        body = "".join(dice.choices(json_pieces, k=dice.randrange(40))).encode("utf-8", "surrogatepass")
        when = "".join(dice.choices(date_pieces, k=dice.randrange(14)))
        answer = classify(dice.choice(list(Api)), dice.randrange(100, 600), {"retry-after": when}, body, NOW)
        assert answer.retry_after is None or answer.retry_after > 0
        str(answer).encode("utf-8")


@pytest.mark.parametrize("name", BODIES)
def test_an_answer_is_bounded_text_of_one_line(name: str) -> None:
    answer = classify(Api.V2, 400, {}, BODIES[name], NOW)
    texts = [answer.status, answer.message, *answer.errors]
    for text in (*texts, str(answer)):
        assert len(text.splitlines()) <= 1
        text.encode("utf-8")
    assert all(len(text) <= 300 for text in texts)


@pytest.mark.parametrize(
    ("api", "status", "body", "expected"),
    [
        (Api.V2, 202, "v2-accepted", ("success", "Event processed", ())),
        (Api.V1, 200, "v1-accepted", ("success", "Event processed", ())),
        (Api.CHANGE, 202, "change-accepted", ("success", "Change event processed", ())),
        (Api.V2, 400, "invalid", ("invalid event", "Event object is invalid", ("a", "b"))),
        (Api.CHANGE, 400, "change-invalid", ("Bad Request", "", ("a",))),
        (Api.V2, 429, "throttled", ("throttle exceeded", "Too quickly.", ("Enhance Your Calm.",))),
        (Api.V1, 403, "empty", ("Forbidden", "", ())),
        (Api.V2, 400, "text", ("Bad Request", "Invalid routing key", ())),
        (Api.V2, 502, "html", ("Bad Gateway", "", ())),
        (Api.V2, 500, "empty", ("Internal Server Error", "", ())),
        (Api.V2, 599, "empty", ("", "", ())),
        (Api.V2, 400, "json-lists", ("Bad Request", "", ("kept",))),
        (Api.V2, 400, "json-mappings", ("Bad Request", "", ())),
        (Api.V2, 400, "json-nulls", ("Bad Request", "", ())),
        (Api.V2, 400, "json-cut-off", ("Bad Request", "", ())),
        (Api.V2, 400, "json-list", ("Bad Request", "", ())),
        (Api.V2, 400, "json-surrogate", ("\ufffd", "\ufffd", ("\ufffd",))),
    ],
)
def test_what_pagerduty_said_is_kept(
    api: Api, status: int, body: str, expected: tuple[str, str, tuple[str, ...]]
) -> None:
    answer = classify(api, status, {}, BODIES[body], NOW)
    assert (answer.status, answer.message, answer.errors) == expected


SIGN_IN = b"<!DOCTYPE html><html>\n<title>\n  Sign&nbsp;in &amp; go on\x07</title><body><h1>Hello</h1></body></html>"
SOMETHING = "something between here and PagerDuty answered"
JSON_SUCCESS = BODIES["v2-accepted"]


@pytest.mark.parametrize(
    ("api", "status", "body", "message"),
    [
        (Api.V2, 202, SIGN_IN, f"{SOMETHING}: Sign in & go on"),
        (Api.V2, 200, SIGN_IN, f"{SOMETHING}: Sign in & go on"),
        (Api.V1, 200, SIGN_IN, f"{SOMETHING}: Sign in & go on"),
        (Api.V1, 200, SIGN_IN[:40], f"{SOMETHING}: a page without a title"),
        (Api.CHANGE, 200, b"<h1 class='a'>Please <b>log</b> in</h1>", f"{SOMETHING}: Please log in"),
        (Api.V2, 200, b"<title> </title><H1>Portal</H1>", f"{SOMETHING}: Portal"),
        (Api.V2, 200, b"\xef\xbb\xbf \n<html><TITLE lang=en>Portal</TITLE>", f"{SOMETHING}: Portal"),
        (Api.V2, 200, b"<html>" + b"x" * 9000 + b"<title>Late</title>", f"{SOMETHING}: Late"),
        (Api.V2, 200, b"<title>" * 20_000, f"{SOMETHING}: a page without a title"),
        (Api.V2, 200, b"<?xml version='1.0'?><denied/>", f"{SOMETHING}: a page without a title"),
        (Api.V2, 200, b"", f"{SOMETHING} and said nothing"),
        (Api.V2, 204, b"", f"{SOMETHING} and said nothing"),
        (Api.V2, 206, JSON_SUCCESS[:20], f'{SOMETHING}: {{"status":"success",'),
        (Api.V2, 201, b"Created\nsecond line", f"{SOMETHING}: Created"),
        (Api.V1, 200, b"Blocked by policy", f"{SOMETHING}: Blocked by policy"),
        (Api.V1, 200, b"[]", f"{SOMETHING}: []"),
        (Api.V1, 202, b"", f"{SOMETHING} and said nothing"),
        (Api.V1, 200, b'{"message":"log in first"}', f"{SOMETHING}: log in first"),
        (Api.V2, 200, b'{"status":"ok"}', f'{SOMETHING}: {{"status":"ok"}}'),
        (Api.V2, 202, b'{"status":"ok"}', f'{SOMETHING}: {{"status":"ok"}}'),
        (Api.V2, 202, b'{"status":1}', f'{SOMETHING}: {{"status":1}}'),
        (Api.V2, 202, BODIES["invalid"], "Event object is invalid"),
        (Api.CHANGE, 202, BODIES["change-invalid"], ""),
        (Api.V2, 202, b'{"status":"success","message":"m","errors":["a"]}', "m"),
        (Api.V2, 202, b'{"errors":{"a":"b"}}', f'{SOMETHING}: {{"errors":{{"a":"b"}}}}'),
        (Api.V1, 200, BODIES["throttled"], "Too quickly."),
    ],
)
def test_what_answers_in_pagerdutys_place_is_not_believed_and_named(
    api: Api, status: int, body: bytes, message: str
) -> None:
    answer = classify(api, status, {}, body, NOW)
    assert (answer.verdict, answer.message, answer.maybe_taken) == (Verdict.RETRY, message, True)


@pytest.mark.parametrize(
    ("api", "status", "body"),
    [
        (Api.V2, 200, JSON_SUCCESS),
        (Api.V2, 201, b' {"status": " Success "}\n'),
        (Api.V1, 202, BODIES["v1-accepted"]),
        (Api.V2, 202, b"{}"),
        (Api.V2, 202, b'{"status":null,"errors":[]}'),
        (Api.V2, 202, b"Thank you"),
        *((Api.V2, 202, JSON_SUCCESS[:length]) for length in range(len(JSON_SUCCESS) + 1)),
        *((Api.V1, 200, BODIES["v1-accepted"][:length]) for length in range(len(BODIES["v1-accepted"]) + 1)),
    ],
)
def test_pagerdutys_own_word_is_believed_even_if_it_breaks_off(api: Api, status: int, body: bytes) -> None:
    answer = classify(api, status, {}, body, NOW)
    assert (answer.verdict, answer.maybe_taken) == (Verdict.ACCEPTED, False)


def test_html_by_its_header_is_not_pagerdutys() -> None:
    header = {"content-type": "text/html; charset=utf-8"}
    assert classify(Api.V2, 202, header, b"Please sign in", NOW).verdict is Verdict.RETRY
    assert classify(Api.V2, 202, header, JSON_SUCCESS, NOW).verdict is Verdict.ACCEPTED
    # What serves an empty body often calls it HTML.
    assert classify(Api.V2, 202, header, b"", NOW).verdict is Verdict.ACCEPTED


def test_what_something_else_says_is_bounded() -> None:
    page = b"<title>" + b"t" * 499 + b"</title>"
    assert len(classify(Api.V2, 200, {}, page, NOW).message) == 300


@pytest.mark.parametrize(
    "errors", ['"errors":"one"', '"error":"one"', '"errors":["one"]', '"errors":[],"error":["one"]']
)
def test_errors_are_read_in_each_spelling(errors: str) -> None:
    assert classify(Api.V2, 400, {}, f"{{{errors}}}".encode(), NOW).errors == ("one",)


def test_a_flood_of_errors_is_bounded() -> None:
    body = json.dumps({"status": "s" * 5000, "message": "m" * 5000, "errors": ["e" * 5000] * 5000}).encode()
    answer = classify(Api.V2, 400, {}, body, NOW)
    assert len(answer.errors) == 20
    assert len(str(answer)) < 7_000


@pytest.mark.parametrize("content_type", ["text/html", "text/html; charset=utf-8", "TEXT/HTML"])
def test_html_by_its_header_says_nothing(content_type: str) -> None:
    assert classify(Api.V2, 502, {"content-type": content_type}, b"Bad gateway, said a page", NOW).message == ""


def test_of_a_plain_text_only_the_first_line_is_kept_without_control_characters() -> None:
    body = b"\n\n\x1b[31mInvalid\x07 routing key\nsecond line"
    assert classify(Api.V2, 400, {}, body, NOW).message == "[31mInvalid  routing key"


def test_what_breaks_lines_in_json_does_not_break_ours() -> None:
    body = json.dumps({"status": "a\nb", "message": "c\r\nd\u2028e\x85f", "errors": ["g\n\x1b[31mh"]}).encode()
    answer = classify(Api.V2, 400, {}, body, NOW)
    assert (answer.status, answer.message, answer.errors) == ("a b", "c d e f", ("g [31mh",))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(Verdict.FINAL, 400, "Bad Request", "Invalid routing key"), "HTTP 400 Invalid routing key"),
        (Answer(Verdict.FINAL, 400, "invalid event", "Invalid", ("a", "b")), "HTTP 400 Invalid (a; b)"),
        (Answer(Verdict.RETRY, 503, "Service Unavailable"), "HTTP 503 Service Unavailable"),
        (Answer(Verdict.FINAL, 400, "Bad Request", "", ("a",)), "HTTP 400 Bad Request (a)"),
        (Answer(Verdict.RETRY, 599, ""), "HTTP 599"),
    ],
)
def test_an_answer_reads_as_a_sentence(answer: Answer, sentence: str) -> None:
    assert str(answer) == sentence
