# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How options and variables together say how a failure is to be paged; with ansible-core's own templating."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import ansible.release
import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.oncall.pagerduty.plugins.module_utils._options import SETTINGS_SPEC
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import Steering
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering_reader import (
    VARIABLES,
    SteeringReader,
    facts_of,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._variables import Variables, trusted
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, OTHER_KEY
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

HAS_OMIT = tuple(map(int, ansible.release.__version__.split(".")[:2])) >= (2, 19)
OPTIONS = {
    **{name: option.get("default") for name, option in SETTINGS_SPEC.items()},
    "enabled": True,
    "severity": "error",
    "group_by": ["playbook"],
    "dedup_key": None,
    "summary": None,
    "custom_details": None,
    "component": None,
    "group": None,
    "class": None,
    "client": "Ansible",
    "client_url": None,
}
FACTS = facts_of(job="deploy.yml", host="web1", task="Install", role="", path="deploy.yml:7", play="Deploy")
#: what ansible-core gives each host; from 2.19 on it is no variable
OMIT = {} if HAS_OMIT else {"omit": "__omit_place_holder__0123"}


def variables(values: dict[str, Any]) -> Variables:
    """Variables as an inventory has them, templates and all."""
    values = trusted(values)
    return Variables(values, Templar(loader=DataLoader(), variables=values))


class Reader:
    """A reader with its warnings."""

    def __init__(self, **options: Any) -> None:
        self.options = {**OPTIONS, "routing_key": KEY, **options}
        self.warnings: list[str] = []
        self._reader = SteeringReader(self.options, self.warnings.append)

    def read(self, values: Variables | dict[str, Any] | None) -> Steering:
        return self._reader.read(variables(values) if isinstance(values, dict) else values, FACTS)


# --- precedence --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "attribute", "read"),
    [
        ("enabled", False, "enabled", False),
        ("enabled", "no", "enabled", False),
        ("enabled", "{{ 1 == 2 }}", "enabled", False),
        (
            "severity",
            "warning",
            "severities",
            dict.fromkeys(("failed", "unreachable", "error", "interrupted"), "warning"),
        ),
        ("group_by", "host", "group_by", ("host",)),
        ("group_by", ["playbook", "vars.dc"], "group_by", ("playbook", "vars.dc")),
        ("dedup_key", "{{ dc }}/{{ failure.host }}", "dedup_key", "fra/web1"),
        ("component", "{{ dc }}", "component", "fra"),
        ("group", "shop", "group", "shop"),
        ("class", 7, "class_", "7"),
        ("client", "CI", "client", "CI"),
        ("client_url", "https://ci.example.com", "client_url", "https://ci.example.com"),
        ("summary", "{{ x }}", "summary", "{{ x }}"),
        ("custom_details", {"a": "{{ x }}"}, "custom_details", {"a": "{{ x }}"}),
        ("custom_details", "{{ all_details }}", "custom_details", "{{ all_details }}"),
    ],
)
def test_a_variable_overrules_the_option(option: str, value: Any, attribute: str, read: Any) -> None:
    reader = Reader()
    assert getattr(reader.read({"dc": "fra", f"pagerduty_{option}": value}), attribute) == read
    assert reader.warnings == []
    assert getattr(reader.read({}), attribute) == getattr(Reader().read(None), attribute)


def test_the_variables_that_group_by_names_are_rendered() -> None:
    reader = Reader(group_by="vars.dc,vars.nothing,vars.number,vars.broken")
    read = reader.read({"dc": "{{ site }}1", "site": "fra", "number": 3, "broken": "{{ nowhere }}"})
    assert read.variables == {"dc": "fra1", "nothing": "", "number": "3", "broken": ""}
    assert len(reader.warnings) == 1
    assert reader.warnings[0].startswith("group_by: the variable broken cannot be rendered")


def test_variables_name_another_service() -> None:
    read = Reader().read({"team_key": OTHER_KEY, "pagerduty_routing_key": "{{ team_key }}", "pagerduty_region": "eu"})
    assert read.target is not None
    assert read.target.routing_key == OTHER_KEY
    assert read.target.settings.connection.base_url == "https://events.eu.pagerduty.com"


