# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a run, whatever of its surroundings does not work; and the line at its end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError, PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Action, Alert, Prepared
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Flushed, HandOver
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Errored, Withdrawn
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import Incident
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pager import Pager, Parts, closing_line
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import Steering
from ansible_collections.oncall.pagerduty.tests.support.failures import failure, outcome, steering


def incident(key: str, hosts: int) -> Incident:
    made = Incident(key, steering(), {}, outcome(), "error")
    made.hosts.update({f"h{number}": ("failed", None) for number in range(hosts)})
    return made


ONE = [incident("ansible:deploy.yml", 3)]
ALL_SENT = "4 events accepted, 0 waiting"
TRIGGERED = "1 incident triggered (ansible:deploy.yml, 3 hosts)"
UNKNOWN = "of 1 event nothing is known, PagerDuty may have had"


@pytest.mark.parametrize(
    ("opened", "updated", "resolved", "flushed", "line"),
    [
        (ONE, [], [], Flushed(accepted=2), f"{TRIGGERED}, 2 events accepted, 0 waiting"),
        (
            ONE,
            [],
            [],
            Flushed(1, waiting=1, problem="HTTP 503"),
            f"{TRIGGERED}, 1 event accepted, 1 waiting (HTTP 503)",
        ),
        (
            ONE,
            [],
            [],
            Flushed(set_aside=2, problem="no key"),
            "1 incident not triggered (ansible:deploy.yml, 3 hosts), 0 events accepted, 0 waiting, 2 refused (no key)",
        ),
        (
            ONE,
            [],
            [],
            Flushed(2, dropped=1, problem="not shown"),
            f"{TRIGGERED}, 2 events accepted, 0 waiting, 1 dropped",
        ),
        ([], [], ["k"], Flushed(accepted=1), "1 incident resolved (k), 1 event accepted, 0 waiting"),
        (
            [incident("a", 1)],
            ["b"],
            ["c", "d"],
            Flushed(accepted=4),
            "1 incident triggered (a, 1 host), 1 incident updated (b), 2 incidents resolved (c; d), " + ALL_SENT,
        ),
        (
            [incident(f"h{number}", 1) for number in range(5)],
            [],
            [],
            Flushed(accepted=5),
            "5 incidents triggered (h0, 1 host; h1, 1 host; h2, 1 host; and 2 more), 5 events accepted, 0 waiting",
        ),
        ([], [], [], Flushed(accepted=1), "1 event accepted, 0 waiting"),
        (
            ONE,
            [],
            [],
            Flushed(unknown=1, problem="the file was cut off"),
            f"{TRIGGERED.replace('triggered', 'perhaps triggered')}, 0 waiting, {UNKNOWN} it (the file was cut off)",
        ),
        (
            ONE,
            [],
            [],
            Flushed(2, unknown=3, problem="removed"),
            f"{TRIGGERED}, 2 events accepted, 0 waiting, {UNKNOWN.replace('1 event', '3 events')} them (removed)",
        ),
    ],
)
def test_the_closing_line(
    opened: list[Incident], updated: list[str], resolved: list[str], flushed: Flushed, line: str
) -> None:
    assert closing_line(opened, updated, resolved, flushed) == f"PagerDuty: {line}"


def test_the_closing_line_names_what_was_lost() -> None:
    assert closing_line([], [], [], Flushed(), lost=1) == "PagerDuty: 0 events accepted, 0 waiting, 1 lost"


# --- what does not work around it ---------------------------------------------------------------------------------


class Forgetful:
    """A memory whose disk is full."""

    def __getattr__(self, name: str) -> Any:
        def fail(*_given: Any) -> Any:
            raise PagerDutyError("the disk is full")

        return fail


class Surroundings:
    """A pager's surroundings that note what reaches them."""

    def __init__(self, memory: Any = None, steered: Steering | None = None, hand_over: HandOver | None = None) -> None:
        self.sent: list[tuple[str, str]] = []
        self.warnings: list[str] = []
        self.shown: list[str] = []
        self._hand_over = hand_over or HandOver(True)
        self._steered = steered or steering()
        run = SimpleNamespace(
            controller="ansible01",
            user="ann",
            partial="",
            build=SimpleNamespace(url="", name=""),
            inventories=("prod",),
        )
        delivery = SimpleNamespace(
            hand_over=self._take, flush=lambda _seconds: Flushed(accepted=len(self.sent) if self._hand_over.kept else 0)
        )
        self.parts = Parts(
            run=lambda: run,  # type: ignore[arg-type,return-value]
            writer=lambda: self,  # type: ignore[arg-type,return-value]
            delivery=lambda: delivery,  # type: ignore[arg-type,return-value]
            memory=lambda: memory or Forgetful(),  # type: ignore[arg-type,return-value]
            steer=lambda _host, _outcome: self._steered,
            warn=self.warnings.append,
            show=self.shown.append,
            explain=self.shown.append,
        )

    def pager(self, resolve_on_success: str = "ledger") -> Pager:
        return Pager("deploy.yml", ("failed", "error"), resolve_on_success, False, self.parts)

    def trigger(self, incident: Incident) -> Alert:
        return Alert(Action.TRIGGER, incident.dedup_key, summary="it failed", source="ansible01")

    def resolve(self, dedup_key: str, text: str, source: str) -> Alert:
        return Alert(Action.RESOLVE, dedup_key, summary=text, source=source)

    def mask(self, text: str, _outcome: Any) -> str:
        return text

    def _take(self, event: Prepared, _route: Any) -> HandOver:
        self.sent.append((event.shown()["event_action"], event.dedup_key or ""))
        return self._hand_over


