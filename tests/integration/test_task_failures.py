# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failing task says to a tired person, and what it never says, however much is shown: a key or a password."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.tests.integration.support.events import (
    AT_ONCE,
    BOTH_PATHS,
    HOSTS,
    KEY,
    PATHS,
    change,
    incident,
    on_path,
    play,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible, Run
from ansible_collections.oncall.pagerduty.tests.integration.support.tls import self_signed
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

PASSWORD = "correct-horse-battery"
INVALID = json.dumps(
    {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": ["'payload.source' is missing or blank"],
    }
)


@dataclass(frozen=True)
class Case:
    """A failure that people meet: how it comes about, and what must be said about it, in this order."""

    said: tuple[str, ...]
    fault: dict[str, Any] | None = None
    options: dict[str, Any] = field(default_factory=dict)


REFUSED = "PagerDuty refused the trigger event 'shop/web1': "
NOT_ACCEPTED = "PagerDuty has not accepted the trigger event 'shop/web1': "
NO_SECOND_INCIDENT = "sending again with dedup_key 'shop/web1' opens no second incident."

CASES = {
    "unknown key": Case(
        (
            REFUSED + "HTTP 400 Invalid routing key. ",
            "What to do: check that the integration key belongs to an Events API v2 integration of an account that ",
        ),
        {"kind": "status", "code": 400, "body": "Invalid routing key"},
    ),
    "unknown key, v1": Case(
        ("check that the integration key belongs to an Events API v1 integration of an account that ",),
        {"kind": "status", "code": 400, "body": "Invalid routing key"},
        {"api_version": "v1", "region": "eu"},
    ),
    "invalid event": Case(
        (
            REFUSED + "HTTP 400 Event object is invalid ('payload.source' is missing or blank). ",
            "What to do: correct what PagerDuty names and run the task again.",
        ),
        {"kind": "status", "code": 400, "body": INVALID},
    ),
    "throttled": Case(
        (
            NOT_ACCEPTED + "2 attempts in ",
            "and no retry is left",
            "HTTP 429 Requests for this service are arriving too quickly.",
            "What to do: an integration takes about 120 events a minute; send fewer, or raise max_retries and deadline",
        ),
        {"kind": "throttle"},
    ),
    "throttled, v1": Case(
        ("HTTP 403", "an integration takes about 120 events a minute"), {"kind": "throttle"}, {"api_version": "v1"}
    ),
    "outage": Case(
        (
            NOT_ACCEPTED,
            "HTTP 503 Service Unavailable. What to do: ",
            "has trouble of its own (see https://status.pagerduty.com); run the task again when that is over.",
        ),
        {"kind": "status"},
    ),
    "sign-in page": Case(
        (
            NOT_ACCEPTED + "2 attempts in ",
            "HTTP 200 something between here and PagerDuty answered: Sign in. ",
            "What to do: check the proxy and the address: what answers is not PagerDuty's Events API",
            NO_SECOND_INCIDENT,
        ),
        {"kind": "status", "code": 200, "body": "sign_in"},
    ),
    "sign-in page, v1": Case(
        (NOT_ACCEPTED + "2 attempts in ", "HTTP 200 something between here and PagerDuty answered: Sign in. "),
        {"kind": "status", "code": 200, "body": "sign_in"},
        {"api_version": "v1"},
    ),
    "the right status with another word": Case(
        (NOT_ACCEPTED + "2 attempts in ", "HTTP 202 Event object is invalid ('payload.source' is missing or blank). "),
        {"kind": "status", "code": 202, "body": INVALID},
    ),
    "forbidden": Case(
        (
            REFUSED + "HTTP 403 Forbidden. ",
            "something between here and PagerDuty forbids the request; check the proxy",
        ),
        {"kind": "status", "code": 403, "body": "html"},
    ),
    "redirected": Case(
        (REFUSED + "HTTP 302 Found. ", "redirects, which is not followed; give the final address as api_url."),
        {"kind": "redirect"},
    ),
    "nothing there": Case(
        (REFUSED + "HTTP 404 Not Found. ", "What to do: check api_url: ", "has no Events API at this address."),
        options={"api_url": "{{ simulator_url }}/pd"},
    ),
    "no answer": Case(
        (
            NOT_ACCEPTED,
            "no answer from 127.0.0.1:",
            "What to do: check the network, the proxy and the firewall between here and 127.0.0.1:",
            NO_SECOND_INCIDENT,
        ),
        {"kind": "black_hole"},
        {"timeout": 0.2},
    ),
    "broken connection": Case(
        (NOT_ACCEPTED, "broke before an answer came: Connection reset by peer.", NO_SECOND_INCIDENT),
        {"kind": "reset_after"},
    ),
    "connection refused": Case(
        (
            NOT_ACCEPTED + "1 attempt in ",
            "and max_retries is 0.",
            "no connection to 127.0.0.1:9: Connection refused.",
            "What to do: check the network, the proxy and the firewall between here and 127.0.0.1:9",
        ),
        options={"api_url": "http://127.0.0.1:9", "max_retries": 0},
    ),
    "unknown authority": Case(
        (
            NOT_ACCEPTED,
            "failed: self-signed certificate.",
            "What to do: check the certificate of 127.0.0.1:",
            "and ca_path if it comes from an authority of your own.",
        ),
        options={"api_url": "{{ tls_url }}"},
    ),
    "proxy that is not there": Case(
        (
            NOT_ACCEPTED,
            "the proxy did not connect to 127.0.0.1:",
            "check the proxy (option proxy, or HTTPS_PROXY in the environment), its user and password",
        ),
        options={"proxy": f"http://pager:{PASSWORD}@127.0.0.1:9", "max_retries": 0},
    ),
    "proxy that answers": Case(
        (REFUSED + "HTTP 407 Proxy Authentication Required",),
        {"kind": "status", "code": 407},
        {"proxy": f"http://pager:{PASSWORD}@{{{{ simulator_url[7:] }}}}"},
    ),
    "proxy that is no URL": Case(
        ("proxy: ", "was given; expected a URL"), options={"proxy": f"pager:{PASSWORD}@proxy"}
    ),
    "address with a password": Case(
        ("api_url: 'https://********@events.example.com' has a user",),
        options={"api_url": f"https://pager:{PASSWORD}@events.example.com"},
    ),
    "answer that repeats the key": Case(("HTTP 400 No service has ********.",), {"kind": "status", "code": 400}),
    "answer that repeats the key, in JSON": Case(("(********: no)",), {"kind": "status", "code": 400}),
    "texts that hold the key": Case(
        ("PagerDuty refused the trigger event 'key ********': ",),
        {"kind": "status", "code": 400},
        {"summary": "Key is {{ case_key }}", "dedup_key": "key {{ case_key }}"},
    ),
    "key that is too long": Case(("has 33 characters",), options={"routing_key": "{{ case_key }}0"}),
}


