# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sender keeps its promises: fixed bytes, no retry of what is final, bounded time, a full report, no key in it."""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from email.utils import formatdate
from typing import Any, Callable

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import TransportError
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
from ansible_collections.oncall.pagerduty.plugins.module_utils._transport import RawAnswer
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret
from ansible_collections.oncall.pagerduty.tests.unit.plugins.module_utils.support.world import Step, World

KEY = "R0123456789abcdefGHIJKLMNOPqrstu"
PLAIN = RetryPolicy(max_retries=5, base_interval=1, max_interval=60, jitter=False, deadline=1000)

ACCEPTED = RawAnswer(202, {}, b'{"status":"success","message":"Event processed","dedup_key":"k"}')
REFUSED = RawAnswer(400, {}, b'{"status":"invalid event","message":"Event object is invalid","errors":["a","b"]}')
BUSY = RawAnswer(503, {}, b"<html>")
THROTTLED = RawAnswer(429, {"retry-after": "7"}, b'{"status":"throttle exceeded","message":"Too quickly."}')
UNREACHABLE = TransportError("no connection to example.com: Connection refused", maybe_taken=False)
SILENT = TransportError("no answer from example.com within 10 s", maybe_taken=True)


def event(api: Api = Api.V2) -> Prepared:
    what: Any = Change("s") if api is Api.CHANGE else Alert(Action.TRIGGER, summary="s")
    return prepare(what, KEY, now=1769828400.0, new_key="new-key", host="h", api=api)


def deliver(world: World, policy: RetryPolicy = PLAIN, api: Api = Api.V2, **sender: Any) -> Delivery:
    delivery = world.sender(policy, **sender).send(event(api))
    assert_no_secret(delivery, KEY)
    return delivery


# --- 1. the body is fixed before the first attempt --------------------------------------------------------------------


@pytest.mark.parametrize("api", Api)
def test_every_attempt_posts_the_same_bytes_to_the_same_path(api: Api) -> None:
    world = World([BUSY, SILENT, UNREACHABLE, THROTTLED, BUSY, BUSY])
    deliver(world, api=api)
    assert len(world.posts) == 6
    assert {(post.path, post.body) for post in world.posts} == {(api.value, event(api).body)}


def test_a_trigger_without_a_key_has_one_before_the_first_attempt() -> None:
    world = World([SILENT, ACCEPTED])
    assert deliver(world).dedup_key == "new-key"
    assert all(b'"dedup_key":"new-key"' in post.body for post in world.posts)


# --- 2. what is tried again -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308, 400, 401, 402, 404, 405, 410, 413, 422, 499])
@pytest.mark.parametrize("api", Api)
def test_a_final_answer_is_never_tried_again(api: Api, status: int) -> None:
    world = World([RawAnswer(status, {"retry-after": "1"}, b""), ACCEPTED])
    delivery = deliver(world, api=api)
    assert (delivery.outcome, delivery.attempts, len(world.posts), world.waits) == (Outcome.REFUSED, 1, 1, [])


@pytest.mark.parametrize("step", [BUSY, THROTTLED, UNREACHABLE, SILENT, RawAnswer(408, {}, b"")])
@pytest.mark.parametrize("api", Api)
def test_what_may_pass_is_tried_again_until_it_is_accepted(api: Api, step: Any) -> None:
    world = World([step, step, ACCEPTED])
    delivery = deliver(world, api=api)
    assert (delivery.outcome, delivery.attempts, len(world.posts)) == (Outcome.ACCEPTED, 3, 3)


@pytest.mark.parametrize(("api", "outcome"), [(Api.V1, Outcome.ACCEPTED), (Api.V2, Outcome.REFUSED)])
def test_403_is_a_throttle_for_v1_alone(api: Api, outcome: Outcome) -> None:
    assert deliver(World([RawAnswer(403, {}, b""), ACCEPTED]), api=api).outcome is outcome


