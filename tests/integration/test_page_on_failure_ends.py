# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are cut short, and a PagerDuty that does not answer: what had failed is told, and nobody is held up."""

from __future__ import annotations

import os
import shlex
import signal
import sqlite3
import subprocess
import time
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.tests.integration.support.callback import (
    CALLBACK,
    cfg,
    closing,
    details,
    events,
    fail,
    hosts,
    keys,
    ok,
    play,
    script,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.couriers import stop_all, wait_until
from ansible_collections.oncall.pagerduty.tests.support.environment import ansible_command

TWO = hosts("web1", "web2")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Slow:
    """A playbook at work in the background, whose last task takes long and makes a file when it begins.

    The last task can be the rescue of tasks.
    """

    def __init__(
        self, ansible: Ansible, name: str, settings: str, *before: dict[str, Any], rescue_of: Sequence[Any] = ()
    ) -> None:
        self._begun = ansible.home / f"{name}.begun"
        config = ansible.write(f"{name}.cfg", settings)
        ansible.write("hosts.json", TWO)
        last = {"block": list(rescue_of), "rescue": [self._long()]} if rescue_of else self._long()
        folder = ansible.write(f"{name}/slow.yml", [play("Deploy", "all", *before, last)]).parent
        self.process = subprocess.Popen(
            [ansible_command("ansible-playbook"), "-i", "../hosts.json", "slow.yml"],
            cwd=folder,
            env={**ansible.environment(), "ANSIBLE_CONFIG": str(config), "PAGERDUTY_JOB_NAME": "slow"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _long(self) -> dict[str, Any]:
        text = f"touch {shlex.quote(str(self._begun))}; sleep 300"
        return script("Take long", text, when="inventory_hostname == 'web2'")

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal once the last task is at work, as a terminal does; the exit code and the output."""
        try:
            wait_until(self._begun.exists)
            os.killpg(self.process.pid, number)
            output, _nothing = self.process.communicate(timeout=60)
        except BaseException:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()
            raise
        return self.process.returncode, output


@pytest.mark.parametrize(
    "number",
    [SIGNALS[0], *(pytest.param(number, marks=pytest.mark.slow) for number in SIGNALS[1:])],
    ids=lambda number: number.name,
)
def test_what_had_failed_before_a_signal_is_told(
    ansible: Ansible, simulator: Simulator, number: signal.Signals
) -> None:
    plain = Slow(ansible, "plain", "", fail("Break", on="web1"))
    watched = Slow(ansible, "watched", cfg(simulator), fail("Break", on="web1"))

    usual, _output = plain.end(number)
    code, output = watched.end(number)

    assert code == usual != 0
    opened, updated = events(simulator)
    assert opened.summary == "slow failed on 1 of 2 hosts: Break (web1)"
    assert updated.summary == f"{opened.summary}; the run was cut short"
    assert details(updated)["run"] == f"interrupted by {number.name} before its end"
    assert "PagerDuty: 1 incident triggered (ansible:slow, 1 host), 2 events accepted, 0 waiting" in output


@pytest.mark.slow
def test_a_failure_whose_rescue_was_interrupted_is_told_once_with_that(ansible: Ansible, simulator: Simulator) -> None:
    plain = Slow(ansible, "plain", "", rescue_of=[fail("Break", on="web2")])
    watched = Slow(ansible, "watched", cfg(simulator), rescue_of=[fail("Break", on="web2")])

    usual, _output = plain.end(signal.SIGINT)
    code, output = watched.end(signal.SIGINT)

    assert code == usual != 0
    (event,) = events(simulator)
    assert event.summary == "slow failed on 1 of 2 hosts: Break (web2); the run was cut short"
    assert details(event)["run"] == "interrupted by SIGINT before its end"
    assert "PagerDuty: 1 incident triggered (ansible:slow, 1 host), 1 event accepted, 0 waiting" in output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page_on", "titles"),
    [("failed", []), ("interrupted", ["slow was interrupted by SIGINT"])],
)
def test_whoever_interrupts_a_run_knows_unless_page_on_says_otherwise(
    ansible: Ansible, simulator: Simulator, page_on: str, titles: list[str]
) -> None:
    _code, output = Slow(ansible, "watched", cfg(simulator, page_on=page_on), ok()).end(signal.SIGINT)
    assert [incident.summary for incident in simulator.incidents] == titles
    assert ("PagerDuty:" in output) is bool(titles)


@pytest.mark.slow
def test_an_interrupted_run_proves_what_it_ran(ansible: Ansible, simulator: Simulator) -> None:
    Slow(
        ansible, "first", cfg(simulator), fail("Break", on="web1"), fail("Break more", on="web2")
    ).process.communicate()
    assert keys(simulator) == ["ansible:slow"]

    _code, output = Slow(ansible, "second", cfg(simulator), ok("Break")).end(signal.SIGINT)

    assert "PagerDuty: 1 incident updated (ansible:slow), 1 event accepted, 0 waiting" in output
    assert details(events(simulator)[-1]) == {"got_through": ["web1"], "still_failing": ["web2"]}
    assert keys(simulator) == ["ansible:slow"]


def test_an_error_that_ends_the_run_is_paged_with_its_text(ansible: Ansible, simulator: Simulator) -> None:
    broken = play("Broken", "all", ok(), strategy="nowhere")
    options: dict[str, Any] = {"inventory": TWO, "cfg": cfg(simulator)}
    plays = [play("Deploy", "all", fail("Break", on="web1")), broken]
    plain = ansible(plays, inventory=TWO)

    run = ansible(plays, name="both.yml", **options)
    alone = ansible([broken], name="alone.yml", **options)

    assert run.rc == plain.rc == alone.rc != 0
    assert run.stats is None
    both, one = simulator.incidents
    assert [event.summary for event in events(simulator)][:2] == [
        "both.yml failed on 1 of 2 hosts: Break (web1)",
        "both.yml failed on 1 of 2 hosts: Break (web1); the run was cut short",
    ]
    assert "nowhere" in details(events(simulator)[1])["run"]
    assert one.summary.startswith("alone.yml was ended by an error: ")
    assert "nowhere" in one.details["error"]
    assert (both.dedup_key, one.dedup_key) == ("ansible:both.yml", "ansible:alone.yml")
    assert closing(alone) == [
        "PagerDuty: 1 incident triggered (ansible:alone.yml, the run as a whole), 1 event accepted, 0 waiting"
    ]

    # A whole green run is what ends it: there is no place to get through.
    assert closing(ansible([play("Mended", "all", ok())], name="alone.yml", **options)) == [
        "PagerDuty: 1 incident resolved (ansible:alone.yml), 1 event accepted, 0 waiting"
    ]


@pytest.mark.slow
def test_a_run_waits_for_pagerduty_no_longer_than_it_is_told_to_and_the_next_one_sends_the_rest(
    ansible: Ansible, simulator: Simulator
) -> None:
    simulator.add_fault(Fault("black_hole", count=1000))
    options: dict[str, Any] = {"timeout": 120, "courier_linger": 0}

    at_once = ansible.tasks([fail("Break")], cfg=cfg(simulator, flush_timeout=0, **options))
    middle = time.monotonic()
    patient = ansible.tasks([fail("Break")], cfg=cfg(simulator, flush_timeout=2, **options))
    ended = time.monotonic()

    assert at_once.rc == patient.rc == 2
    (line,) = closing(at_once)
    assert line == (
        "PagerDuty: 1 incident not triggered (ansible:playbook.yml, 1 host), 0 events accepted, 1 waiting; nobody goes"
        " on trying after this; each further run does, and ansible-playbook oncall.pagerduty.drain_outbox sends what"
        " waits"
    )
    (line,) = closing(patient)
    assert line.startswith(
        "PagerDuty: 1 incident not triggered (ansible:playbook.yml, 1 host), 0 events accepted, 1 waiting"
    )
    # Each attempt may take 120 s; on a busy machine Ansible alone takes some of these.
    assert ended - middle < 60.0
    assert simulator.accepted == []

    # What is under way in the black hole breaks off.
    simulator.stop()
    simulator.clear_faults()
    simulator.start()
    green = ansible.tasks([ok()], cfg=cfg(simulator, resolve_on_success="never"), name="other.yml")
    assert green.rc == 0
    simulator.wait_for(lambda seen: len(seen.accepted) == 2, 60.0)

    loaded = ansible.home / "loaded"
    env = {"LOADED_MODULES_FILE": str(loaded)}
    settings = cfg(simulator, f"{CALLBACK}, loaded_modules")
    wait_until(lambda: not _has_waiting(ansible))
    ansible.tasks([ok()], cfg=settings, name="other.yml", env=env)  # finds the outbox empty
    ansible.tasks([ok()], cfg=settings, name="other.yml", env=env)
    assert "sqlite3" not in loaded.read_text().split()


def test_a_sign_in_page_in_pagerdutys_place_costs_no_page(ansible: Ansible, simulator: Simulator) -> None:
    simulator.add_fault(Fault("status", code=200, body="sign_in", count=2))
    run = ansible([play("Deploy", "all", fail("Break"))], inventory=hosts("web1"), cfg=cfg(simulator, flush_timeout=60))
    assert run.rc == 2
    assert [request.status for request in simulator.requests] == [200, 200, 202]
    assert len(events(simulator, "trigger")) == 1
    assert "1 event accepted" in closing(run)[0]


def _has_waiting(ansible: Ansible) -> bool:
    with sqlite3.connect(ansible.home / ".ansible/oncall.pagerduty/outbox.sqlite3") as database:
        return bool(database.execute("SELECT COUNT(*) FROM events WHERE set_aside IS NULL").fetchone()[0])


def _problems(ansible: Ansible) -> list[str]:
    """What has kept the events in the outbox from being accepted, so far."""
    with sqlite3.connect(ansible.home / ".ansible/oncall.pagerduty/outbox.sqlite3") as database:
        return [problem for (problem,) in database.execute("SELECT last_error FROM events WHERE last_error != ''")]


def test_in_check_mode_not_even_events_of_earlier_runs_are_looked_at(ansible: Ansible, simulator: Simulator) -> None:
    simulator.add_fault(Fault("status", count=1000))
    ansible.tasks([fail("Break")], cfg=cfg(simulator, flush_timeout=0, courier_linger=0))
    assert _has_waiting(ansible)
    loaded = ansible.home / "loaded"
    settings = cfg(simulator, f"{CALLBACK}, loaded_modules")

    ansible.tasks([fail("Break")], "--check", cfg=settings, env={"LOADED_MODULES_FILE": str(loaded)})

    assert "sqlite3" not in loaded.read_text().split()


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_does_not_break_off_between_telling_and_remembering(
    ansible: Ansible, simulator: Simulator, number: signal.Signals
) -> None:
    plays = [play("Deploy", "all", fail("Break", on="web1 web2")), play("Go on", "all", ok())]
    # The second time that the incident is noted is the update at the end of the first play.
    env = {"SIGNAL_AT": f"{number.name} open-jobs/ 2"}
    settings = cfg(simulator, f"{CALLBACK}, signal_at")

    run = ansible(plays, inventory=hosts("web1", "web2", "web3"), cfg=settings, env=env)

    assert run.rc not in (0, 2)
    assert [event.summary for event in events(simulator)][1:] == [
        "playbook.yml failed on 2 of 3 hosts: Break (web1, web2)",
        "playbook.yml failed on 2 of 3 hosts: Break (web1, web2); the run was cut short",
    ]
    assert _remembered(ansible) == ["web1", "web2"]


@pytest.mark.slow
@pytest.mark.parametrize("signals", ["SIGHUP+SIGHUP", "SIGTERM+SIGTERM", "SIGINT+SIGINT"])
def test_signals_in_the_middle_of_a_commit_lose_nothing(ansible: Ansible, simulator: Simulator, signals: str) -> None:
    # The mark is made while the first event is being put into the outbox.
    env = {"SIGNAL_AT": f"{signals} .unsent 1"}
    settings = cfg(simulator, f"{CALLBACK}, signal_at")

    run = ansible([play("Deploy", "all", fail("Break"), ok())], inventory=hosts("web1", "web2"), cfg=settings, env=env)

    assert run.rc not in (0, 2)
    simulator.wait_for(lambda seen: len(seen.accepted) >= 1, 60.0)
    assert str(events(simulator)[0].summary).startswith("playbook.yml failed on 1 of 2 hosts: Break (")
    assert _remembered(ansible)


def test_ctrl_c_while_the_last_events_are_made_ends_the_wait_only(ansible: Ansible, simulator: Simulator) -> None:
    settings = cfg(simulator, f"{CALLBACK}, signal_at")
    env = {"SIGNAL_AT": "SIGINT open-jobs/ 2"}

    run = ansible([play("Deploy", "all", fail("Break"))], inventory=TWO, cfg=settings, env=env)

    assert run.rc == 2
    assert len(closing(run)) == 1
    assert _remembered(ansible) == ["web1", "web2"]
    simulator.wait_for(lambda seen: len(seen.accepted) == 2, 60.0)


def test_a_wrong_address_holds_nothing_up_once_it_is_put_right(ansible: Ansible, simulator: Simulator) -> None:
    wrong = cfg(simulator, api_url="http://127.0.0.1:9", flush_timeout=0, courier_linger=60)

    unheard = ansible.tasks([fail("Break")], cfg=wrong)
    wait_until(lambda: _problems(ansible) == ["no connection to 127.0.0.1:9: Connection refused"])
    stop_all(ansible.home / ".ansible/oncall.pagerduty/outbox.sqlite3")
    heard = ansible.tasks([fail("Break")], cfg=cfg(simulator))

    assert "0 events accepted, 1 waiting" in closing(unheard)[0]
    assert closing(heard) == [
        "PagerDuty: 1 incident triggered (ansible:playbook.yml, 1 host), 1 event accepted, 0 waiting"
    ]
    (opened,) = simulator.incidents
    assert [entry.action for entry in opened.log] == ["trigger"] * 2


def test_each_playbook_of_a_command_has_its_own_closing_line(ansible: Ansible, simulator: Simulator) -> None:
    settings = cfg(simulator, change_events="true", page_on="unreachable")
    ansible.write("first.yml", [play("First", "all", ok())])

    run = ansible([play("Second", "all", ok())], "first.yml", inventory=TWO, cfg=settings)

    assert run.rc == 0
    assert closing(run) == ["PagerDuty: 1 event accepted, 0 waiting"] * 2


def test_ctrl_c_after_one_playbook_keeps_the_next_one_from_running(ansible: Ansible, simulator: Simulator) -> None:
    simulator.add_fault(Fault("black_hole", count=1000))
    settings = cfg(simulator, f"{CALLBACK}, signal_at", change_events="true", courier_linger=0)
    ansible.write("first.yml", [play("First", "all", ok())])
    # The mark is made when the change event is put into the outbox.
    env = {"SIGNAL_AT": "SIGINT .unsent 1"}

    run = ansible([play("Second", "all", ok())], "first.yml", inventory=TWO, cfg=settings, env=env)

    assert run.rc == 99
    assert len(closing(run)) == 1
    assert "PLAY [Second]" not in run.stdout


def _remembered(ansible: Ansible) -> list[str]:
    with sqlite3.connect(ansible.home / ".ansible/oncall.pagerduty/outbox.sqlite3") as database:
        return [host for (host,) in database.execute("SELECT host FROM places ORDER BY host")]
