# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which failures are one incident, and when PagerDuty is to hear of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import (
    Cut,
    Errored,
    Finished,
    Interrupted,
    Withdrawn,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import (
    MAX_SAMPLES,
    IncidentBook,
    Notice,
    Place,
    Step,
    Unpaged,
    place,
    place_of,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import Steering
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, OTHER_KEY
from ansible_collections.oncall.pagerduty.tests.support.failures import failure, outcome, steering, target

CAUSES = ("failed", "unreachable", "error", "interrupted")
PLAIN = steering()
ERROR = Errored("AnsibleError", "the strategy 'x' does not exist")
SIGNAL = Interrupted("SIGTERM")


def label(name: str, host: str, outcome: Outcome | None) -> str:
    return {"playbook": "deploy.yml", "inventory": "production", "host": host}.get(name) or str(
        getattr(outcome, name, "")
    )


def book(
    steer: Callable[[str], Steering] | Steering = PLAIN, page_on: tuple[str, ...] = CAUSES, **options: Any
) -> IncidentBook:
    """Incidents of a run of which each host is steered alike, or as the function says."""
    of_host = (lambda _host: steer) if isinstance(steer, Steering) else steer
    return IncidentBook("deploy.yml", page_on, lambda host, _outcome: of_host(host), label, **options)


def told(steps: list[Step]) -> list[tuple[str, str, list[str]]]:
    """Each notice as a word, the key and the hosts."""
    return [
        (step.what, step.incident.dedup_key, list(step.incident.hosts)) for step in steps if isinstance(step, Notice)
    ]


# --- keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group_by", "key"),
    [
        (["playbook"], "ansible:deploy.yml"),
        (["playbook", "host"], "ansible:deploy.yml:host=web1"),
        (["playbook", "host", "role"], "ansible:deploy.yml:host=web1:role=nginx"),
        (["host", "playbook"], "ansible:host=web1:deploy.yml"),
        (["task"], "ansible:task=Install nginx"),
        (["play", "inventory"], "ansible:play=Deploy:inventory=production"),
        (["playbook", "vars.datacenter"], "ansible:deploy.yml:vars.datacenter=fra"),
        (["playbook", "vars.nothing"], "ansible:deploy.yml:vars.nothing="),
    ],
    ids=",".join,
)
def test_the_key_is_made_of_the_labels(group_by: list[str], key: str) -> None:
    steps = book(steering(group_by=tuple(group_by), variables={"datacenter": "fra"})).take(
        failure("web1", role="nginx")
    )
    assert told(steps) == [("opened", key, ["web1"])]


def test_a_key_of_the_users_own_counts_before_the_labels() -> None:
    steps = book(steering(dedup_key="shop/web", group_by=("host",))).take(failure("web1"))
    assert told(steps) == [("opened", "shop/web", ["web1"])]


@pytest.mark.parametrize("own", [True, False], ids=["own", "made"])
def test_a_long_key_is_the_one_that_pagerduty_gets(own: bool) -> None:
    long = "x" * 300
    steered = steering(dedup_key=long) if own else steering(group_by=("vars.x",), variables={"x": long})
    ((_what, key, _hosts),) = told(book(steered).take(failure("web1")))
    assert len(key) == 255
    assert told(book(steered).take(failure("web1"))) == [("opened", key, ["web1"])]


def test_secrets_in_names_do_not_get_into_keys() -> None:
    asked: list[str] = []

    def mask(text: str, outcome: Outcome) -> str:
        asked.append(f"{text} {outcome.host}")
        return text.replace("hunter2", "***")

    incidents = book(steering(group_by=("playbook", "play", "host", "vars.x"), variables={"x": "hunter2!"}), mask=mask)
    steps = [*incidents.take(failure("web1", play="as hunter2")), *incidents.take(failure("web2", play="as hunter2"))]
    keys = [key for _what, key, _hosts in told(steps)]
    assert keys == [f"ansible:deploy.yml:play=as ***:host={host}:vars.x=***!" for host in ("web1", "web2")]
    assert sorted(asked) == ["as hunter2 web1", "as hunter2 web2", "hunter2! web1", "hunter2! web2"]
    (own,) = told(book(steering(dedup_key="k/hunter2"), mask=mask).take(failure("web1")))
    assert own[1] == "k/***"


def test_what_is_secret_for_one_host_may_be_shown_for_another() -> None:
    def mask(text: str, outcome: Outcome) -> str:
        return text.replace("fra-1", "***") if outcome.host == "web2" else text

    incidents = book(steering(group_by=("role", "vars.x"), variables={"x": "fra-1"}), mask=mask)
    steps = [*incidents.take(failure("web1", role="fra-1")), *incidents.take(failure("web2", role="fra-1"))]
    # A role's name stands in the playbook, for everybody to see.
    assert [key for _what, key, _hosts in told(steps)] == [
        "ansible:role=fra-1:vars.x=fra-1",
        "ansible:role=fra-1:vars.x=***",
    ]


