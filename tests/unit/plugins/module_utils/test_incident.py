# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an incident task mean the alert event that they say."""

from __future__ import annotations

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils import _incident
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Action, Alert, Api

DEFAULTS = {name: spec.get("default") for name, spec in _incident.SPEC.items()}


@pytest.mark.parametrize(
    ("state", "action"),
    [("triggered", Action.TRIGGER), ("acknowledged", Action.ACKNOWLEDGE), ("resolved", Action.RESOLVE)],
)
def test_each_state_is_an_action(state: str, action: Action) -> None:
    assert _incident.event({**DEFAULTS, "state": state}) == Alert(action, severity="error", client="Ansible")


def test_everything() -> None:
    options = {
        "state": "triggered",
        "dedup_key": "k",
        "summary": "s",
        "source": "h",
        "severity": "info",
        "component": "c",
        "group": "g",
        "class": "l",
        "custom_details": {"a": 1},
        "timestamp": "t",
        "client": "me",
        "client_url": "https://me",
        "links": [{"href": "https://a"}],
        "link_url": "https://b",
        "images": [{"src": "https://i"}],
    }
    assert _incident.event(options) == Alert(
        Action.TRIGGER,
        "k",
        "s",
        "h",
        "info",
        "c",
        "g",
        "l",
        {"a": 1},
        "t",
        "me",
        "https://me",
        ({"href": "https://a"}, {"href": "https://b", "text": None}),
        ({"src": "https://i"},),
    )


@pytest.mark.parametrize(("version", "api"), [("v1", Api.V1), ("v2", Api.V2)])
def test_the_version_chooses_the_api(version: str, api: Api) -> None:
    assert _incident.api({"api_version": version}) is api


def test_a_dedup_key_is_no_secret() -> None:
    assert _incident.SPEC["dedup_key"]["no_log"] is False


@pytest.mark.parametrize(
    ("alias", "option"),
    [
        ("integration_key", "routing_key"),
        ("service_key", "routing_key"),
        ("desc", "summary"),
        ("description", "summary"),
        ("incident_key", "dedup_key"),
        ("incident_class", "class"),
        ("details", "custom_details"),
    ],
)
def test_the_names_of_other_modules_work_here(alias: str, option: str) -> None:
    assert alias in _incident.SPEC[option]["aliases"]
