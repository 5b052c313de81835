# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks send, and what they return: the same from the controller and delegated to another host.

All tasks run in one playbook for each path; the tests look at what arrived at the simulator and at the results.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Callable

import pytest
import yaml

from ansible_collections.oncall.pagerduty.plugins.modules import change as change_module
from ansible_collections.oncall.pagerduty.plugins.modules import incident as incident_module
from ansible_collections.oncall.pagerduty.tests.integration.support.events import (
    AT_ONCE,
    HOSTS,
    KEY,
    OTHER_KEY,
    change,
    incident,
    on_path,
    play,
    without_chance,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible, Run
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Received, Simulator

UNKNOWN_KEY = "0" * 32
BROKEN_KEY = "1" * 32
TALKING_KEY = "2" * 32

#: YAML's own points in time, which it makes datetime objects of
MOMENTS = "certain: 2026-10-22T17:01:02Z\nuncertain: 2026-10-22 17:01:02\n"
#: the same moment in each form that people write it in
TIMES: list[Any] = [
    "{{ certain }}",
    "20261022T170102Z",
    1792688462,
    1792688462.0,
    "{{ 1792688462 }}",
    1792688462000,
    "{{ '2026-10-22 17:01:02+0000' | to_datetime('%Y-%m-%d %H:%M:%S%z') }}",
]
BADLY_DECORATED: dict[str, Any] = {
    "summary": "Decorated",
    "dedup_key": "decorated badly",
    "severity": "high",
    "timestamp": "{{ uncertain }}",
    "links": [{"href": "{{ runbook | default('') }}"}, {"href": "https://wiki.example.com/lag"}],
    "images": [{"src": ""}, {"src": "http://graphs.example.com/lag.png"}],
}

TASKS = [
    # --- incidents -----------------------------------------------------------------------------------------------
    incident(
        "trigger",
        {
            "summary": "Replica lag on {{ inventory_hostname }}",
            "dedup_key": "lag/db1",
            "source": "db1.example.com",
            "severity": "warning",
            "component": "mysql",
            "group": "shop",
            "class": "replication",
            "custom_details": {"lag_seconds": 412, "replicas": ["db2", None], "nothing": None, "nested": {"on": True}},
            "timestamp": "2026-01-31T04:00:00+01:00",
            "client": "Nightly check",
            "client_url": "https://ci.example.com/1",
            "links": [{"href": "https://wiki.example.com/lag", "text": "Runbook"}],
            "link_url": "https://ci.example.com/1",
            "images": [{"src": "https://graphs.example.com/lag.png", "alt": "Lag"}],
        },
    ),
    incident("acknowledge", {"state": "acknowledged", "dedup_key": "lag/db1"}),
    incident("resolve", {"state": "resolved", "dedup_key": "lag/db1", "summary": "Caught up", "severity": "info"}),
    incident("trigger without a key", {"summary": "Anything"}),
    incident(
        "v1 trigger",
        {
            "api_version": "v1",
            "summary": "Replica lag",
            "dedup_key": "lag/v1",
            "severity": "critical",
            "links": [{"href": "https://wiki.example.com/lag"}],
            "images": [{"src": "https://graphs.example.com/lag.png"}],
        },
    ),
    incident("v1 acknowledge", {"api_version": "v1", "state": "acknowledged", "dedup_key": "lag/v1"}),
    incident("v1 resolve", {"api_version": "v1", "state": "resolved", "dedup_key": "lag/v1"}),
    incident("loop", {"summary": "{{ item }} is full", "dedup_key": "disk/{{ item }}"}, loop=["/", "/var", "/home"]),
    # --- the names that other people's modules and programs have -------------------------------------------------
    incident(
        "names of pagerduty_alert",
        {
            "integration_key": OTHER_KEY,
            "desc": "Disk is full",
            "incident_key": "disk/cg",
            "incident_class": "disk",
            "link_url": "https://wiki.example.com/disk",
            "link_text": "Runbook",
        },
    ),
    incident(
        "names of gopherduty",
        {
            "api_version": "v1",
            "service_key": OTHER_KEY,
            "description": "FAILURE for production/HTTP",
            "incident_key": "srv01/HTTP",
            "client": "Sample Monitoring Service",
            "client_url": "https://monitoring.example.com",
            "details": {"ping time": "1500ms"},
        },
    ),
    # --- changes -------------------------------------------------------------------------------------------------
    change(
        "change",
        {
            "summary": "Deployed shop 4.2",
            "source": "ci.example.com",
            "custom_details": {"build": 220},
            "timestamp": "2026-01-31T03:00:00Z",
            "links": [{"href": "https://ci.example.com/220", "text": "Build 220"}],
            "images": [{"src": "https://ci.example.com/220.png"}],
        },
    ),
    change("change in few words", {"summary": "Deployed"}),
    change(
        "names of pagerduty_change",
        {
            "integration_key": OTHER_KEY,
            "summary": "Deployed shop 4.2",
            "user": "mary",
            "repo": "https://git.example.com/shop",
            "revision": "3f2c1d0",
            "environment": "production",
            "link_url": "https://ci.example.com/220",
            "link_text": "Build 220",
            "url": "{{ simulator_url }}/v2/change/enqueue",
            "validate_certs": True,
        },
    ),
    # --- check mode ----------------------------------------------------------------------------------------------
    incident("checked", {"summary": "Never sent", "dedup_key": "checked"}, check_mode=True, diff=True),
    change("change checked", {"summary": "Never sent"}, check_mode=True),
    incident("checked, invalid", {"state": "resolved"}, check_mode=True),
    incident("checked, bad time", {"summary": "Never sent", "timestamp": "now"}, check_mode=True),
    incident("shown", {"summary": "Sent and shown", "dedup_key": "shown"}, diff=True),
    # --- what has to be filled in or shortened -------------------------------------------------------------------
    incident("blank", {"summary": " ", "source": "", "dedup_key": "blank"}),
    change("change blank", {"summary": "", "source": " "}),
    incident(
        "shortened",
        {"summary": "ä" * 2000, "dedup_key": "k" * 300, "custom_details": {"log": "x" * 600_000, "code": 137}},
    ),
    # --- decorations that are written otherwise, or cannot be used ------------------------------------------------
    *(
        incident(f"time {number}", {"summary": "x", "dedup_key": f"time {number}", "timestamp": given})
        for number, given in enumerate(TIMES)
    ),
    incident(
        "decorated otherwise",
        {
            "summary": "x",
            "dedup_key": "decorated otherwise",
            "severity": "CRITICAL",
            "links": "https://wiki.example.com/lag",
            "images": {"src": "https://graphs.example.com/lag.png"},
            "custom_details": "lag=412",
        },
    ),
    incident("decorated badly", BADLY_DECORATED),
    incident("decorated badly, v1", {**BADLY_DECORATED, "api_version": "v1", "dedup_key": "decorated badly, v1"}),
    incident("checked, decorated badly", {**BADLY_DECORATED, "summary": "Never sent"}, check_mode=True),
    change(
        "change decorated badly",
        {
            "summary": "Decorated change",
            "links": [{"href": "", "text": "Build"}],
            "link_text": "alone",
            "images": "http://graphs.example.com/lag.png",
            "timestamp": "noon",
            "custom_details": [1, 2],
            "user": "mary",
        },
    ),
    incident(
        "resolve without words",
        {
            "state": "resolved",
            "dedup_key": "decorated badly",
            "summary": "",
            "custom_details": {"by": "hand"},
        },
    ),
    incident(
        "one big entry",
        {
            "summary": "x",
            "dedup_key": "one big entry",
            "custom_details": {"first": 1, "big": "{{ range(200000) | list }}", "last": ["kept"]},
        },
    ),
    # --- what PagerDuty refuses, or never answers ----------------------------------------------------------------
    incident("refused", {"summary": "Wrong key", "dedup_key": "refused", "routing_key": UNKNOWN_KEY}),
    change("change refused", {"summary": "Wrong key", "routing_key": UNKNOWN_KEY}),
    incident(
        "undelivered",
        {"summary": "Outage", "dedup_key": "undelivered", "routing_key": BROKEN_KEY, "max_retries": 2, **AT_ONCE},
    ),
    incident("unconnected", {"summary": "Nobody there", "api_url": "http://127.0.0.1:9", "max_retries": 0}),
    incident("answered with prose", {"summary": "Accepted", "dedup_key": "prose", "routing_key": TALKING_KEY}),
    # --- what is wrong with the task itself ----------------------------------------------------------------------
    incident("no summary", {}),
    incident("resolve what", {"state": "resolved"}),
    incident("blank key", {"state": "resolved", "dedup_key": " "}),
    incident("bad state", {"state": "open", "summary": "x"}),
    incident("unknown option", {"sumary": "x"}),
    incident("bad key", {"summary": "x", "routing_key": KEY[:-1] + "-"}),
    incident("short key", {"summary": "x", "routing_key": KEY[:-1]}),
    incident("plain http", {"summary": "x", "api_url": "http://events.example.com"}),
    incident("endless", {"summary": "x", "deadline": 0}),
    incident("absent authority", {"summary": "x", "ca_path": "/nowhere/ca.pem"}),
    change("change without summary", {}),
]


@dataclass(frozen=True)
class Story:
    """One path's run of all tasks."""

    run: Run
    simulator: Simulator

    def result(self, name: str) -> dict[str, Any]:
        return self.run.task(name, "db1").result

    def status(self, name: str) -> str:
        return self.run.task(name, "db1").status

    def received(self, **attributes: Any) -> Received:
        """The one request with these attributes."""
        (found,) = [
            request
            for request in self.simulator.requests
            if all(getattr(request, name) == value for name, value in attributes.items())
        ]
        return found

    def sent(self, **attributes: Any) -> Any:
        """The body of the one request with these attributes."""
        return self.received(**attributes).json


@pytest.fixture(scope="module")
def stories(installed_collection: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs all tasks on a path, once."""
    simulators = []

    @cache
    def tell(path: str) -> Story:
        known = [KEY, OTHER_KEY, BROKEN_KEY, TALKING_KEY]
        simulator = Simulator(keys=known).start()
        simulators.append(simulator)
        simulator.add_fault(Fault("status", count=9, key=BROKEN_KEY))
        simulator.add_fault(Fault("not_json", body="Thank you,\ngoodbye", key=TALKING_KEY))
        ansible = Ansible(tmp_path_factory.mktemp(path), installed_collection)
        ansible.write("moments.yml", MOMENTS)
        run = ansible.tasks(
            on_path(path, TASKS),
            "--extra-vars",
            f"simulator_url={simulator.url}",
            play={**play(simulator), "vars_files": ["moments.yml"]},
            inventory=HOSTS,
        )
        return Story(run, simulator)

    yield tell
    for simulator in simulators:
        simulator.stop()


@pytest.fixture(params=["controller", pytest.param("delegated", marks=pytest.mark.slow)])
def story(request: pytest.FixtureRequest, stories: Callable[[str], Story]) -> Story:
    """What came of all tasks on a path."""
    return stories(request.param)


# --- incidents ---------------------------------------------------------------------------------------------------


def test_a_trigger_arrives_as_it_was_written(story: Story) -> None:
    assert story.sent(summary="Replica lag on db1", api="v2") == {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "lag/db1",
        "payload": {
            "summary": "Replica lag on db1",
            "source": "db1.example.com",
            "severity": "warning",
            "timestamp": "2026-01-31T03:00:00.000+00:00",
            "component": "mysql",
            "group": "shop",
            "class": "replication",
            "custom_details": {"lag_seconds": 412, "replicas": ["db2", ""], "nested": {"on": True}},
        },
        "client": "Nightly check",
        "client_url": "https://ci.example.com/1",
        "links": [
            {"href": "https://wiki.example.com/lag", "text": "Runbook"},
            {"href": "https://ci.example.com/1"},
        ],
        "images": [{"src": "https://graphs.example.com/lag.png", "alt": "Lag"}],
    }


def test_the_result_of_an_accepted_event_says_so(story: Story) -> None:
    result = story.result("trigger")

    assert story.status("trigger") == "ok"
    assert result["msg"] == "PagerDuty accepted the trigger event 'lag/db1'."
    expected = {
        "changed": True,
        "accepted": True,
        "status": "success",
        "message": "Event processed",
        "dedup_key": "lag/db1",
        "errors": [],
        "has_errors": False,
        "attempts": 1,
        "http_status": 202,
        "shortened": [],
    }
    assert {name: result[name] for name in expected} == expected
    sent = story.sent(summary="Replica lag on db1", api="v2")
    assert result["event"] == {**sent, "routing_key": "********"}


@pytest.mark.parametrize("dedup_key", ["lag/db1", "lag/v1"])
def test_an_incident_is_triggered_acknowledged_and_resolved(story: Story, dedup_key: str) -> None:
    (opened,) = [incident for incident in story.simulator.incidents if incident.dedup_key == dedup_key]

    assert [entry.action for entry in opened.log] == ["trigger", "acknowledge", "resolve"]
    assert opened.status == "resolved"


def test_a_trigger_without_a_key_gets_one_to_resolve_it_by(story: Story) -> None:
    key = story.result("trigger without a key")["dedup_key"]

    assert key.startswith("ansible-")
    assert story.received(summary="Anything").dedup_key == key


def test_the_source_is_the_host_that_the_task_is_about(story: Story) -> None:
    sent = story.sent(summary="Anything")

    assert sent["payload"]["source"] == "db1"
    assert sent["client"] == "Ansible"


def test_v1_gets_its_own_names(story: Story) -> None:
    assert story.sent(api="v1", action="trigger", dedup_key="lag/v1") == {
        "service_key": KEY,
        "event_type": "trigger",
        "incident_key": "lag/v1",
        "description": "Replica lag",
        "details": {"severity": "critical"},
        "client": "Ansible",
        "contexts": [
            {"type": "link", "href": "https://wiki.example.com/lag"},
            {"type": "image", "src": "https://graphs.example.com/lag.png"},
        ],
    }
    assert story.result("v1 trigger")["http_status"] == 200


def test_each_turn_of_a_loop_sends_an_event(story: Story) -> None:
    items = story.run.items("loop", "db1")

    assert [item.result["dedup_key"] for item in items] == ["disk//", "disk//var", "disk//home"]
    assert all(item.result["accepted"] for item in items)
    assert {"disk//", "disk//var", "disk//home"} <= {incident.dedup_key for incident in story.simulator.incidents}


def test_the_names_of_pagerduty_alert_work(story: Story) -> None:
    sent = story.sent(dedup_key="disk/cg")

    assert sent["routing_key"] == OTHER_KEY
    assert (sent["payload"]["summary"], sent["payload"]["class"]) == ("Disk is full", "disk")
    assert sent["links"] == [{"href": "https://wiki.example.com/disk", "text": "Runbook"}]


def test_the_names_of_gopherduty_work(story: Story) -> None:
    assert story.sent(dedup_key="srv01/HTTP") == {
        "service_key": OTHER_KEY,
        "event_type": "trigger",
        "incident_key": "srv01/HTTP",
        "description": "FAILURE for production/HTTP",
        "client": "Sample Monitoring Service",
        "client_url": "https://monitoring.example.com",
        "details": {"ping time": "1500ms"},
    }


# --- changes -----------------------------------------------------------------------------------------------------


def test_a_change_arrives_as_it_was_written(story: Story) -> None:
    assert story.sent(api="change", summary="Deployed shop 4.2", key=KEY) == {
        "routing_key": KEY,
        "payload": {
            "summary": "Deployed shop 4.2",
            "source": "ci.example.com",
            "timestamp": "2026-01-31T03:00:00.000+00:00",
            "custom_details": {"build": 220},
        },
        "links": [{"href": "https://ci.example.com/220", "text": "Build 220"}],
        "images": [{"src": "https://ci.example.com/220.png"}],
    }
    assert story.result("change")["msg"] == "PagerDuty accepted the change event."
    assert story.sent(summary="Deployed")["payload"]["source"] == "db1"


def test_the_names_of_pagerduty_change_work(story: Story) -> None:
    sent = story.sent(api="change", key=OTHER_KEY)

    details = {"user": "mary", "repo": "https://git.example.com/shop", "revision": "3f2c1d0"}
    assert sent["payload"]["custom_details"] == {**details, "environment": "production"}
    assert sent["links"] == [{"href": "https://ci.example.com/220", "text": "Build 220"}]


# --- check mode, diff --------------------------------------------------------------------------------------------


def test_check_mode_sends_nothing(story: Story) -> None:
    assert not [request for request in story.simulator.requests if request.summary == "Never sent"]


@pytest.mark.parametrize("name", ["checked", "change checked"])
def test_check_mode_returns_the_event_that_would_go_out(story: Story, name: str) -> None:
    result = story.result(name)

    assert (result["changed"], result["accepted"], result["status"], result["attempts"]) == (True, False, "not sent", 0)
    assert result["event"]["payload"]["summary"] == "Never sent"
    assert result["event"]["payload"]["source"] == "db1"
    assert "was not sent" in result["msg"]


@pytest.mark.parametrize(
    ("name", "said"), [("checked, invalid", "dedup_key"), ("checked, bad time", "timestamp: 'now' is not a point")]
)
def test_check_mode_finds_the_same_mistakes(story: Story, name: str, said: str) -> None:
    assert story.status(name) == "failed"
    assert said in story.result(name)["msg"]


@pytest.mark.parametrize("name", ["checked", "shown"])
def test_diff_shows_the_event(story: Story, name: str) -> None:
    _before, _task, after = story.run.stdout.partition(f"TASK [{name}]")
    shown = after.partition("TASK [")[0]

    assert "+++ after: trigger event to PagerDuty" in shown
    assert f'+  "dedup_key": "{name}",' in shown
    assert '+  "routing_key": "********"' in shown


# --- filled in, shortened ----------------------------------------------------------------------------------------


def test_a_blank_summary_or_source_never_goes_out(story: Story) -> None:
    for sent in (story.sent(dedup_key="blank"), story.sent(summary="Changed by Ansible on db1")):
        assert sent["payload"]["summary"].endswith(" by Ansible on db1")
        assert sent["payload"]["source"] == "db1"


def test_what_was_filled_in_is_a_warning(story: Story) -> None:
    output = " ".join(story.run.output.split())

    assert "summary is blank, so 'Triggered by Ansible on db1' is sent in its place" in output
    assert "summary is blank, so 'Changed by Ansible on db1' is sent in its place" in output
    assert output.count("source is blank, so 'db1' is sent in its place") >= 1


def test_what_is_too_long_is_shortened_and_reported(story: Story) -> None:
    result = story.result("shortened")
    sent = story.sent(dedup_key=result["dedup_key"])

    assert result["accepted"]
    assert len(sent["payload"]["summary"]) == 1024
    assert len(sent["dedup_key"]) == 255
    assert len(story.received(dedup_key=result["dedup_key"]).body) <= 512_000
    assert sent["payload"]["custom_details"]["code"] == 137
    assert [line.split(":")[0] for line in result["shortened"]] == ["dedup_key", "summary", "custom_details"]


# --- decorations -------------------------------------------------------------------------------------------------


def test_times_are_understood_in_each_form_that_is_certain(story: Story) -> None:
    for number, given in enumerate(TIMES):
        sent = story.sent(dedup_key=f"time {number}")
        assert sent["payload"]["timestamp"] == "2026-10-22T17:01:02.000+00:00", given
        assert story.result(f"time {number}")["left_out"] == []


def test_what_is_written_otherwise_is_understood(story: Story) -> None:
    sent = story.sent(dedup_key="decorated otherwise")
    result = story.result("decorated otherwise")

    assert (sent["payload"]["severity"], sent["payload"]["custom_details"]) == ("critical", {"lag": "412"})
    assert sent["links"] == [{"href": "https://wiki.example.com/lag"}]
    assert sent["images"] == [{"src": "https://graphs.example.com/lag.png"}]
    assert result["left_out"] == []
    assert "custom_details: a text was given and read as name=value" in " ".join(story.run.output.split())


LEFT_OUT = ["severity", "timestamp", "links", "images", "images"]


@pytest.mark.parametrize("name", ["decorated badly", "decorated badly, v1"])
def test_no_page_is_refused_for_a_decoration(story: Story, name: str) -> None:
    result = story.result(name)

    assert story.received(dedup_key=name, action="trigger").taken
    assert (result["accepted"], result["attempts"]) == (True, 1)
    assert sorted(told.partition(":")[0] for told in result["left_out"]) == sorted(LEFT_OUT)
    output = " ".join(story.run.output.split())
    for told in result["left_out"]:
        assert f"PagerDuty event: {told}" in output


def test_what_is_left_out_of_a_change_is_told_and_what_is_certain_is_sent(story: Story) -> None:
    result = story.result("change decorated badly")
    sent = story.sent(summary="Decorated change")

    told = sorted(sentence.partition(":")[0] for sentence in result["left_out"])
    assert told == ["custom_details", "images", "links", "links", "timestamp"]
    assert sent["payload"]["custom_details"] == {"user": "mary", "details": [1, 2]}
    assert not {"links", "images"} & set(sent)


def test_check_mode_fails_for_what_would_be_left_out(story: Story) -> None:
    result = story.result("checked, decorated badly")

    assert (story.status("checked, decorated badly"), result["changed"]) == ("failed", False)
    assert all(told in result["msg"] for told in result["left_out"])
    assert len(result["left_out"]) == len(LEFT_OUT)


def test_a_resolve_says_nothing_of_its_blank_summary(story: Story) -> None:
    assert story.result("resolve without words")["accepted"]
    assert "'Resolved by Ansible" not in story.run.output


def test_one_big_entry_takes_no_other_along(story: Story) -> None:
    details = story.sent(dedup_key="one big entry")["payload"]["custom_details"]

    assert (details["first"], details["last"]) == (1, ["kept"])
    assert details["big"][:3] == [0, 1, 2]
    assert details["big"][-1].endswith("more left out")
    (told,) = story.result("one big entry")["shortened"]
    assert told.startswith("custom_details: 'big' shortened from ")


# --- refused, undelivered ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["refused", "change refused"])
def test_a_refused_event_fails_after_one_attempt(story: Story, name: str) -> None:
    result = story.result(name)

    assert story.status(name) == "failed"
    assert (result["changed"], result["accepted"], result["attempts"]) == (False, False, 1)
    assert (result["http_status"], result["status"]) == (400, "Bad Request")
    assert result["message"] == "Invalid routing key"
    assert result["errors"] == ["attempt 1: HTTP 400 Invalid routing key"]
    assert result["has_errors"] is True


def test_an_undelivered_event_fails_with_all_attempts(story: Story) -> None:
    result = story.result("undelivered")

    assert story.status("undelivered") == "failed"
    assert (result["accepted"], result["attempts"], result["http_status"]) == (False, 3, 503)
    assert result["errors"] == [f"attempt {number}: HTTP 503 Service Unavailable" for number in (1, 2, 3)]


def test_an_event_without_an_answer_has_no_http_status(story: Story) -> None:
    result = story.result("unconnected")

    assert (result["accepted"], result["attempts"], result["status"]) == (False, 1, "no answer")
    assert "http_status" not in result


def test_an_answer_that_is_no_json_is_still_an_acceptance(story: Story) -> None:
    result = story.result("answered with prose")

    assert (result["accepted"], result["status"], result["message"]) == (True, "Accepted", "Thank you,")


# --- mistakes in the task ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no summary", "state is triggered but all of the following are missing: summary"),
        ("resolve what", "state is resolved but all of the following are missing: dedup_key"),
        ("blank key", "to resolve an incident, give the key that opened it"),
        ("bad state", "value of state must be one of: triggered, acknowledged, resolved, got: open"),
        ("unknown option", "incident: there is no option sumary"),
        ("bad key", "has characters that no key has"),
        ("short key", "has 31 characters; expected a PagerDuty integration key: 32 letters and digits"),
        ("plain http", "would send the integration key unencrypted; use https, or set allow_http: true"),
        ("endless", "deadline: 0.0 was given; expected seconds, up to 86400"),
        ("absent authority", "ca_path: there is no file '/nowhere/ca.pem' on the machine that sends"),
        ("change without summary", "missing required arguments: summary"),
    ],
)
def test_a_mistake_in_the_task_is_named_and_nothing_sent(story: Story, name: str, said: str) -> None:
    result = story.result(name)

    assert story.status(name) == "failed"
    assert said in result["msg"]
    assert (result["changed"], result["accepted"], result["attempts"]) == (False, False, 0)


# --- the documentation of results --------------------------------------------------------------------------------

COMMON = {"changed", "failed", "warnings", "diff", "exception"}
TYPES = {"str": str, "bool": bool, "int": int, "float": float, "list": list, "dict": dict}
DOCUMENTED = {
    "oncall.pagerduty.incident": yaml.safe_load(incident_module.RETURN),
    "oncall.pagerduty.change": yaml.safe_load(change_module.RETURN),
}


def test_the_task_fails_exactly_if_the_event_was_not_accepted(story: Story) -> None:
    for task in TASKS:
        if "loop" not in task and not task.get("check_mode"):
            accepted = story.result(task["name"])["accepted"]
            assert story.status(task["name"]) == ("ok" if accepted else "failed"), task["name"]


def test_every_return_value_is_as_documented(story: Story) -> None:
    for task in TASKS:
        documented = DOCUMENTED[list(task)[1]]
        results = story.run.items(task["name"], "db1") if "loop" in task else [story.run.task(task["name"], "db1")]
        for result in (recorded.result for recorded in results):
            extra = {"item", "ansible_loop_var"} if "loop" in task else set()
            assert set(result) - COMMON - extra <= set(documented), task["name"]
            for name, value in documented.items():
                assert_documented(task["name"], name, value, result)


def assert_documented(task: str, name: str, documented: dict[str, Any], result: dict[str, Any]) -> None:
    """The value is there when the documentation says so, and has its type."""
    tried = "event" in result
    expected = {
        "always": True,
        "when the task got as far as sending, or would have but for check mode": tried,
        "when the last attempt got an answer": tried and result["attempts"] > 0 and result["status"] != "no answer",
    }[documented["returned"]]
    assert (name in result) is expected, (task, name)
    if name in result:
        assert result[name].__class__ is TYPES[documented["type"]], (task, name)
        if documented["type"] == "list":
            assert all(entry.__class__ is TYPES[documented["elements"]] for entry in result[name]), (task, name)


@pytest.mark.slow
def test_both_paths_return_the_same(stories: Callable[[str], Story]) -> None:
    controller, delegated = stories("controller"), stories("delegated")
    for task in TASKS:
        name = task["name"]
        here, there = (
            [
                (result.status, without_chance(result.result, story.simulator))
                for result in [*story.run.items(name, "db1"), story.run.task(name, "db1")]
            ]
            for story in (controller, delegated)
        )
        assert here == there, name


@pytest.mark.slow
def test_both_paths_send_the_same(stories: Callable[[str], Story]) -> None:
    here, there = (
        [(request.path, without_chance(request.json, story.simulator)) for request in story.simulator.requests]
        for story in (stories("controller"), stories("delegated"))
    )

    assert here == there
