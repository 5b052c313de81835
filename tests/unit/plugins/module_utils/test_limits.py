# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts, keys and bodies are kept within PagerDuty's limits by shortening, and what was shortened is said."""

from __future__ import annotations

import copy
import hashlib
import json
import random
import re
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
    (report,) = reports
    assert re.fullmatch(
        "custom_details: 'log' shortened from [0-9,]+ to 51[0-9],[0-9]+ bytes to fit PagerDuty's 512,000 bytes", report
    )


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


TEXT_LINES = [f"line {number} of a log that nobody reads to its end" for number in range(25_000)]
DEEP: Any = {"end": "x" * 700_000}
for _turn in range(60):
    DEEP = {"in": DEEP, "beside": "stays"}
# Details with one entry that is too big, whatever it is made of; others, small or not so small, must stay whole.
BIG = {
    "string": "x" * 1_000_000,
    "controls": "\x00" * 200_000,
    "list of small strings": TEXT_LINES,
    "list of numbers": list(range(120_000)),
    "list of lists": [[number] * 10 for number in range(25_000)],
    "mapping of small strings": {f"key {number}": line for number, line in enumerate(TEXT_LINES)},
    "mapping with long names": {f"{number}" * 200: 1 for number in range(2_000)},
    "deep": DEEP,
    "deep mapping of small strings": {"a": [{"b": dict.fromkeys(map(str, range(40_000)), "small")}]},
    "few strings of some length": ["y" * 30_000] * 40,
    "list with one big string": [*TEXT_LINES[:100], "z" * 900_000, *TEXT_LINES[:100]],
}
SMALL: dict[str, Any] = {"host": "db1", "code": 137, "hosts": ["a", "b"], "log": "l" * 50_000, "last": {"a": None}}


@pytest.mark.parametrize("make", [v2, v1])
@pytest.mark.parametrize("name", BIG)
def test_one_big_entry_gives_way_and_all_others_stay_whole(name: str, make: Any) -> None:
    details = {"first": 1, "big": BIG[name], **SMALL}
    encoded, reports = fit_body(make(details, client="Ansible", links=[{"href": "https://example.com"}]))
    assert len(encoded) <= BODY_BYTES
    sent = json.loads(encoded)
    kept = sent["payload"]["custom_details"] if make is v2 else sent["details"]
    big = kept.pop("big")
    assert kept == {"first": 1, **SMALL}
    assert (sent["client"], sent["links"]) == ("Ansible", [{"href": "https://example.com"}])
    assert len(encode(big)) > 300_000, "more was cut than had to be"
    assert "…" in json.dumps(big, ensure_ascii=False)
    (report,) = reports
    assert re.match("(custom_)?details: 'big' shortened from [0-9,]+ to [0-9,]+ bytes to fit PagerDuty's", report)


def test_of_a_list_of_lines_the_first_ones_stay_whole_and_the_others_are_counted() -> None:
    big = json.loads(fit_body(v2({"lines": TEXT_LINES}))[0])["payload"]["custom_details"]["lines"]
    assert big[:-1] == TEXT_LINES[: len(big) - 1]
    assert big[-1] == f"… {len(TEXT_LINES) - len(big) + 1:,} more left out"


def test_a_big_string_in_a_list_is_cut_alone() -> None:
    big = json.loads(fit_body(v2({"lines": BIG["list with one big string"]}))[0])["payload"]["custom_details"]["lines"]
    assert (big[:100], big[101:]) == (TEXT_LINES[:100], TEXT_LINES[:100])
    assert big[100] == "z" * (len(big[100]) - 1) + "…"


def test_two_big_entries_give_way_to_the_same_size() -> None:
    details = {"a": "x" * 400_000, "b": list(range(120_000)), "c": "small"}
    sent = json.loads(fit_body(v2(details))[0])["payload"]["custom_details"]
    assert abs(len(encode(sent["a"])) - len(encode(sent["b"]))) < 200
    assert sent["c"] == "small"


