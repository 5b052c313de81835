# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns points in time into what PagerDuty expects: ISO 8601, in UTC, with the offset written out."""

from __future__ import annotations

import datetime
import re

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError

_ISO_8601 = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})[Tt ]"
    r"(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?"
    r"\s?(?P<offset>[Zz]|[+-]\d{2}(?::?\d{2})?)?"
)
_EXPECTED = "expected ISO 8601 with an offset, as in 2026-01-31T03:00:00Z or 2026-01-31T04:00:00+01:00"


def from_epoch(seconds: float) -> str:
    """Return a Unix time as PagerDuty's text, with milliseconds."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds")


def to_utc(option: str, given: str) -> str:
    """Return an ISO 8601 text as PagerDuty's text, in UTC.

    Raises:
        OptionError: if the text is no such time, or a local time without an offset, which would mean another moment
            on every machine that reads it.
    """
    match = _ISO_8601.fullmatch(given.strip())
    if match is None:
        raise OptionError(option, f"{given!r} is not a point in time; {_EXPECTED}")
    offset = match["offset"]
    if offset is None:
        raise OptionError(option, f"{given!r} says no offset from UTC; {_EXPECTED}")
    try:
        moment = datetime.datetime.fromisoformat(
            f"{match['date']}T{match['hour']}:{match['minute']}:{match['second'] or '00'}"
            f".{(match['fraction'] or '')[:6]:0<6}{_normal_offset(offset)}"
        ).astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError) as error:
        raise OptionError(option, f"{given!r} is not a point in time ({error}); {_EXPECTED}") from None
    return moment.isoformat(timespec="milliseconds")


def _normal_offset(offset: str) -> str:
    """Spell the offset as Python 3.8 can read it: +HH:MM."""
    if offset in "Zz":
        return "+00:00"
    digits = offset[1:].replace(":", "")
    return f"{offset[0]}{digits[:2]}:{digits[2:] or '00'}"
