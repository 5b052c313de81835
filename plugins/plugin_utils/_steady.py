# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock for what is stored: reads like Unix time, is the same in all processes, and does not jump.

It runs on the machine's uptime. The wall clock is read once for each boot, so setting it, by hand or by NTP, neither
wakes nor delays nor outdates anything. From one boot to the next only the wall clock tells how much time has passed,
and it may be wrong before or after: how much of that is uncertain is kept, so that ages can leave it out. Only
`read_boot_id`, `wall` and `uptime` touch the system.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

# What is read from the file may lie so much after the present before that means that the uptime went back: rounding,
# and clocks of several processors.
_TOLERANCE_SECONDS = 1.0


@dataclass(frozen=True)
class Anchor:
    """What the clock stands on.

    Attributes:
        boot_id: the boot it belongs to.
        booted: Unix time at that boot.
        uncertain: how many of all seconds until now may never have passed, since a boot was between them.
    """

    boot_id: str
    booted: float
    uncertain: float = 0.0

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
        # A snapshot that was started again: time goes on from what is stored, or that would lie far ahead.
        return dataclasses.replace(stored, booted=latest - up) if went_back(stored, up, latest) else stored
    now = max(wall_time, latest)
    if stored is None:
        return Anchor(boot_id, now - up)
    # Surely passed is what uptime and wall clock agree about: an outbox may come from another machine, too.
    passed = min(up, now - latest) if boot_id and stored.boot_id else 0.0
    return Anchor(boot_id, now - up, stored.uncertain + now - latest - passed)


def went_back(anchor_in_use: Anchor, up: float, latest: float) -> bool:
    """Whether the uptime went back within a boot, as it does for a virtual machine's snapshot that is started again."""
    return anchor_in_use.booted + up < latest - _TOLERANCE_SECONDS


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
