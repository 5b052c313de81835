# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables make a run another job, and what is kept of them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.oncall.pagerduty.plugins.callback import page_on_failure
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._job_variables import NO_PARAMETERS, parameters_of
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, OTHER_KEY

OPTION = yaml.safe_load(page_on_failure.DOCUMENTATION)["options"]["job_variables"]
DEFAULT: list[str] = OPTION["default"]


def digest(extra: dict[str, Any], patterns: list[str] = DEFAULT, key: str = KEY) -> str:
    return parameters_of(extra, patterns).digest(key)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"port": "80"}, {"port": 80}),
        ({"on": "true"}, {"on": True}),
        ({"on": "False"}, {"on": False}),
        ({"ratio": "0.5"}, {"ratio": 0.5}),
        ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}),
        ({"ports": [80, 81]}, {"ports": ["80", "81"]}),
        ({"app": {"name": "shop", "port": 80}}, {"app": {"port": "80", "name": "shop"}}),
        *(
            ({"app": "shop", name: "1"}, {"app": "shop", name: "2"})
            for name in (
                "app_version",
                "VERSION",
                "image_tag",
                "git_revision",
                "commit_sha",
                "build",
                "release_name",
                "awx_job_id",
                "tower_user_name",
                "pagerduty_severity",
                "ansible_become_pass",
                "ansible_password",
                "ansible_ssh_password",
            )
        ),
        ({"app": "shop", "version": "1"}, {"app": "shop"}),
    ],
)
def test_the_same_job(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert digest(one) == digest(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"app": "shop"}, {"app": "blog"}),
        ({"app": "shop"}, {}),
        ({"app": "shop"}, {"app": ""}),
        ({"app": "shop"}, {"name": "shop"}),
        ({"a": "1,2"}, {"a": ["1", "2"]}),
        ({"a": {"b": 1}}, {"a": {"c": 1}}),
        ({"tag_names": "a"}, {"tag_names": "b"}),
        ({"ansible_user": "ann"}, {"ansible_user": "bob"}),
        ({"ansible_host": "one"}, {"ansible_host": "two"}),
    ],
)
def test_another_job(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert digest(one) != digest(other)


def test_without_any_that_counts_there_is_nothing() -> None:
    assert parameters_of({"version": 1}, DEFAULT) is NO_PARAMETERS
    assert digest({}) == digest({"app": "shop"}, ["!*"]) == ""


def test_patterns_say_which_count() -> None:
    assert parameters_of({"app": 1, "Colour": 2, "size": 3}, ["*", " !colour"]).names == ("app", "size")
    assert parameters_of({"app": 1, "colour": 2}, ["app"]).names == ("app",)


def test_answers_to_a_plays_questions_count_too() -> None:
    asked = [{"name": "app"}, {"name": "version"}, {"name": "login", "encrypt": "sha512_crypt"}, {"name": "never"}]
    answers = {"app": "shop", "version": "1", "login": "$6$salt$", "other": "a play's own"}
    found = parameters_of({"region": "eu"}, DEFAULT, asked, answers)
    assert found.names == ("app", "region")
    assert found == parameters_of({"region": "eu", "app": "shop"}, DEFAULT)
    # ansible-core does not ask for what was given.
    assert parameters_of({"app": "blog"}, DEFAULT, asked, {}) == parameters_of({"app": "blog"}, DEFAULT)


def test_no_value_can_be_read_or_tried_out_without_the_integration_key() -> None:
    found = parameters_of({"pin": "1234", "deep": {"word": "hunter2"}}, DEFAULT)
    assert "1234" not in repr(found)
    assert "hunter2" not in repr(found)
    assert found.digest(KEY) != found.digest(OTHER_KEY)
    assert len(found.digest(KEY)) == 32


def test_a_value_that_cannot_be_read_is_told_by_what_it_is_encrypted_as() -> None:
    class Locked:
        def __init__(self, ciphertext: str) -> None:
            self._ciphertext = ciphertext

        def __str__(self) -> str:
            raise ValueError("no vault secrets found")

    assert digest({"a": Locked("x")}) == digest({"a": Locked("x")}) != digest({"a": Locked("y")})
