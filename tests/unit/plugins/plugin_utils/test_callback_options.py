# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of the callback's options: what cannot be used is said, and keeps nothing else from working."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._options import SETTINGS_SPEC
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._callback_options import (
    CallbackOptions,
    checked,
    key_file_problem,
    with_one_key,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_options import OUTBOX_SPEC
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, OTHER_KEY
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

DEFAULTS = {
    **{name: option.get("default") for name, option in {**SETTINGS_SPEC, **OUTBOX_SPEC}.items()},
    "page_on": ["failed", "unreachable", "error"],
    "severity": "error",
    "group_by": ["playbook"],
    "custom_details": None,
    "change_events": "false",
    "flush_timeout": 10.0,
}


def look_at(**options: Any) -> CallbackOptions:
    """What is made of these options, with a good key unless they have one."""
    given = CallbackOptions({**DEFAULTS, "routing_key": KEY, **options})
    return checked(given, DEFAULTS, {})


def test_nothing_is_said_of_good_options() -> None:
    details = '{"team": "shop"}'
    good = {"severity": "failed=critical", "group_by": ["role", "vars.team"], "custom_details": details}
    options = look_at(**good)
    assert (options.doubts, options.nobody) == ([], None)
    assert {name: options.values[name] for name in good} == good


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("page_on", ["everything"]),
        ("severity", "bad"),
        ("group_by", ["hosts"]),
        ("group_by", []),
        ("custom_details", "[1]"),
        ("custom_details", "{team: shop}"),
        ("change_events", "sometimes"),
        ("outbox_max_events", -1),
        ("outbox_max_age", math.inf),
        ("courier_linger", math.nan),
        ("timeout", 0.0),
        *(
            (name, value)
            for name in ("flush_timeout", "timeout", "retry_base_interval", "retry_max_interval")
            for value in (-1.0, math.inf, -math.inf, math.nan)
        ),
    ],
)
def test_the_default_counts_for_what_cannot_be_used(option: str, given: Any) -> None:
    options = look_at(**{option: given})
    (doubt,) = options.doubts
    assert doubt.startswith(f"{option}: ")
    default = DEFAULTS[option]
    assert doubt.endswith(". It is left out" if default is None else f". The default counts instead: {default}")
    assert options.values == {**DEFAULTS, "routing_key": KEY}
    assert options.nobody is None


def test_each_of_several_is_said() -> None:
    options = look_at(severity="bad", group_by=["hosts"], timeout=0.0, retry_base_interval=-1.0, outbox_max_age=-1.0)
    named = {doubt.partition(":")[0] for doubt in options.doubts}
    assert named == {"group_by", "severity", "retry_base_interval", "timeout", "outbox_max_age"}
    assert len(options.doubts) == len(named)
    assert options.values == {**DEFAULTS, "routing_key": KEY}


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("routing_key", "short"),
        ("routing_key", "R" + OTHER_KEY),
        ("api_url", "nowhere"),
        ("api_url", "http://events.example.com"),
        ("proxy", "no proxy at all"),
    ],
)
def test_nothing_takes_the_place_of_a_key_or_a_way(option: str, given: str) -> None:
    options = look_at(**{option: given})
    assert options.doubts == []
    assert str(options.nobody).startswith(f"{option}: ")
    assert options.values[option] == given
    assert_no_secret(str(options.nobody), KEY, OTHER_KEY)


# --- one key ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "counts", "where"),
    [
        ({"PAGERDUTY_ROUTING_KEY": KEY}, "routing_key", None),
        ({"PAGERDUTY_ROUTING_KEY_FILE": "f"}, "routing_key_file", None),
        ({"PAGERDUTY_ROUTING_KEY": KEY, "PAGERDUTY_ROUTING_KEY_FILE": "f"}, "routing_key", "in the environment"),
        ({}, "routing_key", "in ansible.cfg"),
    ],
)
def test_one_of_two_keys_in_the_options_counts(environ: dict[str, str], counts: str, where: str | None) -> None:
    warnings: list[str] = []
    options = with_one_key({"routing_key": KEY, "routing_key_file": "f"}, environ, warnings.append)
    assert [name for name, value in options.items() if value] == [counts]
    assert [where is not None and where in warnings[0]] == [bool(warnings)]


def test_a_key_file_is_looked_at_unless_it_is_encrypted(tmp_path: Path) -> None:
    file = tmp_path / "key"
    assert key_file_problem(None) is None
    assert "cannot be read" in str(key_file_problem(str(file)))
    for content, usable in ((KEY, True), ("$ANSIBLE_VAULT;1.1;AES256\n3031", True), (KEY[:-1], False)):
        file.write_text(content)
        assert (key_file_problem(str(file)) is None) is usable
        assert_no_secret(str(key_file_problem(str(file))), KEY[:-1])


def test_a_pipe_is_not_opened_at_the_start() -> None:
    reading, writing = os.pipe()
    assert key_file_problem(f"/dev/fd/{reading}") is None
    os.close(writing)
    os.close(reading)


def test_a_key_file_is_opened_once_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    opened: list[str] = []
    is_watching = True
    sys.addaudithook(lambda name, given: opened.append(str(given[0])) if is_watching and name == "open" else None)
    assert key_file_problem(str(file)) is None
    is_watching = False
    assert opened == [str(file)]
