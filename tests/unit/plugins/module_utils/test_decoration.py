# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What decorates an event is understood in each form that people give it, or left out with a sentence that says so."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._decoration import (
    details_of,
    images_of,
    links_of,
    severity_of,
    timestamp_of,
)

A, B = "https://example.com/a", "https://example.com/b?x=1,2"


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        ("critical", "critical"),
        ("CRITICAL", "critical"),
        (" Critical\n", "critical"),
        ("crit", "critical"),
        ("fatal", "critical"),
        ("Err", "error"),
        ("WARN", "warning"),
        ("informational", "info"),
        (b"info", "info"),
        (None, "error"),
        ("", "error"),
        (" ", "error"),
    ],
)
def test_a_severity_is_known_by_each_of_its_names(given: Any, severity: str) -> None:
    told: list[str] = []
    assert (severity_of(given, told.append), told) == (severity, [])


@pytest.mark.parametrize(
    "given", ["high", "P1", "criticall", 1, True, ["critical"], {"failed": "critical"}, "x" * 9_000]
)
def test_an_unknown_severity_becomes_the_default_one_and_is_told(given: Any) -> None:
    told: list[str] = []
    assert severity_of(given, told.append) == "error"
    (sentence,) = told
    assert sentence.startswith("severity: ")
    assert len(sentence) < 200


@pytest.mark.parametrize("given", [None, "", " \n"])
def test_no_time_is_no_mistake(given: Any) -> None:
    told: list[str] = []
    assert (timestamp_of(given, told.append), told) == (None, [])


def test_a_time_that_is_uncertain_is_left_out_and_told() -> None:
    told: list[str] = []
    assert timestamp_of(datetime.datetime(2026, 1, 31, 3), told.append) is None
    (sentence,) = told
    assert sentence.startswith("timestamp: '2026-01-31 03:00:00' says no offset from UTC; ")
    assert sentence.endswith("it is left out, and the event has the time at which it was made")


@pytest.mark.parametrize(
    ("given", "details", "complaints", "notes"),
    [
        (None, {}, 0, 0),
        ({}, {}, 0, 0),
        ([], {}, 0, 0),
        ("", {}, 0, 0),
        (" ", {}, 0, 0),
        ({"a": 1, 2: None}, {"a": 1}, 0, 0),
        ('{"a": {"b": 1}}', {"a": {"b": 1}}, 0, 0),
        ("{'a': None}", {}, 0, 0),
        (b'{"a": 1}', {"a": 1}, 0, 0),
        ("lag=412", {"lag": "412"}, 0, 1),
        (" a=1, b='2 3' ", {"a": "1", "b": "2 3"}, 0, 1),
        ("a lag of 412", {"details": "a lag of 412"}, 1, 0),
        ("a=1 but b", {"details": "a=1 but b"}, 1, 0),
        ("{broken", {"details": "{broken"}, 1, 0),
        ("[1, 2]", {"details": "[1, 2]"}, 1, 0),
        ([{"a": 1}], {"details": [{"a": 1}]}, 1, 0),
        (0, {"details": 0}, 1, 0),
        (False, {"details": False}, 1, 0),
        (datetime.date(2026, 1, 31), {"details": "2026-01-31"}, 1, 0),
        ("{" * 100_000, {"details": "{" * 100_000}, 1, 0),
    ],
)
def test_details_are_a_mapping_in_the_end(given: Any, details: Any, complaints: int, notes: int) -> None:
    told: list[str] = []
    noted: list[str] = []
    assert details_of(given, told.append, noted.append) == details
    assert (len(told), len(noted)) == (complaints, notes)
    assert all(sentence.startswith("custom_details: ") for sentence in (*told, *noted))


@pytest.mark.parametrize(
    ("given", "links"),
    [
        (None, []),
        ("", []),
        ([], []),
        ((), []),
        ([{"href": A}], [{"href": A}]),
        ([{"href": f" {A}\n", "text": " "}], [{"href": A}]),
        (({"href": A, "text": "A"},), [{"href": A, "text": "A"}]),
        ({"href": A, "text": 7}, [{"href": A, "text": "7"}]),
        ([A, {"url": B, "text": "B"}], [{"href": A}, {"href": B, "text": "B"}]),
        (A, [{"href": A}]),
        (B, [{"href": B}]),
        (f"{A}, {B},{A}", [{"href": A}, {"href": B}, {"href": A}]),
        (f'[{{"href": "{A}"}}, "{B}"]', [{"href": A}, {"href": B}]),
        (f"{{'href': '{A}'}}", [{"href": A}]),
        ([{"href": A, "text": None, "other": None}], [{"href": A}]),
    ],
)
def test_links_are_understood_in_each_form(given: Any, links: Any) -> None:
    told: list[str] = []
    assert (links_of(given, told.append), told) == (links, [])


@pytest.mark.parametrize(
    ("given", "links", "sentence"),
    [
        (
            [{"href": "", "text": "Runbook"}],
            [],
            "entry 1 of 1 has a blank href (with the text 'Runbook') and is left out",
        ),
        ([A, ""], [{"href": A}], "entry 2 of 2 has a blank href and is left out; expected a URL"),
        ([A, None], [{"href": A}], "entry 2 of 2 is nothing and is left out; expected a mapping with href"),
        ([[A]], [], "entry 1 of 1 is a list and is left out"),
        (3.5, [], "entry 1 of 1 is a number and is left out"),
        ([{}], [], "entry 1 of 1 has a blank href"),
        ([{"href": [A]}], [], "entry 1 of 1 has a blank href"),
        ([{"href": {"a": 1}}], [], "entry 1 of 1 has a blank href"),
        (
            [{"href": A, "title": "x", "rel": "y"}],
            [{"href": A}],
            "entry 1 of 1: rel, title is left out; expected href, text",
        ),
        (
            [{"href": A, "text": ["x"]}],
            [{"href": A}],
            "entry 1 of 1: its text is a list and is left out; expected a text",
        ),
    ],
)
def test_what_is_no_link_is_left_out_alone_and_told(given: Any, links: Any, sentence: str) -> None:
    told: list[str] = []
    assert links_of(given, told.append) == links
    (said,) = told
    assert said.startswith(f"links: {sentence}")


def test_images_are_read_like_links_and_http_ones_left_out() -> None:
    told: list[str] = []
    given = [A, {"url": A, "alt": "A"}, {"src": "http://example.com/i.png"}, {"src": ""}]
    assert images_of(given, told.append) == [{"src": A}, {"src": A, "alt": "A"}]
    assert sorted(sentence[:45] for sentence in told) == [
        "images: entry 4 of 4 has a blank src and is l",
        "images: src 'http://example.com/i.png' is not",
    ]
