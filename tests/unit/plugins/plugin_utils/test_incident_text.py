# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an incident says."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._limits import BODY_BYTES, encode
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _incident_text
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ci import Build
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Cut, Errored, Interrupted
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import Incident, place_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import FailedItem, Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_context import RunContext
from ansible_collections.oncall.pagerduty.tests.support.failures import outcome, steering

RUN = RunContext(job_name="deploy.yml")
OTHER = {"task": "Start nginx", "written_task": "Start nginx"}


def incident(*outcomes: Outcome, total: int | None = 40, ended: Cut | None = None) -> Incident:
    """An incident of failures, or of the run's end alone."""
    cause: Any = outcomes[0] if outcomes else ended
    made = Incident("k", steering(hosts=total), {}, cause, "error", samples=list(outcomes), ended=ended)
    for failed in outcomes:
        made.hosts.setdefault(failed.host, (failed.kind, place_of(failed)))
    return made


def unreachable(host: str) -> Outcome:
    return outcome(host, kind="unreachable")


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (
            incident(outcome("web1"), outcome("web2"), outcome("web3")),
            "failed on 3 of 40 hosts: Install nginx (web1, web2, web3)",
        ),
        (incident(*map(outcome, "abcdef")), "failed on 6 of 40 hosts: Install nginx (a, b, c and 3 more)"),
        (incident(outcome("web1")), "failed on 1 of 40 hosts: Install nginx (web1)"),
        (incident(outcome("localhost"), total=1), "failed on localhost: Install nginx"),
        (incident(outcome("web1"), total=None), "failed on web1: Install nginx"),
        (incident(outcome("a"), outcome("b"), total=None), "failed on 2 hosts: Install nginx (a, b)"),
        (incident(outcome("a"), outcome("b"), total=1), "failed on a: Install nginx"),
        (
            incident(outcome("a"), outcome("b", **OTHER)),
            "failed on 2 of 40 hosts: Install nginx and 1 other task (a, b)",
        ),
        (incident(unreachable("a"), unreachable("b")), "could not reach 2 of 40 hosts (a, b)"),
        (incident(unreachable("a"), total=1), "could not reach a"),
        (incident(unreachable("a"), outcome("b")), "failed on 2 of 40 hosts: Install nginx (a, b)"),
        (
            incident(outcome("a"), ended=Interrupted("SIGINT")),
            "failed on 1 of 40 hosts: Install nginx (a); the run was cut short",
        ),
        (incident(ended=Interrupted("SIGTERM")), "was interrupted by SIGTERM"),
        (incident(ended=Interrupted("")), "was interrupted"),
        (incident(ended=Errored("E", "\n bad strategy \n more")), "was ended by an error: bad strategy"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_title(told: Incident, text: str) -> None:
    assert _incident_text.summary(told, "deploy.yml") == f"deploy.yml {text}"


def details(told: Incident, run: RunContext = RUN) -> dict[str, Any]:
    """The details without what says nothing."""
    found = _incident_text.details(told, run, lambda text: text.replace("hunter2", "***"))
    return {name: value for name, value in found.items() if value is not None}


def test_the_details_say_what_failed_where() -> None:
    failed = outcome("web1", role="nginx", stderr="a\nb", delegated_to="bastion")
    assert details(incident(failed, outcome("web2", **OTHER), unreachable("web3"))) == {
        "job": "deploy.yml",
        "play": "Deploy",
        "role": "nginx",
        "task": "Install nginx",
        "path": "/srv/shop/deploy.yml:7",
        "message": "No package nginx available",
        "stderr": "a\nb",
        "delegated_to": "bastion",
        "failed_hosts": ["web1", "web2"],
        "unreachable_hosts": ["web3"],
        "other_failures": [
            {
                "host": host,
                "play": "Deploy",
                "role": None,
                "task": task,
                "path": "/srv/shop/deploy.yml:7",
                "message": "No package nginx available",
                "stderr": None,
                "failed_items": None,
                "delegated_to": None,
            }
            for host, task in (("web2", "Start nginx"), ("web3", "Install nginx"))
        ],
        "ansible_core": RUN.core_version,
    }


def test_the_details_say_who_ran_what() -> None:
    run = RunContext(
        job_name="Deploy shop",
        playbook="deploy.yml",
        user="mary",
        controller="ansible1",
        revision="0123456789abcdef",
        core_version="2.19.14",
        build=Build(name="AWX job 7"),
        inventories=("production", "extra"),
        command=("ansible-playbook", "deploy.yml"),
    )
    told = details(incident(outcome("web1"), outcome("web2")), run)
    wanted = {
        "job": "Deploy shop",
        "rerun": "ansible-playbook deploy.yml --limit web1,web2",
        "build": "AWX job 7",
        "playbook": "deploy.yml",
        "user": "mary",
        "controller": "ansible1",
        "git_revision": "0123456789",
        "ansible_core": "2.19.14",
        "inventory": "production, extra",
    }
    assert wanted.items() <= told.items()


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (Interrupted("SIGHUP"), {"run": "interrupted by SIGHUP before its end"}),
        (Errored("E", "bad\nworse"), {"run": "ended by an error before its end: bad"}),
    ],
)
def test_the_details_say_that_the_run_was_cut_short(ended: Cut, said: dict[str, str]) -> None:
    assert said.items() <= details(incident(outcome(), ended=ended)).items()