def test_the_place_that_names_a_key_or_its_file_decides_for_both(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(OTHER_KEY + "\n")
    file.chmod(0o600)
    by_file = Reader().read({"pagerduty_routing_key_file": str(file)})
    by_key = Reader(routing_key=None, routing_key_file=str(file)).read({"pagerduty_routing_key": KEY})
    assert [read.target and read.target.routing_key for read in (by_file, by_key)] == [OTHER_KEY, KEY]


# --- what is empty -----------------------------------------------------------------------------------------------

#: each option with a value that is not the default
GIVEN: dict[str, Any] = {
    **dict.fromkeys(VARIABLES, "word"),
    "enabled": False,
    "severity": "critical",
    "group_by": ["role"],
    "custom_details": {"a": "b"},
    "routing_key": OTHER_KEY,
    "routing_key_file": "/nowhere/key",
    "region": "eu",
    "api_url": "https://relay.example.com",
    "proxy": "http://proxy.example.com",
    "allow_http": True,
    "validate_certs": False,
    "jitter": False,
    "max_retries": 1,
    **dict.fromkeys(("retry_base_interval", "retry_max_interval", "timeout", "deadline"), 9.0),
}


def test_an_empty_variable_and_a_template_that_comes_to_nothing_leave_the_key_to_the_options_template() -> None:
    reader = Reader(dedup_key="{{ site }}/{{ failure.play }}")
    for blank in ("", "{{ '' }}"):
        assert reader.read({"pagerduty_dedup_key": blank, "site": "fra"}).dedup_key == "fra/Deploy"


@pytest.mark.parametrize("name", VARIABLES)
def test_an_empty_variable_leaves_it_to_the_option(name: str) -> None:
    given = {name: GIVEN[name]} if name != "routing_key_file" else {}
    usual = Reader(**given).read({})
    listed = ([], [""], ",") if name == "group_by" else ()
    for blank in ("", " ", "\n", None, "{{ '' }}", "{{ nothing | default('') }}", "{{ none }}", "{{ omit }}", *listed):
        reader = Reader(**given)
        read = reader.read({f"pagerduty_{name}": blank, **OMIT})
        if name in ("summary", "custom_details"):
            # Rendered when the failure is known.
            assert read.otherwise == usual.otherwise
        else:
            assert read == usual
        assert reader.warnings == []


def test_an_empty_key_beside_a_key_file_is_no_second_key(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(OTHER_KEY)
    file.chmod(0o600)
    reader = Reader()
    read = reader.read({"pagerduty_routing_key": "", "pagerduty_routing_key_file": str(file)})
    assert read.target is not None
    assert read.target.routing_key == OTHER_KEY
    assert reader.warnings == []


@pytest.mark.parametrize("name", ["max_retries", "timeout", "deadline", "jitter", "retry_base_interval"])
def test_a_typing_error_in_how_patiently_to_send_does_not_change_who_is_paged(name: str) -> None:
    reader = Reader()
    read = reader.read({"pagerduty_routing_key": OTHER_KEY, f"pagerduty_{name}": "10s"})
    assert read.target is not None
    assert read.target.routing_key == OTHER_KEY
    (warning,) = reader.warnings
    assert warning.startswith(
        f"the variable pagerduty_{name} cannot be used and is left out: {name}: '10s' was given; "
    )


@pytest.mark.parametrize(
    ("name", "word"),
    [("validate_certs", "ture"), ("allow_http", "/etc"), ("region", "eurpe"), ("api_url", "nowhere"), ("region", KEY)],
)
def test_an_unusable_way_is_said_with_variable_and_word_and_fails_closed(name: str, word: str) -> None:
    reader = Reader()
    read = reader.read({f"pagerduty_{name}": word})
    assert read.target == Reader().read(None).target
    assert read.target is not None
    assert read.target.settings.connection.validate_certs is True
    (warning,) = reader.warnings
    assert f"(set by pagerduty_{name} of the host)" in warning
    assert word == KEY or word in warning
    assert_no_secret(warning, KEY)


# --- what cannot be used -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("enabled", "maybe"),
        ("severity", "bad"),
        ("severity", ["error"]),
        ("group_by", "hosts"),
        ("group_by", 5),
        ("custom_details", ["a"]),
        ("client", "{{ nowhere }}"),
        ("dedup_key", "{{ nowhere }}"),
    ],
)
def test_a_variable_that_cannot_be_used_is_warned_about_once_and_left_out(option: str, value: Any) -> None:
    reader = Reader()
    usual = Reader().read({})
    read = [reader.read({f"pagerduty_{option}": value}) for _time in range(3)]
    assert read == [usual] * 3
    (warning,) = reader.warnings
    assert option in warning


