# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task turns options into a result: sent or only checked, complete for every outcome, and without a key."""

from __future__ import annotations

import json
import re
import sys
from typing import Any, Callable

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import (
    MissingLibraryError,
    OptionError,
    TransportError,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Prepared
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import Settings
from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Sender
from ansible_collections.oncall.pagerduty.plugins.module_utils._task import (
    CHANGE,
    INCIDENT,
    Plan,
    Queue,
    TaskKind,
    new_sender,
    plan,
    run,
    unusable,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._transport import RawAnswer
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret
from ansible_collections.oncall.pagerduty.tests.unit.plugins.module_utils.support.world import World

KEY = "R0123456789abcdefGHIJKLMNOPqrstu"
PROXY = "http://user:hunter2@proxy.example.com:3128"
ACCEPTED = RawAnswer(202, {}, b'{"status":"success","message":"Event processed","dedup_key":"k"}')
ALWAYS = {
    "changed",
    "msg",
    "accepted",
    "queued",
    "status",
    "message",
    "errors",
    "has_errors",
    "attempts",
    "elapsed",
    "shortened",
    "left_out",
}


def planned(kind: TaskKind, **options: Any) -> Plan:
    defaults = {name: spec.get("default") for name, spec in kind.spec.items()}
    return plan(kind, {**defaults, "summary": "s", "routing_key": KEY, **options}, host="db1")


def through(world: World) -> Callable[[Settings], Sender]:
    return lambda how: world.sender(how.policy, how.timeout)


def result_of(kind: TaskKind, *script: Any, check_mode: bool = False, diff: bool = False, **options: Any) -> Any:
    world = World(list(script), takes=0.1234567)
    task = planned(kind, jitter=False, **options)
    result = run(task, check_mode, diff, through(world))
    assert_no_secret(result, KEY, "hunter2")
    assert json.loads(json.dumps(result)) == result  # nothing but plain JSON types
    return result


def test_an_accepted_event() -> None:
    assert result_of(INCIDENT, ACCEPTED, dedup_key="k", timestamp="2026-01-31T03:00:00Z") == {
        "changed": True,
        "msg": "PagerDuty accepted the trigger event 'k'.",
        "accepted": True,
        "queued": False,
        "status": "success",
        "message": "Event processed",
        "errors": [],
        "has_errors": False,
        "attempts": 1,
        "elapsed": 0.123,
        "http_status": 202,
        "dedup_key": "k",
        "shortened": [],
        "left_out": [],
        "warnings": [],
        "event": {
            "routing_key": "********",
            "event_action": "trigger",
            "dedup_key": "k",
            "client": "Ansible",
            "payload": {
                "summary": "s",
                "source": "db1",
                "severity": "error",
                "timestamp": "2026-01-31T03:00:00.000+00:00",
            },
        },
    }


@pytest.mark.parametrize("kind", [INCIDENT, CHANGE], ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    ("step", "status", "http_status"),
    [
        (RawAnswer(400, {}, b"Invalid routing key"), "Bad Request", 400),
        (RawAnswer(503, {}, b""), "Service Unavailable", 503),
        (TransportError("no connection to x: refused", maybe_taken=False), "no answer", None),
        (TransportError(f"the proxy said {KEY} about {PROXY}", maybe_taken=False), "no answer", None),
    ],
)
def test_a_failed_event(kind: TaskKind, step: Any, status: str, http_status: int | None) -> None:
    result = result_of(kind, step, proxy=PROXY)
    assert result["failed"] is True
    assert (result["changed"], result["accepted"], result["has_errors"]) == (False, False, True)
    assert (result["status"], result.get("http_status")) == (status, http_status)
    assert result["attempts"] == len(result["errors"])
    assert set(result) >= ALWAYS | {"event"}


def test_check_mode_sends_nothing_and_says_what_would_go_out() -> None:
    world = World([ACCEPTED])
    result = run(planned(INCIDENT, dedup_key="k"), True, False, through(world))
    assert world.posts == []
    assert set(result) >= ALWAYS | {"event", "dedup_key"}
    assert (result["changed"], result["accepted"], result["status"], result["attempts"]) == (True, False, "not sent", 0)
    assert result["msg"] == "Check mode: the trigger event is valid and was not sent."
    assert "failed" not in result
    assert_no_secret(result, KEY)


@pytest.mark.parametrize("check_mode", [True, False])
def test_diff_shows_the_event_without_its_key(check_mode: bool) -> None:
    result = result_of(INCIDENT, ACCEPTED, check_mode=check_mode, diff=True)
    assert json.loads(result["diff"]["after"]) == result["event"]
    assert (result["diff"]["before"], result["diff"]["after_header"]) == ("", "trigger event to PagerDuty")


def test_without_diff_there_is_none() -> None:
    assert "diff" not in result_of(INCIDENT, ACCEPTED)


def test_a_trigger_without_a_key_gets_another_one_each_time() -> None:
    keys = {planned(INCIDENT).event.dedup_key or "" for _turn in range(10)}
    assert len(keys) == 10
    assert all(re.fullmatch("ansible-[0-9a-f-]{36}", key) for key in keys)


def test_what_was_shortened_or_filled_in_is_told() -> None:
    result = result_of(INCIDENT, ACCEPTED, summary=" ", source="x" * 3, dedup_key="k" * 300)
    assert result["shortened"] == ["dedup_key: 300 characters replaced by a beginning and a SHA-256"]
    assert len(result["dedup_key"]) == 255
    assert result["warnings"] == [
        "PagerDuty event: summary is blank, so 'Triggered by Ansible on xxx' is sent in its place"
    ]


@pytest.mark.parametrize(
    ("kind", "options", "noun"),
    [
        (INCIDENT, {}, "trigger event"),
        (INCIDENT, {"state": "acknowledged", "dedup_key": "k"}, "acknowledge event"),
        (INCIDENT, {"state": "resolved", "dedup_key": "k"}, "resolve event"),
        (CHANGE, {}, "change event"),
    ],
)
def test_each_event_has_its_name(kind: TaskKind, options: dict[str, Any], noun: str) -> None:
    assert planned(kind, **options).noun == noun


def test_a_change_has_no_key_in_its_result() -> None:
    assert "dedup_key" not in result_of(CHANGE, ACCEPTED)


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"routing_key": KEY[:-1]}, "routing_key"),
        ({"routing_key": None}, "routing_key"),
        ({"api_url": "http://example.com"}, "api_url"),
        ({"proxy": "hunter2"}, "proxy"),
        ({"timeout": 0}, "timeout"),
        ({"max_retries": -1}, "max_retries"),
    ],
)
@pytest.mark.parametrize("kind", [INCIDENT, CHANGE], ids=lambda kind: kind.name)
def test_a_value_that_cannot_be_used_is_refused_before_anything_is_sent(
    kind: TaskKind, options: dict[str, Any], option: str
) -> None:
    with pytest.raises(OptionError) as caught:
        planned(kind, **options)
    assert caught.value.option == option
    result = unusable(caught.value)
    assert set(result) >= ALWAYS
    assert (result["failed"], result["changed"], result["attempts"]) == (True, False, 0)
    assert result["msg"] == str(caught.value)
    assert_no_secret([result, caught.value], KEY[:-1])


