# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No integration key gets more than its pace in any 60 seconds."""

from __future__ import annotations

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pacing import Pace


@pytest.mark.parametrize(
    ("sent", "now", "free"),
    [
        ([], 100.0, 3),
        ([99.0], 100.0, 2),
        ([98.0, 99.0, 100.0], 100.0, 0),
        ([98.0, 98.5, 99.0, 100.0], 100.0, 0),
        ([40.1, 99.0, 100.0], 100.0, 0),
        ([40.0, 99.0, 100.0], 100.0, 1),
        ([1.0, 2.0, 3.0], 100.0, 3),
    ],
    ids=["nothing sent", "one sent", "all used", "more than allowed", "just inside", "just outside", "long ago"],
)
def test_what_is_free(sent: list[float], now: float, free: int) -> None:
    assert Pace(3).free(sent, now) == free


def test_zero_means_no_limit() -> None:
    assert Pace(0).free([1.0] * 1000, 1.0) > 1000


def test_never_more_than_the_limit_in_any_window() -> None:
    """A greedy sender over ten minutes, by a clock of its own."""
    pace, sent, now = Pace(120), list[float](), 0.0
    while now < 600.0:
        sent += [now] * min(pace.free(sent, now), 7)
        now += 0.25
    assert len(sent) == 120 * 10
    assert max(sum(1 for at in sent if start <= at < start + 60.0) for start in sent) == 120


@pytest.mark.parametrize(
    ("limit", "waiting", "sent", "seconds"),
    [
        (120, 0, 0, 0.0),
        (120, 120, 0, 0.0),
        (120, 121, 0, 60.0),
        (120, 1, 120, 60.0),
        (120, 2880, 120, 24 * 60.0),
        (120, 2880, 500, 24 * 60.0),
        (0, 2880, 0, 0.0),
    ],
)
def test_what_is_expected(limit: int, waiting: int, sent: int, seconds: float) -> None:
    assert Pace(limit).expected(waiting, sent) == seconds


def test_what_is_expected_of_other_events_leaves_out_what_is_kept_for_pages() -> None:
    assert [Pace(120).expected(waiting, 0, pages_only=False) for waiting in (108, 109, 217)] == [0.0, 60.0, 120.0]


@pytest.mark.parametrize(("seconds", "about"), [(60.0, "a minute"), (61.0, "2 minutes"), (1440.0, "24 minutes")])
def test_says_why_events_wait(seconds: float, about: str) -> None:
    reason = "PagerDuty's limit of 120 events a minute for each integration key"
    assert Pace(120).explained(seconds) == f"{reason}; done in about {about}"


@pytest.mark.parametrize(("limit", "reserved"), [(120, 12), (10, 1), (9, 0), (0, 0)])
def test_a_part_is_kept_for_pages(limit: int, reserved: int) -> None:
    assert Pace(limit).reserved == reserved