@pytest.mark.parametrize(("make", "name"), [(v2, "custom_details"), (v1, "details")])
def test_of_very_many_small_entries_the_first_ones_stay(make: Any, name: str) -> None:
    body = make({f"key {number}": number for number in range(60_000)}, client="Ansible")
    encoded, reports = fit_body(copy.deepcopy(body))
    assert BODY_BYTES - 200 < len(encoded) <= BODY_BYTES
    sent = json.loads(encoded)
    holder = sent["payload"] if make is v2 else sent
    note = holder[name].pop("…")
    kept = len(holder[name])
    assert holder[name] == {f"key {number}": number for number in range(kept)}
    assert note == f"{60_000 - kept:,} more left out"
    (report,) = reports
    assert report.startswith(f"{name}: {60_000 - kept:,} of 60,000 entries left out to fit")


def test_links_that_are_too_many_leave_room_for_the_details() -> None:
    links = [{"href": f"https://example.com/{number}/" + "x" * 1_000} for number in range(600)]
    encoded, reports = fit_body(v2({"host": "db1"}, links=links, images=[{"src": "https://i"}], client_url="https://c"))
    sent = json.loads(encoded)
    kept = len(sent["links"])
    assert 400 < kept < 600
    assert sent == v2({"host": "db1"}, links=links[:kept], images=[{"src": "https://i"}], client_url="https://c")
    assert reports == [f"links: {600 - kept} of 600 left out to fit PagerDuty's 512,000 bytes"]


def test_one_link_that_is_too_long_goes_alone() -> None:
    links = [{"href": "https://a"}, {"href": "https://b/" + "x" * 600_000}, {"href": "https://c"}]
    sent = json.loads(fit_body(v2({"log": "l" * 50_000}, links=links))[0])
    assert sent == v2({"log": "l" * 50_000}, links=[links[0], links[2]])


def test_big_links_and_big_details_share_the_room() -> None:
    links = [{"href": "https://example.com/" + "x" * 1_000}] * 600
    sent = json.loads(fit_body(v2({"log": "l" * 600_000, "host": "db1"}, links=links))[0])
    assert 200 < len(sent["links"]) < 300
    assert sent["payload"]["custom_details"]["host"] == "db1"
    assert len(sent["payload"]["custom_details"]["log"]) > 250_000


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


def odd_value(dice: random.Random, depth: int) -> Any:
    """A value that can be big in each way: by its strings, its numbers, its names, or by how many there are."""
    kind = dice.randrange(7 if depth < 5 else 4)
    many = int(10 ** dice.uniform(0, 4.3 - depth))
    if kind == 0:
        return dice.choice([None, 0, True, 10**300])
    if kind < 3:
        return dice.choice(["x", FIRE, "\x00"]) * int(10 ** dice.uniform(0, 5.7))
    if kind == 3:
        return [dice.choice(["small", 1, 1.5])] * many
    if kind == 4:
        return {"n" * int(10 ** dice.uniform(0, 4)) + str(number): number for number in range(many)}
    return [odd_value(dice, depth + 1) for _turn in range(dice.randrange(8))]


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_details_are_the_body_comes_to_fit_and_small_entries_stay(seed: int) -> None:
    dice = random.Random(seed)
    details = {f"{number}": odd_value(dice, 0) for number in range(dice.randrange(1, 30))}
    before = copy.deepcopy(details)
    encoded, reports = fit_body(v2(details))
    kept = json.loads(encoded)["payload"]["custom_details"]
    assert len(encoded) <= BODY_BYTES
    assert bool(reports) == (len(encode(v2(before))) > BODY_BYTES)
    assert list(kept) == list(before)
    for name, value in before.items():
        if len(encode(value)) < 10_000:  # less than a thirtieth of all
            assert kept[name] == value, name


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
