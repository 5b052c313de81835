# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the callback makes of its options before anything has failed."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import SETTINGS_SPEC, check_key_content
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._callback_options import (
    checked,
    key_file_problem,
    paged_anyway,
    parse_change_events,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_options import OUTBOX_SPEC
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolved_options import Resolved
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, OTHER_KEY
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

OPTIONS = {
    **{name: option.get("default") for name, option in {**SETTINGS_SPEC, **OUTBOX_SPEC}.items()},
    "page_on": ["failed"],
    "change_events": "false",
    "severity": "error",
    "group_by": ["playbook"],
    "custom_details": None,
    "flush_timeout": 10.0,
}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"group_by": ["hosts"]}, "group_by"),
        ({"routing_key": "short"}, "routing_key"),
        ({"api_url": "nowhere"}, "api_url"),
        ({"timeout": 0.0}, "timeout"),
        *(
            ({name: value}, name)
            for name in ("flush_timeout", "timeout", "retry_base_interval", "retry_max_interval")
            for value in (-1.0, math.inf, -math.inf, math.nan)
        ),
    ],
)
def test_bad_options_are_refused_by_name(options: dict[str, Any], named: str) -> None:
    origins = {named: "a place", "component": "another"}
    with pytest.raises(OptionError, match=rf"^{named}: .* \(set by a place\)$") as caught:
        checked(Resolved({**OPTIONS, "routing_key": KEY, **options}, origins, {}))
    assert_no_secret(str(caught.value), KEY)


def test_good_options_pass_with_a_key_or_without() -> None:
    good = {"severity": "failed=critical", "group_by": ["role", "vars.team"], "custom_details": '{"team": "shop"}'}
    for key in (KEY, OTHER_KEY, None):
        options = {**OPTIONS, **good, "routing_key": key}
        assert checked(Resolved(options, {}, {})) == options


def test_a_value_without_its_type_is_refused_by_name_and_only_enabled_makes_way() -> None:
    where = {"timeout": "PAGERDUTY_TIMEOUT in the environment", "enabled": "enabled under [pagerduty]"}
    with pytest.raises(OptionError, match=r"^timeout: bad \(set by PAGERDUTY_TIMEOUT in the environment\)$"):
        checked(Resolved(OPTIONS, where, {"timeout": "bad"}))
    switched = Resolved({**OPTIONS, "enabled": True}, where, {"enabled": "bad"})
    assert checked(switched)["enabled"] is True
    (said,) = paged_anyway(switched)
    assert said == (
        "enabled: bad (set by enabled under [pagerduty]); failures are paged, since a typing error must not keep a page"
        " back"
    )
    assert paged_anyway(Resolved(OPTIONS, where, {})) == []


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("severity", "bad"),
        ("severity", "failed=criticl,unreachable=warning"),
        ("severity", "failed"),
        ("severity", "stopped=error"),
        ("custom_details", "[1]"),
        ("custom_details", "{team: shop}"),
        ("custom_details", "[" * 100_000),
        ("change_events", "sometimes"),
    ],
)
def test_what_no_page_depends_on_is_as_if_it_had_not_been_given(option: str, given: str) -> None:
    resolved = Resolved({**OPTIONS, option: given}, {option: "a place"}, {})
    assert checked(resolved) == {**OPTIONS, option: None}
    (said,) = paged_anyway(resolved)
    assert said.startswith(f"{option}: ")
    assert said.endswith(" (set by a place); failures are paged as if it had not been given")
    assert len(said) < 500


@pytest.mark.parametrize(
    ("given", "when"),
    [("start", "start"), (" Start ", "start"), ("true", "end"), (True, "end"), ("no", ""), (None, "")],
)
def test_when_change_events_are_sent(given: Any, when: str) -> None:
    assert parse_change_events(given) == when


def test_another_word_for_change_events_is_refused() -> None:
    with pytest.raises(OptionError, match="^change_events: 'sometimes' was given; expected true, false or start"):
        parse_change_events("sometimes")


# --- the key file -----------------------------------------------------------------------------------------------------


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


def test_a_key_file_that_is_still_encrypted_is_said_to_be_so() -> None:
    with pytest.raises(OptionError, match="is encrypted with ansible-vault, and no vault password") as caught:
        check_key_content("pagerduty.key", b"$ANSIBLE_VAULT;1.1;AES256\n3031")
    assert str(caught.value).startswith("routing_key_file: 'pagerduty.key' ")
