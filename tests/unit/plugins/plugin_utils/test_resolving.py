# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run proves about incidents that earlier runs have opened."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import NOT_NOTED, Place, RecordedIncident
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._open_reasons import reasons
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import (
    GONE_AFTER_SECONDS,
    REACHED,
    WHOLE_RUN,
    Change,
    Evidence,
    Raisable,
    Shown,
    Verdict,
    Whole,
    Why,
    judge,
    place_text,
)

FAILED, BEGAN, RAN, NOW = 100.0, 200.0, 250.0, 300.0
A, B = (Place(host, "prod|install", lasting=True, failed=FAILED) for host in ("web1", "web2"))
OLD = dataclasses.replace(A, parameters=NOT_NOTED)
LOST = Place("web1", place_text("prod", REACHED), failed=FAILED)
RUN = Place(WHOLE_RUN, place_text("prod", ""), failed=FAILED)
ELSEWHERE = Place("web1", place_text("stage", "install"), failed=FAILED)
NONE, LESS, OVER = Change.NONE, Change.LESS, Change.OVER

SAME = Raisable("f", "k")
THROUGH = Shown((Evidence(RAN, SAME),))
ABSENT = Shown(absent=True, parameters=frozenset({""}))
NOTHING = Shown()


def incident(*places: Place) -> RecordedIncident:
    return RecordedIncident("f", "k", "deploy.yml", {}, "triggered", "failed", 0.0, 0.0, places)


def whole(green: bool = False, read: bool = True, part: bool = True) -> Whole:
    return Whole("prod", BEGAN, NOW, green, read, part)


def of(verdict: Verdict) -> tuple[Change, tuple[str, ...], list[Why]]:
    return verdict.change, verdict.remaining, list(verdict.why)


def verdict_on(place: Place, shown: Shown, **run: bool) -> Verdict:
    return judge(incident(place), lambda _place: shown, whole(**run))


@pytest.mark.parametrize(
    ("place", "shown", "run", "why"),
    [
        pytest.param(A, THROUGH, {}, None, id="through"),
        pytest.param(A, NOTHING, {}, Why.ELSEWHERE, id="not there"),
        pytest.param(A, NOTHING, {"green": True}, Why.ELSEWHERE, id="green, on other hosts"),
        pytest.param(OLD, Shown(other_playbook=True), {"green": True}, Why.NOT_NOTED, id="a playbook not noted"),
        pytest.param(OLD, Shown(other_machine=True), {"green": True}, Why.NOT_NOTED, id="a machine not noted"),
        pytest.param(A, Shown(other_machine=True), {"green": True}, Why.MACHINE, id="another controller's localhost"),
        pytest.param(A, dataclasses.replace(THROUGH, failed=True), {}, Why.FAILED, id="failed again"),
        pytest.param(A, Shown(other_playbook=True), {"green": True}, Why.PLAYBOOK, id="another playbook of the job"),
        pytest.param(A, dataclasses.replace(THROUGH, other_playbook=True), {}, None, id="which came to the same place"),
        pytest.param(A, Shown(skipped=True), {}, Why.SKIPPED, id="skipped"),
        pytest.param(ELSEWHERE, THROUGH, {"green": True}, Why.INVENTORY, id="a host of that name elsewhere"),
        pytest.param(LOST, THROUGH, {}, None, id="reached again"),
        pytest.param(RUN, THROUGH, {"green": True}, None, id="an error, then green"),
        pytest.param(RUN, NOTHING, {}, Why.ELSEWHERE, id="an error, then a part of it"),
        pytest.param(RUN, ABSENT, {"green": True}, Why.ELSEWHERE, id="the run as a whole is never gone"),
        pytest.param(A, NOTHING, {"green": True, "read": False}, Why.SOURCES, id="a source was not read"),
        pytest.param(A, NOTHING, {"green": True, "read": False, "part": False}, Why.SOURCES, id="nor had it any host"),
        pytest.param(A, THROUGH, {"green": True, "read": False}, None, id="seen to get through all the same"),
    ],
)
def test_a_place(place: Place, shown: Shown, run: dict[str, bool], why: Why | None) -> None:
    verdict = verdict_on(place, shown, **run)
    assert of(verdict) == ((NONE, (place.host,), [why]) if why else (OVER, (), []))


@pytest.mark.parametrize(
    ("raisable", "place", "at", "why"),
    [
        pytest.param(None, A, RAN, Why.UNPAGED, id="it would not have been paged"),
        pytest.param(Raisable("e", "k"), A, RAN, Why.ROUTE, id="another integration key"),
        pytest.param(Raisable("f", "l"), A, RAN, Why.KEY, id="another dedup key"),
        pytest.param(SAME, A, FAILED - 1, Why.NEWER, id="older than the failure"),
        pytest.param(SAME, A, FAILED, Why.NEWER, id="as old as the failure"),
        pytest.param(Raisable("f", "k", parameters="blog"), A, RAN, Why.PARAMETERS, id="with variables, not without"),
        pytest.param(SAME, dataclasses.replace(A, parameters="shop"), RAN, Why.PARAMETERS, id="without, not with"),
        pytest.param(SAME, dataclasses.replace(A, parameters=NOT_NOTED), RAN, Why.NOT_NOTED, id="an older version"),
        pytest.param(
            Raisable("f", "k", parameters="shop"), dataclasses.replace(A, parameters="shop"), RAN, None, id="the same"
        ),
        pytest.param(
            Raisable("f", "k", frozenset({"app"}), "s2", ("app", "colour")),
            dataclasses.replace(A, parameters="s1", names=("app", "colour")),
            RAN,
            None,
            id="the key tells them apart",
        ),
        pytest.param(
            Raisable("f", "k", frozenset({"app"})),
            dataclasses.replace(A, parameters="s1", names=("app",)),
            RAN,
            None,
            id="the key tells them apart, whoever gave the variable",
        ),
        pytest.param(
            Raisable("f", "k", frozenset({"rack"}), "s2", ("app",)),
            dataclasses.replace(A, parameters="s1", names=("app",)),
            RAN,
            Why.PARAMETERS,
            id="the key is made of something else",
        ),
    ],
)
def test_evidence(raisable: Raisable | None, place: Place, at: float, why: Why | None) -> None:
    verdict = verdict_on(place, Shown((Evidence(at, raisable),)))
    assert list(verdict.why) == ([why] if why else [])
    assert verdict.change is (NONE if why else OVER)


