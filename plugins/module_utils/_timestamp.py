# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns points in time into what PagerDuty expects: ISO 8601, in UTC, with the offset written out."""

from __future__ import annotations

import datetime
import re
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import plain_text

# Ours: enough to know one's own value again.
_SHOWN_CHARACTERS = 80

# The extended form, as in 2026-01-31T03:00:00Z, and the basic one, as in 20260131T030000Z.
_ISO_8601 = re.compile(
    r"(?P<year>[0-9]{4})(?P<dash>-?)(?P<month>[0-9]{2})(?P=dash)(?P<day>[0-9]{2})[Tt ]"
    r"(?P<hour>[0-9]{2}):?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?"
    r"\s?(?P<offset>[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?")
# Seconds since 1970 and their thousandths, millionths and billionths are told apart by their size: from 1973 and 2001
# on, up to 2286. So no date that is written in digits alone, as 20260131 or 20260131030000, is taken for one.
_EPOCHS = ((1e8, 1e10, 1), (1e12, 1e13, 1e3), (1e15, 1e16, 1e6), (1e18, 1e19, 1e9))
_EXPECTED = "expected ISO 8601 with an offset, as in 2026-01-31T03:00:00Z or 2026-01-31T04:00:00+01:00"


def from_epoch(seconds: float) -> str:
    """Return a Unix time as PagerDuty's text, with milliseconds."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds")


def to_utc(option: str, given: Any) -> str:
    """Return a point in time as PagerDuty's text, in UTC.

    Args:
        option: the option that gave it.
        given: ISO 8601 in the extended or basic form, a datetime, or a Unix time in seconds or parts of them.

    Raises:
        OptionError: if it is no such time, or a local time without an offset, which would mean another moment
            on every machine that reads it.
    """
    text = plain_text(given).strip()
    shown = repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")
    if _NUMBER.fullmatch(text):
        return _of_number(option, text, shown)
    match = _ISO_8601.fullmatch(text)
    if match is None:
        raise OptionError(option, f"{shown} is not a point in time; {_EXPECTED}")
    offset = match["offset"]
    if offset is None:
        raise OptionError(option, f"{shown} says no offset from UTC; {_EXPECTED}")
    hour, second = match["hour"], match["second"] or "00"
    # A leap second, and the midnight at the end of a day, are the moment after the one before.
    later = (second == "60") + 86_400 * (hour == "24" and match["minute"] == second == "00")
    try:
        moment = datetime.datetime.fromisoformat(
            f"{match['year']}-{match['month']}-{match['day']}T{'00' if later >= 86_400 else hour}:{match['minute']}"
            f":{'59' if second == '60' else second}.{(match['fraction'] or '')[:6]:0<6}{_normal_offset(offset)}"
        ).astimezone(datetime.timezone.utc) + datetime.timedelta(seconds=later)
    except (ValueError, OverflowError) as error:
        raise OptionError(option, f"{shown} is not a point in time ({error}); {_EXPECTED}") from None
    return moment.isoformat(timespec="milliseconds")


def _of_number(option: str, text: str, shown: str) -> str:
    number = float(text)
    for least, beyond, parts in _EPOCHS:
        if least <= number < beyond:
            return from_epoch(number / parts)
    raise OptionError(option, f"{shown} is not a point in time, nor seconds since 1970; {_EXPECTED}")


def _normal_offset(offset: str) -> str:
    """Spell the offset as Python 3.8 can read it: +HH:MM."""
    if offset[0] not in "+-":
        return "+00:00"
    digits = offset[1:].replace(":", "")
    return f"{offset[0]}{digits[:2]}:{digits[2:] or '00'}"