KEY = "ansible:deploy.yml"


def test_without_a_memory_the_page_goes_out() -> None:
    around = Surroundings()
    pager = around.pager()
    pager.decided(failure("web1"))
    pager.passed("web1", ("deploy.yml:7", "", "", ""))  # type: ignore[arg-type]
    pager.run_ended(2, True)
    assert around.sent == [("trigger", KEY)]
    assert around.warnings == [
        "the incident cannot be remembered, so it will not resolve by itself: the disk is full",
        "what this run proves cannot be remembered: the disk is full",
        "what this run proves about open incidents is not known: the disk is full",
    ]


def test_what_was_taken_back_is_resolved_in_the_same_run() -> None:
    around = Surroundings(memory=SimpleNamespace(remember=lambda *_given: True, withdraw=lambda *_given: True))
    pager = around.pager()
    pager.decided(failure("web1", "web2"))
    pager.decided(Withdrawn(("web1",)))
    pager.decided(Withdrawn(("web2",)))
    pager.play_ended()
    assert around.sent == [("trigger", KEY), ("resolve", KEY)]
    assert pager.close(1.0) is False
    assert around.shown == ["PagerDuty: 2 events accepted, 0 waiting"]


def test_an_event_that_cannot_be_kept_is_tried_again_and_said_to_be_lost() -> None:
    around = Surroundings(hand_over=HandOver(False, "no room for it"))
    pager = around.pager()
    pager.decided(failure("web1"))
    pager.play_ended()
    assert around.sent == [("trigger", KEY)] * 2
    pager.close(1.0)
    assert around.shown == ["PagerDuty: 0 events accepted, 0 waiting, 1 lost"]
    assert around.warnings == ["no room for it"] * 2


def test_a_failure_of_the_writer_is_said_and_keeps_nothing_else_back() -> None:
    around = Surroundings(steered=steering(group_by=("host",)))
    pager = around.pager("never")
    pager.decided(failure("web1"))
    pager.decided(failure("web2"))
    write = around.trigger

    def broken(incident: Incident) -> Alert:
        return write(incident) if "web2" in incident.hosts else Alert(1 / 0)  # type: ignore[arg-type]

    around.trigger = broken  # type: ignore[method-assign]
    pager.decided(failure("web1", "web3"))
    pager.decided(failure("web2", "web4"))
    pager.play_ended()
    web1, web2 = ("trigger", "ansible:host=web1"), ("trigger", "ansible:host=web2")
    assert around.sent == [web1, web2, web2]
    assert around.warnings == ["something went wrong inside, please report it: ZeroDivisionError: division by zero"]


def test_an_event_that_cannot_be_made_is_said() -> None:
    around = Surroundings()
    nameless = Alert(Action.RESOLVE, None, summary="", source="")
    around.trigger = lambda incident: nameless  # type: ignore[method-assign]
    around.pager("never").decided(failure("web1"))
    assert around.sent == []
    assert around.warnings
    assert around.warnings[0].startswith("an event cannot be sent: ")


@pytest.mark.parametrize("enabled", [True, False])
def test_without_a_key_nothing_of_the_run_itself_is_told(enabled: bool) -> None:
    around = Surroundings(
        steered=steering(target=None, enabled=enabled, problem=str(OptionError("routing_key", "none")))
    )
    pager = around.pager("always")
    pager.change("deploy.yml finished", {})
    pager.run_ended(0, False)
    pager.decided(Errored("KeyError", "'x'"))
    assert around.sent == []
    nobody = ["nobody is paged for this failure: routing_key: none"] if enabled else []
    assert around.warnings == ["no change event is sent: routing_key: none", *nobody]


@pytest.mark.parametrize(
    ("group_by", "key"), [(("playbook",), KEY), (("playbook", "inventory"), f"{KEY}:inventory=prod"), (("role",), None)]
)
def test_always_resolves_what_a_run_as_a_whole_can_name(group_by: tuple[str, ...], key: str | None) -> None:
    around = Surroundings(steered=steering(group_by=group_by))
    around.pager("always").run_ended(0, False)
    assert around.sent == ([("resolve", key)] if key else [])
    assert [warning.partition(";")[0] for warning in around.warnings] == (
        [] if key else ["resolve_on_success=always finds only incidents grouped by playbook and inventory"]
    )
