# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered of incidents from run to run, on real SQLite."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._drops import SUPERSEDED
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import Incident, place, place_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Ledger
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._memory import Memory
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._open_jobs import OpenJobs
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox, fingerprint_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pacing import Pace
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import Change
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._taken_over import learn
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, OTHER_KEY, alert, route
from ansible_collections.oncall.pagerduty.tests.support.failures import outcome, steering

INSTALL = ("/srv/shop/deploy.yml:99", "", "Install nginx", "ansible.builtin.fail")

MakeMemory = Callable[..., Memory]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "outbox.sqlite3")


@pytest.fixture
def begin(path: str) -> MakeMemory:
    """Begins a run, with the memory of those before it."""

    def begin(
        job: str = "deploy.yml",
        inventory: str = "production",
        hosts: str = "web1 web2 web3",
        ledger: Callable[[], Ledger] = lambda: Ledger(Database(path)),
    ) -> Memory:
        return Memory(
            job,
            ledger,
            lambda: Outbox(Database(path)),
            OpenJobs(path),
            lambda file: os.path.relpath(file, "/srv/shop"),
            inventory,
            hosts.split().__contains__,
        )

    return begin


def incident(*outcomes: Outcome, key: str = "k") -> Incident:
    made = Incident(key, steering(), {"playbook": "deploy.yml"}, outcomes[0], "error", samples=list(outcomes))
    made.hosts.update({failed.host: (failed.kind, place_of(failed)) for failed in outcomes})
    return made


def verdicts(memory: Memory, green: bool = False) -> list[tuple[str, Change, tuple[str, ...]]]:
    return [(found.dedup_key, verdict.change, verdict.remaining) for found, verdict in memory.verdicts(green)]


def test_nothing_is_opened_until_there_is_something(begin: MakeMemory, path: str) -> None:
    assert not begin().has_open_incidents()
    assert not os.path.exists(path)


def test_hosts_get_through_one_run_after_the_other(begin: MakeMemory) -> None:
    begin().remember(incident(outcome("web1"), outcome("web2")), "failed")

    memory = begin()
    assert memory.has_open_incidents()
    memory.passed("web1", place(*INSTALL))
    ((found, verdict),) = memory.verdicts(False)
    assert (found.dedup_key, found.summary, verdict.change, verdict.remaining) == (
        "k",
        "failed",
        Change.LESS,
        ("web2",),
    )
    memory.settle(found, verdict, over=False)

    memory = begin()
    memory.passed("web2", place(*INSTALL))
    ((found, verdict),) = memory.verdicts(False)
    assert verdict.change is Change.OVER
    memory.settle(found, verdict, over=True)

    assert not begin().has_open_incidents()


def test_a_run_that_is_killed_while_it_remembers_leaves_no_incident_without_places(
    begin: MakeMemory, path: str
) -> None:
    ledgers = [Ledger(Database(path))]
    with contextlib.suppress(IndexError):  # stands for the kill, after the first commit
        begin(ledger=ledgers.pop).remember(incident(outcome("web1")), "failed")
    assert verdicts(begin()) == [("k", Change.NONE, ("web1",))]


def test_a_failure_of_this_run_is_not_passed_by_this_run(begin: MakeMemory) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    memory = begin()
    memory.passed("web1", place(*INSTALL))
    memory.remember(incident(outcome("web1")), "failed")
    assert verdicts(memory) == [("k", Change.NONE, ("web1",))]


def test_jobs_do_not_touch_each_others_incidents(begin: MakeMemory) -> None:
    begin("a.yml").remember(incident(outcome("web1"), key="a"), "failed")
    begin("b.yml").remember(incident(outcome("web1"), key="b"), "failed")
    memory = begin("b.yml")
    memory.passed("web1", place(*INSTALL))
    assert verdicts(memory, green=True) == [("b", Change.OVER, ())]


def test_the_place_does_not_depend_on_where_the_project_lies(begin: MakeMemory, path: str) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    (found,) = Ledger(Database(path)).incidents_of("deploy.yml")
    assert [(place.host, place.place) for place in found.places] == [("web1", "production||deploy.yml|Install nginx")]


@pytest.mark.parametrize(
    ("first", "second", "hosts", "change"),
    [
        ("production", "production", "web2", Change.OVER),
        ("production", "production", "web1 web2", Change.NONE),
        ("production", "staging", "web2", Change.NONE),
    ],
    ids=["gone", "still there", "another inventory"],
)
def test_a_host_that_is_gone_from_its_inventory(
    begin: MakeMemory, first: str, second: str, hosts: str, change: Change
) -> None:
    begin(inventory=first).remember(incident(outcome("web1")), "failed")
    memory = begin(inventory=second, hosts=hosts)
    memory.passed("web2", place(*INSTALL))
    assert [verdict for _key, verdict, _hosts in verdicts(memory, green=True)] == [change]


def test_an_incident_of_two_inventories_waits_for_the_hosts_of_both(begin: MakeMemory) -> None:
    begin(inventory="staging").remember(incident(outcome("web1")), "failed")
    begin(inventory="production").remember(incident(outcome("web3")), "failed")
    memory = begin(inventory="production", hosts="web3")
    memory.passed("web3", place(*INSTALL))
    assert verdicts(memory, green=True) == [("k", Change.LESS, ("web1",))]


