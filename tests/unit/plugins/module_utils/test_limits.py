# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts, keys and bodies are kept within PagerDuty's limits by shortening, and what was shortened is said."""

from __future__ import annotations

import copy
import hashlib
import json
import random
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._limits import (
    BODY_BYTES,
    cut,
    encode,
    fit_body,
    fit_key,
)

FIRE = "\U0001f525"  # one character, four bytes


@pytest.mark.parametrize("letter", ["x", "é", "…", FIRE])
def test_text_is_cut_by_characters(letter: str) -> None:
    assert cut(letter * 9, 10) == letter * 9
    assert cut(letter * 10, 10) == letter * 10
    assert cut(letter * 11, 10) == letter * 9 + "…"
    assert cut(letter * 999, 1) == "…"


@pytest.mark.parametrize("letter", ["k", "é", FIRE])
@pytest.mark.parametrize("length", [0, 1, 190, 254, 255])
def test_a_key_within_the_limit_stays_as_it_is(letter: str, length: int) -> None:
    assert fit_key(letter * length) == letter * length


@pytest.mark.parametrize("letter", ["k", "é", FIRE])
@pytest.mark.parametrize("length", [256, 257, 10_000])
def test_a_longer_key_keeps_its_beginning_and_a_hash_of_the_whole(letter: str, length: int) -> None:
    key = letter * length
    fitted = fit_key(key)
    assert len(fitted) == 255
    assert fitted == letter * 190 + "-" + hashlib.sha256(key.encode()).hexdigest()


def test_long_keys_that_differ_at_the_end_stay_different() -> None:
    keys = [f"{'k' * 300}{number}" for number in range(100)]
    assert len({fit_key(key) for key in keys}) == 100


def test_a_fitted_key_is_the_same_in_every_run_and_release() -> None:
    # Written out, so that nobody changes the form by accident: open incidents could no longer be resolved.
    assert fit_key("replica-lag/" * 30) == (
        "replica-lag/replica-lag/replica-lag/replica-lag/replica-lag/replica-lag/replica-lag/replica-lag/"
        "replica-lag/replica-lag/replica-lag/replica-lag/replica-lag/replica-lag/replica-lag/replica-la"
        "-77e027a60f573cc0c957419b21e16050195767a81d04700606f3ea77ed286b22"
    )


def test_encoding_is_compact_utf8() -> None:
    assert encode({"a": "é", "b": [1, True]}) == '{"a":"é","b":[1,true]}'.encode()


def v2(details: Any = None, **fields: Any) -> dict[str, Any]:
    payload = {"summary": "s" * 1024, "source": "web1", "severity": "error", "timestamp": "2026-01-31T03:00:00Z"}
    if details is not None:
        payload["custom_details"] = details
    return {"event_action": "trigger", "dedup_key": "k", "payload": payload, "routing_key": "r" * 32, **fields}


def v1(details: Any = None, **fields: Any) -> dict[str, Any]:
    body = {"event_type": "trigger", "incident_key": "k", "description": "d", "service_key": "s" * 32, **fields}
    return body if details is None else {**body, "details": details}


def sized(size: int) -> dict[str, Any]:
    """A body of exactly so many bytes."""
    rest = size - len(encode(v2({"log": ""})))
    return v2({"log": "x" * rest})


@pytest.mark.parametrize("size", [2_000, BODY_BYTES - 1, BODY_BYTES])
def test_a_body_within_the_limit_goes_out_as_it_is(size: int) -> None:
    body = sized(size)
    encoded, reports = fit_body(copy.deepcopy(body))
    assert len(encoded) == size
    assert json.loads(encoded) == body
    assert reports == []


@pytest.mark.parametrize("size", [BODY_BYTES + 1, BODY_BYTES + 2, BODY_BYTES + 3, BODY_BYTES * 3])
def test_a_body_beyond_the_limit_is_cut_to_just_below_it(size: int) -> None:
    encoded, reports = fit_body(sized(size))
    assert BODY_BYTES - 4 <= len(encoded) <= BODY_BYTES
    log = json.loads(encoded)["payload"]["custom_details"]["log"]
    assert log.endswith("x…")
    assert reports == [f"custom_details: strings cut to {len(log)} characters to fit PagerDuty's 512,000 bytes"]