def test_one_good_piece_of_evidence_is_enough() -> None:
    pieces = (Evidence(RAN, None), Evidence(RAN, SAME), Evidence(FAILED - 1, SAME))
    assert verdict_on(A, Shown(pieces)).change is OVER
    assert list(verdict_on(A, Shown(pieces[::2])).why) == [Why.NEWER]


MISSED = dataclasses.replace(A, absent=NOW - GONE_AFTER_SECONDS)


@pytest.mark.parametrize(
    ("place", "shown", "run", "why"),
    [
        pytest.param(MISSED, ABSENT, {"green": True}, None, id="gone"),
        pytest.param(A, ABSENT, {"green": True}, Why.ABSENT, id="missed for the first time"),
        pytest.param(
            dataclasses.replace(MISSED, absent=NOW - GONE_AFTER_SECONDS + 1),
            ABSENT,
            {"green": True},
            Why.ABSENT,
            id="too early",
        ),
        pytest.param(MISSED, ABSENT, {}, Why.ELSEWHERE, id="not a complete green run"),
        pytest.param(MISSED, ABSENT, {"green": True, "part": False}, Why.ELSEWHERE, id="no host took part"),
        pytest.param(MISSED, ABSENT, {"green": True, "read": False}, Why.SOURCES, id="a source was not read"),
        pytest.param(
            dataclasses.replace(MISSED, lasting=False), ABSENT, {"green": True}, Why.MADE, id="made by add_host"
        ),
        pytest.param(
            dataclasses.replace(MISSED, parameters="shop"), ABSENT, {"green": True}, Why.PARAMETERS, id="another job"
        ),
        pytest.param(
            dataclasses.replace(MISSED, parameters=NOT_NOTED), ABSENT, {"green": True}, Why.NOT_NOTED, id="unknown job"
        ),
        pytest.param(dataclasses.replace(MISSED, failed=BEGAN), ABSENT, {"green": True}, Why.NEWER, id="failed since"),
    ],
)
def test_a_host_that_is_not_in_the_inventory(place: Place, shown: Shown, run: dict[str, bool], why: Why | None) -> None:
    verdict = verdict_on(place, shown, **run)
    assert list(verdict.why) == ([why] if why else [])
    assert verdict.absent == ((place,) if why is Why.ABSENT else ())


def test_a_host_that_is_there_again_is_missed_no_more() -> None:
    assert verdict_on(MISSED, NOTHING).present == (MISSED,)
    assert verdict_on(MISSED, NOTHING, read=False).present == ()
    assert verdict_on(MISSED, ABSENT).present == ()


def test_an_incident_is_over_when_all_hosts_are_through() -> None:
    def shown(place: Place) -> Shown:
        return THROUGH if place is A else NOTHING

    assert of(judge(incident(A), shown, whole())) == (OVER, (), [])
    verdict = judge(incident(A, B, RUN), shown, whole())
    assert (verdict.change, verdict.passed, verdict.remaining) == (LESS, (A,), ("web2", ""))


def test_what_is_all_through_but_could_not_be_told_is_over() -> None:
    assert judge(incident(dataclasses.replace(A, passed=1.0)), lambda _place: NOTHING, whole()).change is OVER


@pytest.mark.parametrize(
    ("run", "change"), [({"green": True}, OVER), ({}, NONE), ({"green": True, "read": False}, NONE)]
)
def test_an_incident_of_which_no_place_is_known_needs_a_complete_green_run(
    run: dict[str, bool], change: Change
) -> None:
    assert judge(incident(), lambda _place: NOTHING, whole(**run)).change is change


def test_what_got_through_before_is_not_told_again() -> None:
    verdict = judge(incident(B, dataclasses.replace(A, passed=1.0)), lambda _place: THROUGH, whole())
    assert (verdict.change, verdict.passed) == (OVER, (B,))


@pytest.mark.parametrize(
    ("why", "names", "text"),
    [
        (Why.PARAMETERS, ["app", "region"], "this run was started with other extra variables (region); job_variables"),
        (Why.PARAMETERS, ["app"], "this run was started with other extra variables (app); job_variables"),
        (Why.PARAMETERS, [], "this run was started with other extra variables (app); job_variables"),
        (Why.ABSENT, [], "web1 not in the inventory any more; that counts as gone when a complete green run finds"),
        (Why.SOURCES, [], "a source of the inventory could not be read (/srv/cloud.sh), so that nothing is known of"),
    ],
)
def test_the_reason_names_hosts_and_settings(why: Why, names: list[str], text: str) -> None:
    verdict = Verdict(NONE, (), ("web1",), {why: (dataclasses.replace(A, names=("app",)),)})
    assert reasons(verdict, ["/srv/cloud.sh"], names)[0].startswith(text)


def test_each_reason_has_a_line_but_failing_again() -> None:
    for why in Why:
        found = reasons(Verdict(NONE, (), (), {why: (A, B, RUN)}), [], [])
        assert len(found) == (0 if why is Why.FAILED else 1)
        assert all("{" not in line for line in found)
