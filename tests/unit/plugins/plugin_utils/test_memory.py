# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered of incidents from run to run, on real SQLite."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _schema
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._drops import SUPERSEDED
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Errored
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import Incident, place, place_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._job_variables import NO_PARAMETERS, Parameters
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Ledger, RecordedIncident
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Place as RecordedPlace
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._memory import Memory
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._open_jobs import OpenJobs
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import fingerprint_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pacing import Pace
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._passage import Passage
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import Change, Raisable, Verdict, Why
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._taken_over import learn
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, OTHER_KEY, Clock, alert, route
from ansible_collections.oncall.pagerduty.tests.support.failures import outcome, steering

INSTALL = ("/srv/shop/deploy.yml:99", "", "Install nginx", "ansible.builtin.fail")

MakeMemory = Callable[..., Memory]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "outbox.sqlite3")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(path: str, clock: Clock) -> Callable[[], Database]:
    return lambda: Database(path, wall=lambda: 1_000_000.0, uptime=clock)


class Inventory:
    """An inventory as the memory sees it."""

    def __init__(self, hosts: list[str], made: list[str], unread: tuple[str, ...]) -> None:
        self._hosts, self._made = hosts, made
        self.unread = unread

    def has(self, host: str) -> bool:
        return host in self._hosts

    def is_from_source(self, host: str) -> bool:
        return host in self._hosts and host not in self._made


class ThisRun:
    """A run that would raise the same incident wherever it is asked."""

    def __init__(
        self, key: str = KEY, parameters: Parameters = NO_PARAMETERS, may_end_early: Callable[[], bool] = lambda: False
    ) -> None:
        self._key, self._parameters, self.may_end_early = key, parameters, may_end_early

    def would_raise(self, incident: RecordedIncident, place: RecordedPlace) -> list[Raisable | None]:
        return [self.raisable(incident, place)]

    def raisable(self, incident: RecordedIncident, _place: RecordedPlace) -> Raisable:
        digest = self._parameters.digest(self._key)
        return Raisable(fingerprint_of(self._key), incident.dedup_key, frozenset(), digest, self._parameters.names)

    def parameters(self, _incident: RecordedIncident) -> frozenset[str]:
        return frozenset({self._parameters.digest(self._key)})


@pytest.fixture
def begin(path: str, clock: Clock, database: Callable[[], Database]) -> MakeMemory:
    """Begins a run, with the memory of those before it."""

    def begin(
        job: str = "deploy.yml",
        inventory: str = "production",
        hosts: str = "web1 web2 web3",
        ledger: Callable[[], Ledger] | None = None,
        parameters: Parameters = NO_PARAMETERS,
        made: str = "",
        unread: tuple[str, ...] = (),
        playbook: str = "deploy.yml",
        machine: Callable[[str], str] = lambda host: host,
    ) -> Memory:
        clock.go_on(1.0)  # one run begins after the other
        return Memory(
            job,
            ledger or (lambda: Ledger(database())),
            lambda: Outbox(database()),
            OpenJobs(path),
            lambda file: os.path.relpath(file, "/srv/shop"),
            inventory,
            Inventory(hosts.split(), made.split(), unread),
            lambda: parameters,
            clock(),
            playbook,
            clock,
            machine,
        )

    return begin


def incident(*outcomes: Outcome, key: str = "k") -> Incident:
    made = Incident(key, steering(), {"playbook": "deploy.yml"}, outcomes[0], "error", samples=list(outcomes))
    made.hosts.update({failed.host: (failed.kind, place_of(failed)) for failed in outcomes})
    return made


def is_marked(memory: Memory) -> bool:
    """Whether a run will look into the memory."""
    return memory._marks.has("deploy.yml")


def judged(memory: Memory, green: bool = False, run: ThisRun | None = None) -> list[tuple[RecordedIncident, Verdict]]:
    """What a run means for each open incident, with its sightings noted."""
    found = []
    for incident in memory.incidents():
        verdict = memory.verdict(incident, green, run or ThisRun())
        assert verdict is not None
        memory.note_sightings(incident, verdict)
        found.append((incident, verdict))
    return found


