# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the options that say how to page can be."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import (
    CAUSES,
    LABELS,
    parse_names,
    parse_severities,
)
from ansible_collections.oncall.pagerduty.tests.support.events import KEY
from ansible_collections.oncall.pagerduty.tests.support.failures import steering
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

ERROR = dict.fromkeys(CAUSES, "error")


@pytest.mark.parametrize(
    ("given", "severities"),
    [
        (None, ERROR),
        ("", ERROR),
        ("info", dict.fromkeys(CAUSES, "info")),
        (" critical ", dict.fromkeys(CAUSES, "critical")),
        ("CRIT", dict.fromkeys(CAUSES, "critical")),
        ("failed=Critical", {**ERROR, "failed": "critical"}),
        ("failed=critical", {**ERROR, "failed": "critical"}),
        ("failed=critical, unreachable=warning,", {**ERROR, "failed": "critical", "unreachable": "warning"}),
        ({"unreachable": "warning"}, {**ERROR, "unreachable": "warning"}),
        ({"error": "info", "interrupted": "info"}, {**ERROR, "error": "info", "interrupted": "info"}),
    ],
)
def test_severities(given: Any, severities: dict[str, str]) -> None:
    assert parse_severities(given) == severities


@pytest.mark.parametrize("given", ["bad", "failed=bad", "broken=error", {"failed": "bad"}, {"x": "error"}, 3, "a=b=c"])
def test_a_severity_that_there_is_not_is_refused_by_name(given: Any) -> None:
    with pytest.raises(OptionError, match=r"^severity: .*expected one of critical, error, warning, info"):
        parse_severities(given)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("playbook", ("playbook",)),
        ("playbook, host ,role", ("playbook", "host", "role")),
        (["playbook", "vars.datacenter"], ("playbook", "vars.datacenter")),
        (["host", "host"], ("host",)),
        (("play", " "), ("play",)),
    ],
)
def test_names(given: Any, names: tuple[str, ...]) -> None:
    assert parse_names("group_by", given, LABELS, variables=True) == names


@pytest.mark.parametrize("given", ["", None, [], " , ", "hosts", "playbook,hosts", "vars.", ["vars"], 5])
def test_names_that_there_are_not_are_refused_by_name(given: Any) -> None:
    with pytest.raises((OptionError, TypeError), match="group_by|not iterable"):
        parse_names("group_by", given, LABELS, variables=True)


def test_variables_only_where_they_are_allowed() -> None:
    with pytest.raises(OptionError, match=r"page_on: 'vars\.x' was given; expected names out of failed, unreachable"):
        parse_names("page_on", "vars.x", CAUSES)


def test_a_steering_shows_no_key() -> None:
    assert_no_secret(repr(steering()), KEY)