# --- grouping and coalescing -------------------------------------------------------------------------------------


def test_the_first_failure_is_told_at_once_and_the_rest_at_the_plays_end() -> None:
    incidents = book()
    assert told(incidents.take(failure("web1"))) == [("opened", "ansible:deploy.yml", ["web1"])]
    assert incidents.take(failure("web2")) == []
    assert incidents.take(failure("web3")) == []
    assert told(incidents.play_ended()) == [("updated", "ansible:deploy.yml", ["web1", "web2", "web3"])]
    assert incidents.play_ended() == []


def test_a_single_failure_needs_no_update() -> None:
    incidents = book()
    incidents.take(failure("web1", "web2"))
    assert incidents.play_ended() == []
    assert incidents.take(Finished(2)) == []


def test_there_is_one_update_for_each_play_in_which_something_was_added() -> None:
    incidents = book()
    steps = []
    for play in range(3):
        for host in range(4):
            steps += incidents.take(failure(f"play{play}-{host}"))
        steps += incidents.play_ended()
    steps += incidents.play_ended()
    assert [what for what, _key, _hosts in told(steps)] == ["opened", "updated", "updated", "updated"]
    assert len(told(steps)[-1][2]) == 12


@pytest.mark.parametrize("hosts", [2, 100, 10_000])
def test_the_number_of_events_does_not_grow_with_the_number_of_hosts(hosts: int) -> None:
    incidents = book()
    steps = [step for number in range(hosts) for step in incidents.take(failure(f"h{number}"))]
    steps += incidents.take(Finished(2))
    assert [what for what, _key, _hosts in told(steps)] == ["opened", "updated"]
    (incident,) = incidents.incidents
    assert len(incident.hosts) == hosts
    assert len(incident.samples) == min(hosts, MAX_SAMPLES)


def test_the_end_of_the_run_tells_what_is_left() -> None:
    incidents = book()
    incidents.take(failure("web1"))
    incidents.take(failure("web2"))
    assert told(incidents.take(Finished(2))) == [("updated", "ansible:deploy.yml", ["web1", "web2"])]


def test_each_host_can_have_an_incident_of_its_own() -> None:
    incidents = book(steering(group_by=("host",)))
    steps = [*incidents.take(failure("web1")), *incidents.take(failure("web2")), *incidents.play_ended()]
    assert told(steps) == [("opened", "ansible:host=web1", ["web1"]), ("opened", "ansible:host=web2", ["web2"])]


def test_two_services_have_an_incident_each_under_the_same_key() -> None:
    incidents = book(lambda host: steering(target=target(OTHER_KEY if host == "db1" else KEY)))
    steps = [*incidents.take(failure("web1")), *incidents.take(failure("db1"))]
    assert told(steps) == [("opened", "ansible:deploy.yml", ["web1"]), ("opened", "ansible:deploy.yml", ["db1"])]
    assert len({incident.identity for incident in incidents.incidents}) == 2
    assert incidents.incidents[1].steering.target == target(OTHER_KEY)


def test_a_host_counts_once_with_its_first_failure() -> None:
    incidents = book()
    incidents.take(failure("web1"))
    incidents.take(failure("web1", task="Another", written_task="Another"))
    assert incidents.incidents[0].hosts["web1"] == ("failed", Place("/srv/shop/deploy.yml", "", "Install nginx"))


# --- whether, and how urgently -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "page_on", "paged"),
    [
        ("failed", ("failed",), True),
        ("failed", ("unreachable", "error"), False),
        ("unreachable", ("unreachable",), True),
        ("unreachable", ("failed",), False),
    ],
)
def test_page_on_chooses_the_causes(kind: str, page_on: tuple[str, ...], paged: bool) -> None:
    assert bool(book(page_on=page_on).take(failure("web1", kind=kind))) is paged


def test_nobody_is_paged_for_what_is_disabled() -> None:
    incidents = book(lambda host: steering(enabled=host != "web1"))
    assert incidents.take(failure("web1")) == []
    assert told(incidents.take(failure("web2"))) == [("opened", "ansible:deploy.yml", ["web2"])]


def test_a_host_that_another_one_took_down_is_paged_although_that_one_is_disabled() -> None:
    incidents = book(lambda host: steering(enabled=host == "web2"))
    assert told(incidents.take(failure("web1", "web2"))) == [("opened", "ansible:deploy.yml", ["web1", "web2"])]


def test_without_a_key_the_problem_is_told() -> None:
    assert book(steering(target=None, problem="no key")).take(failure("web1")) == [Unpaged("no key")]


