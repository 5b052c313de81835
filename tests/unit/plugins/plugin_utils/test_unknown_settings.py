# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Misspelt settings are found, and names that people have for themselves are left alone."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.oncall.pagerduty.plugins.callback import page_on_failure
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import SETTINGS_SPEC, SHARED_OPTIONS
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._unknown_settings import (
    unknown_entries,
    unknown_environment,
    unknown_sections,
    unknown_variables,
)

CALLBACK = set(yaml.safe_load(page_on_failure.DOCUMENTATION)["options"])
KNOWN = {*CALLBACK, *SHARED_OPTIONS}
FOR_RUNS = {"page_on", "job_name", "flush_timeout"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("routng_key", "routing_key"),
        ("severty", "severity"),
        ("serverity", "severity"),
        ("group_bye", "group_by"),
        ("routing_key_fil", "routing_key_file"),
        ("api_ur", "api_url"),
        ("max_retrys", "max_retries"),
    ],
)
def test_what_is_misspelt_is_found_everywhere(name: str, meant: str) -> None:
    upper = f"PAGERDUTY_{meant.upper()}"
    (entry,) = unknown_entries([name], KNOWN, "my.cfg")
    assert entry == f"there is no setting {name}, which stands under [pagerduty] in my.cfg; is {meant} meant?"
    (found,) = unknown_environment([f"PAGERDUTY_{name.upper()}", "PATH"], KNOWN)
    assert found.endswith(f"; is {upper} meant?")
    (found,) = unknown_variables([f"pagerduty_{name}", "hosts"], KNOWN, ())
    assert found.endswith(f"; is pagerduty_{meant} meant?")


@pytest.mark.parametrize(
    "name",
    [
        *("key", "api_key", "api_token", "token", "user", "email", "from", "service", "service_id", "services", "team"),
        *("schedule", "escalation_policy", "version", "subdomain", "account", "url", "host", "integration"),
        *("webhook", "webhook_secret", "incident", "name", "state", "desc", "requester_id", "maintenance_window"),
    ],
)
def test_names_that_people_have_for_themselves_are_left_alone(name: str) -> None:
    assert [*unknown_environment([f"PAGERDUTY_{name.upper()}"], KNOWN)] == []
    assert [*unknown_variables([f"pagerduty_{name}"], KNOWN, FOR_RUNS)] == []


def test_the_name_of_a_setting_that_is_given_is_not_misspelt() -> None:
    names = ["pagerduty_routing_key", "pagerduty_routing_keys"]
    assert [*unknown_variables(names, KNOWN, ())] == []
    assert len([*unknown_variables(names[1:], KNOWN, ())]) == 1


@pytest.mark.parametrize("name", sorted({*SETTINGS_SPEC, *SHARED_OPTIONS, "severity", "class"}))
def test_known_names_are_known(name: str) -> None:
    assert [*unknown_entries([name], KNOWN, "my.cfg")] == []
    assert [*unknown_environment([f"PAGERDUTY_{name.upper()}"], KNOWN)] == []
    assert [*unknown_variables([f"pagerduty_{name}"], KNOWN, FOR_RUNS)] == []


def test_what_is_for_whole_runs_is_no_variable() -> None:
    (warning,) = unknown_variables(["pagerduty_page_on"], KNOWN - FOR_RUNS, FOR_RUNS)
    assert warning == "the variable pagerduty_page_on does nothing: page_on is for whole runs, see PAGERDUTY_PAGE_ON"


def test_any_unknown_name_in_the_section_is_told() -> None:
    (warning,) = unknown_entries(["zzz"], KNOWN, "my.cfg")
    assert warning == "there is no setting zzz, which stands under [pagerduty] in my.cfg"


@pytest.mark.parametrize(
    "name", ["pager_duty", "PagerDuty", "pagerdty", "pager-duty", "oncall.pagerduty", "pagerduty "]
)
def test_a_section_whose_name_is_nearly_the_one_that_is_read(name: str) -> None:
    (warning,) = unknown_sections(["defaults", name, "pagerduty", "colors"], "my.cfg")
    assert warning == f"there is no section [{name}], which stands in my.cfg; is [pagerduty] meant?"


def test_other_sections_are_left_alone() -> None:
    names = ["pagerduty", "defaults", "galaxy", "ssh_connection", "persistent_connection", "callback_profile_tasks"]
    assert [*unknown_sections(names, "my.cfg")] == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PAGERDUTY_GROUPBY", "PAGERDUTY_GROUP_BY"),
        ("PAGERDUTY_SEVRITY", "PAGERDUTY_SEVERITY"),
        ("PAGERDUTY_ROUTNG_KEY", "PAGERDUTY_ROUTING_KEY"),
        ("PAGER_DUTY_ROUTING_KEY", "PAGERDUTY_ROUTING_KEY"),
        ("PAGERDUTYROUTING_KEY", "PAGERDUTY_ROUTING_KEY"),
        ("PagerDuty_Enabled", "PAGERDUTY_ENABLED"),
        ("pagerduty_routing_key", "PAGERDUTY_ROUTING_KEY"),
        ("PAGERDUY_VALIDATE_CERTS", "PAGERDUTY_VALIDATE_CERTS"),
    ],
)
def test_names_in_the_environment_that_are_nearly_one(name: str, meant: str) -> None:
    (warning,) = unknown_environment([name, "PATH", "PAGER", "HOME"], KNOWN)
    assert warning == f"there is no setting {name}, which stands in the environment; is {meant} meant?"
    assert [*unknown_environment([name, meant], KNOWN)] == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("pagerduty_groupby", "pagerduty_group_by"),
        ("pagerduty_sevrity", "pagerduty_severity"),
        ("pagerduty_rooting_key", "pagerduty_routing_key"),
        ("pager_duty_routing_key", "pagerduty_routing_key"),
        ("PAGERDUTY_ROUTING_KEY", "pagerduty_routing_key"),
        ("pagerdutyrouting_key", "pagerduty_routing_key"),
    ],
)
def test_variables_that_are_nearly_one(name: str, meant: str) -> None:
    (warning,) = unknown_variables([name, "pager", "pagers", "hosts"], KNOWN, ())
    assert warning == f"there is no setting {name}, which is a variable of the host; is {meant} meant?"
