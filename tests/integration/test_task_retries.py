# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the tasks try again, seen from PagerDuty's side: how often, how fast, and that one incident is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.tests.integration.support.events import (
    AT_ONCE,
    BOTH_PATHS,
    HOSTS,
    change,
    incident,
    on_path,
    play,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible, Run
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Received, Simulator

#: the first retry's wait, in seconds, of the task that is as patient as gopherduty, scaled down
BASE = 0.2

#: A wait ends this early at most as PagerDuty sees it: the request before it may have been noticed late.
NOTICED_LATE = 0.1
#: a generous word for "soon" on a busy machine, far from the waits that must not happen
SOON = 10

#: what goes wrong for the task of this name, and the options that differ from the others'
CASES: dict[str, tuple[list[Fault], dict[str, Any]]] = {
    "throttled": ([Fault("throttle", count=2)], {}),
    "throttled, v1": ([Fault("throttle", count=2)], {"api_version": "v1"}),
    "asked to wait": ([Fault("throttle", retry_after=1)], {"retry_base_interval": 30, "jitter": False}),
    "asked to wait too long": ([Fault("throttle", retry_after="date:3600")], {"retry_max_interval": 0.05}),
    "outage": ([Fault("status", count=3)], {}),
    "reset after taken": ([Fault("reset_after")], {}),
    "closed before taken": ([Fault("close_before")], {}),
    "black hole": ([Fault("black_hole")], {"timeout": 0.3}),
    "as gopherduty": (
        [Fault("status", count=3)],
        {"api_version": "v1", "max_retries": 3, "retry_base_interval": BASE, "jitter": False},
    ),
    "few retries": ([Fault("status", count=99)], {"max_retries": 1}),
    "deadline": ([Fault("status"), Fault("throttle", count=99, retry_after=40)], {"deadline": 30}),
}


def key_of(name: str) -> str:
    """An integration key of the case's own."""
    return f"{list(CASES).index(name):032d}"


@dataclass(frozen=True)
class Story:
    """One path's run of all cases."""

    run: Run
    simulator: Simulator

    def result(self, name: str) -> dict[str, Any]:
        return self.run.task(name, "db1").result

    def requests(self, name: str) -> list[Received]:
        return [request for request in self.simulator.requests if request.key == key_of(name)]

    def gaps(self, name: str) -> list[float]:
        """Seconds between the requests."""
        times = [request.time for request in self.requests(name)]
        return [later - earlier for earlier, later in zip(times, times[1:])]


@pytest.fixture(scope="module", params=BOTH_PATHS)
def story(request: pytest.FixtureRequest, installed_collection: Any, tmp_path_factory: Any) -> Any:
    """What came of all cases on a path."""
    tasks = [
        incident(name, {"summary": name, "dedup_key": name, "routing_key": key_of(name), **AT_ONCE, **options})
        for name, (_faults, options) in CASES.items()
    ]
    tasks.append(change("change", {"summary": "change", "routing_key": "f" * 32, **AT_ONCE}))
    with Simulator() as simulator:
        simulator.add_fault(Fault("status", count=2, key="f" * 32))
        for name, (faults, _options) in CASES.items():
            for fault in faults:
                simulator.add_fault(Fault.from_mapping({**vars(fault), "key": key_of(name)}))
        run = Ansible(tmp_path_factory.mktemp(request.param), installed_collection).tasks(
            on_path(request.param, tasks), play=play(simulator), inventory=HOSTS
        )
        yield Story(run, simulator)


@pytest.mark.parametrize(
    ("name", "attempts"),
    [
        ("throttled", 3),
        ("throttled, v1", 3),
        ("asked to wait", 2),
        ("asked to wait too long", 2),
        ("outage", 4),
        ("reset after taken", 2),
        ("closed before taken", 2),
        ("black hole", 2),
        ("as gopherduty", 4),
        ("change", 3),
    ],
)
def test_what_may_pass_is_tried_until_it_is_accepted(story: Story, name: str, attempts: int) -> None:
    result = story.result(name)

    assert (result["accepted"], result["attempts"]) == (True, attempts)
    assert (result["has_errors"], len(result["errors"])) == (True, attempts - 1)
    if name != "change":
        assert len(story.requests(name)) == attempts
        assert f"accepted the trigger event {name!r} after {attempts} attempts in " in result["msg"]


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("few retries", "deadline")])
def test_however_often_it_is_sent_one_incident_is_opened(story: Story, name: str) -> None:
    assert len([incident for incident in story.simulator.incidents if incident.dedup_key == name]) == 1
    assert len({request.body for request in story.requests(name)}) == 1


def test_an_event_taken_without_an_answer_is_the_same_incident_when_sent_again(story: Story) -> None:
    (opened,) = [incident for incident in story.simulator.incidents if incident.dedup_key == "reset after taken"]

    assert [entry.action for entry in opened.log] == ["trigger", "trigger"]
    assert "broke before an answer came" in story.result("reset after taken")["errors"][0]


def test_the_waits_are_gopherdutys(story: Story) -> None:
    for gap, expected in zip(story.gaps("as gopherduty"), (BASE, 2 * BASE, 4 * BASE), strict=True):
        assert expected - NOTICED_LATE <= gap < expected + SOON
    assert story.result("as gopherduty")["elapsed"] >= 7 * BASE


def test_a_wait_that_is_asked_for_takes_the_place_of_the_computed_one(story: Story) -> None:
    (gap,) = story.gaps("asked to wait")

    assert 1 - NOTICED_LATE <= gap < SOON


def test_a_wait_that_is_asked_for_is_capped(story: Story) -> None:
    (gap,) = story.gaps("asked to wait too long")

    assert gap < SOON
    assert story.result("asked to wait too long")["elapsed"] >= 0.05


def test_an_attempt_ends_when_its_time_is_up(story: Story) -> None:
    assert story.gaps("black hole")[0] < SOON
    assert story.result("black hole")["elapsed"] >= 0.3
    assert "within 0.3 s" in story.result("black hole")["errors"][0]


def test_it_gives_up_after_max_retries(story: Story) -> None:
    result = story.result("few retries")

    assert (result["accepted"], result["attempts"], len(story.requests("few retries"))) == (False, 2, 2)
    assert "2 attempts in" in result["msg"]
    assert "no retry is left" in result["msg"]


def test_it_begins_no_wait_that_would_overrun_the_deadline(story: Story) -> None:
    result = story.result("deadline")

    # It tries again at once; the wait of 40 s that is asked for then would end after the deadline.
    assert (result["accepted"], result["attempts"]) == (False, 2)
    assert result["elapsed"] < 30
    assert "the next attempt would come after the deadline of 30" in result["msg"]