@pytest.mark.parametrize(
    ("severity", "kinds", "worst"),
    [
        (None, ["failed"], "error"),
        ("info", ["failed", "unreachable"], "info"),
        ("failed=critical,unreachable=warning", ["unreachable"], "warning"),
        ("failed=critical,unreachable=warning", ["unreachable", "failed"], "critical"),
        ("failed=critical,unreachable=warning", ["failed", "unreachable"], "critical"),
    ],
)
def test_the_worst_severity_counts(severity: str | None, kinds: list[str], worst: str) -> None:
    incidents = book(steering(severity=severity))
    for number, kind in enumerate(kinds):
        incidents.take(failure(f"web{number}", kind=kind))
    assert incidents.incidents[0].severity == worst


# --- corrections and early ends ----------------------------------------------------------------------------------


def test_an_incident_without_a_host_left_is_withdrawn() -> None:
    incidents = book()
    incidents.take(failure("web1"))
    incidents.take(failure("web2"))
    assert told(incidents.take(Withdrawn(("web1", "web2")))) == [("withdrawn", "ansible:deploy.yml", [])]
    assert incidents.play_ended() == []
    assert told(incidents.take(failure("web3"))) == [("opened", "ansible:deploy.yml", ["web3"])]


def test_an_incident_with_a_host_left_is_updated() -> None:
    incidents = book()
    incidents.take(failure("web1"))
    incidents.take(failure("web2"))
    incidents.play_ended()
    assert incidents.take(Withdrawn(("web1", "web9"))) == []
    assert told(incidents.play_ended()) == [("updated", "ansible:deploy.yml", ["web2"])]


@pytest.mark.parametrize("cut", [ERROR, SIGNAL], ids=["error", "signal"])
def test_what_had_failed_is_told_with_how_the_run_ended(cut: Cut) -> None:
    incidents = book(page_on=("failed",))
    incidents.take(failure("web1"))
    assert told(incidents.take(cut)) == [("updated", "ansible:deploy.yml", ["web1"])]
    assert incidents.incidents[0].ended == cut


def test_a_failure_that_counts_since_the_run_was_cut_short_is_told_once() -> None:
    incidents = book(page_on=("failed",))
    first = failure("web1")
    assert told(incidents.take(dataclasses.replace(first, ended=SIGNAL))) == [
        ("opened", "ansible:deploy.yml", ["web1"])
    ]
    assert incidents.incidents[0].ended == SIGNAL
    assert incidents.take(SIGNAL) == []


@pytest.mark.parametrize(
    ("cut", "page_on", "paged"),
    [
        (ERROR, ("failed", "unreachable", "error"), True),
        (ERROR, ("failed", "interrupted"), False),
        (SIGNAL, ("failed", "unreachable", "error"), False),
        (SIGNAL, ("interrupted",), True),
    ],
)
def test_an_early_end_by_itself_is_paged_if_wanted(cut: Cut, page_on: tuple[str, ...], paged: bool) -> None:
    steered = steering(group_by=("playbook", "host", "inventory"), severity="error=critical,interrupted=info")
    incidents = book(steered, page_on)
    opened = told(incidents.take(cut))
    assert opened == ([("opened", "ansible:deploy.yml:inventory=production", [])] if paged else [])
    if paged:
        assert incidents.incidents[0].severity == ("critical" if cut is ERROR else "info")


@pytest.mark.parametrize(
    ("steered", "steps"),
    [(steering(enabled=False), []), (steering(target=None, problem="no key"), [Unpaged("no key")])],
    ids=["disabled", "no key"],
)
def test_an_early_end_follows_the_options(steered: Steering, steps: list[Step]) -> None:
    assert book(steered).take(ERROR) == steps


def test_an_early_end_grouped_by_hosts_is_the_jobs() -> None:
    assert told(book(steering(group_by=("host",))).take(ERROR)) == [("opened", "ansible:deploy.yml", [])]


# --- places ------------------------------------------------------------------------------------------------------


def test_a_place_survives_moved_lines() -> None:
    assert place("/p/site.yml:7", "", "Install", "fail") == place("/p/site.yml:70", "", "Install", "fail")


def test_tasks_without_a_name_are_told_apart_by_their_lines() -> None:
    first, second = (place(f"/p/site.yml:{line}", "", "command", "command") for line in (7, 8))
    assert first != second
    assert first == Place("/p/site.yml", "", "command, line 7")


@pytest.mark.parametrize("path", ["", "/p/site.yml", "/p/site:yml"])
def test_a_path_without_a_line_is_a_file(path: str) -> None:
    assert place(path, "web", "Install", "fail") == Place(path, "web", "Install")


def test_the_place_is_the_name_as_written_and_none_for_unreachable_hosts() -> None:
    failed = outcome(task="Install nginx 1.2", written_task="Install nginx {{ version }}", role="web")
    assert place_of(failed) == Place("/srv/shop/deploy.yml", "web", "Install nginx {{ version }}")
    assert place_of(outcome(kind="unreachable")) is None
