# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a run, whatever of its surroundings does not work."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError, PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Action, Alert, Prepared
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Flushed, HandOver
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._direct import ForgetfulError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Errored, Withdrawn
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import Incident, Place
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._job_variables import NO_PARAMETERS, Parameters
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import RecordedIncident
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import fingerprint_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pager import Pager, Parts
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._passage import Passage
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import Change, Verdict
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_context import RunContext
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import Steering
from ansible_collections.oncall.pagerduty.tests.support.failures import failure, outcome, steering

# --- what does not work around it ---------------------------------------------------------------------------------


class Forgetful:
    """A memory whose disk is full."""

    def __getattr__(self, name: str) -> Any:
        def fail(*_given: Any) -> Any:
            raise PagerDutyError("the disk is full")

        return fail


class Obliging:
    """A memory that takes everything."""

    def one_step(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def __getattr__(self, name: str) -> Any:
        return lambda *_given: True


class Surroundings:
    """A pager's surroundings that note what reaches them."""

    def __init__(
        self,
        memory: Any = None,
        steered: Steering | None = None,
        hand_over: HandOver | None = None,
        parameters: Parameters = NO_PARAMETERS,
        unread: tuple[str, ...] = (),
    ) -> None:
        self.sent: list[tuple[str, str]] = []
        self.warnings: list[str] = []
        self.shown: list[str] = []
        self._hand_over = hand_over or HandOver(True)
        self._steered = steered or steering()
        run = RunContext(controller="ansible01", user="ann", inventories=("prod",))
        delivery = SimpleNamespace(
            hand_over=self._take, flush=lambda _seconds: Flushed(accepted=len(self.sent) if self._hand_over.kept else 0)
        )
        self.parts = Parts(
            run=lambda: run,
            writer=lambda: self,  # type: ignore[arg-type,return-value]
            delivery=lambda: delivery,  # type: ignore[arg-type,return-value]
            memory=lambda: memory or Forgetful(),  # type: ignore[arg-type,return-value]
            steer=lambda _host, _outcome: self._steered,
            as_if_failed=lambda _incident, _place: [],
            parameters=lambda: [parameters],
            may_end_early=lambda: False,
            unread=lambda: unread,
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
    pager.passed(Passage("web1", Place("deploy.yml", "", "Install"), "ok", True, 0.0), lambda _host: outcome())
    pager.run_ended(2, True)
    assert around.sent == [("trigger", KEY)]
    assert around.warnings == [
        "the incident cannot be remembered, so it will not resolve by itself: the disk is full",
        "what this run proves cannot be remembered: the disk is full",
        "what this run proves about open incidents is not known: the disk is full",
    ]


@pytest.mark.parametrize("was_open", [True, False])
def test_never_takes_back_only_what_the_run_has_opened_itself(was_open: bool) -> None:
    around = Surroundings(memory=SimpleNamespace(may_be_open=lambda _incident: was_open))
    pager = around.pager("never")
    pager.decided(failure("web1"))
    pager.play_ended()
    pager.decided(Withdrawn(("web1",)))
    pager.play_ended()
    assert around.sent == [("trigger", KEY), *([] if was_open else [("resolve", KEY)])]
    assert [warning.partition(" although")[0] for warning in around.warnings] == (
        [f"{KEY} stays open"] if was_open else []
    )


def test_what_was_taken_back_is_resolved_in_the_same_run() -> None:
    around = Surroundings(memory=Obliging())
    pager = around.pager()
    pager.decided(failure("web1", "web2"))
    pager.decided(Withdrawn(("web1",)))
    pager.decided(Withdrawn(("web2",)))
    pager.play_ended()
    assert around.sent == [("trigger", KEY), ("resolve", KEY)]
    assert pager.close(1.0) is False
    assert around.shown == ["PagerDuty: 2 events accepted, 0 waiting"]


@pytest.mark.parametrize("error", [PagerDutyError("the disk is full"), ForgetfulError("nothing can be stored")])
@pytest.mark.parametrize("open_before", [True, False])
def test_what_was_open_before_is_not_resolved_by_what_was_taken_back_if_the_memory_is_gone(
    open_before: bool, error: PagerDutyError
) -> None:
    """Another run's failure may be what it is open for."""

    def one_step() -> None:
        raise error

    around = Surroundings(memory=SimpleNamespace(remember=lambda *_given: open_before, one_step=one_step))
    pager = around.pager()
    pager.decided(failure("web1"))
    pager.decided(Withdrawn(("web1",)))
    pager.play_ended()
    assert around.sent == [("trigger", KEY), *([] if open_before else [("resolve", KEY)])]
    said = [warning for warning in around.warnings if warning.startswith(f"{KEY} stays open although its hosts were")]
    assert len(said) == open_before
    assert all(warning.endswith(f"cannot be looked up: {error}") for warning in said)


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


def test_a_page_goes_out_without_what_cannot_be_used_and_with_what_is_too_big_shortened() -> None:
    around = Surroundings()
    decorated = Alert(
        Action.TRIGGER,
        KEY,
        summary="it failed",
        severity="urgent",
        custom_details={"hosts": ["web1"], "mine": list(range(200_000))},
        links=({"href": ""},),
    )
    around.trigger = lambda incident: decorated  # type: ignore[method-assign]
    around.pager("never").decided(failure("web1"))
    assert around.sent == [("trigger", KEY)]
    assert [warning.split(": ")[:2] for warning in around.warnings] == [
        ["an event is not sent as it was meant", option] for option in ("severity", "links", "custom_details")
    ]


@pytest.mark.parametrize("job", [{"is_lasting": False}, {"is_generated": True}])
def test_a_job_without_a_lasting_name_is_told_of_once_for_all_incidents(job: dict[str, Any]) -> None:
    around = Surroundings(memory=Obliging(), steered=steering(group_by=("host",)))
    run = dataclasses.replace(around.parts.run(), **job)
    around.parts = dataclasses.replace(around.parts, run=lambda: run)
    pager = around.pager()
    pager.decided(failure("web1"))
    pager.decided(failure("web2"))
    pager.play_ended()
    assert len({key for _action, key in around.sent}) == 2
    (said,) = around.warnings
    assert "job_name gives it one" in said


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
        [] if key else ["resolve_on_success=always finds only incidents grouped by playbook, inventory and controller"]
    )


@pytest.mark.parametrize(
    ("around", "took_part", "why"),
    [
        ({}, False, "no host took part"),
        ({"unread": ("cloud.sh",)}, True, "a source of the inventory could not be read (cloud.sh)"),
        ({"memory": Obliging()}, True, f"{KEY} stays open: the memory of this machine knows of hosts that failed"),
        (
            {"parameters": Parameters(("app",), "shop"), "steered": steering(dedup_key=KEY)},
            True,
            "dedup_key does not tell runs with other extra variables (app) apart",
        ),
    ],
    ids=["no host", "an unread source", "a memory", "other variables"],
)
def test_always_resolves_nothing_that_the_run_does_not_prove(around: dict[str, Any], took_part: bool, why: str) -> None:
    surroundings = Surroundings(**around)
    surroundings.pager("always").run_ended(0, False, took_part)
    assert surroundings.sent == []
    assert len(surroundings.shown) == 1
    assert why in surroundings.shown[0]


def test_always_names_the_variables_of_a_run_in_its_key() -> None:
    def sent(app: str, **fields: Any) -> list[tuple[str, str]]:
        around = Surroundings(parameters=Parameters(("app",), app), steered=steering(**fields))
        pager = around.pager("always")
        pager.decided(failure("web1"))
        around.pager("always").run_ended(0, False)
        return around.sent

    (what, key), (again, same) = sent("shop")
    assert (what, again) == ("trigger", "resolve")
    assert key == same
    assert key.startswith(f"{KEY}:variables=")
    assert key != sent("blog")[0][1]
    own: dict[str, Any] = {"group_by": ("vars.app",), "variables": {"app": "shop"}, "key_variables": frozenset({"app"})}
    assert sent("shop", **own) == [("trigger", "ansible:vars.app=shop")]


def test_a_page_is_remembered_before_it_is_told() -> None:
    order: list[str] = []
    memory = SimpleNamespace(remember=lambda *_given: order.append("remembered"))
    around = Surroundings(memory=memory)
    take = around.parts.delivery().hand_over

    def hand_over(*given: Any) -> HandOver:
        order.append("told")
        return take(*given)

    around.parts.delivery().hand_over = hand_over  # type: ignore[method-assign,assignment]
    around.pager().decided(failure("web1"))
    assert order == ["remembered", "told"]


class Undone(Obliging):
    """A memory by which an incident is over, on a disk that is full when that is to be noted."""

    @contextlib.contextmanager
    def one_step(self) -> Iterator[None]:
        yield
        raise PagerDutyError("the disk is full")

    def incidents(self) -> list[RecordedIncident]:
        target = steering().target
        assert target is not None
        fingerprint = fingerprint_of(target.routing_key)
        return [RecordedIncident(fingerprint, KEY, "deploy.yml", {}, "triggered", "failed", 0.0, 0.0)]

    def verdict(self, *_given: Any) -> Verdict:
        return Verdict(Change.OVER, (), (), {})

    def settle_unheard_of(self, *_given: Any) -> bool:
        return False


def test_a_resolve_that_came_to_nothing_is_not_told() -> None:
    around = Surroundings(Undone())
    pager = around.pager()
    pager.run_ended(0, True)
    assert around.sent == [("resolve", KEY)]
    assert not pager.close(0.0)
    assert (around.warnings, around.shown) == (
        ["what this run proves about open incidents is not known: the disk is full"],
        [],
    )
