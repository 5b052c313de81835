# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points in time go out in UTC with the offset written out, or not at all."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._timestamp import from_epoch, to_utc

UTC = datetime.timezone.utc


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-01-31T03:00:00Z", "2026-01-31T03:00:00.000+00:00"),
        ("2026-01-31t03:00:00z", "2026-01-31T03:00:00.000+00:00"),
        ("2026-01-31 03:00:00Z", "2026-01-31T03:00:00.000+00:00"),
        ("2026-01-31 03:00:00 +00:00", "2026-01-31T03:00:00.000+00:00"),
        ("  2026-01-31T03:00:00Z\n", "2026-01-31T03:00:00.000+00:00"),
        ("2026-01-31T03:00Z", "2026-01-31T03:00:00.000+00:00"),
        ("2026-01-31T04:00:00+01:00", "2026-01-31T03:00:00.000+00:00"),
        ("2026-01-31T04:00:00+0100", "2026-01-31T03:00:00.000+00:00"),
        ("2026-01-31T04:00:00+01", "2026-01-31T03:00:00.000+00:00"),
        ("2026-01-30T21:30:00-0530", "2026-01-31T03:00:00.000+00:00"),
        ("2026-01-31T03:00:00-00:00", "2026-01-31T03:00:00.000+00:00"),
        ("2026-01-31T00:30:00+14:00", "2026-01-30T10:30:00.000+00:00"),
        ("2026-01-01T00:00:00+01:00", "2025-12-31T23:00:00.000+00:00"),
        ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000+00:00"),
        ("2026-01-31T03:00:00.5Z", "2026-01-31T03:00:00.500+00:00"),
        ("2026-01-31T03:00:00,123Z", "2026-01-31T03:00:00.123+00:00"),
        ("2015-07-17T08:42:58.315+0000", "2015-07-17T08:42:58.315+00:00"),
        ("2026-01-31T03:00:00.123456789Z", "2026-01-31T03:00:00.123+00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000+00:00"),
        ("2026-01-31T03:00:00 UTC", "2026-01-31T03:00:00.000+00:00"),
        ("2026-01-31 03:00:00GMT", "2026-01-31T03:00:00.000+00:00"),
        ("20260131T030000Z", "2026-01-31T03:00:00.000+00:00"),
        ("20260131T030000.5+0100", "2026-01-31T02:00:00.500+00:00"),
        ("20260131T0300Z", "2026-01-31T03:00:00.000+00:00"),
        ("2026-01-31T030000Z", "2026-01-31T03:00:00.000+00:00"),
        ("2026-01-31T02:59:60Z", "2026-01-31T03:00:00.000+00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000+00:00"),
        ("2026-01-30T24:00:00Z", "2026-01-31T00:00:00.000+00:00"),
        ("1769828400", "2026-01-31T03:00:00.000+00:00"),
        ("1769828400.25", "2026-01-31T03:00:00.250+00:00"),
        ("1769828400.", "2026-01-31T03:00:00.000+00:00"),
        ("1769828400250", "2026-01-31T03:00:00.250+00:00"),
        ("1769828400250000", "2026-01-31T03:00:00.250+00:00"),
        ("1769828400250000000", "2026-01-31T03:00:00.250+00:00"),
        (1769828400, "2026-01-31T03:00:00.000+00:00"),
        (1769828400.25, "2026-01-31T03:00:00.250+00:00"),
        (1769828400250, "2026-01-31T03:00:00.250+00:00"),
        (datetime.datetime(2026, 1, 31, 3, tzinfo=UTC), "2026-01-31T03:00:00.000+00:00"),
        (
            datetime.datetime(2026, 1, 31, 4, 0, 0, 250_000, datetime.timezone(datetime.timedelta(hours=1))),
            "2026-01-31T03:00:00.250+00:00",
        ),
        (b"2026-01-31T03:00:00Z", "2026-01-31T03:00:00.000+00:00"),
    ],
)
def test_a_time_that_is_certain_becomes_utc(given: Any, expected: str) -> None:
    assert to_utc("timestamp", given) == expected


@pytest.mark.parametrize(
    "given",
    [
        "2026-01-31T03:00:00",
        "2026-01-31 03:00:00.123",
        "2026-01-31T03:00",
        "20260131T030000",
        datetime.datetime(2026, 1, 31, 3),
    ],
)
def test_a_local_time_is_refused_because_it_means_another_moment_elsewhere(given: Any) -> None:
    with pytest.raises(OptionError, match="says no offset from UTC; expected ISO 8601") as caught:
        to_utc("timestamp", given)
    assert caught.value.option == "timestamp"
    assert repr(str(given)) in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "now",
        "2026-01-31",
        datetime.date(2026, 1, 31),
        True,
        0,
        7,
        -1769828400,
        float("nan"),
        float("inf"),
        20260131,
        "20260131",
        "202601310300",
        "20260131030000",
        "9" * 400,
        [1769828400],
        "31.01.2026 03:00Z",
        "2026-1-31T03:00:00Z",
        "2026-W05-6T03:00:00Z",
        "2026-01-31T03Z",
        "2026-01-31T03:00:00+1",
        "2026-01-31T03:00:00 CET",
        "2026-0131T03:00:00Z",
        "2026-01-31T24:00:01Z",
        "2026-01-31T03:00:00Z and more",
        "2026-01-31T03:00:00.Z",
        "2026-02-30T03:00:00Z",
        "2025-02-29T03:00:00Z",
        "2026-13-01T03:00:00Z",
        "2026-01-31T25:00:00Z",
        "2026-01-31T03:60:00Z",
        "2026-01-31T03:00:61Z",
        "2026-01-31T03:00:00+24:00",
        "2026-01-31T03:00:00+99:99",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "0000-01-01T00:00:00Z",
        "٢٠٢٦-٠١-٣١T٠٣:٠٠:٠٠Z",
    ],
)
def test_what_is_no_point_in_time_is_refused(given: Any) -> None:
    with pytest.raises(OptionError, match=r"^timestamp: .* is not a point in time") as caught:
        to_utc("timestamp", given)
    assert "expected ISO 8601 with an offset" in str(caught.value)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "1970-01-01T00:00:00.000+00:00"),
        (1769828400, "2026-01-31T03:00:00.000+00:00"),
        (1769828400.123456, "2026-01-31T03:00:00.123+00:00"),
    ],
)
def test_unix_time_becomes_text_in_utc_with_milliseconds(seconds: float, expected: str) -> None:
    assert from_epoch(seconds) == expected


def test_what_is_no_point_in_time_is_shown_but_not_at_any_length() -> None:
    with pytest.raises(OptionError) as caught:
        to_utc("timestamp", "x" * 10_000)
    assert len(str(caught.value)) < 300