def test_a_final_answer_after_others_ends_it() -> None:
    delivery = deliver(World([BUSY, REFUSED, ACCEPTED]))
    assert (delivery.outcome, delivery.attempts, delivery.http_status) == (Outcome.REFUSED, 2, 400)


def test_after_an_acceptance_nothing_more_is_posted() -> None:
    world = World([ACCEPTED, REFUSED])
    deliver(world)
    assert len(world.posts) == 1


# --- 3. when ----------------------------------------------------------------------------------------------------------


def test_the_waits_are_those_of_the_policy() -> None:
    world = World([BUSY])
    deliver(world)
    assert world.waits == [1, 2, 4, 8, 16]


def test_gopherduty_waits() -> None:
    world = World([BUSY])
    deliver(world, RetryPolicy(max_retries=4, base_interval=10, max_interval=3600, jitter=False, deadline=86_400))
    assert world.waits == [10, 20, 40, 80]


def test_jitter_draws_a_number_for_each_wait() -> None:
    world = World([BUSY])
    numbers = iter([0.5, 0.25, 0.0])
    sender = Sender(
        world, RetryPolicy(3, 1, 60, True, 1000), 10, lambda: world.clock, world.wait, lambda: next(numbers), lambda: 0
    )
    numbers = iter([0.5, 0.25, 0.0, 0.0])
    sender.send(event())
    assert world.waits == [0.5, 0.5, 0.0]


def test_retry_after_in_seconds_and_as_a_date_is_waited_for_and_capped() -> None:
    date = formatdate(1769828400 + 30, usegmt=True)
    answers = [RawAnswer(503, {"retry-after": value}, b"") for value in ("7", date, "86400", "0", "soon")]
    world = World([*answers, ACCEPTED])
    deliver(world)
    assert world.waits == [7, 30, 60, 8, 16]


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_max_retries_bounds_the_attempts(retries: int) -> None:
    world = World([BUSY])
    delivery = deliver(world, dataclasses.replace(PLAIN, max_retries=retries))
    assert delivery.attempts == len(world.posts) == retries + 1
    assert len(world.waits) == retries
    assert delivery.gave_up == ("no retry is left" if retries else "max_retries is 0")


def test_an_attempt_gets_no_more_time_than_the_deadline_leaves() -> None:
    world = World([SILENT], takes=6)
    deliver(world, RetryPolicy(5, 1, 60, False, deadline=16), timeout=8)
    assert [post.timeout for post in world.posts] == [8, 8, 1]  # at 0, 7 and 15 s


def test_an_attempt_always_has_some_time() -> None:
    clock = iter([0.0, 50.0, 50.0, 50.0])
    world = World([BUSY])
    Sender(world, RetryPolicy(deadline=1), 10, lambda: next(clock), world.wait).send(event())
    assert world.posts[0].timeout == 0.001


def test_nothing_is_begun_after_the_deadline_whatever_happens() -> None:
    dice = random.Random(3)
    retried = 0
    for trial in range(3_000):
        policy = RetryPolicy(
            max_retries=dice.randrange(10),
            base_interval=10 ** dice.uniform(-3, 2),
            max_interval=10 ** dice.uniform(-3, 3),
            jitter=dice.random() < 0.5,
            deadline=10 ** dice.uniform(-1, 3),
        )
        asked = RawAnswer(429, {"retry-after": str(dice.randrange(1000))}, b"")
        steps: list[Step] = [BUSY, SILENT, UNREACHABLE, asked, ACCEPTED, REFUSED]
        script = dice.choices(steps, [9, 9, 9, 9, 3, 1], k=12)
        world = World(script, takes=dice.choice([0, 10 ** dice.uniform(-3, 2)]))
        delivery = world.sender(policy, 10, dice.random()).send(event())
        end = 1000 + policy.deadline
        assert all(post.time < end for post in world.posts), trial
        assert all(post.time + post.timeout <= max(end, post.time + 0.001) + 1e-9 for post in world.posts), trial
        assert sum(world.waits) < policy.deadline, trial
        assert delivery.elapsed <= policy.deadline + world.takes, trial
        assert delivery.attempts == len(world.posts) <= policy.max_retries + 1, trial
        assert len(delivery.errors) == delivery.attempts - delivery.accepted, trial
        retried += delivery.attempts > 1
    assert retried > 500  # else the trials would show nothing


