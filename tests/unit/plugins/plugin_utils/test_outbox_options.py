# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outbox's settings: specification, documentation, and what of them can be used."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible import constants

from ansible_collections.oncall.pagerduty.plugins.doc_fragments import outbox, retries
from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import SHARED_OPTIONS
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_options import (
    OUTBOX_SPEC,
    default_outbox_path,
    delivery_settings,
)

DEFAULTS: dict[str, Any] = {name: spec.get("default") for name, spec in OUTBOX_SPEC.items()}


def test_the_defaults_are_those_of_the_documentation_and_of_delivery() -> None:
    documented = {
        **yaml.safe_load(outbox.ModuleDocFragment.DOCUMENTATION)["options"],
        **yaml.safe_load(retries.ModuleDocFragment.DOCUMENTATION)["options"],
    }
    assert {name: (entry["type"], entry.get("default")) for name, entry in documented.items()} == {
        name: (spec["type"], spec.get("default")) for name, spec in OUTBOX_SPEC.items()
    }
    assert delivery_settings(DEFAULTS) == DeliverySettings(default_outbox_path())


def test_every_setting_can_come_from_the_environment_an_ini_file_and_a_variable() -> None:
    sources = {
        **yaml.safe_load(outbox.ModuleDocFragment.PLUGINS)["options"],
        **yaml.safe_load(retries.ModuleDocFragment.PLUGINS)["options"],
    }
    assert sources == {
        name: {"env": [{"name": f"PAGERDUTY_{name.upper()}"}], "ini": [{"section": "pagerduty", "key": name}]}
        for name in OUTBOX_SPEC
    }
    assert OUTBOX_SPEC.keys() <= SHARED_OPTIONS


def test_the_outbox_is_in_the_ansible_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants.config, "get_config_value", {"ANSIBLE_HOME": "/home/ann/.ansible"}.__getitem__)
    assert default_outbox_path() == "/home/ann/.ansible/oncall.pagerduty/outbox.sqlite3"


def test_what_is_given_is_taken() -> None:
    given = {
        "outbox_path": "/srv/outbox.sqlite3",
        "outbox_max_events": 0,
        "outbox_max_age": 0.0,
        "prune_superseded": True,
        "max_events_per_minute": 0,
        "courier_linger": 0.0,
        "retry_base_interval": 0.5,
        "retry_max_interval": 2.0,
        "jitter": False,
    }
    assert given.keys() == OUTBOX_SPEC.keys()
    assert delivery_settings(given) == DeliverySettings("/srv/outbox.sqlite3", 0, 0.0, True, 0, 0.5, 2.0, False, 0.0)


@pytest.mark.parametrize("value", [-1, -0.001, float("nan"), float("-inf")])
@pytest.mark.parametrize("name", [name for name, spec in OUTBOX_SPEC.items() if spec["type"] in ("int", "float")])
def test_a_number_that_makes_no_sense_is_refused(name: str, value: float) -> None:
    with pytest.raises(OptionError, match=rf"{name}: {value} was given; expected .*0"):
        delivery_settings({**DEFAULTS, name: value})


@pytest.mark.parametrize("name", ["outbox_max_age", "courier_linger", "retry_base_interval", "retry_max_interval"])
def test_seconds_have_an_end(name: str) -> None:
    with pytest.raises(OptionError, match=f"{name}: inf was given"):
        delivery_settings({**DEFAULTS, name: float("inf")})