@pytest.mark.parametrize("make", [v2, v1])
@pytest.mark.parametrize("letter", ["x", "é", FIRE, "\x00", '"'])
def test_the_longest_strings_are_cut_first_and_the_structure_is_kept(make: Any, letter: str) -> None:
    details = {
        "short": "stays",
        "number": 42,
        "truth": True,
        "list": [letter * 300_000, "stays too", {"inner": letter * 300_000}],
        "middle": letter * 1_000,
    }
    body = make(details)
    encoded, reports = fit_body(copy.deepcopy(body))
    assert BODY_BYTES - 100 < len(encoded) <= BODY_BYTES
    sent = json.loads(encoded)
    kept = (sent["payload"]["custom_details"] if make is v2 else sent["details"]).copy()
    first, second, third = kept.pop("list")
    assert kept == {"short": "stays", "number": 42, "truth": True, "middle": letter * 1_000}
    assert second == "stays too"
    assert list(third) == ["inner"]
    assert len(first) == len(third["inner"]) > 1_000
    assert first == letter * (len(first) - 1) + "…"
    assert len(reports) == 1


@pytest.mark.parametrize(("make", "name"), [(v2, "custom_details"), (v1, "details")])
def test_details_that_no_cutting_helps_are_replaced_by_a_note(make: Any, name: str) -> None:
    body = make({f"key {number}": number for number in range(60_000)}, client="Ansible")
    size = len(encode(body))
    encoded, reports = fit_body(copy.deepcopy(body))
    sent = json.loads(encoded)
    holder = sent["payload"] if make is v2 else sent
    assert holder[name] == {"note": f"Left out: the event had {size:,} bytes, PagerDuty takes 512,000."}
    assert reports == [f"{name}: dropped, since the event had {size:,} bytes and PagerDuty takes 512,000"]
    expected = copy.deepcopy(body)
    (expected["payload"] if make is v2 else expected)[name] = holder[name]
    assert sent == expected


def test_a_body_that_is_huge_without_details_loses_its_decoration_first() -> None:
    links = [{"href": "https://example.com/" + "x" * 1_000}] * 600
    encoded, reports = fit_body(v2(links=links, images=[{"src": "https://example.com/i"}], client_url="https://c"))
    sent = json.loads(encoded)
    assert sent == v2(client_url="https://c")
    assert reports == [
        "images: dropped to fit PagerDuty's 512,000 bytes",
        "links: dropped to fit PagerDuty's 512,000 bytes",
    ]


def test_what_fits_after_the_decoration_is_gone_keeps_its_labels() -> None:
    body = v2(client_url="https://example.com/" + "x" * 600_000)
    body["payload"]["component"] = "c" * 5_000
    sent = json.loads(fit_body(body)[0])
    assert sent["payload"]["component"] == "c" * 5_000
    assert "client_url" not in sent


@pytest.mark.parametrize("make", [v2, v1])
def test_huge_labels_are_cut_last(make: Any) -> None:
    body = make({"a": 1}, client="c" * 600_000)
    if make is v2:
        body["payload"]["source"] = FIRE * 600_000
    encoded, reports = fit_body(body)
    assert len(encoded) <= BODY_BYTES
    sent = json.loads(encoded)
    assert sent["client"] == "c" * 1023 + "…"
    assert any(report.startswith("client: cut to 1024 characters") for report in reports)
    if make is v2:
        assert sent["payload"]["source"] == FIRE * 1023 + "…"


def random_value(dice: random.Random, depth: int) -> Any:
    kind = dice.randrange(6 if depth < 4 else 4)
    if kind == 0:
        return dice.choice([0, 1.5, True, "", 10**20])
    if kind < 4:
        return dice.choice(["x", "é", FIRE, "\x00", "\\"]) * int(10 ** dice.uniform(0, 5.5))
    entries = [random_value(dice, depth + 1) for _turn in range(dice.randrange(6))]
    return entries if kind == 4 else {f"{number}": entry for number, entry in enumerate(entries)}


def shape(value: Any) -> Any:
    """What must survive shortening: everything but the length of the strings."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return "text" if isinstance(value, str) else value


def test_any_body_comes_to_fit_and_keeps_what_identifies_it() -> None:
    dice = random.Random(11)
    cut_ones = 0
    for trial in range(60):
        details = {f"{number}": random_value(dice, 0) for number in range(dice.randrange(1, 8))}
        body = dice.choice([v2, v1])(details)
        before = copy.deepcopy(body)
        encoded, reports = fit_body(body)
        sent = json.loads(encoded)
        assert len(encoded) <= BODY_BYTES, trial
        assert bool(reports) == (len(encode(before)) > BODY_BYTES), trial
        cut_ones += bool(reports)
        assert shape(sent) == shape(before), trial
        for name in ("payload", "details"):
            sent.pop(name, None)
            before.pop(name, None)
        assert sent == before, trial
    assert cut_ones > 10  # else the trials would show nothing
