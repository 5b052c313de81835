# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stored clock does not jump, whatever the wall clock does."""

from __future__ import annotations

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _steady
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steady import Anchor, anchor

DAY = 24 * 3600.0


@pytest.mark.parametrize("jump", [DAY, -DAY, 400 * DAY], ids=["forward", "back", "a year forward"])
def test_within_a_boot_the_wall_clock_does_not_matter(jump: float) -> None:
    first = anchor(None, "boot", wall_time=1_000_000.0, up=100.0, latest=0.0)
    assert anchor(first, "boot", wall_time=1_000_050.0 + jump, up=150.0, latest=1_000_010.0) == first


def test_first_use_follows_the_wall_clock() -> None:
    assert anchor(None, "boot", wall_time=1_000_000.0, up=100.0, latest=0.0) == Anchor("boot", 999_900.0)


def test_the_next_boot_follows_the_wall_clock() -> None:
    old = Anchor("boot", 999_900.0)
    assert anchor(old, "next", wall_time=1_500_000.0, up=5.0, latest=1_000_000.0) == Anchor(
        "next", 1_499_995.0, uncertain=499_995.0
    )


@pytest.mark.parametrize("boot_id", ["next", ""], ids=["another boot", "boots cannot be told apart"])
def test_never_before_what_is_stored(boot_id: str) -> None:
    found = anchor(Anchor("", 999_900.0), boot_id, wall_time=1.0, up=5.0, latest=1_000_000.0)
    assert found.booted + 5.0 == 1_000_000.0


@pytest.mark.parametrize(
    ("stored_boot", "boot", "wall_time", "up", "passed"),
    [
        ("old", "next", 1_000_000 + 8 * DAY, 60.0, 60.0),  # slow before, or off for long: nobody knows
        ("old", "next", 1_000_000 + 20_000 * DAY, 60.0, 60.0),  # 1970 before
        ("old", "next", 1.0, 60.0, 0.0),  # 1970 since
        ("old", "next", 1_000_030.0, 60.0, 30.0),  # another machine's file, or put during an earlier part of this boot
        ("old", "next", 1_000_001.0, 400 * DAY, 1.0),  # a machine that has been up for long takes the file over
        ("", "", 1_000_000 + 8 * DAY, 60.0, 0.0),  # boots cannot be told apart
        ("old", "", 1_000_000 + 8 * DAY, 60.0, 0.0),
    ],
    ids=str,
)
def test_from_boot_to_boot_only_what_surely_passed_is_certain(
    stored_boot: str, boot: str, wall_time: float, up: float, passed: float
) -> None:
    old = Anchor(stored_boot, 900_000.0, uncertain=500.0)
    found = anchor(old, boot, wall_time, up, latest=1_000_000.0)
    assert found.booted + up - found.uncertain == pytest.approx(1_000_000.0 - 500.0 + passed)


@pytest.mark.parametrize(("up", "booted"), [(50.0, 999_950.0), (99.5, 999_900.0), (100.0, 999_900.0)])
def test_an_uptime_that_went_back_goes_on_from_what_is_stored(up: float, booted: float) -> None:
    old = Anchor("boot", 999_900.0, uncertain=500.0)
    assert anchor(old, "boot", 0.0, up, latest=1_000_000.0) == Anchor("boot", booted, uncertain=500.0)


def test_linux_tells_boots_apart() -> None:
    assert len(_steady.read_boot_id()) >= 32


def test_uptime_goes_on() -> None:
    before = _steady.uptime()
    assert _steady.uptime() >= before > 0
