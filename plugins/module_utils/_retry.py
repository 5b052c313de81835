# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When to try again: an immutable policy, given the attempt, the time spent and a random number. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError


@dataclass(frozen=True)
class Wait:
    """Try again after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class GiveUp:
    """Do not try again, for this reason."""

    reason: str


LONGEST_SECONDS = 86_400.0
"""No number of seconds here may be greater: a day is more than any task waits, and sockets overflow far above it."""


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential back-off with full jitter, bounded in number and in time.

    The delays are base, 2 base, 4 base …, each at most max_interval. With jitter, each is a random part of that, so
    that many senders do not come back at the same moment (AWS Architecture Blog, "Exponential Backoff And Jitter").

    Attributes:
        max_retries: how many attempts may follow the first.
        base_interval: seconds before the first retry.
        max_interval: the longest wait in seconds, also where PagerDuty asks for a longer one.
        jitter: False for the plain delays.
        deadline: seconds for all attempts and waits together. A wait that would overrun it is not begun.
    """

    max_retries: int = 5
    base_interval: float = 1.0
    max_interval: float = 60.0
    jitter: bool = True
    deadline: float = 120.0

    def __post_init__(self) -> None:
        if self.max_retries < 0:
            raise OptionError("max_retries", f"{self.max_retries} was given; expected 0 or more")
        for option, value in (("retry_base_interval", self.base_interval), ("retry_max_interval", self.max_interval)):
            if not 0 <= value <= LONGEST_SECONDS:
                raise OptionError(option, f"{value} was given; expected seconds, from 0 to {LONGEST_SECONDS:g}")
        if not 0 < self.deadline <= LONGEST_SECONDS:
            raise OptionError("deadline", f"{self.deadline} was given; expected seconds, up to {LONGEST_SECONDS:g}")

    def after(self, attempts: int, elapsed: float, random: float, retry_after: float | None = None) -> Wait | GiveUp:
        """Decide what follows a failed attempt.

        Args:
            attempts: how many attempts have been made, 1 or more.
            elapsed: seconds since the first began.
            random: a number from 0 to 1.
            retry_after: seconds that PagerDuty asks to wait; takes the place of the computed delay.
        """
        if attempts > self.max_retries:
            return GiveUp("no retry is left" if self.max_retries else "max_retries is 0")
        delay = self._computed(attempts, random) if retry_after is None else min(retry_after, self.max_interval)
        if elapsed + delay >= self.deadline:
            return GiveUp(f"the next attempt would come after the deadline of {self.deadline:g} s")
        return Wait(delay)

    def _computed(self, attempts: int, random: float) -> float:
        # 2.0 ** 1024 overflows; by then every interval has long reached the cap.
        delay = min(self.base_interval * 2.0 ** min(attempts - 1, 1000), self.max_interval)
        return delay * random if self.jitter else delay
