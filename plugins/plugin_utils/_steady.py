# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock for what is stored: reads like Unix time, is the same in all processes, and does not jump.

It runs on the machine's uptime. The wall clock is read once for each boot, so setting it, by hand or by NTP, neither
wakes nor delays nor outdates anything. Only `read_boot_id`, `wall` and `uptime` touch the system.
"""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Anchor:
    """What the clock stands on: Unix time at the boot it belongs to."""

    boot_id: str
    booted: float

    def holds_for(self, boot_id: str) -> bool:
        """Whether it belongs to a boot; an empty id could be any."""
        return bool(boot_id) and self.boot_id == boot_id


def anchor(stored: Anchor | None, boot_id: str, wall_time: float, up: float, latest: float) -> Anchor:
    """Return the anchor to use from now on.

    Args:
        stored: the anchor that was used last.
        boot_id: tells this boot from others; empty if nothing does.
        wall_time: Unix time by the wall clock.
        up: seconds since the boot.
        latest: the latest time in store, which the present cannot lie before.
    """
    if stored is not None and stored.holds_for(boot_id):
        return stored
    return Anchor(boot_id, max(wall_time, latest) - up)


def read_boot_id() -> str:
    """Return what tells this boot from others; empty if the system does not say (it does on Linux)."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""


def wall() -> float:
    """Return Unix time by the wall clock."""
    return time.time()


def uptime() -> float:
    """Return seconds that only go forward, the same for all processes, also while the machine sleeps where it can."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