def verdicts(
    memory: Memory, green: bool = False, run: ThisRun | None = None
) -> list[tuple[str, Change, tuple[str, ...]]]:
    return [(found.dedup_key, verdict.change, verdict.remaining) for found, verdict in judged(memory, green, run)]


def passes(memory: Memory, clock: Clock, *on: str, run: ThisRun | None = None, **fields: Any) -> None:
    """Have the task at which hosts had failed end well on some; it begins a second after what came before."""
    clock.go_on(1.0)
    for host in on:
        passage = Passage(host, place(*INSTALL), "ok", True, clock())
        memory.passed(dataclasses.replace(passage, **fields), (run or ThisRun()).raisable)


def test_nothing_is_opened_until_there_is_something(begin: MakeMemory, path: str) -> None:
    assert not is_marked(begin())
    assert not os.path.exists(path)


def test_hosts_get_through_one_run_after_the_other(begin: MakeMemory, clock: Clock) -> None:
    begin().remember(incident(outcome("web1"), outcome("web2")), "failed")

    memory = begin()
    assert is_marked(memory)
    passes(memory, clock, "web1")
    ((found, verdict),) = judged(memory)
    assert (found.dedup_key, found.summary, verdict.change, verdict.remaining) == (
        "k",
        "failed",
        Change.LESS,
        ("web2",),
    )
    memory.settle(found, verdict, over=False)

    memory = begin()
    passes(memory, clock, "web2")
    ((found, verdict),) = judged(memory)
    assert verdict.change is Change.OVER
    memory.settle(found, verdict, over=True)

    assert not is_marked(begin())