@pytest.mark.parametrize("wait", [1, 2])
def test_being_told_to_stop_ends_a_wait_and_the_sending_at_once(wait: int) -> None:
    world = World([BUSY, SILENT, ACCEPTED], stop_at_wait=wait)
    delivery = deliver(world)
    assert (delivery.outcome, delivery.gave_up) == (Outcome.UNDELIVERED, "the sender was told to stop")
    assert delivery.attempts == len(world.posts) == wait


def test_a_threading_event_stops_a_real_wait() -> None:
    world = World([BUSY])
    stop = threading.Event()
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    began = time.monotonic()
    delivery = Sender(world, RetryPolicy(5, 30, 60, False, 1000), 10, wait=stop.wait).send(event())
    assert time.monotonic() - began < 25
    assert delivery.gave_up == "the sender was told to stop"
    timer.join()


def test_by_itself_a_sender_really_waits_and_goes_on() -> None:
    began = time.monotonic()
    delivery = Sender(World([BUSY, ACCEPTED]), RetryPolicy(5, 0.05, 60, False, 10), 10).send(event())
    assert delivery.accepted
    assert time.monotonic() - began >= 0.05
    assert delivery.elapsed >= 0.05


# --- 4. what comes back -----------------------------------------------------------------------------------------------


def test_an_acceptance_at_once() -> None:
    assert deliver(World([ACCEPTED], takes=0.25)) == Delivery(
        Outcome.ACCEPTED, "success", "Event processed", "new-key", (), 1, 0.25, http_status=202
    )


def test_an_acceptance_after_failures_tells_of_each() -> None:
    delivery = deliver(World([SILENT, THROTTLED, ACCEPTED], takes=0.5))
    assert delivery == Delivery(
        Outcome.ACCEPTED,
        "success",
        "Event processed",
        "new-key",
        (
            "attempt 1: no answer from example.com within 10 s",
            "attempt 2: HTTP 429 Too quickly.",
        ),
        3,
        0.5 + 1 + 0.5 + 7 + 0.5,
        http_status=202,
    )
    assert delivery.accepted
    assert delivery.has_errors


def test_a_refusal() -> None:
    assert deliver(World([REFUSED])) == Delivery(
        Outcome.REFUSED,
        "invalid event",
        "Event object is invalid",
        "new-key",
        ("attempt 1: HTTP 400 Event object is invalid (a; b)",),
        1,
        0.0,
        http_status=400,
    )


def test_an_undelivered_event_says_why_nobody_tries_on() -> None:
    delivery = deliver(World([UNREACHABLE, THROTTLED]), dataclasses.replace(PLAIN, max_retries=1))
    assert delivery == Delivery(
        Outcome.UNDELIVERED,
        "throttle exceeded",
        "Too quickly.",
        "new-key",
        ("attempt 1: no connection to example.com: Connection refused", "attempt 2: HTTP 429 Too quickly."),
        2,
        1.0,
        http_status=429,
        gave_up="no retry is left",
        retry_after=7.0,
    )


def test_without_any_answer_the_message_is_what_kept_it_away() -> None:
    delivery = deliver(World([BUSY, UNREACHABLE]), dataclasses.replace(PLAIN, max_retries=1))
    assert (delivery.status, delivery.http_status, delivery.message) == ("no answer", None, str(UNREACHABLE))


@pytest.mark.parametrize(
    ("script", "maybe"),
    [
        ([UNREACHABLE], False),
        ([BUSY], False),
        ([SILENT], True),
        ([SILENT, UNREACHABLE], True),
        ([SILENT, BUSY], True),
        ([UNREACHABLE, SILENT], True),
        ([SILENT, REFUSED], True),
        ([UNREACHABLE, REFUSED], False),
    ],
)
def test_one_attempt_without_an_answer_leaves_a_doubt(script: list[Any], maybe: bool) -> None:
    delivery = deliver(World(script), dataclasses.replace(PLAIN, max_retries=1))
    assert not delivery.accepted
    assert delivery.maybe_taken is maybe