WRONG: dict[str, Any] = {"timestamp": "now", "links": [{"href": ""}], "link_text": "alone", "images": ["http://x"]}


@pytest.mark.parametrize("kind", [INCIDENT, CHANGE], ids=lambda kind: kind.name)
def test_what_only_decorates_an_event_is_left_out_and_told(kind: TaskKind) -> None:
    result = result_of(kind, ACCEPTED, **WRONG)
    assert result["accepted"]
    assert sorted(told.partition(":")[0] for told in result["left_out"]) == ["images", "links", "links", "timestamp"]
    assert result["warnings"] == [f"PagerDuty event: {told}" for told in result["left_out"]]
    assert not {"links", "images"} & set(result["event"])


@pytest.mark.parametrize("kind", [INCIDENT, CHANGE], ids=lambda kind: kind.name)
def test_check_mode_fails_for_what_would_be_left_out(kind: TaskKind) -> None:
    result = run(planned(kind, **WRONG), True, False, through(World([ACCEPTED])))
    assert (result["failed"], result["changed"], result["accepted"], result["attempts"]) == (True, False, False, 0)
    assert set(result) >= ALWAYS | {"event"}
    assert result["errors"] == result["left_out"] != []
    for told in result["left_out"]:
        assert told in result["msg"]


def test_details_as_name_and_value_are_taken_and_what_became_of_them_is_told() -> None:
    result = result_of(INCIDENT, ACCEPTED, custom_details="lag=412")
    assert result["event"]["payload"]["custom_details"] == {"lag": "412"}
    (warning,) = result["warnings"]
    assert warning.startswith("PagerDuty event: custom_details: a text was given and read as name=value")
    assert result["left_out"] == []


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("option", ["ca_path", "client_cert"])
def test_a_missing_certificate_is_refused_in_check_mode_too(option: str, check_mode: bool) -> None:
    with pytest.raises(OptionError, match=rf"^{option}: there is no file '/missing' on the machine that sends"):
        run(planned(INCIDENT, **{option: "/missing"}), check_mode, False)


