# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One trial: a simulator that fails in ways drawn from a seed, events sent to it in real time, and what must hold then.

Everything random comes from the seed; what the clock and the threads make of it does not, so that a trial run again
meets the same faults, though not to the millisecond.
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Iterable

from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import (
    Action,
    Alert,
    Api,
    Change,
    Prepared,
    prepare,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import RetryPolicy
from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Delivery, Outcome, Sender
from ansible_collections.oncall.pagerduty.plugins.module_utils._transport import RequestsTransport
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

KEY = "0123456789abcdefGHIJKLMNOPQRSTUV"  # no ruleset's, which would take no change events
TIMEOUT = 0.2
# How many seconds beyond its deadline an event may take: what hangs takes longer, what a busy machine delays does not.
LATE = 10.0
PARALLEL = 6  # trials mostly wait

# What may be answered although the event was not accepted, and what is for good.
_REFUSALS = ("HTTP 3", "HTTP 4", "HTTP 5")
_RETRIED = {Api.V2: (408, 429), Api.CHANGE: (408, 429), Api.V1: (403, 408, 429)}


@dataclass(frozen=True)
class Sent:
    """An event, what came back for it, and how long that took by the trial's own clock."""

    summary: str
    event: Prepared
    delivery: Delivery
    seconds: float
    policy: RetryPolicy


def run(seed: int) -> list[Delivery]:
    """Run the trial of a seed and return what came back; AssertionError with the whole story if a promise is broken."""
    dice = random.Random(seed)
    faults = _faults(dice)
    rate_limit = dice.choice([0, 0, 2])
    with Simulator(seed=seed, rate_limit=rate_limit) as pagerduty:
        for fault in faults:
            pagerduty.add_fault(fault)
        outage = threading.Thread(target=_outage, args=(pagerduty, dice.uniform(0, 0.2), dice.uniform(0.05, 0.4)))
        with_outage = dice.random() < 0.15
        if with_outage:
            outage.start()
        sent = _send_all(pagerduty.url, dice)
        if with_outage:
            outage.join()
        for each in sent:
            try:
                _check(each, pagerduty)
            except AssertionError as error:
                raise AssertionError(_story(seed, sent, pagerduty, str(error))) from None
    return [each.delivery for each in sent]


def run_all(seeds: Iterable[int]) -> dict[int, Future[list[Delivery]]]:
    """Run the trials of these seeds, some at a time; returns what came of each when all have ended.

    Nothing else may go on meanwhile: pytest changes the environment between tests, and a sender reads it.
    """
    with ThreadPoolExecutor(PARALLEL) as pool:
        return {seed: pool.submit(run, seed) for seed in seeds}


# --- what happens -----------------------------------------------------------------------------------------------------


def _faults(dice: random.Random) -> list[Fault]:
    """A mixture of faults: some strike the first requests one after another, some now and then."""
    faults = [_fault(dice, count=dice.choice([1, 1, 1, 2, 3])) for _turn in range(dice.choice([0, 1, 1, 2, 2, 3, 5]))]
    faults += [_fault(dice, probability=dice.choice([0.1, 0.3, 0.6])) for _turn in range(dice.choice([0, 0, 1, 2]))]
    if dice.random() < 0.05:
        faults.append(_fault(dice, probability=1.0))  # never well again
    return faults


def _fault(dice: random.Random, **when: Any) -> Fault:
    kind = dice.choice(
        ["status"] * 6
        + ["throttle", "throttle", "latency", "latency", "reset_before", "reset_after", "close_before", "close_after"]
        + ["black_hole", "slow_headers", "slow_body", "truncated", "bad_gzip", "not_json", "redirect"]
    )
    more: dict[str, Any] = {}
    if kind == "status":
        more["code"] = dice.choice([500, 502, 503, 503, 503, 504, 408, 429, 403, 400, 404])
        more["body"] = dice.choice(["empty", "html", "text", "json", '{"errors": [null, {"a": "' + KEY + '"}]', KEY])
    if kind in ("status", "throttle"):
        more["retry_after"] = dice.choice([None, None, 0, 1, 3600, "-1", "soon", "date:1", "date:-60"])
    if kind == "not_json":
        more["body"] = dice.choice(["empty", "html", "text", KEY])
    if kind == "latency":
        more["seconds"] = dice.choice([0.05, 0.15, 0.25, 1.0])
    if kind in ("slow_headers", "slow_body"):
        more["seconds"] = dice.choice([0.001, 0.1, 0.15])
        more["taken"] = dice.random() < 0.7
    if kind in ("truncated", "bad_gzip"):
        more["taken"] = dice.random() < 0.7
    if kind == "black_hole":
        more["taken"] = dice.random() < 0.5
    return Fault(kind, **when, **more)


def _outage(pagerduty: Simulator, begin: float, length: float) -> None:
    time.sleep(begin)
    pagerduty.stop()
    time.sleep(length)
    pagerduty.start()


def _send_all(url: str, dice: random.Random) -> list[Sent]:
    """Send one to three events, one after another, through one sender."""
    policy = RetryPolicy(
        max_retries=dice.choice([0, 1, 3, 5, 8]),
        base_interval=dice.uniform(0.001, 0.01),
        max_interval=dice.choice([0.02, 0.1, 0.5]),
        jitter=dice.random() < 0.5,
        deadline=dice.uniform(0.3, 1.5),
    )
    sender = Sender(RequestsTransport(Connection(url)), policy, TIMEOUT, random_number=dice.random)
    api = dice.choice([Api.V2, Api.V2, Api.V2, Api.V1, Api.CHANGE])
    sent = []
    for number in range(dice.choice([1, 1, 2, 3])):
        summary = f"event {number}"
        what: Any = Change(summary) if api is Api.CHANGE else Alert(Action.TRIGGER, summary=summary)
        event = prepare(what, KEY, now=time.time(), new_key=f"key {number}", host="trial", api=api)
        began = time.monotonic()
        delivery = sender.send(event)
        sent.append(Sent(summary, event, delivery, time.monotonic() - began, policy))
    sender.close()
    return sent


# --- what must hold ---------------------------------------------------------------------------------------------------


def _check(sent: Sent, pagerduty: Simulator) -> None:
    event, delivery, policy = sent.event, sent.delivery, sent.policy
    requests = [each for each in pagerduty.requests if each.summary == sent.summary]
    taken = [each for each in requests if each.taken]
    incidents = [each for each in pagerduty.incidents if each.summary == sent.summary]
    answered = [each.status for each in requests if each.status is not None]

    assert_no_secret(delivery, KEY)
    assert sent.seconds <= policy.deadline + LATE, f"hung: {sent.seconds:.2f} s, the deadline was {policy.deadline:.2f}"
    assert {each.body for each in requests} <= {event.body}, "an attempt had another body"
    assert len(requests) <= delivery.attempts <= policy.max_retries + 1, "too many attempts"
    assert len(delivery.errors) == delivery.attempts - delivery.accepted, "not one line for each failed attempt"
    assert delivery.dedup_key == event.dedup_key, "another key"

    # Accepted exactly once, or reported as not accepted.
    if delivery.accepted:
        assert any(each.taken and each.status in (200, 202) for each in requests), "lost"
    elif not delivery.maybe_taken:
        assert not taken, "taken, but reported as neither accepted nor maybe taken"
    if event.api is Api.CHANGE:
        # A change event has no key to tell two of a kind by: an attempt that stayed without an answer may repeat it.
        # So may one whose answer was not PagerDuty's own.
        unanswered = [error for error in delivery.errors if not error.partition(": ")[2].startswith(_REFUSALS)]
        assert len(taken) <= delivery.accepted + len(unanswered), "doubled"
    else:
        assert len(incidents) == bool(taken), "doubled"
        assert {each.dedup_key for each in incidents} <= {event.dedup_key}, "an incident with another key"

    # Final is final, and only what is final is refused.
    finals = [status for status in answered if _is_final(event.api, status)]
    assert len(finals) <= 1, "tried again after a final answer"
    if delivery.outcome is Outcome.REFUSED:
        assert answered[-1:] == finals, "refused without a final answer"
    if delivery.outcome is Outcome.UNDELIVERED:
        assert delivery.gave_up, "no reason for giving up"


def _is_final(api: Api, status: int) -> bool:
    return 300 <= status < 500 and status not in _RETRIED[api]


def _story(seed: int, sent: list[Sent], pagerduty: Simulator, problem: str) -> str:
    lines = [f"seed {seed}: {problem}"]
    for each in sent:
        lines.append(f"  {each.seconds:.3f} s  {each.policy}")
        lines.append(f"  {each.delivery}")
    for request in pagerduty.requests:
        lines.append(
            f"    {request.number} {request.dedup_key} -> {request.status} taken={request.taken} {request.reason}"
        )
    lines.append(f"To run it alone: python -m pytest 'tests/trials/test_trials.py::test_trial[{seed}]'")
    return "\n".join(lines)