def test_what_the_first_version_has_recorded_of_localhost_gives_way_to_its_next_failure(
    begin: MakeMemory, path: str, clock: Clock
) -> None:
    """That version's places do not say on which controller they are."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in _schema.MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute(
            "INSERT INTO incidents VALUES (1, ?, 'k', 'deploy.yml', '{}', 'triggered', 'failed', 1.0, 1.0)",
            (fingerprint_of(KEY),),
        )
        where = "production||deploy.yml|Install nginx"
        connection.execute("INSERT INTO places VALUES (1, 'localhost', ?, 1.0, NULL)", (where,))
        connection.execute("PRAGMA user_version = 1")
    OpenJobs(path).mark("deploy.yml")

    def here(**around: Any) -> Memory:
        return begin(hosts="localhost", machine=lambda _host: "controller1", **around)

    memory = here()
    passes(memory, clock, "localhost")
    assert verdicts(memory) == [("k", Change.NONE, ("localhost",))]

    here().remember(incident(outcome("localhost")), "failed again")
    memory = here()
    passes(memory, clock, "localhost")
    assert verdicts(memory) == [("k", Change.OVER, ())]


def test_a_run_that_is_killed_while_it_remembers_leaves_no_incident_without_places(
    begin: MakeMemory, database: Callable[[], Database]
) -> None:
    ledgers = [Ledger(database())]
    with contextlib.suppress(IndexError):  # stands for the kill, after the first commit
        begin(ledger=ledgers.pop).remember(incident(outcome("web1")), "failed")
    assert verdicts(begin()) == [("k", Change.NONE, ("web1",))]


def test_a_failure_of_this_run_is_not_passed_by_this_run(begin: MakeMemory, clock: Clock) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    memory = begin()
    passes(memory, clock, "web1")
    memory.remember(incident(outcome("web1")), "failed")
    assert verdicts(memory) == [("k", Change.NONE, ("web1",))]


def test_jobs_do_not_touch_each_others_incidents(begin: MakeMemory, clock: Clock) -> None:
    begin("a.yml").remember(incident(outcome("web1"), key="a"), "failed")
    begin("b.yml").remember(incident(outcome("web1"), key="b"), "failed")
    memory = begin("b.yml")
    passes(memory, clock, "web1")
    assert verdicts(memory, green=True) == [("b", Change.OVER, ())]


def test_the_place_does_not_depend_on_where_the_project_lies(
    begin: MakeMemory, database: Callable[[], Database]
) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    (found,) = Ledger(database()).incidents_of("deploy.yml")
    assert [(place.host, place.place) for place in found.places] == [("web1", "production||deploy.yml|Install nginx")]


@pytest.mark.parametrize(
    ("first", "later", "changes"),
    [
        ({}, {"hosts": "web2"}, [Change.NONE, Change.NONE, Change.OVER]),
        ({}, {"hosts": "web1 web2"}, [Change.NONE] * 3),
        ({}, {"hosts": "web2", "inventory": "staging"}, [Change.NONE] * 3),
        ({}, {"hosts": "web2", "unread": ("cloud.sh",)}, [Change.NONE] * 3),
        ({}, {"hosts": "web2", "parameters": Parameters(("app",), "blog")}, [Change.NONE] * 3),
        ({"made": "web1"}, {"hosts": "web2"}, [Change.NONE] * 3),
        ({"inventory": ","}, {"inventory": ",", "hosts": "web2"}, [Change.NONE] * 3),
    ],
    ids=["gone", "still there", "another inventory", "unread", "another job", "made by the run", "a list of hosts"],
)
def test_a_host_that_is_gone_from_its_inventory(
    begin: MakeMemory, clock: Clock, first: dict[str, Any], later: dict[str, Any], changes: list[Change]
) -> None:
    begin(**first).remember(incident(outcome("web1")), "failed")
    run = ThisRun(parameters=later.get("parameters", NO_PARAMETERS))
    for wait, change in zip((3600.0, 80_000.0, 10_000.0), changes):
        clock.go_on(wait)
        memory = begin(**later)
        passes(memory, clock, "web2", run=run)
        assert [verdict for _key, verdict, _hosts in verdicts(memory, green=True, run=run)] == [change]


def test_the_day_begins_anew_for_a_host_that_comes_back(begin: MakeMemory, clock: Clock) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    for hosts, green in (("web2", True), ("web1 web2", False), ("web2", True)):
        memory = begin(hosts=hosts)
        passes(memory, clock, "web2")
        assert verdicts(memory, green)[0][1] is Change.NONE
        clock.go_on(90_000.0)


def test_an_incident_of_two_inventories_waits_for_the_hosts_of_both(
    begin: MakeMemory, clock: Clock, database: Callable[[], Database]
) -> None:
    begin(inventory="staging").remember(incident(outcome("web1")), "failed")
    begin(inventory="production").remember(incident(outcome("web3")), "failed")
    memory = begin(inventory="production", hosts="web3")
    passes(memory, clock, "web3")
    assert verdicts(memory, green=True) == [("k", Change.LESS, ("web1",))]


# --- what comes from other runs ----------------------------------------------------------------------------------

APP = {app: Parameters(("app",), app) for app in ("shop", "blog")}


@pytest.mark.parametrize("green", [True, False], ids=["as a whole", "place by place"])
def test_runs_with_other_variables_prove_nothing(begin: MakeMemory, clock: Clock, green: bool) -> None:
    begin(parameters=APP["shop"]).remember(incident(outcome("web1")), "failed")
    for parameters, change in ((APP["blog"], Change.NONE), (NO_PARAMETERS, Change.NONE), (APP["shop"], Change.OVER)):
        run = ThisRun(parameters=parameters)
        memory = begin(parameters=parameters)
        passes(memory, clock, "web1", run=run, how="skipped" if green else "ok")
        assert [found for _key, found, _hosts in verdicts(memory, green, run)] == [change]


def test_what_failed_in_two_kinds_of_run_needs_both(begin: MakeMemory, clock: Clock) -> None:
    for parameters in APP.values():
        begin(parameters=parameters).remember(incident(outcome("web1")), "failed")
    run = ThisRun(parameters=APP["shop"])
    memory = begin(parameters=APP["shop"])
    passes(memory, clock, "web1", run=run)
    ((_found, verdict),) = judged(memory, run=run)
    assert (verdict.change, list(verdict.why)) == (Change.LESS, [Why.PARAMETERS])


@pytest.mark.parametrize("began_before", [True, False])
@pytest.mark.parametrize("green", [True, False], ids=["as a whole", "place by place"])
def test_a_failure_after_the_proof_stands(begin: MakeMemory, clock: Clock, green: bool, began_before: bool) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    memory = begin()
    started = clock()
    if began_before:
        passes(memory, clock, "web1", how="skipped" if green else "ok")
    clock.go_on(1.0)
    begin().remember(incident(outcome("web1")), "failed again")
    if not began_before:
        # The result comes after the failure, but the task had begun before it.
        clock.go_on(1.0)
        memory.passed(Passage("web1", place(*INSTALL), "skipped" if green else "ok", True, started), ThisRun().raisable)
    ((_found, verdict),) = judged(memory, green)
    assert (verdict.change, list(verdict.why)) == (Change.NONE, [Why.NEWER])


def test_a_task_that_began_after_the_failure_is_proof_in_a_run_that_began_before(
    begin: MakeMemory, clock: Clock
) -> None:
    memory = begin()
    begin().remember(incident(outcome("web1")), "failed")
    passes(memory, clock, "web1")
    assert verdicts(memory) == [("k", Change.OVER, ())]


def test_a_task_that_was_skipped_shows_nothing_of_its_place(begin: MakeMemory, clock: Clock) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    memory = begin()
    passes(memory, clock, "web1", how="skipped")
    assert verdicts(memory) == [("k", Change.NONE, ("web1",))]
    assert verdicts(memory, green=True) == [("k", Change.OVER, ())]


@pytest.mark.parametrize("how", ["ignored", "unreached"])
def test_a_failure_that_is_ignored_does_not_end_the_incident_that_it_would_have_raised(
    begin: MakeMemory, clock: Clock, how: str
) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    memory = begin()
    memory.passed(
        Passage("web1", place("/srv/shop/deploy.yml:1", "", "Prepare", "ping"), "ok", True, clock()), ThisRun().raisable
    )
    passes(memory, clock, "web1", how=how)
    for green in (False, True):
        ((_found, verdict),) = judged(memory, green)
        assert (verdict.change, list(verdict.why)) == (Change.NONE, [Why.IGNORED])
    passes(memory, clock, "web1")
    assert verdicts(memory, green=True) == [("k", Change.OVER, ())]


def test_a_complete_run_of_another_playbook_of_the_job_proves_nothing(begin: MakeMemory, clock: Clock) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    for playbook, change in (("ping.yml", Change.NONE), ("deploy.yml", Change.OVER)):
        memory = begin(playbook=playbook)
        passes(memory, clock, "web1", how="skipped")
        assert verdicts(memory, green=True)[0][1] is change


def test_a_mark_is_not_lost_to_a_run_that_just_found_no_incident(
    begin: MakeMemory, path: str, database: Callable[[], Database]
) -> None:
    marks = OpenJobs(path)

    class Overtaken(Ledger):
        def open_incident(self, *given: Any, **named: Any) -> None:
            self.unless_open("deploy.yml", lambda: marks.clear("deploy.yml"))
            super().open_incident(*given, **named)

    begin(ledger=lambda: Overtaken(database())).remember(incident(outcome("web1")), "failed")
    assert is_marked(begin())


def test_a_complete_run_needs_all_sources_of_the_inventory(begin: MakeMemory, clock: Clock) -> None:
    cut = incident(outcome("web1"))
    cut.cause = cut.ended = Errored("KeyError", "'x'")
    cut.hosts.clear()
    begin().remember(cut, "failed")
    for unread, change in ((("cloud.sh",), Change.NONE), ((), Change.OVER)):
        memory = begin(unread=unread)
        passes(memory, clock, "web2")
        assert verdicts(memory, green=True)[0][1] is change


# --- what PagerDuty refuses --------------------------------------------------------------------------------------


def refuse(database: Callable[[], Database], key: str = "k", accept: bool = False) -> None:
    """Have an incident's trigger refused, or first another one accepted."""
    outbox = Outbox(database())
    for accepted in (True, False) if accept else (False,):
        outbox.put(alert(key), route())
        (claim,) = outbox.claim("me", outbox.lanes()[0], 1, Pace(0))
        if accepted:
            outbox.accepted(claim)
        else:
            outbox.refused(claim, "me", "HTTP 400")