def key_of(name: str) -> str:
    """An integration key of the case's own, unlike anything else that is shown."""
    return f"{KEY[:-2]}{list(CASES).index(name):02d}"


SECRETS = (KEY, PASSWORD, *map(key_of, CASES))


def faults() -> list[Fault]:
    made = []
    for name, case in CASES.items():
        if case.fault:
            echo = {
                "answer that repeats the key": f"No service has {key_of(name)}.",
                "answer that repeats the key, in JSON": json.dumps({"message": "x", "errors": [f"{key_of(name)}: no"]}),
            }.get(name)
            body = {"body": echo} if echo else {}
            made.append(Fault.from_mapping({"count": 9, "key": key_of(name), **case.fault, **body}))
    return made


@dataclass(frozen=True)
class Story:
    """One path's run of all cases, with everything shown and logged."""

    run: Run
    log: str
    simulator: Simulator


@pytest.fixture(scope="module", params=BOTH_PATHS)
def story(request: pytest.FixtureRequest, installed_collection: Path, tmp_path_factory: Any) -> Any:
    folder = tmp_path_factory.mktemp(request.param)
    common = {"summary": "x", "dedup_key": "shop/web1", "routing_key": "{{ case_key }}", "max_retries": 1, **AT_ONCE}
    tasks = [
        incident(name, {**common, **case.options}, vars={"case_key": f"{{{{ keys[{number}] }}}}"})
        for number, (name, case) in enumerate(CASES.items())
    ]
    ansible = Ansible(folder, installed_collection)
    with Simulator(rate_limit=0) as simulator, Simulator(certfile=str(self_signed(folder))) as tls:
        for fault in faults():
            simulator.add_fault(fault)
        ansible.write("vars.json", {"keys": [key_of(name) for name in CASES]})
        run = ansible.tasks(
            on_path(request.param, tasks),
            "-vvvv",
            play={**play(simulator, routing_key="{{ keys[0] }}"), "vars_files": ["vars.json"]},
            inventory={"all": {**HOSTS["all"], "vars": {**HOSTS["all"]["vars"], **urls(simulator, tls)}}},
            env={"ANSIBLE_LOG_PATH": str(folder / "ansible.log")},
        )
        yield Story(run, (folder / "ansible.log").read_text(), simulator)


def urls(simulator: Simulator, tls: Simulator) -> dict[str, str]:
    return {"simulator_url": simulator.url, "tls_url": tls.url}


@pytest.mark.parametrize("name", CASES)
def test_it_says_what_happened_and_what_to_do(story: Story, name: str) -> None:
    result = story.run.task(name, "db1")
    message = result.result["msg"]

    assert result.status == "failed"
    position = 0
    for part in CASES[name].said:
        assert part in message[position:], message
        position = message.index(part, position) + len(part)


def test_nothing_shown_returned_or_logged_holds_a_key_or_a_password(story: Story) -> None:
    assert "incident" in story.log
    assert_no_secret(story.run, *SECRETS)
    assert_no_secret(story.log, *SECRETS, where="the log")


def test_the_proxys_password_is_used_though(story: Story) -> None:
    (request,) = [request for request in story.simulator.requests if request.key == key_of("proxy that answers")]

    assert request.headers["Proxy-Authorization"].startswith("Basic ")


def test_nothing_is_shown_by_debugging_ansible_or_by_an_environment(ansible: Ansible, simulator: Simulator) -> None:
    simulator.add_fault(Fault("status", code=400, body=f"No service has {KEY}.", count=9))
    keys = {"PAGERDUTY_ROUTING_KEY": "{{ key }}", "PAGERDUTY_PROXY": f"http://pager:{PASSWORD}@{simulator.url[7:]}"}
    options = {"summary": "x", "api_url": simulator.url, "max_retries": 0}
    tasks = [
        incident("option", {**options, "routing_key": "{{ key }}"}),
        incident("environment", options, environment=keys),
        change("change", {**options, "routing_key": "{{ key }}"}, environment=keys),
    ]
    everywhere = [{**task, "name": f"{task['name']}, {path}"} for path in PATHS for task in on_path(path, tasks)]

    run = ansible.tasks(
        everywhere,
        "-vvvvv",
        play={"hosts": "db1", "ignore_errors": True, "vars_files": ["vars.json"]},
        inventory=HOSTS,
        files={"vars.json": {"key": KEY}},
        env={"ANSIBLE_DEBUG": "1"},
    )

    assert len(simulator.requests) == len(everywhere)
    assert all("No service has ********" in run.task(task["name"], "db1").result["msg"] for task in everywhere)
    assert_no_secret(run, KEY, PASSWORD)
