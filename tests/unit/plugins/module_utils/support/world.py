# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sender's surroundings under full control: a transport that follows a script, and time that only we move."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Sequence, Union

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import TransportError
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import RetryPolicy
from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Sender
from ansible_collections.oncall.pagerduty.plugins.module_utils._transport import RawAnswer

Outcome = Union[RawAnswer, TransportError]
# What happens to one attempt: its outcome, or a function that makes one of what was posted.
Step = Union[Outcome, Callable[[bytes], Outcome]]


@dataclass(frozen=True)
class Post:
    """One attempt as the transport saw it."""

    path: str
    body: bytes
    timeout: float
    time: float


@dataclass
class World:
    """The clock, the waits and the network of one sender.

    script: what happens to each attempt in turn; the last one happens again and again
    takes: seconds that an attempt takes
    stop_at_wait: the number of the wait during which the process is told to stop
    """

    script: Sequence[Step]
    takes: float = 0.0
    stop_at_wait: int | None = None
    clock: float = 1000.0
    waits: list[float] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    closed: int = 0

    def post(self, path: str, body: bytes, timeout: float) -> RawAnswer:
        self.posts.append(Post(path, body, timeout, self.clock))
        self.clock += self.takes
        step = self.script[min(len(self.posts), len(self.script)) - 1]
        outcome = step(body) if callable(step) else step
        if isinstance(outcome, TransportError):
            raise outcome
        assert isinstance(outcome, RawAnswer)
        return outcome

    def close(self) -> None:
        self.closed += 1

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        if len(self.waits) == self.stop_at_wait:
            return True
        self.clock += seconds
        return False

    def sender(self, policy: RetryPolicy, timeout: float = 10.0, random_number: float = 1.0) -> Sender:
        return Sender(
            self,
            policy,
            timeout,
            clock=lambda: self.clock,
            wait=self.wait,
            random_number=lambda: random_number,
            now=lambda: 1769828400.0,
        )