@pytest.mark.parametrize(
    "values",
    [
        {"pagerduty_routing_key": "too short"},
        {"pagerduty_routing_key_file": "/nowhere/key"},
        {"pagerduty_region": "mars"},
        {"pagerduty_api_url": "http://events.example.com"},
        {"pagerduty_validate_certs": "ture"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_way_that_cannot_be_used_makes_way_for_the_usual_one(values: dict[str, Any]) -> None:
    reader = Reader()
    assert reader.read(values).target == Reader().read(None).target
    (warning,) = reader.warnings
    assert warning.startswith("variables name a way that cannot be used, so the usual one is taken: ")
    assert_no_secret(warning, KEY)


def test_without_any_key_there_is_no_target_but_the_reason() -> None:
    reader = Reader(routing_key=None)
    for read in (reader.read({}), reader.read(None)):
        assert read.target is None
        assert read.problem is not None
        assert read.problem.startswith("routing_key: no integration key was given")
    assert reader.warnings == []


@pytest.mark.parametrize(
    ("given", "details"),
    [(None, None), (" ", None), ('{"team": "shop", "n": [1]}', {"team": "shop", "n": [1]}), ({"a": 1}, {"a": 1})],
)
def test_details_in_ansible_cfg_are_json(given: Any, details: Any) -> None:
    assert Reader(custom_details=given).read(None).custom_details == details


# --- one key ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "key", "problem"),
    [
        ({"pagerduty_routing_key": OTHER_KEY, "pagerduty_routing_key_file": "/nowhere"}, OTHER_KEY, "both give"),
        ({"pagerduty_routing_key": "", "pagerduty_routing_key_file": ""}, KEY, None),
        ({"pagerduty_routing_key": None}, KEY, None),
        ({"pagerduty_routing_key": "short", "pagerduty_routing_key_file": "/nowhere"}, KEY, "both give"),
        ({"pagerduty_routing_key": "{{ nowhere }}"}, KEY, "cannot be rendered"),
    ],
)
def test_a_page_goes_out_whatever_variables_say_of_keys(values: dict[str, Any], key: str, problem: str | None) -> None:
    reader = Reader()
    read = reader.read(values)
    assert read.target is not None
    assert read.target.routing_key == key
    assert [problem is not None and problem in reader.warnings[0]] == [bool(reader.warnings)]
    assert_no_secret(reader.warnings, KEY, OTHER_KEY)


def test_a_pipe_is_read_once_for_all_failures() -> None:
    reading, writing = os.pipe()
    os.write(writing, KEY.encode())
    os.close(writing)
    pipe = f"/dev/fd/{reading}"
    reader = Reader(routing_key=None, routing_key_file=pipe)
    for timeout in (10, 5):
        target = reader.read({"pagerduty_timeout": timeout}).target
        assert target is not None
        assert (target.routing_key, target.settings.timeout) == (KEY, timeout)
    os.close(reading)
    assert reader.warnings == []


# --- what comes from managed hosts -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["api_url", "routing_key", "summary", "enabled", "proxy"])
def test_a_fact_that_a_host_reports_steers_nothing(name: str) -> None:
    # Else whoever owns a managed host could have the integration key sent to an address of his own.
    value = {"enabled": False}.get(name, "https://evil.example.com")
    reader = Reader()
    values = {f"pagerduty_{name}": value, "ansible_facts": {f"pagerduty_{name}": value}}
    assert reader.read(values) == Reader().read({})
    assert reader.warnings == [f"the variable pagerduty_{name} is a fact that a host reports, and is left out"]


def hostile(file: Path) -> str:
    """A text that makes the file if it is taken for a template."""
    return f"{{{{ lookup('pipe', 'touch \"{file}\"') }}}}"


def test_text_from_hosts_is_never_taken_for_a_template(tmp_path: Path) -> None:
    file = tmp_path / "executed"
    values = wrap_var({"said": hostile(file), "pagerduty_summary": hostile(file), "pagerduty_client": hostile(file)})
    from_hosts = Variables(values, Templar(loader=DataLoader(), variables=values))
    ours = trusted({"text": "{{ said }}, {{ failure.message }}", "list": ["{{ failure.message }}"]})
    rendered = from_hosts.render(ours, {"message": hostile(file)})
    assert rendered == {"text": f"{hostile(file)}, {hostile(file)}", "list": [hostile(file)]}
    read = Reader(dedup_key="{{ said }}").read(from_hosts)
    assert read.client == read.dedup_key == hostile(file)
    assert from_hosts.render(read.summary, {}) == hostile(file)
    assert from_hosts.render(rendered, {}) == rendered
    assert not file.exists()


def test_such_a_text_would_be_executed_if_it_were_the_users_own(tmp_path: Path) -> None:
    file = tmp_path / "executed"
    variables({}).render(trusted(hostile(file)), {})
    assert file.exists()
