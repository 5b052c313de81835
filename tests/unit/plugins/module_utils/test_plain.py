# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not plain JSON becomes it: text, numbers, times, containers, and what goes round in circles."""

from __future__ import annotations

import datetime
import enum
import json
from collections import OrderedDict
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import (
    MAX_DEPTH,
    optional_text,
    plain,
    plain_text,
)


class Text(str):
    """As Ansible's own strings are: a subclass."""


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("text", "text"),
        ("é…\U0001f525", "é…\U0001f525"),
        (b"bytes \xc3\xa9", "bytes é"),
        (b"\xff not utf-8", "\ufffd not utf-8"),
        (bytearray(b"more"), "more"),
        ("half \ud83d a pair", "half \ufffd a pair"),
        ("undecodable \udcff byte", "undecodable \ufffd byte"),
        (7, "7"),
        (True, "True"),
        ("", ""),
    ],
)
def test_plain_text_is_text_that_utf8_can_encode(given: Any, expected: str) -> None:
    text = plain_text(given)
    assert text == expected
    text.encode("utf-8")


def test_plain_text_makes_a_real_string_of_a_subclass() -> None:
    assert plain_text(Text("é")).__class__ is str
    assert plain_text(Text("e")).__class__ is str


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        ("", None),
        (" \t\n", None),
        ("\u00a0", None),
        (b"", None),
        (" x ", " x "),
        (0, "0"),
        (False, "False"),
    ],
)
def test_optional_text_is_none_where_nothing_is_said(given: Any, expected: str | None) -> None:
    assert optional_text(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        (True, True),
        (0, 0),
        (10**30, 10**30),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (b"b", "b"),
        (Colour.RED, "Colour.RED"),
        (datetime.date(2026, 1, 31), "2026-01-31"),
        (datetime.time(3, 0), "03:00:00"),
        (datetime.datetime(2026, 1, 31, 3, tzinfo=datetime.timezone.utc), "2026-01-31T03:00:00+00:00"),
        ((1, "a"), [1, "a"]),
        ({1}, [1]),
        (frozenset({"x"}), ["x"]),
        ([], []),
        ({}, {}),
        (OrderedDict([("b", 1), ("a", 2)]), {"b": 1, "a": 2}),
    ],
    ids=repr,
)
def test_plain(given: Any, expected: Any) -> None:
    value = plain(given)
    assert value == expected
    assert type(value) is type(expected)
    json.dumps(value, allow_nan=False)


def test_null_never_stays_inside() -> None:
    value = plain({"a": None, "b": [None, 1, {"c": None}], "d": {"e": {"f": None}}})
    assert value == {"b": ["", 1, {}], "d": {"e": {}}}


def test_keys_of_mappings_become_text() -> None:
    value = plain({1: "a", None: "b", b"c": "d", datetime.date(2026, 1, 31): "e", "\udcff": "f"})
    assert value == {"1": "a", "None": "b", "c": "d", "2026-01-31": "e", "\ufffd": "f"}


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((depth(item) for item in inner), default=0)


def test_what_is_too_deep_is_cut_with_a_note() -> None:
    deep: Any = "bottom"
    for _turn in range(MAX_DEPTH):
        deep = [deep]
    assert depth(plain(deep)) == MAX_DEPTH + 1
    assert "bottom" in json.dumps(plain(deep))
    deeper = json.dumps(plain([deep]))
    assert "bottom" not in deeper
    assert "(nested too deeply)" in deeper


def test_a_structure_of_extreme_depth_raises_nothing() -> None:
    deep: Any = []
    for _turn in range(100_000):
        deep = [deep]
    assert "(nested too deeply)" in json.dumps(plain(deep))


@pytest.mark.timeout(10)
def test_a_mapping_inside_itself_more_than_once_ends_at_once() -> None:
    circular: dict[str, Any] = {"name": "a"}
    circular.update(left=circular, right=circular, both=[circular, circular])
    text = json.dumps(plain(circular))
    assert "(a structure inside itself)" in text
    assert len(text) < 1000


def test_what_is_used_twice_but_not_inside_itself_stays_whole() -> None:
    shared = {"x": [1]}
    assert plain({"a": shared, "b": [shared, shared]}) == {"a": {"x": [1]}, "b": [{"x": [1]}, {"x": [1]}]}


def test_the_given_structure_is_not_changed() -> None:
    given = {"a": None, "b": (1, None)}
    plain(given)
    assert given == {"a": None, "b": (1, None)}
