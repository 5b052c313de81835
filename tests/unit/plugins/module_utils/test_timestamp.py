# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points in time go out in UTC with the offset written out, or not at all."""

from __future__ import annotations

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._timestamp import from_epoch, to_utc


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
    ],
)
def test_a_time_with_an_offset_becomes_utc(given: str, expected: str) -> None:
    assert to_utc("timestamp", given) == expected


@pytest.mark.parametrize("given", ["2026-01-31T03:00:00", "2026-01-31 03:00:00.123", "2026-01-31T03:00"])
def test_a_local_time_is_refused_because_it_means_another_moment_elsewhere(given: str) -> None:
    with pytest.raises(OptionError, match="says no offset from UTC; expected ISO 8601") as caught:
        to_utc("timestamp", given)
    assert caught.value.option == "timestamp"
    assert repr(given) in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "now",
        "1769828400",
        "2026-01-31",
        "31.01.2026 03:00Z",
        "2026-1-31T03:00:00Z",
        "20260131T030000Z",
        "2026-W05-6T03:00:00Z",
        "2026-01-31T03Z",
        "2026-01-31T03:00:00+1",
        "2026-01-31T03:00:00 UTC",
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
def test_what_is_no_point_in_time_is_refused(given: str) -> None:
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
