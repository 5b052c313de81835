# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that are empty or mistyped, in each place that can give them, with real runs that fail."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.oncall.pagerduty.plugins.callback import page_on_failure
from ansible_collections.oncall.pagerduty.plugins.module_utils import _incident
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_options import OUTBOX_SPEC, delivery_settings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering_reader import VARIABLES
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._upkeep import listed, purged
from ansible_collections.oncall.pagerduty.tests.integration.support.callback import (
    CONTROLLER,
    KEY,
    cfg,
    closing,
    details,
    events,
    fail,
    payload,
    warnings,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.integration.support.tls import self_signed
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

OPTIONS = yaml.safe_load(page_on_failure.DOCUMENTATION)["options"]
# Those of the fragments are documented elsewhere.
ALL = [*OPTIONS, *(name for name in _incident.SPEC if name in VARIABLES), *OUTBOX_SPEC]
ARGUMENTS = [name for name in _incident.SPEC if name not in ("summary", "link_text")]
#: the same on a second route
SLOW = pytest.mark.slow
SECRET = "Zq8-secret-Wm3"


def in_environment(**values: str) -> dict[str, str]:
    return {f"PAGERDUTY_{name.upper()}": value for name, value in values.items()}


@pytest.mark.parametrize("place", ["environment", pytest.param("ansible.cfg", marks=SLOW), "variables"])
def test_with_everything_empty_the_page_goes_out_and_nothing_secret_with_it(
    ansible: Ansible, simulator: Simulator, place: str
) -> None:
    blank = dict.fromkeys(ALL, "")
    known = {"routing_key": KEY, "api_url": simulator.url}
    env: dict[str, str] = {}
    variables: dict[str, Any] = {"db_password": SECRET}
    section: dict[str, Any] = known
    if place == "environment":
        env = in_environment(**blank)
    elif place == "ansible.cfg":
        env, section = in_environment(**known), blank
    else:
        nothing = ("", " ", "{{ nowhere | default('') }}", "{{ none }}")
        variables.update({name: nothing[number % 4] for number, name in enumerate(VARIABLES.values())})
    failing = fail("Break", message=f"no login with {SECRET}", vars=variables)
    page = {
        "name": "Page",
        "oncall.pagerduty.incident": {"summary": "x", **dict.fromkeys(VARIABLES.keys() & ARGUMENTS, "")},
    }

    run = ansible.tasks(
        [{**page, "vars": variables}, failing],
        cfg=cfg(simulator, **{"retry_base_interval": None, "routing_key": None, "api_url": None, **section}),
        env=env,
    )

    assert run.rc == 2, run.output
    (by_task, by_callback) = events(simulator)
    assert (by_task.key, by_callback.key, by_task.summary) == (KEY, KEY, "x")
    assert "no login with " in details(by_callback)["message"]
    assert warnings(run) == []
    assert len(closing(run)) == 1
    assert_no_secret([details(by_callback), run.stderr], SECRET, KEY)


@pytest.mark.parametrize(
    ("env", "setting", "is_sent"),
    [
        ({}, "no", True),
        (in_environment(validate_certs=""), "", False),
        pytest.param(in_environment(validate_certs=""), "no", True, marks=SLOW),
        (in_environment(validate_certs="ture"), None, None),
        pytest.param({}, "/etc/ssl/certs", None, marks=SLOW),
    ],
    ids=["off", "empty", "empty before off", "mistyped", "a path"],
)
def test_a_certificate_that_nobody_vouches_for_is_taken_only_where_that_is_said(
    ansible: Ansible, tmp_path: Path, env: dict[str, str], setting: str | None, is_sent: bool | None
) -> None:
    outbox = delivery_settings(
        {
            **{name: about.get("default") for name, about in OUTBOX_SPEC.items()},
            "outbox_path": str(ansible.home / ".ansible" / "oncall.pagerduty" / "outbox.sqlite3"),
        }
    )
    with Simulator(certfile=str(self_signed(tmp_path))) as untrusted:
        run = ansible.tasks(
            [fail("Break")],
            cfg=cfg(untrusted, validate_certs=setting, flush_timeout=60 if is_sent else 0, courier_linger=120),
            env=env,
        )
        if is_sent is False:
            reason = ""
            until = time.monotonic() + 60
            while "certificate" not in reason and time.monotonic() < until:
                reason = " ".join(str(entry.reason) for entry in listed(outbox).events)
                time.sleep(0.05)
            # So that the courier has nothing more to wait for.
            purged(outbox, None, True)
            assert "certificate" in reason
        sent = len(events(untrusted))
    assert run.rc == 2, run.output
    assert sent == (1 if is_sent else 0)
    if is_sent is None:
        (said,) = warnings(run)
        word = setting or "ture"
        where = "validate_certs under [pagerduty] in " if setting else "PAGERDUTY_VALIDATE_CERTS in the environment"
        assert said.startswith(f"nothing will be paged in this run: validate_certs: '{word}' was given; expected true ")
        assert f"(set by {where}" in said
    else:
        assert warnings(run) == []


@pytest.mark.parametrize(
    ("word", "place"),
    [("yes # always", "ansible.cfg"), pytest.param("flase", "environment", marks=SLOW)],
    ids=["comment", "typing error"],
)
def test_what_is_no_word_for_no_does_not_switch_paging_off(
    ansible: Ansible, simulator: Simulator, word: str, place: str
) -> None:
    env = in_environment(enabled=word) if place == "environment" else {}
    run = ansible.tasks([fail("Break")], cfg=cfg(simulator, enabled=None if env else word), env=env)
    assert len(events(simulator)) == 1
    (said,) = warnings(run)
    assert said.startswith(f"enabled: '{word}' was given; expected true or false")
    assert ("in ansible.cfg, a comment after a value begins with ;" in said) is (place == "ansible.cfg")
    assert "PAGERDUTY_ENABLED in the environment" in said or "enabled under [pagerduty] in " in said
    assert "failures are paged" in said


@pytest.mark.parametrize("place", ["environment", pytest.param("ansible.cfg", marks=SLOW)])
def test_a_typing_error_in_what_decorates_a_page_keeps_no_page_back(
    ansible: Ansible, simulator: Simulator, place: str
) -> None:
    mistyped = {"severity": "failed=criticl", "custom_details": "{team: shop}", "change_events": "sometimes"}
    in_file = place == "ansible.cfg"
    run = ansible.tasks(
        [fail("Break")],
        cfg=cfg(simulator, **(mistyped if in_file else {})),
        env={} if in_file else in_environment(**mistyped),
    )
    (incident,) = simulator.incidents
    assert incident.is_open
    assert payload(events(simulator)[0])["severity"] == "error"
    said = warnings(run)
    assert [text.partition(":")[0] for text in said] == list(mistyped)
    for text, name in zip(said, mistyped):
        where = f"{name} under [pagerduty] in " if in_file else f"PAGERDUTY_{name.upper()} in the environment"
        assert f"(set by {where}" in text
        assert text.endswith("failures are paged as if it had not been given")


@pytest.mark.slow
def test_templates_of_variables_that_come_to_nothing_leave_it_to_the_options(
    ansible: Ansible, simulator: Simulator
) -> None:
    options: dict[str, Any] = {
        "summary": "A: {{ failure.summary }}",
        "custom_details": {"team": "shop"},
        "dedup_key": "a/{{ site }}",
    }
    empty = {f"pagerduty_{name}": "{{ nowhere | default('') }}" for name in options}
    run = ansible.tasks([fail("Break", vars={**empty, "site": "fra"})], cfg=cfg(simulator, **options))
    (incident,) = simulator.incidents
    assert (incident.summary, incident.dedup_key) == (
        f"A: playbook.yml failed on localhost ({CONTROLLER}): Break",
        "a/fra",
    )
    assert incident.details["team"] == "shop"
    assert warnings(run) == []


@pytest.mark.slow
def test_a_section_whose_name_is_misspelt_is_said_when_somebody_should_be_paged(
    ansible: Ansible, simulator: Simulator
) -> None:
    misspelt = cfg(simulator).replace("[pagerduty]", "[pager_duty]")
    run = ansible.tasks([fail("Break")], cfg=misspelt, env=in_environment(routing_key=KEY, api_url=simulator.url))
    assert len(events(simulator)) == 1
    (said,) = warnings(run)
    assert said.startswith("there is no section [pager_duty], which stands in ")
    assert said.endswith("ansible.cfg; is [pagerduty] meant?")
