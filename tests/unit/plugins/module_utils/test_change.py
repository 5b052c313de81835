# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a change task mean the change event that they say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils import _change
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Api, Change, prepare


def test_only_a_summary() -> None:
    options = {**dict.fromkeys(_change.SPEC), "summary": "s"}
    assert _change.event(options) == Change("s", custom_details={})
    assert _change.api(options) is Api.CHANGE


def test_everything() -> None:
    links, images = [{"href": "https://a", "text": None}], [{"src": "https://b"}]
    options = {
        "summary": "s",
        "source": "ci",
        "custom_details": {"build": 7},
        "timestamp": "2026-01-31T03:00:00Z",
        "links": links,
        "images": images,
        "link_url": "https://c",
        "link_text": "C",
    }
    assert _change.event(options) == Change(
        "s",
        "ci",
        {"build": 7},
        "2026-01-31T03:00:00Z",
        ({"href": "https://a", "text": None}, {"href": "https://c", "text": "C"}),
        tuple(images),
    )


@pytest.mark.parametrize(
    ("options", "details"),
    [
        ({"user": "u", "repo": "r", "revision": "v", "environment": "e"}, dict(zip(_change._DETAILS, "urve"))),
        ({"user": "", "repo": None}, {}),
        ({"user": "u", "custom_details": {"user": "mine", "x": 1}}, {"user": "mine", "x": 1}),
    ],
)
def test_the_named_details_stand_among_the_others(options: dict[str, Any], details: dict[str, Any]) -> None:
    assert _change.event({"summary": "s", **options}).custom_details == details


def test_the_named_details_stand_beside_what_is_no_mapping() -> None:
    change = _change.event({"summary": "s", "user": "u", "custom_details": "build=7"})
    body = prepare(change, "k" * 32, now=0, new_key="n").body
    assert json.loads(body)["payload"]["custom_details"] == {"user": "u", "build": "7"}