def queue_that(put: Callable[[Prepared, Settings, bool], str | None], comes_first: bool = False) -> Queue:
    return Queue(lambda _event: "is not waited for" if comes_first else "", put)


def not_wanted(_event: Prepared, _how: Settings, _maybe_taken: bool) -> str | None:
    pytest.fail("the event was queued")


@pytest.mark.parametrize("comes_first", [True, False])
@pytest.mark.parametrize("maybe_taken", [True, False])
def test_an_event_that_can_be_queued_does_not_fail_its_task(comes_first: bool, maybe_taken: bool) -> None:
    kept: list[Any] = []
    world = World([TransportError(f"nothing came back for {KEY}", maybe_taken)])
    task = planned(INCIDENT, max_retries=1)
    queue = queue_that(lambda *arguments: kept.append(arguments), comes_first)
    result = run(task, False, False, through(world), queue)
    assert kept == [(task.event, task.settings, maybe_taken and not comes_first)]
    assert len(world.posts) == (0 if comes_first else 2)
    assert (result["changed"], result["queued"], result["accepted"], result["failed"]) == (True, True, False, False)
    assert "It is queued on the controller" in result["msg"]
    assert ("nothing came back" in result["msg"]) is not comes_first
    assert set(result) >= ALWAYS | {"event", "dedup_key"}
    assert_no_secret(result, KEY)


@pytest.mark.parametrize("comes_first", [True, False])
def test_an_event_that_cannot_be_queued_either_fails_its_task(comes_first: bool) -> None:
    queue = queue_that(lambda _event, _how, _maybe_taken: f"the disk is full of {KEY}", comes_first)
    result = run(planned(INCIDENT), False, False, through(World([RawAnswer(503, {}, b"")])), queue)
    assert (result["changed"], result["queued"], result["failed"]) == (False, False, True)
    assert "It could not be queued either: the disk is full" in result["msg"]
    assert_no_secret(result, KEY)


@pytest.mark.parametrize("step", [ACCEPTED, RawAnswer(400, {}, b"Invalid routing key")])
def test_what_pagerduty_has_decided_is_not_queued(step: RawAnswer) -> None:
    result = run(planned(INCIDENT), False, False, through(World([step])), queue_that(not_wanted))
    assert result["queued"] is False
    assert result.get("failed", False) is (step is not ACCEPTED)


@pytest.mark.parametrize("comes_first", [True, False])
def test_check_mode_queues_nothing(comes_first: bool) -> None:
    result = run(planned(INCIDENT), True, False, through(World([ACCEPTED])), queue_that(not_wanted, comes_first))
    assert result["queued"] is False


def test_a_missing_library_makes_a_result_too() -> None:
    result = unusable(MissingLibraryError("requests", "Traceback …"))
    assert set(result) >= ALWAYS
    assert result["msg"] == f"the Python library requests is missing for {sys.executable}"


def test_by_itself_a_sender_follows_the_settings() -> None:
    sender = new_sender(planned(INCIDENT, timeout=3.0, max_retries=1).settings)
    assert isinstance(sender, Sender)
    sender.close()