def test_an_error_is_told_whole() -> None:
    told = details(incident(ended=Errored("E", "bad\nworse")))
    assert (told["error"], told["run"]) == ("bad\nworse", "ended by an error before its end: bad")


def test_a_hidden_result_says_only_that() -> None:
    told = details(incident(outcome(hidden=True, message="", stderr="")))
    assert told["message"] == _incident_text.HIDDEN
    assert "stderr" not in told


def test_failed_items_are_named_up_to_ten() -> None:
    items = tuple(FailedItem(f"item {number}", f"no {number}", "e") for number in range(12))
    shown = details(incident(outcome(items=items, items_left_out=30)))["failed_items"]
    assert shown[0] == {"item": "item 0", "message": "no 0", "stderr": "e"}
    assert len(shown) == 11
    assert shown[-1] == "and 32 more"


def test_a_hundred_hosts_are_named_each_by_itself() -> None:
    names = [f"h{number}" for number in range(100)]
    assert details(incident(*map(outcome, names)))["failed_hosts"] == names


def test_more_hosts_are_all_named_by_range() -> None:
    told = incident(*(outcome(f"web{number:04}") for number in range(1, 10_001) if number != 500), unreachable("db1"))
    shown = details(told)
    assert shown["failed_hosts"] == ["web[0001:0499]", "web[0501:9999]", "web10000"]
    assert shown["unreachable_hosts"] == ["db1"]


def test_hosts_without_an_order_are_named_as_far_as_an_event_has_room() -> None:
    names = [f"{number * 7919 % 99_991:x}-{'y' * 30}" for number in range(10_000)]
    shown = details(incident(*map(outcome, names)))["failed_hosts"]
    assert 3_000 < len(shown) < 10_000
    assert shown[-1].startswith("and ")
    assert len(encode({"hosts": shown})) < BODY_BYTES / 2


def test_long_texts_are_cut_a_message_at_its_end_and_stderr_at_its_beginning() -> None:
    stderr = "\n".join(f"line {number}" for number in range(100))
    told = details(incident(outcome(message="m" * 3000, stderr=stderr)))
    assert told["message"] == "m" * 1999 + "…"
    assert told["stderr"].splitlines() == [f"line {number}" for number in range(80, 100)]


@pytest.mark.parametrize("where", ["message", "stderr", "item"])
def test_a_secret_on_the_edge_of_a_cut_is_masked_whole(where: str) -> None:
    # Cut first, it would leave half of the secret, which nothing finds.
    places: dict[str, dict[str, Any]] = {
        "message": {"message": "m" * 1996 + "hunter2"},
        "stderr": {"stderr": "hunter2" + "s" * 1997},
        "item": {"items": (FailedItem("i" * 1996 + "hunter2", ""),)},
    }
    assert not any(piece in str(details(incident(outcome(**places[where])))) for piece in ("hun", "er2"))