def settled(memory: Memory, clock: Clock, green: bool = True) -> list[tuple[str, Change, bool]]:
    """Key, change and whether PagerDuty need not be told, of what a run in which all hosts got through means."""
    memory.look_back()
    for host in ("web1", "web2"):
        passes(memory, clock, host)
    return [
        (found.dedup_key, verdict.change, memory.settle_unheard_of(found, verdict))
        for found, verdict in judged(memory, green)
    ]


def test_an_incident_whose_trigger_is_set_aside_ends_quietly_and_takes_that_along(
    begin: MakeMemory, clock: Clock, database: Callable[[], Database]
) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    refuse(database)
    assert settled(begin(), clock) == [("k", Change.OVER, True)]
    assert not is_marked(begin())
    counts = Outbox(database()).counts()
    assert (counts.set_aside, counts.dropped) == (0, {SUPERSEDED: 1})


def test_an_incident_that_is_retried_after_another_run_is_waited_for(
    begin: MakeMemory, clock: Clock, database: Callable[[], Database]
) -> None:
    begin().remember(incident(outcome("web1"), outcome("web3")), "failed")
    refuse(database)
    assert settled(begin(), clock, green=False) == [("k", Change.LESS, True)]
    assert verdicts(begin()) == [("k", Change.NONE, ("web3",))]
    outbox = Outbox(database())
    assert outbox.retry() == 1
    memory = begin()
    passes(memory, clock, "web3")
    assert settled(memory, clock) == [("k", Change.OVER, False)]
    assert outbox.counts().waiting == 1