@pytest.mark.parametrize("failures", range(6))
def test_each_failed_attempt_is_one_numbered_line(failures: int) -> None:
    many_lines = RawAnswer(500, {}, b'{"status":"a\\nb","message":"c\\r\\nd","errors":["e\\u2028f"]}')
    steps: list[Step] = [many_lines, SILENT, BUSY, BUSY, BUSY]
    delivery = deliver(World([*steps[:failures], ACCEPTED]))
    assert [line.split(":")[0] for line in delivery.errors] == [f"attempt {n}" for n in range(1, failures + 1)]
    assert all(len(line.splitlines()) == 1 for line in delivery.errors)


@pytest.mark.parametrize("script", [[ACCEPTED], [BUSY, ACCEPTED], [REFUSED], [UNREACHABLE]])
def test_gopherdutys_response_is_a_subset(script: list[Any]) -> None:
    """gopherduty's PagerDutyResponse: Status, Message, IncidentKey, Errors (a list of texts), HasErrors()."""
    delivery = deliver(World(script))
    assert isinstance(delivery.status, str)
    assert isinstance(delivery.message, str)
    assert delivery.dedup_key == "new-key"
    assert all(isinstance(error, str) for error in delivery.errors)
    assert delivery.has_errors is (len(delivery.errors) > 0) is (script != [ACCEPTED])


def test_a_change_event_has_no_key() -> None:
    assert deliver(World([ACCEPTED]), api=Api.CHANGE).dedup_key is None


def test_closing_lets_go_of_the_connection() -> None:
    world = World([ACCEPTED])
    world.sender(PLAIN).close()
    assert world.closed == 1


# --- 5. no key anywhere -----------------------------------------------------------------------------------------------


def echo_in_json(body: bytes) -> RawAnswer:
    quoted = body.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    template = b'{"status":"bad %s","message":"Cannot use %s","errors":["%s","key %s"]}'
    return RawAnswer(400, {}, template % (KEY.encode(), quoted, KEY.encode(), KEY.encode()))


def echo_in_text(body: bytes) -> RawAnswer:
    return RawAnswer(400, {}, b"refused " + body)


def echo_escaped(_body: bytes) -> RawAnswer:
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
    return RawAnswer(503, {}, f'{{"status":"{escaped}","message":"{escaped}","errors":["{escaped}"]}}'.encode())


def echo_by_a_proxy(_body: bytes) -> TransportError:
    return TransportError(f"the proxy did not connect to example.com: bad request {KEY}", maybe_taken=False)


@pytest.mark.parametrize("echo", [echo_in_json, echo_in_text, echo_escaped, echo_by_a_proxy])
@pytest.mark.parametrize("api", Api)
def test_a_server_that_echoes_the_key_does_not_make_us_show_it(echo: Callable[..., Any], api: Api) -> None:
    delivery = deliver(World([echo]), dataclasses.replace(PLAIN, max_retries=1), api)
    assert delivery.has_errors
    assert_no_secret(delivery, KEY)
    assert "********" in " ".join([delivery.status, delivery.message, *delivery.errors])


@pytest.mark.parametrize("form", [b"%s", b'{"status":"%s","message":"%s","errors":["%s"]}'])
def test_no_part_of_a_key_is_left_where_a_long_text_is_cut(form: bytes) -> None:
    """A text is cut to 300 characters, plain ones are read up to 4096 bytes: no half of a key may stand at the end."""
    for length in [*range(260, 302), *range(4060, 4098)]:
        text = b"x" * length + KEY.encode()
        body = form % ((text,) * form.count(b"%s"))
        delivery = World([RawAnswer(400, {}, body)]).sender(PLAIN).send(event())
        assert_no_secret(delivery, KEY[:6])