# --- what PagerDuty refuses --------------------------------------------------------------------------------------


def refuse(path: str, key: str = "k", accept: bool = False) -> None:
    """Have an incident's trigger refused, or first another one accepted."""
    outbox = Outbox(Database(path))
    for accepted in (True, False) if accept else (False,):
        outbox.put(alert(key), route())
        (claim,) = outbox.claim("me", outbox.lanes()[0], 1, Pace(0))
        if accepted:
            outbox.accepted(claim)
        else:
            outbox.refused(claim, "me", "HTTP 400")


def settled(memory: Memory, green: bool = True) -> list[tuple[str, Change, bool]]:
    """Key, change and whether PagerDuty need not be told, of what a run in which all hosts got through means."""
    memory.look_back()
    for host in ("web1", "web2"):
        memory.passed(host, place(*INSTALL))
    return [
        (found.dedup_key, verdict.change, memory.settle_unheard_of(found, verdict))
        for found, verdict in memory.verdicts(green)
    ]


def test_an_incident_whose_trigger_is_set_aside_ends_quietly_and_takes_that_along(begin: MakeMemory, path: str) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    refuse(path)
    assert settled(begin()) == [("k", Change.OVER, True)]
    assert not begin().has_open_incidents()
    counts = Outbox(Database(path)).counts()
    assert (counts.set_aside, counts.dropped) == (0, {SUPERSEDED: 1})


def test_an_incident_that_is_retried_after_another_run_is_waited_for(begin: MakeMemory, path: str) -> None:
    begin().remember(incident(outcome("web1"), outcome("web3")), "failed")
    refuse(path)
    assert settled(begin(), green=False) == [("k", Change.LESS, True)]
    assert verdicts(begin()) == [("k", Change.NONE, ("web3",))]
    outbox = Outbox(Database(path))
    assert outbox.retry() == 1
    memory = begin()
    memory.passed("web3", place(*INSTALL))
    assert settled(memory) == [("k", Change.OVER, False)]
    assert outbox.counts().waiting == 1


def test_only_what_pagerduty_cannot_know_ends_quietly(begin: MakeMemory, path: str) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    refuse(path, accept=True)
    begin().remember(incident(outcome("web1"), key="waiting"), "failed")
    refuse(path, "another")
    refuse(path, "waiting")
    Outbox(Database(path)).put(alert("waiting"), route())
    assert settled(begin()) == [("k", Change.OVER, False), ("waiting", Change.OVER, False)]
    # Retried, the old ones would open again what is about to be resolved.
    assert [entry.dedup_key for entry in Outbox(Database(path)).entries()] == ["another", "waiting"]


# --- what a run takes back ---------------------------------------------------------------------------------------


def test_what_is_taken_back_whole_is_over(begin: MakeMemory) -> None:
    memory = begin()
    told = incident(outcome("web1"))
    memory.remember(told, "failed")
    told.hosts.clear()
    assert memory.withdraw(told)
    assert not begin().has_open_incidents()


def test_what_an_earlier_run_has_said_is_not_taken_back(begin: MakeMemory) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    memory = begin()
    told = incident(outcome("web2"))
    memory.remember(told, "failed")
    told.hosts.clear()
    assert not memory.withdraw(told)
    assert verdicts(begin()) == [("k", Change.NONE, ("web1",))]


def test_a_host_that_is_taken_back_is_not_waited_for(begin: MakeMemory) -> None:
    memory = begin()
    told = incident(outcome("web1"), outcome("web2"))
    memory.remember(told, "failed")
    del told.hosts["web2"]
    memory.remember(told, "failed")
    assert verdicts(begin()) == [("k", Change.NONE, ("web1",))]


# --- what tasks tell ---------------------------------------------------------------------------------------------


def test_a_task_that_resolves_is_learned_of(begin: MakeMemory, path: str) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    assert learn(path, OTHER_KEY, "k", "resolved") is None
    assert learn(path, KEY, "other", "resolved") is None
    assert verdicts(begin()) == [("k", Change.NONE, ("web1",))]
    assert learn(path, KEY, "k", "resolved") is None
    memory = begin()
    assert verdicts(memory) == []
    assert not begin().has_open_incidents()


def test_a_task_that_acknowledges_is_learned_of(begin: MakeMemory, path: str) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    assert learn(path, KEY, "k", "acknowledged") is None
    (found,) = Ledger(Database(path)).incidents_of("deploy.yml")
    assert (found.state, found.fingerprint) == ("acknowledged", fingerprint_of(KEY))


def test_a_task_does_not_touch_the_disk_while_nothing_is_open(path: str) -> None:
    assert learn(path, KEY, "k", "resolved") is None
    assert not os.path.exists(path)


def test_a_memory_that_cannot_be_told_is_a_warning(begin: MakeMemory, path: str) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    Path(path).write_bytes(b"no database" * 1000)
    for suffix in ("-wal", "-shm"):
        Path(path + suffix).unlink(missing_ok=True)
    assert str(learn(path, KEY, "k", "resolved")).startswith("PagerDuty was told, but the memory of open incidents")