def test_only_what_pagerduty_cannot_know_ends_quietly(
    begin: MakeMemory, clock: Clock, database: Callable[[], Database]
) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    refuse(database, accept=True)
    begin().remember(incident(outcome("web1"), key="waiting"), "failed")
    refuse(database, "another")
    refuse(database, "waiting")
    Outbox(database()).put(alert("waiting"), route())
    assert settled(begin(), clock) == [("k", Change.OVER, False), ("waiting", Change.OVER, False)]
    # Retried, the old ones would open again what is about to be resolved.
    assert [entry.dedup_key for entry in Outbox(database()).entries()] == ["another", "waiting"]


# --- what a run takes back ---------------------------------------------------------------------------------------


def test_what_is_taken_back_whole_is_over(begin: MakeMemory) -> None:
    memory = begin()
    told = incident(outcome("web1"))
    memory.remember(told, "failed")
    told.hosts.clear()
    assert memory.withdraw(told)
    assert not is_marked(begin())


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
    assert not is_marked(begin())


def test_a_task_that_acknowledges_is_learned_of(begin: MakeMemory, path: str, database: Callable[[], Database]) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    assert learn(path, KEY, "k", "acknowledged") is None
    (found,) = Ledger(database()).incidents_of("deploy.yml")
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


def test_an_end_that_could_not_be_noted_is_looked_for_by_the_next_run(
    begin: MakeMemory, clock: Clock, database: Callable[[], Database]
) -> None:
    begin().remember(incident(outcome("web1")), "failed")
    ledger = Ledger(database())
    memory = begin(ledger=lambda: ledger)
    passes(memory, clock, "web1")
    ((found, verdict),) = judged(memory)
    marks = []

    def settle_in_vain() -> None:
        with memory.one_step():
            memory.settle(found, verdict, over=True)
            marks.append(memory._marks.has("deploy.yml"))
            raise RuntimeError("stands for a disk that is full when the transaction ends")

    with pytest.raises(RuntimeError):
        settle_in_vain()
    memory = begin()
    assert (marks, memory._marks.has("deploy.yml")) == ([False], True)
    assert verdicts(memory) == [("k", Change.NONE, ("web1",))]
